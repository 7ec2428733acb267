// Ascent and its rules against values made by hand, and as text.
#include "viz/render/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/error.h"
#include "nets/tiny.h"
#include "viz/batch/batch_renderer.h"
#include "viz/render/render.h"

namespace limpid {
namespace {

// x after one update with the gradient g.
std::vector<float> after(const std::string& text, Shape shape, std::vector<float> x, const std::vector<float>& g,
                         int64_t update = 0) {
    const HostTensor gradient(shape, g);
    HostTensor values(shape, std::move(x));
    ascend(*parse_optimiser(text), update, gradient.view(), values.view());
    return values.values;
}

void near(const std::vector<float>& a, const std::vector<double>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < b.size(); i++) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
}

TEST(Optimiser, StepsAlongTheGradient) {
    const Shape row{1, 1, 3, 1};
    near(after("ascent(rate=2)", row, {1, 2, 3}, {0.5f, -1, 0}), {2, 0, 3});
    // |g|^2 = 4: progress 2 makes a rate of 1/2, unless that is above the rate given.
    near(after("ascent(rate=100, progress=2)", row, {0, 0, 0}, {2, 0, 0}), {1, 0, 0});
    near(after("ascent(rate=0.25, progress=2)", row, {0, 0, 0}, {2, 0, 0}), {0.5, 0, 0});
    near(after("ascent(rate=100, progress=2)", row, {1, 2, 3}, {0, 0, 0}), {1, 2, 3});
}

TEST(Optimiser, RulesFollowTheStepInTheirOrder) {
    const Shape row{1, 1, 3, 1};
    near(after("ascent(rate=1); decay(0.25)", row, {3, 4, -8}, {1, 0, 0}), {3, 3, -6});
    near(after("ascent(rate=1); clamp(-2, 5)", row, {3, 4, -8}, {1, 3, 0}), {4, 5, -2});
    near(after("ascent(rate=1); decay(0.5); clamp(-2, 3)", row, {8, 4, -8}, {0, 0, 0}), {3, 2, -2});
    near(after("ascent(rate=1); clamp(-2, 3); decay(0.5)", row, {8, 4, -8}, {0, 0, 0}), {1.5, 1.5, -1});
    near(after("ascent(rate=1); clamp", row, {-200, 4, 200}, {0, 0, 0}), {-117, 4, 138});
}

TEST(Optimiser, BlurIsScipysGaussian) {
    // sigma 0.5: reach 2, weights exp(-2 i^2) over their sum; the border is mirrored with its edge.
    const double a = std::exp(-2.0), b = std::exp(-8.0), sum = 1 + 2 * a + 2 * b;
    near(after("ascent; blur(0.5)", {1, 1, 5, 1}, {0, 0, 1, 0, 0}, {0, 0, 0, 0, 0}),
         {b / sum, a / sum, 1 / sum, a / sum, b / sum});
    near(after("ascent; blur(0.5)", {1, 4, 1, 1}, {1, 0, 0, 0}, {0, 0, 0, 0}),
         {(1 + a) / sum, (a + b) / sum, b / sum, 0});
    // Channels apart; both axes: the product of the two.
    const std::vector<float> plane = after(
        "ascent; blur(0.5)", {1, 5, 5, 2},
        [] {
            std::vector<float> x(50);
            x[24] = 1;
            return x;
        }(),
        std::vector<float>(50));
    EXPECT_NEAR(plane[24], 1 / (sum * sum), 1e-6);
    EXPECT_NEAR(plane[2 * (5 + 1)], a * a / (sum * sum), 1e-6);
    EXPECT_EQ(plane[25], 0);
    // At updates 0, 4, 8 only.
    EXPECT_EQ(after("ascent; blur(0.5, every=4)", {1, 1, 2, 1}, {1, 0}, {0, 0}, 3), (std::vector<float>{1, 0}));
    EXPECT_NE(after("ascent; blur(0.5, every=4)", {1, 1, 2, 1}, {1, 0}, {0, 0}, 4), (std::vector<float>{1, 0}));
}

TEST(Optimiser, WhatIsSmallIsDropped) {
    // numpy.percentile([1,2,3,4,5], 50) = 3: 1 and 2 are below.
    near(after("ascent; small_values(50)", {1, 1, 5, 1}, {1, -5, 2, -4, 3}, {0, 0, 0, 0, 0}), {0, -5, 0, -4, 3});
    // 30 %: between 2 and 3, at 2.2.
    near(after("ascent; small_values(30)", {1, 1, 5, 1}, {1, -5, 2, -4, 3}, {0, 0, 0, 0, 0}), {0, -5, 0, -4, 3});
    near(after("ascent; small_values(0)", {1, 1, 3, 1}, {1, 0, 2}, {0, 0, 0}), {1, 0, 2});
    // Lengths 5, 1, sqrt(2): the median is sqrt(2).
    near(after("ascent; small_pixels(50)", {1, 1, 3, 2}, {3, -4, 0, 1, 1, 1}, {0, 0, 0, 0, 0, 0}), {3, -4, 0, 0, 1, 1});
    // -x*g after the step of 0: -(1*2 + 1*(-3)) = 1, -(2*1) = -2, -3*1 = -3; the median is -2. By magnitude: 1, 2, 3.
    const std::vector<float> x{1, 1, 2, 0, 3, 0}, g{2, -3, 1, 0, 1, 0};
    near(after("ascent(rate=1e-30); small_contributions(50)", {1, 1, 3, 2}, x, g), {1, 1, 2, 0, 0, 0});
    near(after("ascent(rate=1e-30); small_contributions(50, magnitude)", {1, 1, 3, 2}, x, g), {0, 0, 2, 0, 3, 0});
}

TEST(Optimiser, ParsesWhatItPrints) {
    for (const char* text :
         {"adam", "ascent", "ascent(rate=100); decay(0.25); blur(sigma=0.5, every=4)", "yosinski1", "yosinski2",
          "yosinski3", "yosinski4", "ascent(rate=3, progress=2); clamp(low=-1, high=1); small_values(5)",
          "ascent; small_pixels(50); small_contributions(90, magnitude=yes); clamp"}) {
        EXPECT_EQ(to_string(parse_optimiser(text)), text);
        EXPECT_EQ(parse_optimiser(to_string(parse_optimiser(text))), parse_optimiser(text));
    }
    EXPECT_EQ(parse_optimiser("ascent(100); decay(0.0001); blur(1, 4); clamp"), parse_optimiser("yosinski3"));
    const auto says = [](const std::string& text, const std::string& words) {
        std::string message = "accepted";
        try {
            parse_optimiser(text);
        } catch (const UsageError& error) {
            message = error.what();
        }
        EXPECT_NE(message.find(words), std::string::npos) << text << ": " << message;
    };
    says("", "empty");
    says("adm", "column 1: \"adm\" is no optimiser; did you mean adam");
    says("adam; decay(1)", "column 7: adam takes no rules");
    says("ascent; blurr(1)", "column 9: \"blurr\" is no rule of an ascent; did you mean blur");
    says("ascent(rate=0)", "more than 0");
    says("ascent; decay(2)", "0 to 1");
    says("ascent; small_values(101)", "0 to 100");
    says("ascent; blur(1, every=0)", "1 or more");
    says("ascent; clamp(3, 1)", "less than high");
}

RenderOptions ascent_options() {
    RenderOptions options;
    options.param = parse_param("pixel(sd=10); rgb; centred");
    options.param.height = options.param.width = 24;
    options.transforms = {};
    options.optimiser = parse_optimiser("ascent(rate=1e8, progress=0.01); blur(0.5, every=4); clamp");
    options.steps = 30;
    return options;
}

TEST(Optimiser, AscentClimbsAndRepeatsInAnyBatch) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    RenderOptions options = ascent_options();
    const Rendering alone = render(net, parse_objective("texture:8"), options, stream);
    EXPECT_GT(alone.scores.back()[0], 5 * std::fabs(alone.scores.front()[0]) + 0.01f);
    for (const float value : alone.images.values) ASSERT_TRUE(value >= -1e-5 && value <= 1 + 1e-5);
    options.batch = 2;
    const Rendering both = render(net, parse_objective("texture:8"), options, stream);
    EXPECT_TRUE(std::equal(alone.images.values.begin(), alone.images.values.end(), both.images.values.begin()));
    // And as a job of a batch.
    options.batch = 1;
    const std::vector<Job> jobs{{"a", parse_objective("texture:8"), options},
                                {"b", parse_objective("texture:3"), options}};
    BatchRenderer renderer(net, stream, 2);
    size_t next = 0;
    int seen = 0;
    renderer.run([&] { return next < jobs.size() ? &jobs[next++] : nullptr; },
                 [&](FinishedJob&& finished) {
                     ASSERT_EQ(finished.error, "");
                     seen++;
                     if (finished.job->name == "a") {
                         EXPECT_EQ(finished.images.values, alone.images.values);
                     }
                 });
    EXPECT_EQ(seen, 2);
}

TEST(Optimiser, RulesOfPixelsNeedPixels) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    RenderOptions options = ascent_options();
    options.param.sources = {Spectral{}};
    EXPECT_THROW(Renderer(net, parse_objective("texture:8"), options, stream), UsageError);
    options.optimiser = parse_optimiser("ascent(rate=1); decay(0.1)");
    EXPECT_NO_THROW(Renderer(net, parse_objective("texture:8"), options, stream));
}

}  // namespace
}  // namespace limpid
