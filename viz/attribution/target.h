// What an attribution explains: a number made of one layer, with its derivative there. An immutable value that prints
// and parses:
//
//   target := term { (+|-) term }        all terms of one layer
//   term   := class:LABEL                the logit of a class: a label, one of its synonyms, or a number
//           | logsumexp                  log sum exp of all logits: class:X - logsumexp is the log of X's probability
//           | LAYER:CHANNEL              a channel, summed over all positions
//           | LAYER:ROW,COLUMN           the L2 norm of the activations at a position, from 0 at the top left
#pragma once

#include <string>
#include <vector>

#include "nets/net.h"

namespace limpid {

struct Target {
    enum class Kind { logit, log_sum_exp, channel, position };
    struct Term {
        Kind kind = Kind::logit;
        int64_t channel = 0;  // of the layer; the class of a logit
        int64_t y = 0, x = 0;
        float sign = 1;
        std::string text;  // as it was written, without the sign
    };
    std::string layer;
    std::vector<Term> terms;
};

// Throws UsageError, with the column, where the text is no target or the network has no such class.
Target parse_target(const Net& net, const std::string& text);
// "class:tabby - class:tiger cat"
std::string to_string(const Target& target);
// One class.
Target class_target(const Net& net, int64_t index);

// Throws UsageError when a channel or position is not in a layer of this shape.
void check_target(const Target& target, Shape layer);
// The number, for one image's activations of the layer.
double value(const Target& target, ConstView activations);
// Its derivative with respect to them. The norm's derivative is 0 where the norm is.
void write_derivative(const Target& target, ConstView activations, MutView derivative);

}  // namespace limpid
