// Attributions of a trained network for real photos: the identities they obey, and finite differences.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "graph/vjp_overrides.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "viz/attribution/gradient_methods.h"
#include "viz/image/image.h"

namespace limpid {
namespace {

using testing::matches;
using testing::shared_file;
using testing::sum_tolerance;

double total(const HostTensor& t) { return std::accumulate(t.values.begin(), t.values.end(), 0.0); }

const Net& bvlc() {
    static const Net net = make_net(import_weights(
        shared_file("models/bvlc_googlenet.caffemodel"),
        {.variant = "", .labels_file = shared_file("models/synset_words.txt"), .labels_first_output = 0}));
    return net;
}

HostTensor photo(const std::string& name) {
    return load_image(shared_file("golden/bvlc_googlenet/" + name + "_224_rgb.png")).rgb;
}

const std::vector<std::pair<std::string, std::string>> kPhotos{
    {"coffee", "espresso"}, {"chelsea", "tabby"}, {"rocket", "missile"}};

TEST(RealWeights, GradientsAgreeWithFiniteDifferences) {
    // Directional derivatives along the activations themselves, on the oracles (double arithmetic, floats between
    // layers). The network is piecewise linear but for its norms: central differences err by the kinks they cross, in
    // proportion to the step.
    SKIP_WITHOUT_SHARED();
    Stream reference({DeviceKind::reference, 0}), cpu({DeviceKind::cpu, 0});
    for (const auto& [from, name] : {std::pair{"mixed4d", "coffee"}, {"mixed5a", "rocket"}}) {
        const HostTensor a = activations(bvlc(), {from}, photo(name), cpu)[0];
        Section section(bvlc(), from, a.shape, bvlc().logits, reference);
        const Target target = parse_target(bvlc(), "class:espresso - logsumexp");
        const double slope = total(linear_attribution(section, a, target));
        const double step = 0x1p-10;
        const auto moved = [&](double t) {
            HostTensor b = a;
            for (float& v : b.values) v *= float(1 + t);
            return values(section, b, target)[0];
        };
        EXPECT_NEAR((moved(step) - moved(-step)) / (2 * step), slope, 0.01 * std::max(1.0, std::fabs(slope)))
            << from << " " << name;
    }
}

TEST(RealWeights, GradientsOfTheWholeNetworkAgreeWithFiniteDifferences) {
    // From the logits to the pixels, on the oracles; a small photo, because they are plain loops. Three directions: the
    // photo's own contrast, the gradient, and its signs, which moves every pixel alike.
    SKIP_WITHOUT_SHARED();
    Stream reference({DeviceKind::reference, 0});
    const HostTensor image = resize(photo("coffee").view(), 64, 64);
    Section whole(bvlc(), "input", image.shape, bvlc().logits, reference);
    const Target target = parse_target(bvlc(), "class:espresso - class:cup");
    const HostTensor g = gradient(whole, image, target);
    float most = 0;
    for (const float v : g.values) most = std::max(most, std::fabs(v));
    const auto direction = [&](int which, size_t i) {
        return which == 0 ? image.values[i] - 0.5f : which == 1 ? g.values[i] / most : std::copysign(1.0f, g.values[i]);
    };
    for (int which = 0; which < 3; which++) {
        double slope = 0;
        for (size_t i = 0; i < image.values.size(); i++) slope += double(g.values[i]) * double(direction(which, i));
        // The score moves by 1/32 at most: beyond the rounding between layers, within a few kinks.
        const double step = std::min(0x1p-10, 0x1p-5 / std::fabs(slope));
        HostTensor moved({2, 64, 64, 3});
        for (size_t i = 0; i < image.values.size(); i++) {
            moved.values[i] = float(double(image.values[i]) + step * double(direction(which, i)));
            moved.values[i + image.values.size()] = float(double(image.values[i]) - step * double(direction(which, i)));
        }
        const std::vector<double> at = values(whole, moved, target);
        EXPECT_NEAR((at[0] - at[1]) / (2 * step) / slope, 1, 0.02) << which << ", slope " << slope;
    }
}

TEST(RealWeights, FastGradientsAreThoseOfTheOracle) {
    SKIP_WITHOUT_SHARED();
    Stream reference({DeviceKind::reference, 0}), cpu({DeviceKind::cpu, 0});
    const HostTensor a = activations(bvlc(), {"mixed4d"}, photo("chelsea"), cpu)[0];
    const Target target = parse_target(bvlc(), "class:tabby - class:tiger cat");
    for (const VjpOverrides& overrides : {VjpOverrides{}, smoothed_and_blurred_max_pool()}) {
        Section slow(bvlc(), "mixed4d", a.shape, bvlc().logits, reference, {.overrides = overrides});
        Section fast(bvlc(), "mixed4d", a.shape, bvlc().logits, cpu, {.overrides = overrides});
        EXPECT_TRUE(matches(gradient(slow, a, target), gradient(fast, a, target), sum_tolerance(9 * 1600)));
    }
}

TEST(RealWeights, AttributionsObeyTheirIdentities) {
    SKIP_WITHOUT_SHARED();
    Stream stream({DeviceKind::cpu, 0});
    for (const auto& [name, label] : kPhotos) {
        const HostTensor image = photo(name);
        const auto layers = activations(bvlc(), {"mixed4d", "mixed5b", bvlc().logits}, image, stream);
        const Target target = parse_target(bvlc(), "class:" + label);
        const int64_t index = target.terms[0].channel;
        const double logit = double(layers[2].values[size_t(index)]);
        // Behind mixed5b everything is linear: channels and positions add up to the logit without its bias.
        Section last(bvlc(), "mixed5b", layers[1].shape, bvlc().logits, stream);
        const double bias = double(bvlc().parameter("softmax2_b")->values[size_t(index)]);
        EXPECT_NEAR(total(linear_attribution(last, layers[1], target)), logit - bias, 1e-4 * std::fabs(logit)) << name;
        // A difference of classes is the difference of their attributions.
        Section behind(bvlc(), "mixed4d", layers[0].shape, bvlc().logits, stream);
        const Target other = parse_target(bvlc(), "class:cup"),
                     both = parse_target(bvlc(), "class:" + label + " - class:cup");
        HostTensor difference = linear_attribution(behind, layers[0], target);
        const HostTensor minus = linear_attribution(behind, layers[0], other);
        for (size_t i = 0; i < difference.values.size(); i++) difference.values[i] -= minus.values[i];
        EXPECT_TRUE(matches(difference, linear_attribution(behind, layers[0], both), sum_tolerance(9 * 1600))) << name;
        // What a path adds up to is what the target gained on it.
        const PathOptions options{.steps = 100, .rule = PathRule::midpoint};
        const double gain =
            values(behind, layers[0], target)[0] - values(behind, HostTensor(layers[0].shape), target)[0];
        EXPECT_NEAR(total(path_attribution(behind, layers[0], target, options)), gain, 0.01 * std::fabs(gain)) << name;
    }
}

TEST(RealWeights, IntegratedGradientsOfPixelsAddUp) {
    // Sundararajan et al. reach 5 % with 20 to 300 steps. Near black the gradients jump: few steps are far off, and the
    // error must come from them alone.
    SKIP_WITHOUT_SHARED();
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor image = photo("coffee");
    Section section(bvlc(), "input", image.shape, bvlc().logits, stream);
    const auto error = [&](int64_t steps) {
        return integrated_gradients(section, image, parse_target(bvlc(), "class:espresso"), steps).completeness.error();
    };
    const double fine = error(300);
    EXPECT_LT(fine, 0.05);
    EXPECT_LT(fine, error(25));
}

}  // namespace
}  // namespace limpid
