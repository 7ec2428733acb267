// A small inception network for pictures of 64 pixels and any number of classes: what limpid train trains.
#pragma once

#include "nets/net.h"

namespace limpid {

// The weights that come with the program: trained on the world of nets/world/ (see nets/patterns/README.md), 25
// classes.
Weights trained_patterns();

// Weights to begin with: He-normal filters (deviation sqrt(2 / inputs)), the classifier a tenth of that, biases 0.
Weights initial_patterns(std::vector<std::string> labels, uint64_t seed);

}  // namespace limpid
