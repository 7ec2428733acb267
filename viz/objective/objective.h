// What a picture is optimised for: a value that prints, parses and adds its score to a graph.
#pragma once

#include <string>

#include "nets/net.h"

namespace limpid {

// channel: the mean over space of one channel of a layer. class_logit: the unnormalised score of a class.
struct Objective {
    enum class Term { channel, class_logit };
    Term term = Term::channel;
    std::string layer;    // channel
    int64_t channel = 0;  // channel
    std::string label;    // class_logit: name or number of the class
    bool operator==(const Objective&) const = default;
};

// "mixed4a:476", "mixed4a_pre_relu:476", "class:espresso", "class:967". parse_objective(to_string(o)) == o. Throws
// UsageError that says where in the text the mistake is.
Objective parse_objective(const std::string& text);
std::string to_string(const Objective& objective);

// The score of each image: {N,1,1,1}. Lucid takes the mean over the batch; here every image has its own score, so that
// its gradient does not depend on the batch. Throws Error with the nearest known names when layer, channel or class
// does not exist.
NodeId score(Graph& graph, const Objective& objective, const Net& net, const Layers& layers);

}  // namespace limpid
