// Nodes that hand their input on, and those that nobody needs.
#include <algorithm>
#include <set>

#include "weights/import/passes.h"

namespace limpid {
namespace {

// Dropout, unless it says that it drops: an input says whether it is in training.
bool hands_on(const ImportNode& node) {
    return node.op == "Identity" || (node.op == "Dropout" && node.input(2).empty());
}

}  // namespace

void drop_identities(ImportGraph& graph) {
    std::map<std::string, std::string> stands_for;
    const auto resolved = [&](const std::string& value) {
        const auto found = stands_for.find(value);
        return found == stands_for.end() ? value : found->second;
    };
    std::set<std::string> inputs;
    for (const ImportInput& input : graph.inputs) inputs.insert(input.name);
    for (ImportNode& node : graph.nodes) {
        for (std::string& input : node.inputs) input = resolved(input);
        if (hands_on(node) && !node.inputs.empty() && !node.outputs.empty() &&
            !graph.constants.contains(node.inputs[0]))
            stands_for[node.outputs[0]] = node.inputs[0];
    }
    for (std::string& output : graph.outputs) output = resolved(output);
    std::erase_if(graph.nodes,
                  [&](const ImportNode& n) { return !n.outputs.empty() && stands_for.contains(n.outputs[0]); });
}

void drop_unused(ImportGraph& graph) {
    std::set<std::string> needed(graph.outputs.begin(), graph.outputs.end());
    std::vector<ImportNode> kept;
    for (size_t i = graph.nodes.size(); i-- > 0;) {
        ImportNode& node = graph.nodes[i];
        if (std::ranges::none_of(node.outputs, [&](const std::string& output) { return needed.contains(output); }))
            continue;
        needed.insert(node.inputs.begin(), node.inputs.end());
        kept.push_back(std::move(node));
    }
    std::ranges::reverse(kept);
    graph.nodes = std::move(kept);
}

const ImportTensor* find_constant(const ImportGraph& graph, const std::string& name) {
    const auto found = graph.constants.find(name);
    return found == graph.constants.end() ? nullptr : &found->second;
}

}  // namespace limpid
