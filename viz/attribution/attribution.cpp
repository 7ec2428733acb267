// Products of activations and gradients, and their sums.
#include "viz/attribution/attribution.h"

#include <algorithm>

#include "kernels/error.h"
#include "kernels/random/philox.h"
#include "viz/attribution/image_batch.h"

namespace limpid {

namespace {

// RandomKey::purpose of the stochastic path's factors. Purposes below 100 are those of renders.
constexpr uint32_t kPathNoise = 100;

ConstView image(const HostTensor& all, int64_t n) { return all.view().image(n); }

bool needs_values(const Target& target) {
    return std::ranges::any_of(target.terms, [](const Target::Term& term) {
        return term.kind == Target::Kind::log_sum_exp || term.kind == Target::Kind::position;
    });
}

double place_on_path(PathRule rule, int64_t n, int64_t steps) {
    switch (rule) {
        case PathRule::left:
            return double(n) / double(steps);
        case PathRule::right:
            return double(n + 1) / double(steps);
        case PathRule::midpoint:
            return (double(n) + 0.5) / double(steps);
    }
    CHECK(false);
}

// That the section ends where the target lies, and has all of it.
void check_end(const Section& section, const Target& target) {
    require(section.to() == target.layer, "a target in ", target.layer, " of a section to ", section.to(),
            ", expected one layer");
    check_target(target, section.to_shape());
}

}  // namespace

HostTensor gradient(Section& section, const HostTensor& x, const Target& target) {
    check_end(section, target);
    // The derivative of a sum of logits does not depend on their values.
    const HostTensor y = needs_values(target) ? section.forward(x) : HostTensor(images(section.to_shape(), x.shape.n));
    HostTensor seeds(y.shape);
    for (int64_t n = 0; n < y.shape.n; n++) write_derivative(target, image(y, n), seeds.view().image(n));
    return section.pull_back(x, seeds);
}

std::vector<double> values(Section& section, const HostTensor& x, const Target& target) {
    check_end(section, target);
    const HostTensor y = section.forward(x);
    std::vector<double> result;
    for (int64_t n = 0; n < y.shape.n; n++) result.push_back(value(target, image(y, n)));
    return result;
}

HostTensor product(const HostTensor& a, const HostTensor& b) {
    require(images(a.shape, 1) == images(b.shape, 1) && (a.shape.n == 1 || a.shape.n == b.shape.n), "the product of ",
            a.shape, " and ", b.shape, ", expected equal shapes, or one image first");
    HostTensor result(b.shape);
    const size_t period = a.values.size();
    for (size_t i = 0; i < result.values.size(); i++) result.values[i] = a.values[i % period] * b.values[i];
    return result;
}

HostTensor linear_attribution(Section& section, const HostTensor& activations, const Target& target) {
    return product(activations, gradient(section, activations, target));
}

HostTensor path_attribution(Section& section, const HostTensor& activations, const Target& target,
                            const PathOptions& options, const HostTensor& given_baseline) {
    require(activations.shape.n == 1, "a path to ", activations.shape, ", expected the activations of one image");
    if (options.steps < 1) throw UsageError(concat("path of ", options.steps, " steps; expected at least 1"));
    const HostTensor baseline = given_baseline.values.empty() ? HostTensor(activations.shape) : given_baseline;
    require(baseline.shape == activations.shape, "a path from a baseline of ", baseline.shape, ", expected ",
            activations.shape);
    const size_t count = activations.values.size(), channels = size_t(activations.shape.c);
    std::vector<double> sum(count);
    const int64_t at_once = section.images_at_once(options.steps, true);
    for (int64_t first = 0; first < options.steps; first += at_once) {
        HostTensor fed(images(activations.shape, std::min(at_once, options.steps - first)));
        for (int64_t k = 0; k < fed.shape.n; k++) {
            const auto t = float(place_on_path(options.rule, first + k, options.steps));
            std::vector<float> factor(channels, 1.0f);
            if (options.stochastic) {
                const RandomKey key{options.seed, options.job, uint32_t(first + k), kPathNoise};
                for (size_t c = 0; c < channels; c++)
                    factor[c] = (random_uniform(key, int64_t(2 * c)) + random_uniform(key, int64_t(2 * c + 1))) / 1.5f;
            }
            float* to = fed.values.data() + size_t(k) * count;
            for (size_t i = 0; i < count; i++)
                to[i] = factor[i % channels] * (baseline.values[i] + t * (activations.values[i] - baseline.values[i]));
        }
        const HostTensor g = gradient(section, fed, target);
        for (size_t i = 0; i < g.values.size(); i++) sum[i % count] += double(g.values[i]);
    }
    HostTensor result(activations.shape);
    for (size_t i = 0; i < count; i++)
        result.values[i] =
            float((double(activations.values[i]) - double(baseline.values[i])) * sum[i] / double(options.steps));
    return result;
}

size_t position_attribution_bytes(const Section& section) {
    const Shape from = section.from_shape(), to = section.to_shape();
    return size_t(to.h * to.w) * size_t(from.h * from.w) * sizeof(float);
}

HostTensor position_attribution(Section& section, const HostTensor& activations, const PassWatcher& watcher) {
    require(activations.shape.n == 1, "positions of ", activations.shape, ", expected the activations of one image");
    const HostTensor y = section.forward(activations);
    const Shape to = y.shape;
    const int64_t positions = to.h * to.w, at_once = section.images_at_once(positions, true, true);
    HostTensor result({positions, activations.shape.h, activations.shape.w, 1});
    // A pass of positions at a time: all their gradients at once would be the largest array by far.
    for (int64_t first = 0; first < positions; first += at_once) {
        HostTensor seeds(images(to, std::min(at_once, positions - first)));
        for (int64_t k = 0; k < seeds.shape.n; k++) {
            const int64_t i = (first + k) / to.w, j = (first + k) % to.w;
            const Target target{section.to(), {{Target::Kind::position, 0, i, j, 1, ""}}};
            write_derivative(target, y.view(), seeds.view().image(k));
        }
        const HostTensor some = sum_channels(product(activations, section.pull_back(activations, seeds)));
        std::ranges::copy(some.values, result.values.begin() + first * activations.shape.h * activations.shape.w);
        if (watcher && !watcher(first + seeds.shape.n, positions)) throw Stopped();
    }
    return result;
}

HostTensor sum_positions(const HostTensor& attribution) {
    const Shape s = attribution.shape;
    HostTensor result({s.n, 1, 1, s.c});
    std::vector<double> sum(static_cast<size_t>(s.c));
    for (int64_t n = 0; n < s.n; n++) {
        std::ranges::fill(sum, 0.0);
        for (int64_t i = 0; i < s.h * s.w; i++)
            for (int64_t c = 0; c < s.c; c++) sum[size_t(c)] += double(attribution.view().image(n).data[i * s.c + c]);
        for (int64_t c = 0; c < s.c; c++) result.at(n, 0, 0, c) = float(sum[size_t(c)]);
    }
    return result;
}

HostTensor sum_channels(const HostTensor& attribution) {
    const Shape s = attribution.shape;
    HostTensor result({s.n, s.h, s.w, 1});
    for (int64_t i = 0; i < s.pixels(); i++) {
        double sum = 0;
        for (int64_t c = 0; c < s.c; c++) sum += double(attribution.values[size_t(i * s.c + c)]);
        result.values[size_t(i)] = float(sum);
    }
    return result;
}

}  // namespace limpid
