// Numbers that must be Lucid's, where no test of a single part pins them: the ReLU override, Adam and thresholds as a
// render meets them, blurs, TensorFlow-1 resizing. (Spectral scale and colours: param_test. Transforms: transform_test.
// Objectives: terms_test. Departures: README.md.)
#include <gtest/gtest.h>

#include <cmath>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "graph/vjp_overrides.h"
#include "nets/tiny.h"
#include "tests/harness/kernel_case.h"
#include "viz/objective/terms.h"
#include "viz/render/render.h"

namespace limpid {
namespace {

// Gradient of the *minimised* loss at x, where g comes in: Lucid's unit cases (redirected_relu_grad_test).
std::vector<float> redirected(const std::vector<float>& x, const std::vector<float>& g, bool relu6, int64_t images) {
    const Shape shape{images, 1, 1, int64_t(x.size()) / images};
    Graph graph;
    const NodeId input = graph.input("x", shape);
    const NodeId y = relu6 ? ops::unary(graph, Unary::relu6, input) : ops::relu(graph, input);
    // Our scores are maximised: minus the loss.
    HostTensor minus(shape);
    for (size_t i = 0; i < g.size(); i++) minus.values[i] = -g[i];
    const NodeId dx = grad(graph, ops::mul(graph, y, graph.constant(minus)), {input}, redirected_relu())[0];
    Stream stream({DeviceKind::cpu, 0});
    std::vector<float> result = evaluate(graph, {dx}, stream, {HostTensor(shape, x)})[0].values;
    for (float& value : result) value = -value;
    return result;
}

TEST(Parity, RedirectedRelu) {
    struct Case {
        float g, x, expected;
    };
    for (const bool relu6 : {false, true})
        for (const Case& c : {Case{1, -1, 0}, {-1, -1, -1}, {1, 1, 1}, {-1, 1, -1}})
            EXPECT_EQ(redirected({c.x}, {c.g}, relu6, 1)[0], c.expected) << c.g << " " << c.x << " " << relu6;
    for (const Case& c : {Case{1, 7, 1}, {-1, 7, 0}})
        EXPECT_EQ(redirected({c.x}, {c.g}, true, 1)[0], c.expected) << c.g << " " << c.x;
    // By image: where anything passes the plain gradient of the layer, all of it is plain. A gradient at 0 passes.
    EXPECT_EQ(redirected({-1, 1, -1, -2}, {-1, 3, -1, 5}, false, 2), (std::vector<float>{0, 3, -1, 0}));
    EXPECT_EQ(redirected({-1, 0}, {-1, 3}, false, 1), (std::vector<float>{0, 3}));
    EXPECT_EQ(RenderOptions().redirected_relu_updates, 17);  // global steps 0..16
}

// With a gradient that never changes, Adam moves every variable by its rate at each update.
TEST(Parity, AdamAndThresholds) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    RenderOptions options;
    options.param = parse_param("pixel(sd=0); rgb; raw");
    options.param.height = options.param.width = 16;
    options.transforms = {};
    options.steps = 5;
    options.thresholds = {3, 0};
    const Rendering up = Renderer(net, parse_objective("L1(constant=-10)"), options, stream).run();
    EXPECT_EQ(up.updates, 6);  // 0..5, both ends
    ASSERT_EQ(up.history.size(), 2u);
    EXPECT_NEAR(up.history[0].values[7], 0.05, 1e-6);      // threshold 0: after one update
    EXPECT_NEAR(up.history[1].values[7], 4 * 0.05, 1e-6);  // threshold 3: after four
    EXPECT_NEAR(up.images.values[7], 6 * 0.05, 1e-6);
    // The score is that of before the update.
    EXPECT_NEAR(up.scores[0][0], 10 * 768, 1e-2);
    EXPECT_NEAR(up.scores[1][0], (10 + 0.05) * 768, 1e-2);
    options.adam.rate = 0.5;
    options.thresholds.clear();
    const Rendering down = Renderer(net, parse_objective("-L1(constant=-10)"), options, stream).run();
    EXPECT_NEAR(down.images.values[7], -6 * 0.5, 1e-5);
}

TEST(Parity, BlurKernels) {
    // A point: weights 1 inside and 0.5 on the ring, divided by what the blur of ones has there.
    const auto blurred = [](int64_t window, int64_t y, int64_t x) {
        HostTensor point({1, 7, 7, 2});
        point.at(0, y, x, 1) = 1;
        Graph graph;
        const NodeId image = graph.input("image", point.shape);
        Stream stream({DeviceKind::cpu, 0});
        return evaluate(graph, {terms::blur(graph, image, window)}, stream, {point})[0];
    };
    const HostTensor three = blurred(3, 3, 3), five = blurred(5, 3, 3), corner = blurred(3, 0, 0);
    EXPECT_NEAR(three.at(0, 3, 3, 1), 1.0 / 5, 1e-7);  // 1 + 8 * 0.5
    EXPECT_NEAR(three.at(0, 2, 4, 1), 0.5 / 5, 1e-7);
    EXPECT_EQ(three.at(0, 3, 3, 0), 0);  // channels stay apart
    EXPECT_EQ(three.at(0, 1, 3, 1), 0);
    EXPECT_NEAR(five.at(0, 3, 3, 1), 1.0 / 17, 1e-7);     // 9 + 16 * 0.5
    EXPECT_NEAR(five.at(0, 1, 3, 1), 0.5 / 14.5, 1e-7);   // a row of the ring is outside: 17 - 5 * 0.5
    EXPECT_NEAR(corner.at(0, 0, 0, 1), 1 / 2.5, 1e-7);    // 1 + 3 * 0.5
    EXPECT_NEAR(corner.at(0, 0, 1, 1), 0.5 / 3.5, 1e-7);  // 1 + 5 * 0.5
}

TEST(Parity, ResizeIsTensorFlow1s) {
    // src = dst * in/out, no half pixels: the last values repeat.
    const auto resized = [](const std::vector<float>& row, int64_t to) {
        Graph graph;
        const Shape shape{1, 1, int64_t(row.size()), 1};
        const NodeId x = graph.input("x", shape);
        Stream stream({DeviceKind::cpu, 0});
        return evaluate(graph, {ops::resize(graph, x, 1, to)}, stream, {HostTensor(shape, row)})[0].values;
    };
    EXPECT_EQ(resized({0, 1}, 4), (std::vector<float>{0, 0.5, 1, 1}));
    EXPECT_EQ(resized({0, 1, 2, 3}, 2), (std::vector<float>{0, 2}));
    EXPECT_EQ(resized({0, 4, 8}, 12), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8}));
    const std::vector<float> six = resized({0, 3}, 6);
    for (size_t i = 0; i < 6; i++) EXPECT_NEAR(six[i], std::min(double(i), 3.0), 1e-6);
}

}  // namespace
}  // namespace limpid
