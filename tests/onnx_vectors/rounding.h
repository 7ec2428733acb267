// How far from an expected output a network's may be.
#pragma once

#include "nets/net.h"
#include "tests/harness/compare.h"

namespace limpid::testing {

// The sum, over all layers, of sum_tolerance(K) for a layer whose values are sums of K terms (K = 1: one function of
// one number). Layers that only move, choose or cut values add nothing: what is made of these alone is equal.
Tolerance network_tolerance(const Net& net);

}  // namespace limpid::testing
