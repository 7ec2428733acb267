// GoogLeNet with random weights: for tests of structure and for benchmarks, which need no trained ones.
#pragma once

#include "nets/googlenet_table.h"
#include "nets/net.h"

namespace limpid::testing {

// He-scaled uniform values, always the same; no auxiliary heads, no labels.
Weights random_weights(const GoogLeNetVariant& variant);

}  // namespace limpid::testing
