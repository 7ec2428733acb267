// Values, nodes and constants.
#include "nets/onnx/graph_writer.h"

#include <algorithm>

#include "kernels/error.h"

namespace limpid::onnx {

GraphWriter::GraphWriter(const Architecture& architecture, const Weights& weights)
    : weights_(weights), shapes_(shapes_of(architecture)) {}

bool GraphWriter::settled(const Layer& layer) const {
    return std::ranges::all_of(layer.inputs, [&](const std::string& input) { return value(input).settled; });
}

std::string GraphWriter::map(const std::string& layer) {
    if (value(layer).rank == 4) return layer;
    std::string& moved = moved_[layer + ":map"];
    if (moved.empty()) moved = node("Unsqueeze", {layer, wholes("axes(space)", {2, 3})}, layer + ":map");
    return moved;
}

std::string GraphWriter::flat(const std::string& layer) {
    if (value(layer).rank == 2) return layer;
    std::string& moved = moved_[layer + ":flat"];
    if (moved.empty()) moved = node("Flatten", {layer}, layer + ":flat", {{"axis", int64_t(1)}});
    return moved;
}

std::vector<std::string> GraphWriter::maps(const std::vector<std::string>& layers) {
    std::vector<std::string> result;
    for (const std::string& layer : layers) result.push_back(map(layer));
    return result;
}

std::string GraphWriter::node(const std::string& op, std::vector<std::string> inputs, const std::string& makes,
                              Attributes attributes) {
    ImportNode added;
    added.op = op;
    added.name = makes;
    added.inputs = std::move(inputs);
    added.outputs = {makes};
    added.attributes = std::move(attributes);
    graph_.nodes.push_back(std::move(added));
    return makes;
}

void GraphWriter::remark(const std::string& key, const std::string& value) {
    graph_.nodes.back().metadata[key] = value;
}

std::string GraphWriter::constant(const std::string& name, ImportTensor tensor) {
    const std::string called = shapes_.layers.contains(name) ? name + ":constant" : name;
    graph_.constants.emplace(called, std::move(tensor));
    return called;
}

std::string GraphWriter::wholes(const std::string& name, std::vector<int64_t> values) {
    const int64_t count = int64_t(values.size());
    return constant(name, tensor_of(std::move(values), {count}));
}

void GraphWriter::input(const Layer& layer, Dimensions shape) {
    graph_.inputs.push_back({layer.name, std::move(shape)});
}

}  // namespace limpid::onnx
