// Transforms: sizes, draws and pixels, one by one.
#include "viz/transform/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "kernels/error.h"
#include "tests/harness/kernel_case.h"
#include "viz/param/param.h"

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

TEST(Transforms, PadModes) {
    const HostTensor out = run_transform({Pad{2, PadMode::constant, 0.5f}}, {}, HostTensor({1, 1, 1, 3}, 0.25f));
    ASSERT_EQ(out.shape, (Shape{1, 5, 5, 3}));
    EXPECT_EQ(out.at(0, 0, 0, 0), 0.5f);
    EXPECT_EQ(out.at(0, 2, 2, 0), 0.25f);
    const HostTensor row({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
    const auto first = [&](const Transforms& transforms) {
        const HostTensor padded = run_transform(transforms, {}, row);
        return std::vector<float>(padded.values.begin(), padded.values.begin() + 7);
    };
    // tf.pad: reflect without the edge, symmetric with it; row 0 of the result is row 2, or 1, of the image.
    EXPECT_EQ(first({Pad{2, PadMode::reflect}}), (std::vector<float>{9, 8, 7, 8, 9, 8, 7}));
    EXPECT_EQ(first({Pad{2, PadMode::symmetric}}), (std::vector<float>{5, 4, 4, 5, 6, 6, 5}));
    Graph graph;
    EXPECT_THROW(transform(graph, {Pad{3, PadMode::reflect}}, {}, graph.input("image", {1, 3, 3, 1})), Error);
    // Another grey each step, the same on the whole border.
    const Transforms uniform{Pad{1, PadMode::constant, 0.5f, true}};
    std::set<float> greys;
    for (uint32_t step = 0; step < 20; step++) {
        const HostTensor padded = run_transform(uniform, sample(uniform, 3, 3, 1, step), row);
        const float grey = padded.at(0, 0, 0, 0);
        EXPECT_TRUE(grey >= 0 && grey < 1);
        EXPECT_EQ(padded.at(0, 4, 2, 0), grey);
        EXPECT_EQ(padded.at(0, 2, 4, 0), grey);
        EXPECT_EQ(padded.at(0, 1, 3, 0), 3);
        greys.insert(grey);
    }
    EXPECT_EQ(greys.size(), 20u);
}

TEST(Transforms, CropsAndPadsInTheMiddle) {
    const HostTensor image = testing::random_tensor({2, 7, 4, 3}, 0.5f, 1);
    // 7 rows to 4: offset floor(3/2) = 1. 4 columns to 7: offset 1, zeros around.
    const HostTensor out = run_transform({CropOrPad{4, 7}}, {}, image);
    ASSERT_EQ(out.shape, (Shape{2, 4, 7, 3}));
    for (int64_t y = 0; y < 4; y++)
        for (int64_t x = 0; x < 7; x++)
            EXPECT_EQ(out.at(1, y, x, 2), x >= 1 && x < 5 ? image.at(1, y + 1, x - 1, 2) : 0) << y << " " << x;
    const Transforms window{RandomCrop{5, 3}};
    std::set<std::pair<float, float>> offsets;
    for (uint32_t step = 0; step < 60; step++) {
        const TransformSample draw = sample(window, 7, 4, 0, step);
        const HostTensor cropped = run_transform(window, draw, image);
        ASSERT_EQ(cropped.shape, (Shape{2, 5, 3, 3}));
        const auto dy = int64_t(draw.knobs[0][0]), dx = int64_t(draw.knobs[0][1]);
        EXPECT_EQ(cropped.at(1, 2, 1, 0), image.at(1, 2 + dy, 1 + dx, 0));
        offsets.emplace(draw.knobs[0][0], draw.knobs[0][1]);
    }
    EXPECT_EQ(offsets.size(), 6u);  // 3 rows, 2 columns
}

TEST(Transforms, AlphaIsCollapsedOverRandomPictures) {
    const Transforms transforms{CollapseAlpha{}};
    HostTensor image({2, 6, 4, 4}, 0.75f);
    for (int64_t x = 0; x < 4; x++)
        for (int64_t y = 0; y < 6; y++) image.at(0, y, x, 3) = float(x) / 3, image.at(1, y, x, 3) = 0;
    const TransformSample draw = sample(transforms, 6, 4, 3, 8);
    const HostTensor out = run_transform(transforms, draw, image);
    ASSERT_EQ(out.shape, (Shape{2, 6, 4, 3}));
    // Image 1 is transparent: it shows the background, which both share.
    double mean = 0;
    for (int64_t y = 0; y < 6; y++)
        for (int64_t x = 0; x < 4; x++)
            for (int64_t c = 0; c < 3; c++) {
                const double a = double(x) / 3, behind = out.at(1, y, x, c);
                EXPECT_NEAR(out.at(0, y, x, c), 0.75 * a + (1 - a) * behind, 1e-6);
                mean += behind / 72;
            }
    // The background is the picture that the same spectrum decodes to.
    ImageParam param;
    param.height = 6, param.width = 4;
    Graph graph;
    const NodeId theta = graph.input("theta", param.theta(1));
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor picture =
        evaluate(graph, {decode(graph, param, theta, nullptr)}, stream, {HostTensor(param.theta(1), draw.knobs[0])})[0];
    for (int64_t i = 0; i < 24; i++) EXPECT_NEAR(picture.at(0, i / 4, i % 4, 1), out.at(1, i / 4, i % 4, 1), 1e-6);
    EXPECT_NE(draw.knobs[0], sample(transforms, 6, 4, 3, 9).knobs[0]);
    double square = 0;
    for (const float value : draw.knobs[0]) square += double(value) * double(value);
    EXPECT_NEAR(std::sqrt(square / double(draw.knobs[0].size())), 0.5, 0.15);
    EXPECT_THROW(run_transform(transforms, draw, HostTensor({1, 6, 4, 3})), Error);
}

TEST(Transforms, GammaAndNormalisedGradients) {
    const HostTensor image({2, 1, 1, 2}, {0.25f, 0.5f, 0.04f, 1});
    const HostTensor out = run_transform({Gamma{0.5}}, {}, image);
    for (size_t i = 0; i < 4; i++) EXPECT_NEAR(out.values[i], std::sqrt(image.values[i]), 1e-6);

    Graph graph;
    const NodeId x = graph.input("image", image.shape);
    const NodeId y = transform(graph, {NormalizeGradient{10}}, {}, x).image;
    const HostTensor dy({2, 1, 1, 2}, {3, 4, 0, 0});
    const NodeId dx = grad(graph, ops::mul(graph, y, graph.constant(dy)), {x})[0];
    Stream stream({DeviceKind::cpu, 0});
    const std::vector<HostTensor> found = evaluate(graph, {y, dx}, stream, {image});
    EXPECT_EQ(found[0].values, image.values);
    const float expected[] = {6, 8, 0, 0};  // length 5 becomes 10; nothing stays nothing
    for (size_t i = 0; i < 4; i++) EXPECT_NEAR(found[1].values[i], expected[i], 1e-5);
}

TEST(Transforms, SetsAreLucids) {
    const Transforms robust = named_transforms("robust"), alpha = named_transforms("alpha");
    ASSERT_EQ(robust.size(), 5u);
    EXPECT_EQ(std::get<Pad>(robust[0]), (Pad{16, PadMode::reflect, 0.5f}));
    EXPECT_EQ(std::get<RandomScale>(robust[2]).factors.size(), 40u);
    EXPECT_DOUBLE_EQ(std::get<RandomScale>(robust[2]).factors.back(), 1.19);
    EXPECT_EQ(std::get<RandomRotate>(robust[3]).degrees.size(), 20u + 10u + 40u);
    ASSERT_EQ(alpha.size(), 9u);
    EXPECT_EQ(std::get<RandomScale>(alpha[7]).factors.size(), 85u + 40u);
    EXPECT_DOUBLE_EQ(std::get<RandomScale>(alpha[7]).factors[0], std::pow(0.995, -5));
    EXPECT_EQ(std::get<RandomRotate>(alpha[8]).degrees.size(), 40u + 20u + 10u + 5u);
    // 125 factors give 110 pixels few sizes.
    EXPECT_LT(all_scales(alpha, 110, 110).size(), 50u);
    std::set<std::vector<int>> known, drawn;
    for (const std::vector<int>& scales : all_scales(alpha, 110, 110)) known.insert(scales);
    for (uint32_t step = 0; step < 500; step++) drawn.insert(sample(alpha, 110, 110, 0, step).scales);
    for (const std::vector<int>& scales : drawn) EXPECT_TRUE(known.contains(scales));
    EXPECT_GT(drawn.size(), 20u);
}

TEST(Transforms, ParseWhatTheyPrint) {
    for (const char* text :
         {"none", "standard", "robust", "alpha", "pad(2); jitter(8); scale(0.9, 1)", "pad(12, 0.25, mode=symmetric)",
          "pad(3, mode=uniform)", "rotate(-10..10, 0*5)", "rotate(-2..1*10, 7)", "crop(160); gamma(0.4545)",
          "crop_or_pad(224, 160)", "collapse_alpha; normalize_gradient", "collapse_alpha(sd=0.2, decay=1.5)",
          "normalize_gradient(scale=3)"}) {
        EXPECT_EQ(to_string(parse_transforms(text)), text);
        EXPECT_EQ(parse_transforms(to_string(parse_transforms(text))), parse_transforms(text));
    }
    EXPECT_EQ(parse_transforms("pad(12,0.5);jitter(8)"), (Transforms{Pad{12, PadMode::constant, 0.5f}, Jitter{8}}));
    EXPECT_EQ(parse_transforms(""), Transforms{});
    const auto scale = std::get<RandomScale>(parse_transforms("scale(0.9..1.1/11)")[0]);
    ASSERT_EQ(scale.factors.size(), 11u);
    for (size_t i = 0; i < 11; i++) EXPECT_DOUBLE_EQ(scale.factors[i], 0.9 + 0.02 * double(i));
    Transforms longer = standard_transforms();
    longer.push_back(CropOrPad{224, 224});
    EXPECT_EQ(parse_transforms("standard; crop_or_pad(224)"), longer);
    EXPECT_EQ(parse_transforms(to_string(longer)), longer);

    const auto says = [](const std::string& text, const std::string& words) {
        std::string message = "accepted";
        try {
            parse_transforms(text);
        } catch (const UsageError& error) {
            message = error.what();
        }
        EXPECT_NE(message.find(words), std::string::npos) << text << ": " << message;
    };
    says("fancy", "\"fancy\" is not a transform");
    says("jitter(4); jiter(2)", "column 12: \"jiter\" is not a transform; did you mean jitter");
    says("jitter(-1)", "column 8: jitter: distance is -1, expected a whole number");
    says("pad(2, mode=mirror)", "did you mean");
    says("scale()", "needs values");
    says("scale(1..1.5)", "a..b/n");
    says("scale(0..1/3)", "not positive");
    says("rotate(5*x)", "\"x\" is not a number");
    says("rotate(angle=5)", "without names");
    says("crop()", "expected 1 or more");
}

TEST(Transforms, RefuseImagesThatVanish) {
    Graph graph;
    EXPECT_THROW(transform(graph, {Jitter{8}}, {}, graph.input("image", {1, 8, 8, 3})), Error);
}

TEST(Transform, SaysTheLeastSizeThatItHasRoomFor) {
    const Transforms all = parse_transforms("scale(0.6, 1.1); crop(160)");
    const auto message = [&](int64_t size) -> std::string {
        Graph graph;
        try {
            for (const std::vector<int>& scales : all_scales(all, size, size))
                transform(graph, all, scales, graph.input("image", {1, size, size, 3}));
        } catch (const UsageError& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_NE(message(48).find("crop(160, 160): the image is only 28x28; they need pictures of at least 267x267"),
              std::string::npos)
        << message(48);
    EXPECT_NE(message(266), "accepted");
    EXPECT_EQ(message(267), "accepted");
}

}  // namespace
}  // namespace limpid
