// Binding inputs, computing, comparing.
#include "tests/onnx_vectors/run_vector.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "graph/run.h"
#include "nets/net.h"
#include "tests/onnx_vectors/placed_tensor.h"
#include "tests/onnx_vectors/rounding.h"
#include "weights/file.h"
#include "weights/import/import_network.h"
#include "weights/onnx.h"

namespace limpid::testing {
namespace {

// Inputs of operators that are parameters in convolutional networks.
struct ParametersOf {
    std::string_view op;
    std::vector<size_t> inputs;
};
const std::vector<ParametersOf>& parameters_of() {
    static const std::vector<ParametersOf> table = {
        {"Conv", {1, 2}}, {"Gemm", {1, 2}}, {"MatMul", {1}}, {"BatchNormalization", {1, 2, 3, 4}},
        {"PRelu", {1}},   {"Clip", {1, 2}}, {"Pad", {2}},    {"Pow", {1}},
        {"Dropout", {1}},
    };
    return table;
}

bool is_parameter(const ImportGraph& graph, const std::string& input) {
    for (const ImportNode& node : graph.nodes)
        for (const ParametersOf& row : parameters_of())
            for (const size_t place : row.inputs)
                if (node.op == row.op && node.input(place) == input) return true;
    return false;
}

// What a model takes and must give.
struct Bound {
    ImportGraph graph;
    std::map<std::string, ImportTensor> given;  // by the graph's inputs
    std::vector<ImportTensor> expected;
};

Bound bind(const Vector& vector, const std::vector<std::byte>& file) {
    Bound bound{
        read_onnx(file, std::filesystem::path(vector.model).parent_path().string(), kOldestVectorOpset), {}, {}};
    for (size_t i = 0; i < bound.graph.inputs.size(); i++) {
        const ImportInput& input = bound.graph.inputs[i];
        if (i < vector.inputs.size()) {
            bound.given[input.name] = read_tensor(vector.inputs[i]);
            continue;
        }
        // Those of the light networks, whose values do not matter where all weights are alike: any do.
        std::vector<float> values(size_t(element_count(input.shape)));
        for (size_t k = 0; k < values.size(); k++) values[k] = float(k % 7) / 8;
        bound.given[input.name] = tensor_of(std::move(values), input.shape);
    }
    for (const std::string& output : vector.outputs) bound.expected.push_back(read_tensor(output));
    return bound;
}

HostArray<double> as_array(std::vector<double> values, const Dimensions& shape) {
    Shape four;
    for (size_t i = 0; i < shape.size(); i++) {
        const size_t behind = shape.size() - 1 - i;
        four[behind < 3 ? int(3 - behind) : 0] *= shape[i];
    }
    HostArray<double> array(four);
    array.values = std::move(values);
    return array;
}

std::vector<double> numbers_of(const ImportTensor& tensor) {
    std::vector<double> values;
    if (is_real(tensor.type))
        for (const float value : tensor.reals()) values.push_back(value);
    else
        for (const int64_t value : tensor.integers(1 << 24)) values.push_back(double(value));
    return values;
}

// One way to read a vector: which inputs are constants, and how the others lie.
struct Reading {
    std::set<std::string> computed;
    bool images = false;  // the first axis of inputs of two axes and more
    std::string name;     // in messages
};

enum class Verdict { unreadable, wrong, right };

struct Answer {
    Verdict verdict = Verdict::unreadable;
    std::string why;
    double worst_error = 0, tolerance = 0;
    bool as_constants = true;
};

double largest_of(const HostArray<double>& array) {
    double largest = 0;
    for (const double value : array.values)
        if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
    return largest;
}

// What the table says; whether it passes is said by matches.
double error_of(const HostArray<double>& expected, const HostArray<double>& found) {
    double worst = 0;
    for (size_t i = 0; i < expected.values.size(); i++)
        if (std::isfinite(expected.values[i])) worst = std::max(worst, std::fabs(found.values[i] - expected.values[i]));
    const double largest = largest_of(expected);
    return largest > 0 ? worst / largest : worst;
}

// Expected outputs that were written with so many decimal places.
const std::map<std::string, int>& digits_of() {
    static const std::map<std::string, int> table = {{"test_averagepool_2d_ceil_last_window_starts_on_pad", 4}};
    return table;
}

Answer answer_of(const Bound& bound, const Reading& reading, const std::string& title, Stream& stream) {
    Answer answer;
    ImportGraph graph = bound.graph;
    NetworkOptions options;
    options.title = title;
    std::erase_if(graph.inputs, [&](const ImportInput& input) {
        const ImportTensor& tensor = bound.given.at(input.name);
        if (!reading.computed.contains(input.name)) {
            graph.constants[input.name] = tensor;
            return true;
        }
        const size_t rank = tensor.shape.size();
        options.inputs[input.name] = arranged_placement(
            "", tensor.shape,
            reading.images && rank == 3 ? map_arrangement(rank) : usual_arrangement(rank, reading.images && rank > 1));
        return false;
    });
    if (options.inputs.empty()) {  // networks have a picture
        graph.inputs.push_back({"no input", {1}});
        options.inputs["no input"] = arranged_placement("", {1}, usual_arrangement(1, false));
    }
    ImportedNetwork network = import_network(std::move(graph), options);
    if (!network.unread.empty() || network.outputs.size() != bound.expected.size()) {
        answer.why = network.unread.empty() ? "has outputs that cannot be computed" : network.unread;
        return answer;
    }
    Weights weights;
    weights.network = network.text;
    weights.tensors = std::move(network.parameters);
    const Net net = make_net(std::move(weights));
    Graph computation;
    Layers given;
    std::vector<HostTensor> images;
    for (const auto& [input, layer] : network.inputs) {
        const Placement& view = options.inputs.at(input);
        images.push_back(input == "no input" ? HostTensor({1, 1, 1, 1}) : to_layer(bound.given.at(input), view));
        given[layer] = computation.input(layer, images.back().shape);
    }
    const Layers layers = apply(net, computation, given);
    std::vector<NodeId> nodes;
    for (const ImportedOutput& output : network.outputs)
        if (!output.constant) nodes.push_back(layer(net, layers, output.view.layer));
    const std::vector<HostTensor> values = evaluate(computation, nodes, stream, images);
    answer.verdict = Verdict::right;
    size_t next = 0;
    for (size_t i = 0; i < bound.expected.size(); i++) {
        const ImportTensor& wanted = bound.expected[i];
        const ImportedOutput& output = network.outputs[i];
        const Dimensions shape = output.constant ? output.constant->shape : output.view.shape();
        if (shape != wanted.shape) return {Verdict::wrong, "an output has another shape than is expected", 0, 0, false};
        const HostArray<double> expected = as_array(numbers_of(wanted), shape);
        const HostArray<double> found =
            as_array(output.constant ? numbers_of(*output.constant) : from_layer(values[next++], output.view), shape);
        Tolerance tolerance = output.constant ? Tolerance() : network_tolerance(net);
        if (const auto rounded = digits_of().find(title); rounded != digits_of().end())
            tolerance.relative += 0.5 * std::pow(10.0, -rounded->second) / largest_of(expected);
        if (const auto match = matches(expected, found, tolerance); !match)
            return {Verdict::wrong, match.message(), 0, tolerance.relative, false};
        answer.worst_error = std::max(answer.worst_error, error_of(expected, found));
        answer.tolerance = std::max(answer.tolerance, tolerance.relative);
        answer.as_constants = answer.as_constants && output.constant.has_value();
    }
    return answer;
}

std::vector<Reading> readings_of(const Bound& bound, bool given) {
    std::set<std::string> reals, images;
    for (const auto& [name, tensor] : bound.given)
        if (is_real(tensor.type)) (reals.insert(name), is_parameter(bound.graph, name)) || images.insert(name).second;
    std::vector<Reading> readings = {{images, true, "with images of a batch"}, {images, false, "in one image"}};
    if (!given) readings.resize(1);  // whole networks: they take pictures
    for (const std::string& input : reals)
        if (reals.size() > 1) readings.push_back({{input}, false, "with only " + input + " computed"});
    if (given) readings.push_back({{}, false, "of constants"});
    return readings;
}

}  // namespace

VectorResult run_vector(const Vector& vector, Stream& stream) {
    VectorResult result;
    try {
        const std::vector<std::byte> file = read_file(vector.model);
        const Bound bound = bind(vector, file);
        const auto empty = [](const ImportTensor& tensor) { return tensor.size() == 0; };
        if (std::ranges::any_of(bound.expected, empty) || std::ranges::any_of(bound.given, [&](const auto& given) {
                return is_real(given.second.type) && empty(given.second);
            }))
            throw Error("has a tensor without elements");
        const std::vector<Reading> readings = readings_of(bound, !vector.inputs.empty());
        bool read = false;
        for (size_t i = 0; i < readings.size(); i++) {
            Answer answer;
            try {
                answer = answer_of(bound, readings[i], vector.name, stream);
            } catch (const Error& error) {
                answer = {Verdict::wrong, error.what(), 0, 0, false};
            }
            if (answer.verdict == Verdict::wrong) {
                result.why = concat(readings[i].name, ": ", answer.why);
                return result;
            }
            if (answer.verdict == Verdict::unreadable && result.why.empty()) result.why = answer.why;
            if (answer.verdict != Verdict::right) continue;
            const bool main = i < 2, constants = readings[i].computed.empty();
            if (!main && !constants) continue;
            if (!read) result.as_constants = answer.as_constants;
            read = true;
            result.worst_error = std::max(result.worst_error, answer.worst_error);
            result.tolerance = std::max(result.tolerance, answer.tolerance);
        }
        result.passed = read;
        if (read) result.why.clear();
    } catch (const Error& error) {
        result.why = error.what();
    }
    return result;
}

}  // namespace limpid::testing
