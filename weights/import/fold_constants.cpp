// What is made of constants alone is a constant.
#include <algorithm>
#include <numeric>

#include "weights/import/numbers.h"
#include "weights/import/passes.h"
#include "weights/import/shape_rules.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

std::optional<ImportTensor> constant_of(const ImportNode& node) {
    for (const auto& [key, value] : node.attributes) {
        if (const auto* tensor = std::get_if<ImportTensor>(&value); tensor && key == "value") return *tensor;
        if (const auto* real = std::get_if<float>(&value); real && key == "value_float")
            return tensor_of(std::vector<float>{*real}, {});
        if (const auto* whole = std::get_if<int64_t>(&value); whole && key == "value_int")
            return tensor_of(std::vector<int64_t>{*whole}, {});
        if (const auto* reals = std::get_if<std::vector<float>>(&value); reals && key == "value_floats")
            return tensor_of(*reals, {int64_t(reals->size())});
        if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value); wholes && key == "value_ints")
            return tensor_of(*wholes, {int64_t(wholes->size())});
    }
    return std::nullopt;
}

// One value everywhere, kept as one value.
std::optional<ImportTensor> constant_of_shape(const ImportNode& node, const ImportGraph& graph) {
    const auto shape = integers_of(node, graph, 0, "shape");
    if (!shape) return std::nullopt;
    ImportTensor tensor = tensor_of(std::vector<float>{0}, {1});
    if (const auto value = node.attributes.find("value"); value != node.attributes.end())
        if (const auto* given = std::get_if<ImportTensor>(&value->second)) tensor = *given;
    if (!tensor.fault.empty()) throw Error(tensor.fault);
    if (tensor.size() != 1 || element_count(*shape) < 0)
        throw Error(concat("makes a constant of shape ", shape_text(*shape), " of ", shape_text(tensor.shape),
                           ", expected one value"));
    tensor.shape = *shape;
    tensor.uniform = true;
    return tensor;
}

std::optional<ImportTensor> shape_tensor(const ImportNode& node, const Dimensions& shape) {
    const int64_t rank = int64_t(shape.size());
    const auto placed = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
    const int64_t start = placed(node.integer("start", 0)), end = placed(node.integer("end", rank));
    std::vector<int64_t> values;
    for (int64_t i = start; i < end; i++) values.push_back(shape[size_t(i)]);
    const int64_t count = int64_t(values.size());
    return tensor_of(std::move(values), {count});
}

// Bytes of elements in another order of axes.
ImportTensor transposed_parameter(const ImportTensor& x, const std::vector<size_t>& order) {
    const size_t rank = x.shape.size(), step = size_bytes_of(x.type);
    ImportTensor y = x;
    std::vector<int64_t> stride(rank, 1);
    for (size_t axis = rank; axis-- > 1;) stride[axis - 1] = stride[axis] * x.shape[axis];
    for (size_t i = 0; i < rank; i++) y.shape[i] = x.shape[order[i]];
    if (x.uniform || x.size() <= 0) return y;
    auto bytes = std::make_shared<std::vector<std::byte>>(x.bytes.size());
    std::vector<int64_t> at(rank, 0);
    int64_t from = 0;
    for (int64_t to = 0; to < x.size(); to++) {
        std::copy_n(x.bytes.begin() + from * int64_t(step), step, bytes->begin() + to * int64_t(step));
        for (size_t i = rank; i-- > 0;) {
            from += stride[order[i]];
            if (++at[i] < y.shape[i]) break;
            from -= stride[order[i]] * y.shape[i];
            at[i] = 0;
        }
    }
    y.owned = bytes;
    y.bytes = *bytes;
    return y;
}

// Parameters that are handed on, in another precision, in another shape or another order.
std::optional<ImportTensor> moved_parameter(const ImportNode& node, const ImportGraph& graph) {
    const ImportTensor* x = find_constant(graph, node.input(0));
    if (!x || !x->fault.empty() || x->size() < 0) return std::nullopt;
    if (node.op == "Identity" || (node.op == "Cast" && is_real(x->type))) return *x;
    ImportTensor y = *x;
    if (node.op == "Transpose") {
        std::vector<int64_t> order(x->shape.size());
        std::iota(order.rbegin(), order.rend(), 0);
        order = node.integers("perm", order);
        std::vector<size_t> places(order.begin(), order.end()), sorted = places;
        std::ranges::sort(sorted);
        for (size_t i = 0; i < sorted.size() || i < x->shape.size(); i++)
            if (sorted.size() != x->shape.size() || sorted[i] != i) return std::nullopt;
        return transposed_parameter(*x, places);
    }
    const auto shape = shape_made_by(node, graph, x->shape);
    if (!shape || element_count(*shape) != x->size()) return std::nullopt;
    y.shape = *shape;
    return y;
}

}  // namespace

std::optional<std::vector<int64_t>> integers_of(const ImportNode& node, const ImportGraph& graph, size_t input,
                                                const std::string& attribute) {
    if (const ImportTensor* tensor = find_constant(graph, node.input(input))) return tensor->integers(kMostValues);
    if (!node.input(input).empty() || !node.has(attribute)) return std::nullopt;
    return node.integers(attribute, {});
}

std::optional<std::vector<ImportTensor>> folded(const ImportNode& node, const ImportGraph& graph,
                                                const ShapeOf& shape_of) {
    std::optional<ImportTensor> result;
    if (node.op == "Constant") {
        result = constant_of(node);
    } else if (node.op == "ConstantOfShape") {
        result = constant_of_shape(node, graph);
    } else if (node.op == "Shape" || node.op == "Size") {
        std::optional<Dimensions> shape = shape_of(node.input(0));
        if (const ImportTensor* constant = find_constant(graph, node.input(0))) shape = constant->shape;
        if (shape && node.op == "Shape") result = shape_tensor(node, *shape);
        if (shape && node.op == "Size") result = tensor_of(std::vector<int64_t>{element_count(*shape)}, {});
    } else {
        result = folded_by_rule(node, graph);
        if (!result) result = moved_parameter(node, graph);
    }
    if (!result) return std::nullopt;
    return std::vector<ImportTensor>{*result};
}

void add_constants(ImportGraph& graph, const ImportNode& node, std::vector<ImportTensor> constants) {
    // Each parameter of the file may be put into another order.
    const int64_t most = (1 << 24) + 2 * graph.held_values;
    for (size_t i = 0; i < constants.size() && i < node.outputs.size(); i++) {
        ImportTensor& tensor = constants[i];
        if (tensor.owned) graph.made_values += int64_t(tensor.bytes.size() / size_bytes_of(tensor.type));
        if (graph.made_values > most)
            throw Error("makes more values of constants than any network needs; export the model again");
        graph.constants[node.outputs[i]] = std::move(tensor);
    }
}

void fold_constants(ImportGraph& graph) {
    const ShapeOf unknown = [](const std::string&) { return std::nullopt; };
    std::erase_if(graph.nodes, [&](const ImportNode& node) {
        if (node.outputs.empty()) return false;
        try {
            auto constants = folded(node, graph, unknown);
            if (!constants) return false;
            add_constants(graph, node, std::move(*constants));
            return true;
        } catch (const Error&) {
            return false;  // said of the node later, where anything depends on it
        }
    });
}

}  // namespace limpid
