// The two terms of the objective, and their shorthands.
#include "viz/objective/objective.h"

#include <charconv>

#include "graph/ops.h"
#include "kernels/error.h"

namespace limpid {

Objective parse_objective(const std::string& text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0)
        throw UsageError(
            concat("objective \"", text, "\": column ", text.size() + 1,
                   ": no ':' found; expected LAYER:CHANNEL such as mixed4a:476, or class:NAME such as class:espresso"));
    Objective objective;
    const std::string before = text.substr(0, colon), behind = text.substr(colon + 1);
    if (text.starts_with("class:")) {
        objective.term = Objective::Term::class_logit;
        objective.label = text.substr(6);
        if (objective.label.empty())
            throw UsageError(concat("objective \"", text, "\": column 7: expected a class name or number"));
        return objective;
    }
    objective.layer = before;
    const char *begin = behind.data(), *end = begin + behind.size();
    const auto parsed = std::from_chars(begin, end, objective.channel);
    if (behind.empty() || parsed.ptr != end || parsed.ec != std::errc() || objective.channel < 0)
        throw UsageError(
            concat("objective \"", text, "\": column ", colon + 2, ": \"", behind, "\" is not a channel number"));
    return objective;
}

std::string to_string(const Objective& objective) {
    return objective.term == Objective::Term::class_logit ? "class:" + objective.label
                                                          : concat(objective.layer, ":", objective.channel);
}

NodeId score(Graph& graph, const Objective& objective, const Net& net, const Layers& layers) {
    NodeId source;
    int64_t channel = objective.channel;
    if (objective.term == Objective::Term::class_logit) {
        if (net.logits.empty())
            throw Error(concat("objective ", to_string(objective), ": ", net.name, " has no classes"));
        channel = find_class(net, objective.label);
        source = layer(net, layers, net.logits);
    } else {
        source = layer(net, layers, objective.layer);
    }
    const int64_t channels = graph.shape(source).c;
    if (channel >= channels)
        throw Error(concat("objective ", to_string(objective), ": the layer has channels 0..", channels - 1,
                           ", asked for ", channel));
    const NodeId values = ops::slice_channels(graph, source, channel, 1);
    return ops::reduce(graph, Reduce::mean, {false, true, true, false}, values, "score");
}

}  // namespace limpid
