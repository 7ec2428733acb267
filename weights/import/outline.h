// What commands look at where nobody says it: found in the structure of an imported network.
#pragma once

#include <string>
#include <vector>

#include "weights/import/draft.h"

namespace limpid {

struct Outline {
    std::string logits;                // the output in front of its softmax or sigmoid, if it is one of classes
    int64_t classes = 0;               // its channels
    std::vector<std::string> outputs;  // all outputs
    std::vector<std::string> stages;   // the last layer of each resolution that all of the logits comes through
    std::string usual;                 // the last but one of these
};
// outputs: the layers that the graph names as such; empty: it was cut before them.
Outline outline_of(const Draft& draft, const std::vector<std::string>& outputs);

// "logits: ...", "default: ..." lines.
std::string outline_text(const Outline& outline);

}  // namespace limpid
