// Tensors and attributes of import graphs, and the order of their nodes.
#include "weights/import_graph.h"

#include <cmath>
#include <limits>

#include "weights/half.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

struct NumberTypeRow {
    const char* name;
    size_t size_bytes;
};
constexpr NumberTypeRow kNumberTypes[] = {
    {"float32", 4}, {"float64", 8}, {"float16", 2}, {"bfloat16", 2}, {"int64", 8}, {"int32", 4},   {"int16", 2},
    {"int8", 1},    {"uint64", 8},  {"uint32", 4},  {"uint16", 2},   {"uint8", 1}, {"boolean", 1},
};

template <class T>
T number_at(const std::byte* place) {
    T value;
    std::memcpy(&value, place, sizeof value);
    return value;
}

float real_at(NumberType type, const std::byte* place) {
    switch (type) {
        case NumberType::float32:
            return number_at<float>(place);
        case NumberType::float64:
            return float(number_at<double>(place));
        case NumberType::float16:
            return from_half(number_at<uint16_t>(place));
        case NumberType::bfloat16:
            return std::bit_cast<float>(uint32_t(number_at<uint16_t>(place)) << 16);
        case NumberType::int64:
            return float(number_at<int64_t>(place));
        case NumberType::int32:
            return float(number_at<int32_t>(place));
        case NumberType::int16:
            return float(number_at<int16_t>(place));
        case NumberType::int8:
            return float(number_at<int8_t>(place));
        case NumberType::uint64:
            return float(number_at<uint64_t>(place));
        case NumberType::uint32:
            return float(number_at<uint32_t>(place));
        case NumberType::uint16:
            return float(number_at<uint16_t>(place));
        case NumberType::uint8:
        case NumberType::boolean:
            return float(number_at<uint8_t>(place));
    }
    return 0;
}

int64_t whole_at(NumberType type, const std::byte* place) {
    switch (type) {
        case NumberType::int64:
            return number_at<int64_t>(place);
        case NumberType::uint64:
            return int64_t(std::min(number_at<uint64_t>(place), uint64_t(std::numeric_limits<int64_t>::max())));
        case NumberType::int32:
            return number_at<int32_t>(place);
        case NumberType::uint32:
            return number_at<uint32_t>(place);
        default: {
            const float value = real_at(type, place);
            if (!(std::abs(value) < 0x1p62f) || value != std::floor(value))
                throw Error(concat("has the value ", value, ", expected whole numbers"));
            return int64_t(value);
        }
    }
}

template <class T>
std::vector<T> decoded(const ImportTensor& tensor, int64_t most, T (*at)(NumberType, const std::byte*)) {
    if (!tensor.fault.empty()) throw Error(tensor.fault);
    const int64_t size = tensor.size();
    if (size < 0 || size > most)
        throw Error(concat("has the shape ", shape_text(tensor.shape), ", expected at most ", most, " values"));
    const size_t step = size_bytes_of(tensor.type);
    if (tensor.uniform) return std::vector<T>(size_t(size), at(tensor.type, tensor.bytes.data()));
    std::vector<T> values;
    values.reserve(size_t(size));
    for (size_t i = 0; i < size_t(size); i++) values.push_back(at(tensor.type, tensor.bytes.data() + i * step));
    return values;
}

template <class T>
ImportTensor owned_tensor(NumberType type, const std::vector<T>& values, Dimensions shape) {
    CHECK(element_count(shape) == int64_t(values.size()));
    ImportTensor tensor;
    tensor.type = type;
    tensor.shape = std::move(shape);
    const Bytes bytes = std::as_bytes(std::span(values));
    tensor.owned = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    tensor.bytes = *tensor.owned;
    return tensor;
}

template <class T>
const T* attribute(const ImportNode& node, const std::string& key, const char* expected) {
    const auto found = node.attributes.find(key);
    if (found == node.attributes.end()) return nullptr;
    const T* value = std::get_if<T>(&found->second);
    if (!value) throw Error(concat("attribute ", printable(key), " is of another kind, expected ", expected));
    return value;
}

}  // namespace

size_t size_bytes_of(NumberType type) { return kNumberTypes[size_t(type)].size_bytes; }
const char* name_of(NumberType type) { return kNumberTypes[size_t(type)].name; }

int64_t element_count(const Dimensions& shape) {
    int64_t count = 1;
    bool empty = false;
    for (const int64_t size : shape) {
        if (size < 0) return -1;
        if (size == 0) {
            empty = true;
        } else {
            if (count > (int64_t(1) << 62) / size) return -1;
            count *= size;
        }
    }
    return empty ? 0 : count;
}

std::vector<float> ImportTensor::reals(int64_t most) const { return decoded<float>(*this, most, real_at); }

std::vector<int64_t> ImportTensor::integers(int64_t most) const { return decoded<int64_t>(*this, most, whole_at); }

ImportTensor tensor_of(std::vector<float> values, Dimensions shape) {
    return owned_tensor(NumberType::float32, values, std::move(shape));
}

ImportTensor tensor_of(std::vector<int64_t> values, Dimensions shape) {
    return owned_tensor(NumberType::int64, values, std::move(shape));
}

int64_t ImportNode::integer(const std::string& key, int64_t otherwise) const {
    const int64_t* value = attribute<int64_t>(*this, key, "an integer");
    return value ? *value : otherwise;
}

float ImportNode::real(const std::string& key, float otherwise) const {
    const float* value = attribute<float>(*this, key, "a number");
    return value ? *value : otherwise;
}

std::string ImportNode::text(const std::string& key, const std::string& otherwise) const {
    const std::string* value = attribute<std::string>(*this, key, "a text");
    return value ? *value : otherwise;
}

std::vector<int64_t> ImportNode::integers(const std::string& key, const std::vector<int64_t>& otherwise) const {
    const std::vector<int64_t>* value = attribute<std::vector<int64_t>>(*this, key, "integers");
    return value ? *value : otherwise;
}

const std::string& ImportNode::input(size_t place) const {
    static const std::string none;
    return place < inputs.size() ? inputs[place] : none;
}

std::string described(const ImportNode& node) {
    const std::string name = !node.name.empty() ? node.name : node.outputs.empty() ? std::string() : node.outputs[0];
    return concat(printable(node.op), " ", printable(name));
}

void sort_nodes(ImportGraph& graph) {
    std::map<std::string_view, size_t> maker;
    std::map<std::string_view, bool> given;
    for (const auto& [name, tensor] : graph.constants) given[name] = true;
    for (const ImportInput& input : graph.inputs)
        if (!given.emplace(input.name, true).second)
            throw Error(concat("input ", printable(input.name), " is there twice, expected once; export it again"));
    for (size_t i = 0; i < graph.nodes.size(); i++)
        for (const std::string& output : graph.nodes[i].outputs)
            if (!output.empty() && (given.contains(output) || !maker.emplace(output, i).second))
                throw Error(concat("value ", printable(output), ", which ", described(graph.nodes[i]),
                                   " makes, is there already, expected each once; export it again"));
    for (const std::string& output : graph.outputs)
        if (!given.contains(output) && !maker.contains(output))
            throw Error(concat("output ", printable(output),
                               " is made by nothing, expected a value of the graph; export it again"));
    // Depth first, without recursion: the depth is the file's choice.
    enum class State : uint8_t { unseen, open, done };
    std::vector<State> states(graph.nodes.size(), State::unseen);
    std::vector<size_t> order;
    for (size_t root = 0; root < graph.nodes.size(); root++) {
        std::vector<std::pair<size_t, size_t>> path;  // node, next input
        if (states[root] == State::unseen) path.emplace_back(root, 0);
        while (!path.empty()) {
            auto& [at, next] = path.back();
            const ImportNode& node = graph.nodes[at];
            states[at] = State::open;
            if (next == node.inputs.size()) {
                states[at] = State::done;
                order.push_back(at);
                path.pop_back();
                continue;
            }
            const std::string& input = node.inputs[next++];
            if (input.empty() || given.contains(input)) continue;
            const auto found = maker.find(input);
            if (found == maker.end())
                throw Error(concat(described(node), " takes ", printable(input),
                                   ", which nothing makes, expected a value of the graph; export it again"));
            if (states[found->second] == State::open)
                throw Error(concat(described(node), " takes ", printable(input),
                                   ", which depends on it, expected a graph without cycles; export it again"));
            if (states[found->second] == State::unseen) path.emplace_back(found->second, 0);
        }
    }
    std::vector<ImportNode> sorted;
    sorted.reserve(order.size());
    for (const size_t i : order) sorted.push_back(std::move(graph.nodes[i]));
    graph.nodes = std::move(sorted);
}

}  // namespace limpid
