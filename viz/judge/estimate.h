// A mean and how well it is known.
#pragma once

#include <cstdint>
#include <span>

namespace limpid {

// low, high: the 2.5th and 97.5th percentile of the means of 2000 samples, drawn from the values with replacement by
// the counter-based generator: no distribution is assumed, and the same values give the same bits.
struct Estimate {
    double mean = 0, low = 0, high = 0;
};
// At least one value.
Estimate estimate(std::span<const double> values, uint64_t seed = 0);

}  // namespace limpid
