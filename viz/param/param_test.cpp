// Parameterisations against values derived from the formulas of Lucid by other means; and that each can become any
// picture.
#include "viz/param/param.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "kernels/adam/adam.h"
#include "kernels/error.h"
#include "nets/tiny.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/param_by_definition.h"
#include "viz/image/array_file.h"
#include "viz/image/image.h"
#include "viz/objective/objective.h"
#include "weights/npy.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::same_bits;
using testing::sum_tolerance;

TEST(Param, SpectralScaleIsLucids) {
    HostTensor scale = spectral_scale(4, 6, 1);
    ASSERT_EQ(scale.shape, (Shape{1, 4, 4, 1}));
    const double root = std::sqrt(24.0);
    EXPECT_NEAR(scale.at(0, 0, 0, 0), root * 6, 1e-5);  // f = 0 counts as 1/6
    EXPECT_NEAR(scale.at(0, 0, 1, 0), root / (1.0 / 6), 1e-5);
    EXPECT_NEAR(scale.at(0, 1, 0, 0), root / 0.25, 1e-5);
    EXPECT_NEAR(scale.at(0, 3, 2, 0), root / std::hypot(0.25, 1.0 / 3), 1e-5);
    EXPECT_NEAR(scale.at(0, 2, 3, 0), root / std::hypot(0.5, 0.5), 1e-5);
    EXPECT_NEAR(spectral_scale(4, 6, 1.5).at(0, 1, 0, 0), root / 0.125, 1e-5);
    // rfft frequencies of Lucid for odd widths: 0, 1/5, 2/5, -2/5
    EXPECT_EQ(param_of("fft", 4, 5).theta(2), (Shape{2, 4, 4, 6}));
    EXPECT_NEAR(spectral_scale(4, 5, 1).at(0, 0, 3, 0), std::sqrt(20.0) / 0.4, 1e-5);
}

TEST(Param, ColourMatrixIsLucids) {
    const double expected[3][3] = {
        {0.56282858, 0.19482528, 0.04329451}, {0.58447583, 0, -0.10823626}, {0.58447583, -0.19482528, 0.06494176}};
    const HostTensor matrix = colour_matrix();
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) EXPECT_NEAR(matrix.at(0, 0, j, i), expected[i][j], 1e-7);
}

TEST(Param, SpectralDecodesByTheDefinition) {
    for (const int64_t width : {6, 5}) {
        const ImageParam param = param_of("fft(sd=0.3)", 4, width);
        const HostTensor theta = param.initial(7, 3);
        HostArray<double> expected = coloured(spectral_by_definition(theta, width, 1));
        for (double& value : expected.values) value = sigmoid(value);
        for (const DeviceKind kind : {DeviceKind::reference, DeviceKind::cpu})
            EXPECT_TRUE(matches(expected, decoded(param, theta, 1, kind), sum_tolerance(4 * width * 3))) << width;
    }
}

TEST(Param, AlphaGreyAndChannels) {
    const ImageParam rgba = param_of("fft(sd=0.3); rgb; alpha", 4, 6);
    EXPECT_EQ(rgba.image(2), (Shape{2, 4, 6, 4}));
    const HostTensor theta = rgba.initial(1, 0);
    ASSERT_EQ(theta.shape, (Shape{1, 4, 4, 8}));
    HostArray<double> expected = spectral_by_definition(theta, 6, 1);
    for (double& value : expected.values) value = sigmoid(value);
    EXPECT_TRUE(matches(expected, decoded(rgba, theta), sum_tolerance(72)));

    const ImageParam grey = param_of("pixel; grey", 2, 3);
    EXPECT_EQ(grey.theta(1), (Shape{1, 2, 3, 1}));
    const HostTensor g = grey.initial(1, 0), picture = decoded(grey, g);
    for (int64_t i = 0; i < 6; i++)
        for (int64_t c = 0; c < 3; c++)
            EXPECT_NEAR(picture.at(0, i / 3, i % 3, c), sigmoid(double(g.values[size_t(i)])), 1e-6);

    const ImageParam seven = param_of("pixel; channels(7)", 2, 3);
    EXPECT_EQ(seven.image(1), (Shape{1, 2, 3, 7}));
    EXPECT_NEAR(decoded(seven, HostTensor(seven.theta(1), 2.0f)).at(0, 1, 1, 6), sigmoid(2), 1e-6);
}

TEST(Param, LowresIsInterpolatedAlongEveryAxis) {
    // Two pictures for six: 0, 1/3, 2/3, 1, 1, 1, the last third constant, as in Lucid.
    ImageParam param = param_of("lowres(height=2, width=3, images=2); channels(1); raw", 4, 6);
    EXPECT_FALSE(param.per_image());
    ASSERT_EQ(param.theta(6).size(), 12);
    const HostTensor theta = random_tensor(param.theta(6), -1, 1), image = decoded(param, theta, 6);
    ASSERT_EQ(image.shape, (Shape{6, 4, 6, 1}));
    for (int64_t n = 0; n < 6; n++)
        for (int64_t y = 0; y < 4; y++)
            for (int64_t x = 0; x < 6; x++) {
                std::vector<double> batch;
                for (int64_t m = 0; m < 2; m++) {
                    std::vector<double> column;
                    for (int64_t r = 0; r < 2; r++) {
                        std::vector<double> row;
                        for (int64_t s = 0; s < 3; s++) row.push_back(theta.values[size_t((m * 2 + r) * 3 + s)]);
                        column.push_back(bilinear(row, 6, x));
                    }
                    batch.push_back(bilinear(column, 4, y));
                }
                EXPECT_NEAR(image.at(n, y, x, 0), bilinear(batch, 6, n), 1e-6) << n << " " << y << " " << x;
            }
}

TEST(Param, PyramidAndSumsAddUp) {
    const ImageParam param = param_of("laplacian(levels=2) + lowres(size=2, images=1); channels(1); raw", 4, 4);
    const int64_t batch = 2;
    // Two pictures of 16 + 4 variables, then what they share: 4.
    ASSERT_EQ(param.theta(batch), (Shape{1, 1, 1, 44}));
    const HostTensor theta = random_tensor(param.theta(batch), -1, 1), image = decoded(param, theta, batch);
    for (int64_t n = 0; n < batch; n++)
        for (int64_t y = 0; y < 4; y++)
            for (int64_t x = 0; x < 4; x++) {
                const auto small = [&](int64_t first) {
                    std::vector<double> column;
                    for (size_t r = 0; r < 2; r++)
                        column.push_back(bilinear({double(theta.values[size_t(first) + 2 * r]),
                                                   double(theta.values[size_t(first) + 2 * r + 1])},
                                                  4, x));
                    return bilinear(column, 4, y);
                };
                const double expected =
                    double(theta.values[size_t(n * 20 + y * 4 + x)]) + small(n * 20 + 16) + small(40);
                EXPECT_NEAR(image.at(n, y, x, 0), expected, 1e-6);
            }
}

TEST(Param, BallsHoldTheirRadius) {
    const HostTensor x({2, 1, 1, 2}, {3, -4, 0.3f, 0.4f});
    const auto run = [&](const Ball& ball, const HostTensor& dy) {
        Graph graph;
        const NodeId input = graph.input("x", x.shape), y = constrain(graph, input, ball);
        const NodeId dx = grad(graph, ops::mul(graph, y, graph.constant(dy)), {input})[0];
        Stream stream({DeviceKind::cpu, 0});
        return evaluate(graph, {y, dx}, stream, {x});
    };
    const auto near = [](const HostTensor& a, const std::vector<double>& b) {
        for (size_t i = 0; i < b.size(); i++) EXPECT_NEAR(a.values[i], b[i], 1e-6) << i;
    };
    // Length 5, radius 2: scaled by 2/5. The second image is inside.
    std::vector<HostTensor> found = run({.infinite = false, .radius = 2}, HostTensor(x.shape, {1, 0, 1, 2}));
    near(found[0], {1.2, -1.6, 0.3, 0.4});
    // (1,0) leads outwards by 0.6 along (0.6,-0.8), which is taken away.
    near(found[1], {1 - 0.36, 0.48, 1, 2});
    found = run({.infinite = false, .radius = 2}, HostTensor(x.shape, {-1, 0, -1, 2}));
    near(found[1], {-1, 0, -1, 2});  // inwards: as it is
    found = run({.infinite = true, .radius = 2}, HostTensor(x.shape, {1, 3, -1, 5}));
    near(found[0], {2, -2, 0.3, 0.4});
    near(found[1], {0, 3, -1, 5});
    found = run({.infinite = true, .radius = 2, .by_sign = true}, HostTensor(x.shape, {-2, -3, -1, 5}));
    near(found[1], {-1, 0, -1, 1});
    // Lucid as it is coded, with the gradient of the loss, -dy: blocked where |x| >= radius and -x*dy > 0; and where
    // the length is beyond the radius and -<x, dy> >= 0.
    found = run({.infinite = true, .radius = 2, .literal = true}, HostTensor(x.shape, {1, 3, -1, 5}));
    near(found[0], {2, -2, 0.3, 0.4});
    near(found[1], {1, 0, -1, 5});
    found = run({.infinite = true, .radius = 2, .literal = true}, HostTensor(x.shape, {-1, -3, -1, 5}));
    near(found[1], {0, -3, -1, 5});
    found = run({.infinite = true, .radius = 2, .by_sign = true, .literal = true}, HostTensor(x.shape, {2, 3, -1, 5}));
    near(found[1], {1, 0, -1, 1});
    found = run({.infinite = false, .radius = 2, .literal = true}, HostTensor(x.shape, {-1, 0, -1, 2}));
    near(found[1], {-1 + 0.36, -0.48, -1, 2});
    found = run({.infinite = false, .radius = 2, .literal = true}, HostTensor(x.shape, {1, 0, 1, 2}));
    near(found[1], {1, 0, 1, 2});
}

TEST(Param, ClipIsLucids) {
    // Without decorrelation: constrain_L_inf(2t-1)/2 + 0.5; with: t by the matrix and the mean colour before.
    const ImageParam rgb = param_of("pixel; rgb; clip", 1, 2), decorrelated = param_of("pixel; clip", 1, 1);
    const HostTensor image = decoded(rgb, HostTensor({1, 1, 2, 3}, {0.25f, 1.5f, -3, 0, 1, 0.75f}));
    const double expected[] = {0.25, 1, 0, 0, 1, 0.75};
    for (size_t i = 0; i < 6; i++) EXPECT_NEAR(image.values[i], expected[i], 1e-6);
    const HostTensor mean = decoded(decorrelated, HostTensor({1, 1, 1, 3}));
    EXPECT_NEAR(mean.values[0], 0.48, 1e-6);
    EXPECT_NEAR(mean.values[2], 0.41, 1e-6);
    // Literally, a picture at the border may go out, not back.
    const auto slope = [](const char* text) {
        const ImageParam param = param_of(text, 1, 2);
        Graph graph;
        const NodeId theta = graph.input("theta", param.theta(1));
        const NodeId up = grad(graph, decode(graph, param, theta, nullptr), {theta})[0];
        Stream stream({DeviceKind::cpu, 0});
        return evaluate(graph, {up}, stream, {HostTensor({1, 1, 2, 3}, {0.25f, 1.5f, -3, 0.5f, 2, 0.75f})})[0].values;
    };
    EXPECT_EQ(slope("pixel; rgb; clip"), (std::vector<float>{1, 0, 1, 1, 0, 1}));
    EXPECT_EQ(slope("pixel; rgb; clip(literal=yes)"), (std::vector<float>{1, 1, 0, 1, 1, 1}));
}

TEST(Param, CentredIsInGreyLevelsOfTheNetwork) {
    const HostTensor image = decoded(param_of("pixel; rgb; centred", 1, 1), HostTensor({1, 1, 1, 3}, {0, -117, 138}));
    const double expected[] = {117.0 / 255, 0, 1};
    for (size_t i = 0; i < 3; i++) EXPECT_NEAR(image.values[i], expected[i], 1e-6);
}

TEST(Param, StartsGreyAndDependsOnSeedAndJobOnly) {
    const ImageParam param;
    const HostTensor a = param.initial(0, 0);
    EXPECT_TRUE(same_bits(a, param.initial(0, 0)));
    EXPECT_FALSE(same_bits(a, param.initial(0, 1)));
    EXPECT_FALSE(same_bits(a, param.initial(1, 0)));
    double mean = 0, square = 0;
    for (const float value : a.values) mean += double(value), square += double(value) * double(value);
    const double count = double(a.values.size());
    EXPECT_NEAR(mean / count, 0, 4 * 0.01 / std::sqrt(count));
    EXPECT_NEAR(std::sqrt(square / count), 0.01, 4 * 0.01 / std::sqrt(2 * count));
    for (const char* text : {"fft", "cppn; rgb", "laplacian(levels=3); alpha", "pixel + lowres(size=3)"}) {
        const ImageParam p = param_of(text, 8, 10);
        const HostTensor three = p.initial(5, 7, 3);
        ASSERT_EQ(three.shape, p.theta(3)) << text;
        for (int64_t n = 0; n < 3; n++) {
            const HostTensor alone = p.initial(5, 7 + uint32_t(n));
            EXPECT_EQ(image_of(three, n).values, alone.values) << text;
            EXPECT_TRUE(same_bits(image_of(decoded(p, three, 3), n), decoded(p, alone))) << text;
        }
    }
}

const char* const kTexts[] = {"fft",
                              "fft(sd=0.2, decay=1.5); rgb",
                              "pixel; grey",
                              "pixel(sd=0.5); clip",
                              "laplacian(levels=3); alpha",
                              "fft + lowres(size=12, images=1) + lowres(images=2)",
                              "lowres(height=3, width=5); channels(7)",
                              "cppn(layers=3, activation=unbiased); rgb",
                              "photo(file=a/b.png) + linf_ball(radius=0.03, by_sign=yes); rgb; raw",
                              "pixel + l2_ball(radius=3); rgb; raw",
                              "grid(n=3)",
                              "pairs(n=3, steps=4, sd=0.1)",
                              "pixel + image_sample(sd=0.2, decay=1.5)",
                              "cppn(normalize=yes, images=2); rgb",
                              "l2_ball(radius=3, literal=yes); rgb; raw",
                              "linf_ball(by_sign=yes, literal=yes); rgb; clip(literal=yes)",
                              "pixel; rgb; centred",
                              "fft(images=1); alpha; texture(uv=a/b.npy, size=1024)",
                              "fft; texture(uv=a.npy)"};

TEST(Param, ParsesWhatItPrints) {
    for (const char* text : kTexts) {
        const ImageParam param = parse_param(text);
        EXPECT_EQ(to_string(param), text);
        EXPECT_EQ(parse_param(to_string(param)), param) << text;
    }
    EXPECT_EQ(parse_param("fft"), ImageParam());
    EXPECT_EQ(to_string(ImageParam()), "fft");
    EXPECT_EQ(parse_param(" lowres( 12 ,1 ) ;rgb"), parse_param("lowres(size=12, images=1); rgb"));
    EXPECT_EQ(parse_param("linf_ball(0.1, by_sign)"), parse_param("linf_ball(0.1, by_sign=yes)"));
}

TEST(Param, SaysWhereTheMistakeIs) {
    const auto says = [](const std::string& text, const std::string& words) {
        std::string message = "accepted";
        try {
            parse_param(text);
        } catch (const UsageError& error) {
            message = error.what();
        }
        EXPECT_NE(message.find(words), std::string::npos) << text << ": " << message;
    };
    says("", "empty");
    says("ftt", "column 1: \"ftt\" is no source of pictures; did you mean fft");
    says("fft; grye", "column 6: \"grye\" is not known after ';'; did you mean grey");
    says("fft(sd=x)", "column 8: fft: sd is x, expected a number");
    says("fft(deviation=1)", "did you mean");
    says("fft(1, 2, 3, 4)", "column 14: fft takes at most 3 arguments");
    says("fft(sd=1, sd=2)", "given twice");
    says("fft(sd=-1)", "expected 0 or more");
    says("pixel(1", "expected ')'");
    says("pixel +", "expected a name");
    says("fft; rgb + pixel", "before the first ';'");
    says("cppn(activation=tanh)", "did you mean");
    says("lowres(size=0)", "1 or more");
    says("fft; texture(size=3)", "expected a file of coordinates");
    says("fft; texture(uv=a, sise=3)", "did you mean size");
    says("fft; clip(litral=yes)", "did you mean literal");
    says("pairs(steps=0)", "1 or more");
    says("fft(sd=0.5)x", "found 'x'");
}

TEST(Param, RefusesWhatContradictsItself) {
    for (const char* text : {"fft; rgb; grey", "fft; grey; channels(5)", "fft; clip; raw", "fft; sigmoid; centred",
                             "fft; alpha; alpha", "fft; texture(uv=a.npy); texture(uv=b.npy)"}) {
        try {
            parse_param(text);
            ADD_FAILURE() << text << " was accepted";
        } catch (const UsageError& error) {
            EXPECT_NE(std::string(error.what()).find("both decide the "), std::string::npos) << error.what();
        }
    }
}

// Photos are fitted like those of --start and --reference, and like what input_diff compares with.
TEST(Param, PhotosOfAnySizeAreFitted) {
    const std::string file = ::testing::TempDir() + "limpid_param_any_size.png";
    HostTensor picture({1, 30, 45, 3});
    for (size_t i = 0; i < picture.values.size(); i++) picture.values[i] = float(i % 256) / 255;
    write_png(file, picture.view());
    const HostTensor expected = fit_photo(flatten(load_image(file)).view(), 16);
    EXPECT_EQ(load_photo(file, 16, 16, false).values, expected.values);
    EXPECT_EQ(load_photo(file, 16, 16, true).shape, (Shape{1, 16, 16, 4}));
    EXPECT_EQ(load_photo(file, 12, 16, false).shape, (Shape{1, 12, 16, 3}));
    EXPECT_EQ(load_photo(file, 30, 45, false).values, load_array(file).values);

    ImageParam param = parse_param("photo(" + file + ") + linf_ball(0.1); rgb; raw");
    param.height = param.width = 16;
    Graph graph;
    const NodeId image = decode(graph, param, graph.input("theta", param.theta(1)), nullptr, 1);
    const Net net = make_net(tiny_weights());
    const NodeId apart = score(graph, parse_objective("input_diff(" + file + ")"), net, apply(net, graph, image));
    Stream stream({DeviceKind::cpu, 0});
    const std::vector<HostTensor> values = evaluate(graph, {image, apart}, stream, {param.initial(0, 0)});
    EXPECT_EQ(values[0].values, expected.values);
    EXPECT_LT(values[1].values[0], 1e-6);
}

// Ascent on minus the distance from a photo.
class ParamFits : public ::testing::TestWithParam<const char*> {};

TEST_P(ParamFits, APicture) {
    constexpr int64_t kSize = 16;
    const std::string file = ::testing::TempDir() + "limpid_param_photo.npy";
    write_npy(file, HostTensor({1, kSize, kSize, 3}, 0.5f));
    std::string text = GetParam();
    if (const size_t at = text.find("FILE"); at != std::string::npos) text.replace(at, 4, file);
    // Each pixel of the view is one of the texture, turned by a quarter.
    HostTensor uv({1, kSize, kSize, 2});
    for (int64_t y = 0; y < kSize; y++)
        for (int64_t x = 0; x < kSize; x++) {
            uv.at(0, y, x, 0) = (float(y) + 0.5f) / kSize;
            uv.at(0, y, x, 1) = (float(x) + 0.5f) / kSize;
        }
    if (const size_t at = text.find("UV"); at != std::string::npos) text.replace(at, 2, coordinates_file(uv));
    const ImageParam param = param_of(text, kSize, kSize);
    // Smooth, with all colours: a coordinate network or a coarse grid can be it too.
    HostTensor photo({1, kSize, kSize, param.image_channels()});
    for (int64_t y = 0; y < kSize; y++)
        for (int64_t x = 0; x < kSize; x++)
            for (int64_t c = 0; c < photo.shape.c; c++) {
                const double phase = param.colour == ImageParam::Colour::grey ? 0 : double(c);
                photo.at(0, y, x, c) = float(0.5 + 0.3 * std::sin(double(x) / 4 + phase) * std::cos(double(y) / 5));
            }
    Graph graph;
    const NodeId theta = graph.input("theta", param.theta(1)), target = graph.input("photo", photo.shape);
    const NodeId apart = ops::sub(graph, decode(graph, param, theta, nullptr, 1), target);
    // Minus the mean square: constraints take gradients for those of a score to be raised.
    const NodeId score_node =
        ops::unary(graph, Unary::neg,
                   ops::reduce(graph, Reduce::mean, {true, true, true, true}, ops::unary(graph, Unary::square, apart)));
    const NodeId gradient = grad(graph, score_node, {theta})[0];
    Stream stream({DeviceKind::cpu, 0});
    ConstantStore constants(stream);
    const Plan plan = make_plan(graph, {score_node, gradient}, constants);
    DeviceTensor variables(stream, param.initial(3, 0)), picture(stream, photo), score(stream.device(), {1, 1, 1, 1}),
        slope(stream.device(), param.theta(1)), m(stream, HostTensor(param.theta(1))),
        v(stream, HostTensor(param.theta(1)));
    Buffer arena(stream.device(), plan.arena_bytes);
    AdamParameters adam{.rate = text.starts_with("cppn") ? 0.01 : 0.05};
    const ConstView inputs[] = {variables.view(), picture.view()};
    const MutView outputs[] = {score.view(), slope.view()};
    float first = 0;
    for (int64_t t = 1; t <= 300; t++) {
        run(plan, stream, inputs, outputs, arena.scratch());
        if (t == 1) first = *score.buffer.floats();
        const float rate = float(adam_rate(adam, t));
        stream.backend().kernels.adam.step(stream, adam, &rate, param.theta(1).size(), slope.buffer.floats(),
                                           variables.buffer.floats(), m.buffer.floats(), v.buffer.floats());
        if (t == 200) adam.rate *= 0.2;
    }
    run(plan, stream, inputs, outputs, arena.scratch());
    EXPECT_LT(first, -1e-2f);
    EXPECT_GT(*score.buffer.floats(), -1e-3f) << text;  // a root mean square of 8 levels of 255
}

INSTANTIATE_TEST_SUITE_P(All, ParamFits,
                         ::testing::Values("fft", "fft; rgb", "pixel", "pixel; rgb; clip", "pixel; grey", "fft; alpha",
                                           "laplacian", "lowres(size=8)", "pixel; channels(5)", "cppn; rgb",
                                           "fft + lowres(size=4, images=1)", "grid(n=1)", "pairs(n=1, steps=1)",
                                           "cppn(normalize=yes); rgb", "cppn(images=2); rgb",
                                           "fft + image_sample(sd=0); rgb", "fft; texture(uv=UV, size=16)",
                                           "photo(file=FILE) + linf_ball(radius=0.31); rgb; raw",
                                           "photo(file=FILE) + l2_ball(radius=40); rgb; raw"));

TEST(Param, StartsFromAPicture) {
    for (const char* text :
         {"fft", "fft; rgb; clip", "fft(decay=1.5); alpha", "pixel", "pixel; rgb; clip", "laplacian(levels=2)",
          "lowres(size=2) + pixel", "pixel + fft(images=1)", "fft; clip", "pixel; centred", "pixel; rgb; centred"})
        for (const int64_t width : {8, 7}) {
            const ImageParam param = param_of(text, 6, width);
            const HostTensor photo = random_tensor({1, 6, width, param.alpha ? 4 : 3}, 0.05f, 0.95f);
            const HostTensor theta = param.start(photo, 2);
            ASSERT_EQ(theta.shape, param.theta(2)) << text;
            const HostTensor images = decoded(param, theta, 2);
            for (int64_t n = 0; n < 2; n++)
                for (size_t i = 0; i < photo.values.size(); i++)
                    EXPECT_NEAR(image_of(images, n).values[i], photo.values[i], 2e-5) << text << " " << width;
        }
    EXPECT_THROW(param_of("cppn; rgb", 6, 6).start(HostTensor({1, 6, 6, 3}, 0.5f)), Error);
    EXPECT_THROW(param_of("fft", 6, 6).start(HostTensor({1, 6, 7, 3}, 0.5f)), Error);
    // Black and white are held as nearly as a sigmoid does.
    const HostTensor extremes = decoded(param_of("fft", 4, 4), param_of("fft", 4, 4).start(HostTensor({1, 4, 4, 3})));
    for (const float value : extremes.values) EXPECT_NEAR(value, 1.0 / 1024, 1e-5);
}

}  // namespace
}  // namespace limpid
