// Targets, fed sections and the attributions made of them, on random weights and on the reference device.
#include "viz/attribution/attribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/ops.h"
#include "graph/vjp_overrides.h"
#include "nets/tiny.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::same_bits;
using testing::sum_tolerance;

const Net& random_net() {
    static const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    return net;
}

constexpr Shape kPhoto{1, 64, 64, 3};
const std::string kLogits = "softmax2_pre_activation";
// Behind mixed4d are nine more convolutions, of up to 1,600 terms.
const testing::Tolerance kDeep = sum_tolerance(9 * 1600);

HostTensor photo() { return random_tensor(kPhoto, 0, 1); }

HostTensor image_of(const HostTensor& all, int64_t n) {
    const ConstView view = all.view().image(n);
    return {view.shape, std::vector<float>(view.data, view.data + view.shape.size())};
}

double total(const HostTensor& t) { return std::accumulate(t.values.begin(), t.values.end(), 0.0); }

TEST(Target, PrintsAndParses) {
    for (const char* text : {"class:7", "logsumexp", "class:7 - logsumexp", "class:1 - class:2 + class:3",
                             "mixed4d:476", "mixed5a:3,4", "mixed5a:3,4 - mixed5a:12"})
        EXPECT_EQ(to_string(parse_target(random_net(), text)), text);
    EXPECT_EQ(parse_target(random_net(), "class:7").layer, kLogits);
    EXPECT_EQ(parse_target(random_net(), "mixed5a:3,4").layer, "mixed5a");
    for (const char* text : {"", "mixed4d", ":3", "mixed4d:", "mixed4d:-1", "mixed4d:1,", "mixed4d:1,2,3", "mixed4d:x",
                             "class:7 - mixed4d:3", "class:7 -class:8 - "})
        EXPECT_THROW(parse_target(random_net(), text), Error) << text;
    EXPECT_THROW(parse_target(random_net(), "class:1008"), Error);
    EXPECT_THROW(parse_target(make_net(tiny_weights()), "class:0"), Error);
    EXPECT_THROW(check_target(parse_target(random_net(), "mixed4d:528"), {1, 4, 4, 528}), Error);
    EXPECT_THROW(check_target(parse_target(random_net(), "mixed4d:0,4"), {1, 4, 4, 528}), Error);
    EXPECT_NO_THROW(check_target(parse_target(random_net(), "mixed4d:3,3 - mixed4d:527"), {1, 4, 4, 528}));
}

TEST(Target, DerivativeIsThatOfTheValue) {
    const Shape logits{1, 1, 1, 1008}, map{1, 4, 4, 528};
    for (const auto& [text, shape] :
         {std::pair{"class:7 - logsumexp", logits}, {"class:7 - class:9", logits}, {"mixed4d:1,2 - mixed4d:5", map}}) {
        const Target target = parse_target(random_net(), text);
        HostTensor a = random_tensor(shape, 0, 1), derivative(shape);
        write_derivative(target, a.view(), derivative.view());
        const HostTensor direction = random_tensor(shape, -1, 1, 1);
        double slope = 0;
        for (size_t i = 0; i < a.values.size(); i++)
            slope += double(derivative.values[i]) * double(direction.values[i]);
        // The step is a power of two, and both tensors are multiples of 2^-12: the moved points are exact.
        const double step = 0x1p-8;
        const auto moved = [&](double t) {
            HostTensor b = a;
            for (size_t i = 0; i < a.values.size(); i++) b.values[i] += float(t * double(direction.values[i]));
            return value(target, b.view());
        };
        // Central differences err by step^2 times a third derivative of order one.
        EXPECT_NEAR((moved(step) - moved(-step)) / (2 * step), slope, step * step * std::max(1.0, std::fabs(slope)))
            << text;
    }
    HostTensor zero(map), derivative(map, 1.0f);
    write_derivative(parse_target(random_net(), "mixed4d:1,2"), zero.view(), derivative.view());
    EXPECT_TRUE(same_bits(zero, derivative)) << "the norm of nothing has derivative 0, not NaN";
}

TEST(Section, IsTheNetworkBehindTheFedLayer) {
    Stream stream({DeviceKind::cpu, 0});
    const auto values = activations(random_net(), {"mixed4d", kLogits, "mixed5a"}, photo(), stream);
    Section section(random_net(), "mixed4d", values[0].shape, kLogits, stream);
    EXPECT_TRUE(matches(values[1], section.forward(values[0]), kDeep));
    Section to_middle(random_net(), "mixed4d", values[0].shape, "mixed5a", stream);
    EXPECT_TRUE(matches(values[2], to_middle.forward(values[0]), kDeep));
    Section whole(random_net(), "input", kPhoto, kLogits, stream);
    EXPECT_TRUE(matches(values[1], whole.forward(photo()), kDeep));
    for (const auto& [from, to] : {std::pair{"mixed4d", "mixed4a"},
                                   {"mixed4d", "mixed4x"},
                                   {"mixed4x", "mixed5a"},
                                   {"mixed4d_pre_relu", "mixed5a"},
                                   {"mixed4d_1x1", "mixed5a"}})
        EXPECT_THROW(Section(random_net(), from, values[0].shape, to, stream), Error) << from << " " << to;
    EXPECT_THROW(Section(random_net(), "mixed4d", {1, 4, 4, 527}, kLogits, stream), Error);
}

TEST(Section, ComputesOnlyWhatLiesBehind) {
    Graph graph;
    const NodeId fed = graph.input("mixed5b", {2, 3, 5, 1024});
    const Layers layers = apply(random_net(), graph, Layers{{"mixed5b", fed}});
    EXPECT_EQ(layers.at("mixed5b"), fed);
    EXPECT_EQ(graph.shape(layers.at(kLogits)), (Shape{2, 1, 1, 1008}));
    EXPECT_FALSE(layers.contains("mixed5a"));
    EXPECT_FALSE(layers.contains("input"));
    EXPECT_LT(graph.size(), 10);
}

TEST(Section, GradientIsThatOfTheWholeNetwork) {
    Stream stream({DeviceKind::reference, 0});
    Graph graph;
    const Layers layers = apply(random_net(), graph, graph.input("image", kPhoto));
    const NodeId logit = ops::slice_channels(graph, layers.at(kLogits), 7, 1);
    const std::vector<NodeId> wrt{layers.at("mixed4d"), layers.at("mixed5a")};
    std::vector<NodeId> outputs = grad(graph, logit, wrt);
    outputs.insert(outputs.end(), wrt.begin(), wrt.end());
    const auto expected = evaluate(graph, outputs, stream, {photo()});
    for (size_t i = 0; i < wrt.size(); i++) {
        Section section(random_net(), i == 0 ? "mixed4d" : "mixed5a", expected[2 + i].shape, kLogits, stream);
        EXPECT_TRUE(
            matches(expected[i], gradient(section, expected[2 + i], parse_target(random_net(), "class:7")), kDeep));
    }
}

TEST(Section, SeedsAndImagesDoNotMeet) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor x = random_tensor({5, 4, 4, 528}, 0, 1), seeds = random_tensor({5, 1, 1, 1008}, -1, 1, 1);
    Section three(random_net(), "mixed4d", x.shape, kLogits, stream, {.batch = 3});
    Section one(random_net(), "mixed4d", x.shape, kLogits, stream, {.batch = 1});
    const HostTensor together = three.pull_back(x, seeds), values = three.forward(x);
    const HostTensor at_first = three.pull_back(image_of(x, 0), seeds);
    for (int64_t n = 0; n < 5; n++) {
        EXPECT_TRUE(same_bits(one.pull_back(image_of(x, n), image_of(seeds, n)), image_of(together, n))) << n;
        EXPECT_TRUE(same_bits(one.forward(image_of(x, n)), image_of(values, n))) << n;
        EXPECT_TRUE(same_bits(one.pull_back(image_of(x, 0), image_of(seeds, n)), image_of(at_first, n))) << n;
    }
}

TEST(Attribution, IsLinearInTheTarget) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed4d"}, photo(), stream)[0];
    Section section(random_net(), "mixed4d", a.shape, kLogits, stream);
    const auto of = [&](const char* text) { return linear_attribution(section, a, parse_target(random_net(), text)); };
    const HostTensor first = of("class:7"), second = of("class:11"), both = of("class:7 - class:11");
    HostTensor difference = first;
    for (size_t i = 0; i < difference.values.size(); i++) difference.values[i] -= second.values[i];
    EXPECT_TRUE(matches(difference, both, kDeep));
}

TEST(Attribution, IsExactBehindTheLastNonlinearity) {
    // From mixed5b on the network is a mean and a matrix, so the attributions add up to the logit without its bias.
    Stream stream({DeviceKind::cpu, 0});
    const auto values = activations(random_net(), {"mixed5b", kLogits}, photo(), stream);
    Section section(random_net(), "mixed5b", values[0].shape, kLogits, stream);
    const HostTensor attribution = linear_attribution(section, values[0], parse_target(random_net(), "class:7"));
    const float expected = values[1].values[7] - random_net().parameter("softmax2_b")->values[7];
    EXPECT_NEAR(total(attribution), double(expected), 1e-5 * std::fabs(double(values[1].values[7])) + 1e-6);
    EXPECT_NEAR(total(sum_positions(attribution)), double(expected), 1e-4);
    EXPECT_NEAR(total(sum_channels(attribution)), double(expected), 1e-4);
    EXPECT_EQ(sum_positions(attribution).shape, (Shape{1, 1, 1, 1024}));
    EXPECT_EQ(sum_channels(attribution).shape, (Shape{1, 2, 2, 1}));
}

TEST(Attribution, PathAddsUpToTheDifference) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed4d"}, photo(), stream)[0], zero(a.shape);
    Section section(random_net(), "mixed4d", a.shape, kLogits, stream);
    const Target target = parse_target(random_net(), "class:7 - logsumexp");
    const double change = values(section, a, target)[0] - values(section, zero, target)[0];
    double last_error = 1e9;
    for (const int64_t steps : {8, 64}) {
        const PathOptions options{.steps = steps, .rule = PathRule::midpoint};
        const double error = std::fabs(total(path_attribution(section, a, target, options)) - change);
        EXPECT_LT(error, last_error) << steps;
        last_error = error;
    }
    EXPECT_LT(last_error, 0.02 * std::fabs(change));
}

TEST(Attribution, PathTakesLucidsLeftEndPoints) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed5a"}, photo(), stream)[0];
    Section section(random_net(), "mixed5a", a.shape, kLogits, stream);
    const Target target = parse_target(random_net(), "class:7");
    const auto gradient_at = [&](float t) {
        HostTensor fed = a;
        for (float& v : fed.values) v *= t;
        return gradient(section, fed, target);
    };
    HostTensor expected(a.shape);
    for (const float t : {0.0f, 0.25f, 0.5f, 0.75f}) {
        const HostTensor g = gradient_at(t);
        for (size_t i = 0; i < g.values.size(); i++) expected.values[i] += a.values[i] * g.values[i] / 4;
    }
    EXPECT_TRUE(matches(expected, path_attribution(section, a, target, {.steps = 4}), kDeep));
    EXPECT_FALSE(matches(expected, path_attribution(section, a, target, {.steps = 4, .rule = PathRule::right}), kDeep));
}

TEST(Attribution, StochasticPathIsDrawnFromACounter) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed5a"}, photo(), stream)[0];
    Section section(random_net(), "mixed5a", a.shape, kLogits, stream);
    const Target target = parse_target(random_net(), "class:7");
    const auto path = [&](bool stochastic, uint64_t seed) {
        return path_attribution(section, a, target, {.steps = 20, .stochastic = stochastic, .seed = seed});
    };
    const HostTensor plain = path(false, 0), noisy = path(true, 0);
    EXPECT_TRUE(same_bits(noisy, path(true, 0)));
    EXPECT_FALSE(same_bits(noisy, path(true, 1)));
    EXPECT_FALSE(same_bits(noisy, plain));
    // The factors' mean is 2/3: they move along the same ray, so the sums stay comparable.
    EXPECT_NEAR(total(noisy), total(plain), 0.3 * std::fabs(total(plain)));
}

TEST(Attribution, FromPositionsToPositions) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed4a"}, photo(), stream)[0];
    for (const VjpOverrides& overrides : {VjpOverrides{}, smoothed_max_pool()}) {
        Section section(random_net(), "mixed4a", a.shape, "mixed4d", stream, {.overrides = overrides});
        const HostTensor all = position_attribution(section, a);
        ASSERT_EQ(all.shape, (Shape{16, 4, 4, 1}));
        const HostTensor one = sum_channels(linear_attribution(section, a, parse_target(random_net(), "mixed4d:2,1")));
        EXPECT_TRUE(matches(one, image_of(all, 2 * 4 + 1), kDeep));
        EXPECT_FALSE(matches(one, image_of(all, 1 * 4 + 2), kDeep));
    }
}

TEST(Attribution, IsTheSameInSmallerPasses) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed4a"}, photo(), stream)[0];
    const auto all = [&](size_t allowed, int64_t& at_once) {
        stream.allow_memory(allowed);
        Section section(random_net(), "mixed4a", a.shape, "mixed4d", stream);
        at_once = section.images_at_once(14, true, true);
        return position_attribution(section, a);
    };
    int64_t most = 0, at_once = 0;
    const HostTensor whole = all(size_t(1) << 40, most);
    EXPECT_EQ(most, 14);
    size_t allowed = size_t(1) << 30;
    for (; allowed > 1024 && at_once != 1; allowed = allowed * 9 / 10) {
        int64_t now = 0;
        HostTensor smaller;
        ASSERT_NO_THROW(smaller = all(allowed, now)) << allowed;
        if (now != at_once) {
            EXPECT_TRUE(same_bits(whole, smaller)) << now << " at once";
        }
        at_once = now;
    }
    EXPECT_EQ(at_once, 1);
    EXPECT_THROW(all(allowed / 8, at_once), Error);
}

TEST(Attribution, StopsWhereItIsToldTo) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed4a"}, photo(), stream)[0];
    Section section(random_net(), "mixed4a", a.shape, "mixed4d", stream);
    int told = 0;
    EXPECT_THROW(position_attribution(section, a, [&](int64_t, int64_t) { return ++told < 2; }), Stopped);
    EXPECT_EQ(told, 2);
    stream.stop_when(Stop([] { return true; }));
    EXPECT_THROW(position_attribution(section, a), Stopped);
    EXPECT_THROW(path_attribution(section, a, parse_target(random_net(), "mixed4d:1,1")), Stopped);
}

}  // namespace
}  // namespace limpid
