// Appending, shape inference with context, and printing.
#include "graph/graph.h"

#include "kernels/error.h"

namespace limpid {

Cost Op::cost(const StepShapes& shapes) const {
    Cost cost;
    cost.operations = double(shapes.output.size());
    cost.bytes = double(shapes.output.size()) * sizeof(float);
    for (const Shape& shape : shapes.inputs) cost.bytes += double(shape.size()) * sizeof(float);
    return cost;
}

NodeId Graph::input(const std::string& name, Shape shape) {
    nodes_.push_back({nullptr, {}, shape, name, nullptr});
    return {size() - 1};
}

NodeId Graph::constant(std::shared_ptr<const HostTensor> value, const std::string& name) {
    CHECK(value != nullptr);
    const Shape shape = value->shape;
    nodes_.push_back({nullptr, {}, shape, name, std::move(value)});
    return {size() - 1};
}

NodeId Graph::constant(HostTensor value, const std::string& name) {
    return constant(std::make_shared<const HostTensor>(std::move(value)), name);
}

NodeId Graph::scalar(float value) { return constant(HostTensor({1, 1, 1, 1}, value)); }

NodeId Graph::add(OpPtr op, std::vector<NodeId> inputs, const std::string& name) {
    std::vector<Shape> shapes;
    for (const NodeId id : inputs) shapes.push_back(shape(id));
    std::string where = op->kind();
    if (!name.empty()) where = concat(name, " (", where, ")");
    const Shape result = with_context(where, [&] { return op->infer(shapes); });
    nodes_.push_back({std::move(op), std::move(inputs), result, name, nullptr});
    return {size() - 1};
}

const Node& Graph::operator[](NodeId id) const {
    CHECK(id.index >= 0 && id.index < size(), "node ", id.index, " of a graph of ", size());
    return nodes_[size_t(id.index)];
}

void Graph::rename(NodeId id, const std::string& name) {
    CHECK(id.index >= 0 && id.index < size());
    nodes_[size_t(id.index)].name = name;
}

NodeId Graph::find(const std::string& name) const {
    for (int i = size() - 1; i >= 0; i--)
        if (nodes_[size_t(i)].name == name) return {i};
    return {};
}

std::string Graph::print(NodeId id) const {
    const Node& node = (*this)[id];
    std::string text = concat("%", id.index, " = ", node.op ? node.op->kind() : node.constant ? "constant" : "input");
    if (node.op) {
        text += "(";
        for (size_t i = 0; i < node.inputs.size(); i++) text += concat(i ? ", %" : "%", node.inputs[i].index);
        text += ")";
        if (const std::string attributes = node.op->attributes(); !attributes.empty()) text += " {" + attributes + "}";
    }
    text += " " + to_string(node.shape);
    if (!node.name.empty()) text += "  " + node.name;
    return text;
}

std::string Graph::print() const {
    std::string text;
    for (int i = 0; i < size(); i++) text += print({i}) + "\n";
    return text;
}

}  // namespace limpid
