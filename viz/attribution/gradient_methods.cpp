// Each method is its formula.
#include "viz/attribution/gradient_methods.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.h"
#include "kernels/random/philox.h"

namespace limpid {

namespace {

constexpr uint32_t kSmoothGradNoise = 101;  // RandomKey::purpose

}  // namespace

HostTensor saliency(const HostTensor& gradient) {
    const Shape s = gradient.shape;
    HostTensor result({s.n, s.h, s.w, 1});
    for (int64_t p = 0; p < s.pixels(); p++)
        for (int64_t c = 0; c < s.c; c++)
            result.values[size_t(p)] =
                std::max(result.values[size_t(p)], std::fabs(gradient.values[size_t(p * s.c + c)]));
    return result;
}

double Completeness::error() const { return std::fabs(sum - change) / std::fabs(change); }

IntegratedGradients integrated_gradients(Section& section, const HostTensor& x, const Target& target, int64_t steps,
                                         const HostTensor& given_baseline) {
    const HostTensor baseline = given_baseline.values.empty() ? HostTensor(x.shape) : given_baseline;
    IntegratedGradients result;
    result.attribution = path_attribution(section, x, target, {.steps = steps, .rule = PathRule::midpoint}, baseline);
    const std::vector<float>& parts = result.attribution.values;
    result.completeness.sum = std::accumulate(parts.begin(), parts.end(), 0.0);
    result.completeness.change = values(section, x, target)[0] - values(section, baseline, target)[0];
    return result;
}

HostTensor smooth_grad(Section& section, const HostTensor& x, const Target& target, const SmoothGradOptions& options) {
    require(x.shape.n == 1, "SmoothGrad of ", x.shape, ", expected one image");
    if (options.samples < 1 || !(options.deviation >= 0))
        throw UsageError(concat("SmoothGrad with ", options.samples, " samples of deviation ", options.deviation,
                                "; expected at least 1 sample and a deviation of at least 0"));
    const auto [least, most] = std::ranges::minmax(x.values);
    const auto deviation = float(options.deviation * double(most - least));
    const size_t count = x.values.size();
    std::vector<double> sum(count), squares(count);
    const int64_t at_once = section.images_at_once(options.samples, true);
    for (int64_t first = 0; first < options.samples; first += at_once) {
        HostTensor noisy({std::min(at_once, options.samples - first), x.shape.h, x.shape.w, x.shape.c});
        for (int64_t k = 0; k < noisy.shape.n; k++) {
            const RandomKey key{options.seed, 0, uint32_t(first + k), kSmoothGradNoise};
            for (size_t i = 0; i < count; i++)
                noisy.values[size_t(k) * count + i] = x.values[i] + deviation * random_normal(key, int64_t(i));
        }
        const HostTensor g = gradient(section, noisy, target);
        for (size_t i = 0; i < g.values.size(); i++) {
            sum[i % count] += double(g.values[i]);
            squares[i % count] += double(g.values[i]) * double(g.values[i]);
        }
    }
    HostTensor result(x.shape);
    const auto n = double(options.samples);
    for (size_t i = 0; i < count; i++) {
        const double mean = sum[i] / n, square = squares[i] / n;
        result.values[i] = float(options.kind == SmoothGradOptions::Kind::mean     ? mean
                                 : options.kind == SmoothGradOptions::Kind::square ? square
                                                                                   : square - mean * mean);
    }
    return result;
}

HostTensor grad_cam(Section& section, const HostTensor& activations, const Target& target) {
    const Shape s = activations.shape;
    require(s.n == 1, "Grad-CAM of ", s, ", expected the activations of one image");
    const HostTensor g = gradient(section, activations, target), weights = sum_positions(g);
    HostTensor result({1, s.h, s.w, 1});
    for (int64_t p = 0; p < s.pixels(); p++) {
        double sum = 0;
        for (int64_t c = 0; c < s.c; c++)
            sum += double(weights.values[size_t(c)]) * double(activations.values[size_t(p * s.c + c)]);
        result.values[size_t(p)] = float(std::max(0.0, sum / double(s.h * s.w)));
    }
    return result;
}

}  // namespace limpid
