// Methods on a network that is transparent: its answers can be computed by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/vjp_overrides.h"
#include "kernels/error.h"
#include "kernels/stop.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "viz/attribution/faithfulness.h"
#include "viz/attribution/gradient_methods.h"
#include "viz/factor/cholesky.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::same_bits;
using testing::sum_tolerance;

// Logit 0 is 20 times the mean over the photo of max(red - threshold, 0), logit 1 of max(blue - threshold, 0).
Net colour_net(float threshold = 0) {
    Weights weights;
    weights.variant = "colour";
    weights.tensors["colour_w"] = HostTensor({1, 1, 3, 2}, {1, 0, 0, 0, 0, 1});
    weights.tensors["colour_b"] = HostTensor({1, 1, 1, 2}, -threshold);
    weights.tensors["softmax2_w"] = HostTensor({1, 1, 2, 2}, {20, 0, 0, 20});
    weights.tensors["softmax2_b"] = HostTensor({1, 1, 1, 2});
    weights.network =
        "network: colour\n"
        "logits: softmax2_pre_activation\n"
        "input = image(size=32, channels=3)\n"
        "preprocessed = normalise(input, scale=1, mean=0)\n"
        "colour = conv(preprocessed, channels=2, activation=relu)\n"
        "mean = average_pool(colour, other_maps=whole)\n"
        "softmax2_pre_activation = dense(mean, channels=2)\n";
    return make_net(std::move(weights));
}

constexpr Shape kPhoto{1, 32, 32, 3};
constexpr int64_t kTop = 8, kLeft = 16, kSide = 8;

bool in_square(int64_t y, int64_t x) { return y >= kTop && y < kTop + kSide && x >= kLeft && x < kLeft + kSide; }

// A red square on dark grey; or, with texture, on random grey, the square itself a red and black chequerboard.
HostTensor red_square(bool texture = false) {
    HostTensor photo = texture ? random_tensor(kPhoto, 0.1f, 0.3f) : HostTensor(kPhoto, 0.2f);
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++)
            if (in_square(y, x)) {
                photo.at(0, y, x, 0) = texture && (x + y) % 2 ? 0 : 1;
                photo.at(0, y, x, 1) = photo.at(0, y, x, 2) = 0;
            }
    return photo;
}

struct Transparent : ::testing::Test {
    Stream stream{{DeviceKind::cpu, 0}};
    Net net = colour_net();
    Section section{net, "input", kPhoto, net.logits, stream};
    Target red = class_target(net, 0);
    HostTensor photo = red_square();
};

// The mean of a map in the square, and outside.
std::pair<double, double> means(const HostTensor& map) {
    double in = 0, out = 0;
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++) (in_square(y, x) ? in : out) += double(map.at(0, y, x, 0));
    return {in / (kSide * kSide), out / (32 * 32 - kSide * kSide)};
}

TEST_F(Transparent, Saliency) {
    const HostTensor map = saliency(gradient(section, photo, class_target(net, 1)));
    // Blue is 0.2 outside and 0 in the square, where the ReLU is shut.
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++) EXPECT_NEAR(map.at(0, y, x, 0), in_square(y, x) ? 0 : 20.0 / 1024, 1e-6);
    EXPECT_EQ(saliency(HostTensor({1, 1, 1, 3}, {1, -3, 2})).values[0], 3.0f);
}

TEST_F(Transparent, IntegratedGradientsAreCompleteAndExactWhereLinear) {
    const IntegratedGradients result = integrated_gradients(section, photo, red, 10);
    EXPECT_LT(result.completeness.error(), 1e-5);
    EXPECT_NEAR(result.completeness.change, 20 * (64 + 0.2 * 960) / 1024, 1e-5);
    EXPECT_TRUE(matches(linear_attribution(section, photo, red), result.attribution, {1e-5}));
    // Against the photo itself nothing is owed to anything.
    for (const float v : integrated_gradients(section, photo, red, 3, photo).attribution.values) EXPECT_EQ(v, 0);
}

TEST_F(Transparent, SmoothGradIsTheGradientWhereThatIsConstant) {
    // Noise of a hundredth of the range never shuts the ReLU of red, which is at least 0.2.
    SmoothGradOptions options{.samples = 20, .deviation = 0.01};
    const HostTensor plain = gradient(section, photo, red);
    EXPECT_TRUE(matches(plain, smooth_grad(section, photo, red, options), {1e-6}));
    options.kind = SmoothGradOptions::Kind::variance;
    for (const float v : smooth_grad(section, photo, red, options).values) EXPECT_NEAR(v, 0, 1e-10);
    // Blue in the square is exactly 0: half of the samples open it.
    options = {.samples = 400, .deviation = 0.01};
    const HostTensor blue = smooth_grad(section, photo, class_target(net, 1), options);
    double in_square_mean = 0;
    for (int64_t y = kTop; y < kTop + kSide; y++)
        for (int64_t x = kLeft; x < kLeft + kSide; x++) in_square_mean += double(blue.at(0, y, x, 2)) / 64;
    // 64 pixels of 400 independent samples: a deviation of 0.5 / sqrt(64 * 400) = 0.003 of the full gradient.
    EXPECT_NEAR(in_square_mean * 1024 / 20, 0.5, 5 * 0.0032);
    EXPECT_TRUE(same_bits(blue, smooth_grad(section, photo, class_target(net, 1), options)));
    options.seed = 1;
    EXPECT_FALSE(same_bits(blue, smooth_grad(section, photo, class_target(net, 1), options)));
}

TEST_F(Transparent, GradCamShowsTheChannelOfTheClass) {
    const HostTensor a = activations(net, {"colour"}, photo, stream)[0];
    Section behind(net, "colour", a.shape, net.logits, stream);
    const HostTensor map = grad_cam(behind, a, red);
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++)
            EXPECT_NEAR(map.at(0, y, x, 0), 20.0 / 1024 * (in_square(y, x) ? 1 : 0.2), 1e-6);
    // Against red, nothing speaks: the map is cut at 0.
    const HostTensor against = grad_cam(behind, a, parse_target(net, "class:1 - class:0"));
    EXPECT_EQ(against.at(0, kTop, kLeft, 0), 0);
}

TEST_F(Transparent, OcclusionIsWhatTheTargetLoses) {
    const HostTensor map = occlusion(section, photo, red, {.window = 8, .stride = 8, .fill = 0});
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++)
            EXPECT_NEAR(map.at(0, y, x, 0), 20 * 64 * (in_square(y, x) ? 1 : 0.2) / 1024, 1e-5);
    // Windows that do not divide the photo still cover all of it.
    const HostTensor odd = occlusion(section, photo, red, {.window = 5, .stride = 3, .fill = 0});
    for (const float v : odd.values) EXPECT_GT(v, 0);
    EXPECT_THROW(occlusion(section, photo, red, {.window = 33}), Error);
    EXPECT_THROW(occlusion(section, photo, red, {.window = 4, .stride = 5}), Error);
    EXPECT_THROW(occlusion(section, photo, red, {}, [](int64_t, int64_t) { return false; }), Stopped);
}

TEST_F(Transparent, PredictionDifferenceFindsTheEvidence) {
    const PredictionDifferenceOptions options{.window = 8, .margin = 3, .stride = 4, .samples = 4};
    photo = red_square(true);
    const HostTensor map = prediction_difference(section, photo, 0, options);
    const auto [in, out] = means(map);
    EXPECT_GT(in, 0) << "without the square, red is less likely";
    EXPECT_GT(in, 5 * std::fabs(out));
    const HostTensor against = prediction_difference(section, photo, 1, options);
    EXPECT_LT(means(against).first, 0) << "what speaks for red speaks against blue";
    EXPECT_TRUE(same_bits(map, prediction_difference(section, photo, 0, options)));
    // A photo of one colour has no spread: drawing changes nothing but the tiny ridge.
    const HostTensor flat = prediction_difference(section, HostTensor(kPhoto, 0.5f), 0, options);
    for (const float v : flat.values) EXPECT_NEAR(v, 0, 1e-2);
    EXPECT_NO_THROW(prediction_difference(section, photo, 0, {.window = 8, .margin = 0, .stride = 8, .samples = 1}));
    EXPECT_THROW(prediction_difference(section, photo, 0, {.samples = 0}), Error);
}

TEST_F(Transparent, LimeGivesTheSquareItsWeight) {
    // Hidden segments get their mean colour. The square is a faint chequerboard around a threshold: its mean is not
    // above.
    const Net strict = colour_net(0.9f);
    Section of_strict(strict, "input", kPhoto, strict.logits, stream);
    HostTensor textured = photo;
    for (int64_t y = kTop; y < kTop + kSide; y++)
        for (int64_t x = kLeft; x < kLeft + kSide; x++) textured.at(0, y, x, 0) = (x + y) % 2 ? 0.95f : 0.85f;
    const Lime result = lime(of_strict, textured, red, {.segments = 16, .samples = 300});
    ASSERT_EQ(result.map.shape, (Shape{1, 32, 32, 1}));
    const auto [in, out] = means(result.map);
    EXPECT_GT(in, 20 * std::fabs(out));
    EXPECT_GT(result.r2, 0.95) << "the answer is a sum over segments; only the ridge bends it";
    // Intercept and all weights are the answer to the whole photo, but for the ridge: 1 against 300 samples' variance.
    const double all = std::accumulate(result.weights.begin(), result.weights.end(), result.intercept);
    const double whole = values(of_strict, textured, red)[0];
    EXPECT_NEAR(all, whole, 0.05 * whole);
    EXPECT_TRUE(same_bits(result.map, lime(of_strict, textured, red, {.segments = 16, .samples = 300}).map));
}

TEST_F(Transparent, DeletionAndInsertionTellGoodMapsFromBad) {
    HostTensor good({1, 32, 32, 1}), bad({1, 32, 32, 1});
    for (size_t i = 0; i < good.values.size(); i++)
        good.values[i] = photo.values[3 * i], bad.values[i] = -good.values[i];
    const HostTensor black(kPhoto);
    const FaithfulnessCurve down = deletion(section, photo, good, 0, 16, black);
    const FaithfulnessCurve up = insertion(section, photo, good, 0, 16, black);
    ASSERT_EQ(down.probability.size(), 17u);
    // Red 20 (64 + 0.2 * 960) / 1024 = 5, blue 20 * 0.2 * 960 / 1024 = 3.75; black has no opinion.
    const double whole = 1 / (1 + std::exp(3.75 - 5));
    EXPECT_NEAR(down.probability.front(), whole, 1e-5);
    EXPECT_NEAR(down.probability.back(), 0.5, 1e-5);
    EXPECT_NEAR(up.probability.front(), 0.5, 1e-5);
    EXPECT_NEAR(up.probability.back(), whole, 1e-5);
    EXPECT_NEAR(up.probability[1], 1 / (1 + std::exp(-20 * 64.0 / 1024)), 1e-5) << "the first 64 pixels: the square";
    EXPECT_LT(down.area(), deletion(section, photo, bad, 0, 16, black).area());
    EXPECT_GT(up.area(), insertion(section, photo, bad, 0, 16, black).area());
}

TEST(Faithfulness, CorrelatesRanks) {
    const auto of = [](std::vector<float> a, std::vector<float> b) {
        const Shape s{1, 1, int64_t(a.size()), 1};
        return rank_correlation({s, std::move(a)}, {s, std::move(b)});
    };
    EXPECT_NEAR(of({1, 2, 3, 4}, {10, 100, 1000, 10000}), 1, 1e-12);
    EXPECT_NEAR(of({1, 2, 3, 4}, {4, 3, 2, 1}), -1, 1e-12);
    EXPECT_NEAR(of({1, 2, 3}, {1, 3, 2}), 0.5, 1e-12);  // 1 - 6 * 2 / (3 * 8)
    EXPECT_NEAR(of({1, 1, 2}, {5, 5, 9}), 1, 1e-12);
    EXPECT_EQ(of({1, 1, 1}, {1, 2, 3}), 0);
}

TEST(Faithfulness, RandomisesOnlyWhatLiesBehind) {
    const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    const Net changed = randomised(net, "mixed5a");
    for (const char* kept : {"conv2d0_w", "mixed5a_1x1_w", "mixed5a_pool_reduce_b"})
        EXPECT_EQ(changed.parameter(kept), net.parameter(kept)) << kept;
    for (const char* name : {"mixed5b_1x1_w", "mixed5b_3x3_b", "softmax2_w", "softmax2_b"})
        EXPECT_NE(changed.parameter(name), net.parameter(name)) << name;
    const auto deviation = [](const HostTensor& t) {
        double sum = 0;
        for (const float v : t.values) sum += double(v) * double(v);
        return std::sqrt(sum / double(t.values.size()));
    };
    EXPECT_NEAR(deviation(*changed.parameter("softmax2_w")) / deviation(*net.parameter("softmax2_w")), 1, 0.02);
    EXPECT_TRUE(same_bits(*changed.parameter("softmax2_w"), *randomised(net, "mixed5a").parameter("softmax2_w")));

    // A gradient notices.
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor photo = random_tensor({1, 64, 64, 3}, 0, 1);
    Section before(net, "input", photo.shape, net.logits, stream),
        after(changed, "input", photo.shape, net.logits, stream);
    const Target target = class_target(net, 7);
    EXPECT_LT(rank_correlation(gradient(before, photo, target), gradient(after, photo, target)), 0.9);
}

TEST(Superpixels, AreConnectedAndKeepToEdges) {
    // Left half dark, right half light.
    HostTensor photo({1, 40, 60, 3});
    for (int64_t y = 0; y < 40; y++)
        for (int64_t x = 0; x < 60; x++)
            for (int64_t c = 0; c < 3; c++) photo.at(0, y, x, c) = x < 31 ? 0.2f : 0.8f;
    const HostTensor segments = superpixels(photo, 24);
    const auto count = int64_t(*std::ranges::max_element(segments.values)) + 1;
    EXPECT_GE(count, 16);
    EXPECT_LE(count, 32);
    std::vector<int64_t> first(static_cast<size_t>(count), -1);
    for (int64_t p = 0; p < 40 * 60; p++) {
        int64_t& seen = first[size_t(segments.values[size_t(p)])];
        if (seen < 0) seen = p;
        EXPECT_EQ(seen % 60 < 31, p % 60 < 31) << "segment " << segments.values[size_t(p)] << " crosses the edge";
    }
    for (const int64_t seen : first) EXPECT_GE(seen, 0) << "numbers without gaps";
    EXPECT_THROW(superpixels(photo, 0), Error);
    EXPECT_THROW(superpixels(photo, 601), Error);
    const HostTensor one = superpixels(photo, 1);
    EXPECT_EQ(*std::ranges::max_element(one.values), 0.0f);
}

TEST(Cholesky, SolvesAndRefuses) {
    const HostTensor a = random_tensor({1, 1, 8, 8});
    HostArray<double> spd({1, 1, 8, 8}), x = testing::widen(random_tensor({1, 1, 3, 8}, -1, 1, 1)), b({1, 1, 3, 8});
    for (int64_t i = 0; i < 8; i++)
        for (int64_t j = 0; j < 8; j++) {
            spd.at(0, 0, i, j) = i == j ? 0.1 : 0;
            for (int64_t k = 0; k < 8; k++) spd.at(0, 0, i, j) += double(a.at(0, 0, i, k)) * double(a.at(0, 0, j, k));
        }
    for (int64_t m = 0; m < 3; m++)
        for (int64_t i = 0; i < 8; i++)
            for (int64_t j = 0; j < 8; j++) b.at(0, 0, m, i) += spd.at(0, 0, i, j) * x.at(0, 0, m, j);
    EXPECT_TRUE(matches(x, solve_rows(cholesky(spd), b), {1e-10}));
    spd.at(0, 0, 3, 3) = -1;
    EXPECT_THROW(cholesky(spd), Error);
}

}  // namespace
}  // namespace limpid
