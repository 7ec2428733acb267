// Adding layers one after another.
#include "nets/layers/layer_builder.h"

#include <algorithm>

#include "kernels/error.h"
#include "nets/layers/kind.h"

namespace limpid {

LayerInfo LayerBuilder::add(const Layer& layer) {
    info_ = {layer.name, {}, 0, 0, {}};
    std::vector<NodeId> inputs;
    for (const std::string& name : layer.inputs) inputs.push_back(find(name));
    const bool ready = std::ranges::all_of(inputs, &NodeId::valid);
    if (ready && !layers_.contains(layer.name))
        with_context(layer.name, [&] { layer.kind->build(*this, layer, inputs); });
    if (const NodeId node = find(layer.name); node.valid()) info_.shape = graph.shape(node);
    return std::move(info_);
}

NodeId LayerBuilder::parameter(const std::string& name, Shape shape) {
    check_size(name, shape);
    const NodeId node = source_(name, shape);
    info_.parameters += graph.shape(node).size();
    info_.parameter_names.push_back(name);
    return node;
}

void LayerBuilder::put(const std::string& name, NodeId node) {
    check_size(name, graph.shape(node));
    if (!layers_.emplace(name, node).second)
        throw Error(concat("makes ", name, ", which is there already; name one of the two otherwise"));
}

void LayerBuilder::check_size(const std::string& name, Shape shape) const {
    if (double(shape.n) * double(shape.h) * double(shape.w) * double(shape.c) > most_values_)
        throw Error(concat(name, " would be ", shape, ", expected at most ", most_values_, " values"));
}

NodeId LayerBuilder::find(const std::string& name) const {
    const auto found = layers_.find(name);
    return found == layers_.end() ? NodeId{} : found->second;
}

void LayerBuilder::count(NodeId id) {
    const Node& node = graph[id];
    std::vector<Shape> shapes;
    for (const NodeId input : node.inputs) shapes.push_back(graph.shape(input));
    info_.multiply_adds += int64_t(node.op->cost({shapes, node.shape}).operations / 2);
}

}  // namespace limpid
