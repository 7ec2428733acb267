// Transforms: sizes, draws and pixels, one by one.
#include "viz/transform/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "graph/run.h"
#include "kernels/error.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

HostTensor run_transform(const Transforms& transforms, const TransformSample& draw, const HostTensor& image) {
    Graph graph;
    const Transformed view = transform(graph, transforms, draw.scales, graph.input("image", image.shape));
    std::vector<HostTensor> inputs{image};
    for (const std::vector<float>& knob : draw.knobs) inputs.emplace_back(Shape{1, 1, 1, int64_t(knob.size())}, knob);
    Stream stream({DeviceKind::cpu, 0});
    return evaluate(graph, {view.image}, stream, inputs)[0];
}

TEST(Transforms, StandardOnesAreLucids) {
    const Transforms t = standard_transforms();
    ASSERT_EQ(t.size(), 5u);
    EXPECT_EQ(std::get<Pad>(t[0]), (Pad{12, PadMode::constant, 0.5f}));
    EXPECT_EQ(std::get<Jitter>(t[1]).distance, 8);
    const auto& factors = std::get<RandomScale>(t[2]).factors;
    ASSERT_EQ(factors.size(), 11u);
    EXPECT_DOUBLE_EQ(factors.front(), 0.9);
    EXPECT_DOUBLE_EQ(factors.back(), 1.1);
    const auto& degrees = std::get<RandomRotate>(t[3]).degrees;
    EXPECT_EQ(degrees.size(), 26u);
    EXPECT_EQ(std::count(degrees.begin(), degrees.end(), 0.0), 6);
    EXPECT_EQ(std::get<Jitter>(t[4]).distance, 4);
}

TEST(Transforms, SizesAreLucids) {
    // 128 -> 152 -> 144 -> 129..158 -> same -> 125..154
    const HostTensor image = testing::random_tensor({1, 128, 128, 3}, 0, 1);
    std::set<int64_t> sizes;
    for (int scale = 0; scale < 11; scale++) {
        TransformSample draw = sample(standard_transforms(), 128, 128, 0, 0);
        draw.scales = {scale};
        const HostTensor out = run_transform(standard_transforms(), draw, image);
        EXPECT_EQ(out.shape.h, out.shape.w);
        sizes.insert(out.shape.h);
    }
    // trunc(float32(factor) * 144) - 4
    EXPECT_EQ(sizes, (std::set<int64_t>{125, 128, 131, 134, 137, 140, 142, 145, 148, 151, 154}));
}

TEST(Transforms, DrawsCoverTheirRangesEvenly) {
    std::map<int, int> scales, rows, columns;
    std::map<float, int> cosines;
    const int draws = 4000;
    for (int step = 0; step < draws; step++) {
        const TransformSample draw = sample(standard_transforms(), 128, 128, 11, uint32_t(step));
        ASSERT_EQ(draw.knobs.size(), 3u);
        scales[draw.scales[0]]++;
        rows[int(draw.knobs[0][0])]++;
        columns[int(draw.knobs[0][1])]++;
        cosines[draw.knobs[1][3]]++;
        EXPECT_LE(draw.knobs[2][0], 4);
    }
    const auto even = [&](const auto& counts, size_t kinds) {
        ASSERT_EQ(counts.size(), kinds);
        for (const auto& [value, count] : counts)
            EXPECT_NEAR(count, draws / double(kinds), 5 * std::sqrt(draws / double(kinds)))
                << value;  // five standard deviations
    };
    even(scales, 11);
    even(rows, 9);
    even(columns, 9);
    EXPECT_EQ(cosines.size(), 21u);
    EXPECT_NEAR(cosines[0.0f], draws * 6 / 26.0, 5 * std::sqrt(draws * 6 / 26.0));
}

TEST(Transforms, DependOnSeedAndStepOnly) {
    const auto draw = [](uint64_t seed, uint32_t step) { return sample(standard_transforms(), 128, 128, seed, step); };
    EXPECT_EQ(draw(3, 9).knobs, draw(3, 9).knobs);
    EXPECT_NE(draw(3, 9).knobs, draw(3, 10).knobs);
    EXPECT_NE(draw(3, 9).knobs, draw(4, 9).knobs);
}

TEST(Transforms, JitterCrops) {
    const HostTensor image = testing::random_tensor({1, 6, 5, 3}, 0, 1);
    TransformSample draw;
    draw.knobs = {{2, 1}};
    const HostTensor out = run_transform({Jitter{2}}, draw, image);
    ASSERT_EQ(out.shape, (Shape{1, 4, 3, 3}));
    for (int64_t y = 0; y < 4; y++)
        for (int64_t x = 0; x < 3; x++)
            for (int64_t c = 0; c < 3; c++) EXPECT_EQ(out.at(0, y, x, c), image.at(0, y + 2, x + 1, c));
}

TEST(Transforms, RotationByTheFormula) {
    // Lucid: out(x,y) = in(cos x - sin y + x0, sin x + cos y + y0), rounded half away from zero, black outside.
    const HostTensor image = testing::random_tensor({1, 9, 12, 1}, 0.5f, 1);
    const Transforms transforms{RandomRotate{{30}}};
    const HostTensor out = run_transform(transforms, sample(transforms, 9, 12, 0, 0), image);
    const double a = 3.14 * 30 / 180, c = std::cos(a), s = std::sin(a);
    const double x0 = (11 - (c * 11 - s * 8)) / 2, y0 = (8 - (s * 11 + c * 8)) / 2;
    int black = 0;
    for (int64_t y = 0; y < 9; y++)
        for (int64_t x = 0; x < 12; x++) {
            const double u = std::round(c * double(x) - s * double(y) + x0),
                         v = std::round(s * double(x) + c * double(y) + y0);
            const bool inside = u >= 0 && u < 12 && v >= 0 && v < 9;
            black += !inside;
            EXPECT_EQ(out.at(0, y, x, 0), inside ? image.at(0, int64_t(v), int64_t(u), 0) : 0.0f) << y << " " << x;
        }
    EXPECT_GT(black, 0);
}

TEST(Transforms, PadAndNames) {
    const HostTensor out = run_transform({Pad{2, PadMode::constant, 0.5f}}, {}, HostTensor({1, 1, 1, 3}, 0.25f));
    ASSERT_EQ(out.shape, (Shape{1, 5, 5, 3}));
    EXPECT_EQ(out.at(0, 0, 0, 0), 0.5f);
    EXPECT_EQ(out.at(0, 2, 2, 0), 0.25f);
    EXPECT_EQ(to_string(Transforms{}), "none");
    EXPECT_EQ(to_string(Transforms{Pad{2, PadMode::constant, 0.5f}, Jitter{8}, RandomScale{{0.9, 1}}}),
              "pad(2,constant,0.5) jitter(8) scale(0.9,1)");
    EXPECT_THROW(named_transforms("fancy"), UsageError);
}

TEST(Transforms, RefuseImagesThatVanish) {
    Graph graph;
    EXPECT_THROW(transform(graph, {Jitter{8}}, {}, graph.input("image", {1, 8, 8, 3})), Error);
}

}  // namespace
}  // namespace limpid
