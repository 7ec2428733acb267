// The percentile bootstrap (Efron 1979).
#include "viz/judge/estimate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/error.h"
#include "kernels/random/philox.h"

namespace limpid {

namespace {

constexpr uint32_t kDraws = 106;  // RandomKey::purpose
constexpr uint32_t kSamples = 2000;

}  // namespace

Estimate estimate(std::span<const double> values, uint64_t seed) {
    require(!values.empty(), "an estimate from no values, expected some");
    const auto n = double(values.size());
    std::vector<double> means(kSamples);
    for (uint32_t sample = 0; sample < kSamples; sample++) {
        double sum = 0;
        for (size_t i = 0; i < values.size(); i++)
            sum += values[size_t(random_below({seed, sample, 0, kDraws}, int64_t(i), int(values.size())))];
        means[sample] = sum / n;
    }
    std::ranges::sort(means);
    const auto percentile = [&](double p) { return means[size_t(p / 100 * (kSamples - 1) + 0.5)]; };
    return {std::accumulate(values.begin(), values.end(), 0.0) / n, percentile(2.5), percentile(97.5)};
}

}  // namespace limpid
