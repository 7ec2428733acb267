// One loop from the end of the graph.
#include "graph/grad.h"

#include "graph/ops.h"
#include "kernels/error.h"

namespace limpid {

std::vector<NodeId> grad(Graph& graph, NodeId score, const std::vector<NodeId>& wrt, const VjpOverrides& overrides) {
    const int count = score.index + 1;
    // Which nodes depend on any wrt: only these carry gradient.
    std::vector<bool> depends(size_t(count), false);
    for (const NodeId id : wrt)
        if (id.index < count) depends[size_t(id.index)] = true;
    for (int i = 0; i < count; i++)
        for (const NodeId input : graph[{i}].inputs)
            if (depends[size_t(input.index)]) depends[size_t(i)] = true;

    std::vector<NodeId> gradient(static_cast<size_t>(count));
    if (depends[size_t(score.index)])
        gradient[size_t(score.index)] = graph.constant(HostTensor(graph.shape(score), 1.0f), "seed of the gradient");
    for (int i = score.index; i >= 0; i--) {
        const NodeId dy = gradient[size_t(i)];
        if (!dy.valid() || !graph[{i}].op) continue;
        const Node node = graph[{i}];  // a copy: appending moves the nodes
        std::vector<bool> wanted;
        bool any = false;
        for (const NodeId input : node.inputs) {
            wanted.push_back(depends[size_t(input.index)]);
            any = any || wanted.back();
        }
        if (!any) continue;
        const auto rule = overrides.find(node.op->kind());
        const std::vector<NodeId> parts =
            rule != overrides.end() ? rule->second(graph, {i}, dy) : node.op->vjp(graph, {i}, dy, wanted);
        CHECK(parts.size() == node.inputs.size(), node.op->kind(), " returned ", parts.size(), " gradients");
        for (size_t k = 0; k < parts.size(); k++) {
            if (!wanted[k] || !parts[k].valid()) continue;
            NodeId& sum = gradient[size_t(node.inputs[k].index)];
            CHECK(graph.shape(parts[k]) == graph.shape(node.inputs[k]), "gradient of ", node.op->kind(), " to input ",
                  k, " has shape ", graph.shape(parts[k]), ", the input ", graph.shape(node.inputs[k]));
            sum = sum.valid() ? ops::add(graph, sum, parts[k]) : parts[k];
        }
    }
    std::vector<NodeId> result;
    for (const NodeId id : wrt) {
        const NodeId found = id.index < count ? gradient[size_t(id.index)] : NodeId{};
        result.push_back(found.valid() ? found : graph.constant(HostTensor(graph.shape(id), 0.0f), "zero gradient"));
    }
    return result;
}

}  // namespace limpid
