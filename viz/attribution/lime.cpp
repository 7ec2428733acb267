// LIME for photos: random sets of segments, a weighted ridge regression on what the target says to them.
#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/random/philox.h"
#include "viz/attribution/variants.h"
#include "viz/factor/cholesky.h"

namespace limpid {

namespace {

constexpr uint32_t kShownSegments = 103;  // RandomKey::purpose

// Whether sample i shows segment k.
class Shown {
  public:
    explicit Shown(uint64_t seed) : seed_(seed) {}
    bool operator()(int64_t sample, int64_t segment) const {
        if (sample == 0) return true;
        return random_uniform({seed_, 0, uint32_t(sample), kShownSegments}, segment) < 0.5f;
    }

  private:
    uint64_t seed_;
};

}  // namespace

Lime lime(Section& section, const HostTensor& photo, const Target& target, const LimeOptions& options,
          const PassWatcher& watcher) {
    if (options.samples < 2 || !(options.kernel_width > 0) || !(options.ridge > 0))
        throw UsageError(concat("LIME with ", options.samples, " samples, kernel width ", options.kernel_width,
                                " and ridge ", options.ridge, "; expected at least 2 samples, and positive numbers"));
    Lime result;
    result.segments = superpixels(photo, options.segments, section.stream().stop());
    const auto segment_of = [&](size_t pixel) { return size_t(result.segments.values[pixel]); };
    const auto d = size_t(*std::ranges::max_element(result.segments.values)) + 1;
    const size_t pixels = result.segments.values.size(), samples = size_t(options.samples);

    std::vector<double> colour(d * 3), count(d);
    for (size_t p = 0; p < pixels; p++) {
        count[segment_of(p)] += 1;
        for (size_t c = 0; c < 3; c++) colour[segment_of(p) * 3 + c] += double(photo.values[p * 3 + c]);
    }
    const Shown shown(options.seed);
    std::vector<double> answers(samples);
    run_variants(
        section, photo, options.samples,
        [&](int64_t i, MutView copy) {
            for (size_t p = 0; p < pixels; p++) {
                const size_t k = segment_of(p);
                if (shown(i, int64_t(k))) continue;
                for (size_t c = 0; c < 3; c++) copy.data[p * 3 + c] = float(colour[k * 3 + c] / count[k]);
            }
        },
        [&](int64_t i, ConstView logits) { answers[size_t(i)] = value(target, logits); }, watcher);

    // z of all ones against z with m ones: cos = sqrt(m/d).
    std::vector<double> weight(samples), mean_z(d);
    double total = 0, mean_answer = 0;
    for (size_t i = 0; i < samples; i++) {
        double ones = 0;
        for (size_t k = 0; k < d; k++) ones += shown(int64_t(i), int64_t(k));
        const double distance = 1 - std::sqrt(ones / double(d));
        weight[i] = std::sqrt(elementary::exp(-std::pow(distance / options.kernel_width, 2)));
        total += weight[i];
        mean_answer += weight[i] * answers[i];
        for (size_t k = 0; k < d; k++) mean_z[k] += weight[i] * shown(int64_t(i), int64_t(k));
    }
    mean_answer /= total;
    for (double& m : mean_z) m /= total;
    // Ridge on centred data: the intercept is not penalised.
    HostArray<double> gram({1, 1, int64_t(d), int64_t(d)}), right({1, 1, 1, int64_t(d)});
    std::vector<double> z(d);
    for (size_t i = 0; i < samples; i++) {
        section.stream().stop().check();
        for (size_t k = 0; k < d; k++) z[k] = double(shown(int64_t(i), int64_t(k))) - mean_z[k];
        for (size_t k = 0; k < d; k++) {
            right.values[k] += weight[i] * z[k] * (answers[i] - mean_answer);
            for (size_t j = 0; j <= k; j++) gram.values[k * d + j] += weight[i] * z[k] * z[j];
        }
    }
    for (size_t k = 0; k < d; k++) gram.values[k * d + k] += options.ridge;
    result.weights = solve_rows(cholesky(std::move(gram)), std::move(right)).values;
    result.intercept = mean_answer;
    for (size_t k = 0; k < d; k++) result.intercept -= result.weights[k] * mean_z[k];
    double residual = 0, spread = 0;
    for (size_t i = 0; i < samples; i++) {
        double fitted = result.intercept;
        for (size_t k = 0; k < d; k++) fitted += result.weights[k] * shown(int64_t(i), int64_t(k));
        residual += weight[i] * std::pow(answers[i] - fitted, 2);
        spread += weight[i] * std::pow(answers[i] - mean_answer, 2);
    }
    result.r2 = spread > 0 ? 1 - residual / spread : 0;
    result.map = result.segments;
    for (size_t p = 0; p < pixels; p++) result.map.values[p] = float(result.weights[segment_of(p)]);
    return result;
}

}  // namespace limpid
