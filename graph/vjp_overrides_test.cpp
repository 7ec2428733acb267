// Overrides for attribution, against the formulas they stand for.
#include "graph/vjp_overrides.h"

#include <gtest/gtest.h>

#include "graph/ops.h"
#include "graph/run.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::sum_tolerance;

constexpr Shape kImage{2, 7, 6, 3};

// The gradient, with overrides, of sum(u * max_pool(x)).
HostTensor pool_gradient(const HostTensor& x, const HostTensor& u, ops::PoolGeometry geometry,
                         const VjpOverrides& overrides) {
    Graph graph;
    const NodeId input = graph.input("x", x.shape);
    const NodeId score = ops::mul(graph, ops::max_pool(graph, input, geometry), graph.constant(u));
    Stream stream({DeviceKind::reference, 0});
    return evaluate(graph, grad(graph, score, {input}, overrides), stream, {x})[0];
}

TEST(SmoothedMaxPool, IsTheGradientOfTheRelaxedPool) {
    for (const int64_t stride : {1, 2}) {
        const ops::PoolGeometry geometry = ops::same_pool(kImage, 3, stride);
        const HostTensor x = random_tensor(kImage), u = random_tensor({2, geometry.p, geometry.q, 3}, -1, 1, 1);
        // The relaxed pool itself, differentiated by the graph.
        Graph graph;
        const NodeId input = graph.input("x", x.shape);
        const NodeId squares = ops::average_pool(graph, ops::unary(graph, Unary::square, input), geometry);
        const NodeId sizes = ops::average_pool(graph, ops::unary(graph, Unary::abs, input), geometry);
        const NodeId relaxed = ops::binary(graph, Binary::div, squares, ops::affine(graph, sizes, 1, 0.01f));
        const NodeId score = ops::mul(graph, relaxed, graph.constant(u));
        Stream stream({DeviceKind::reference, 0});
        const HostTensor expected = evaluate(graph, grad(graph, score, {input}), stream, {x})[0];
        EXPECT_TRUE(matches(expected, pool_gradient(x, u, geometry, smoothed_max_pool()), sum_tolerance(81)));
    }
}

TEST(SmoothedMaxPool, BlursOnRequest) {
    const ops::PoolGeometry geometry = ops::same_pool(kImage, 3, 2);
    const HostTensor x = random_tensor(kImage), u = random_tensor({2, geometry.p, geometry.q, 3}, -1, 1, 1);
    const HostTensor plain = pool_gradient(x, u, geometry, smoothed_max_pool());
    HostTensor expected(kImage);
    const auto cell = [&](int64_t n, int64_t h, int64_t w, int64_t c) {
        return h < 0 || w < 0 || h >= kImage.h || w >= kImage.w ? 0.0f : plain.at(n, h, w, c);
    };
    for (int64_t n = 0; n < kImage.n; n++)
        for (int64_t h = 0; h < kImage.h; h++)
            for (int64_t w = 0; w < kImage.w; w++)
                for (int64_t c = 0; c < kImage.c; c++) {
                    float edges = 0, diagonals = 0;
                    for (const int64_t d : {-1, 1}) {
                        edges += cell(n, h + d, w, c) + cell(n, h, w + d, c);
                        diagonals += cell(n, h + d, w + d, c) + cell(n, h + d, w - d, c);
                    }
                    expected.at(n, h, w, c) = 0.25f * cell(n, h, w, c) + 0.5f * edges / 4 + 0.25f * diagonals / 4;
                }
    EXPECT_TRUE(
        matches(expected, pool_gradient(x, u, geometry, smoothed_and_blurred_max_pool()), sum_tolerance(81 * 9)));
}

TEST(SmoothedMaxPool, LeavesTheForwardPassAlone) {
    // A score after the pool sees the maximum: its own gradient depends on it.
    Graph graph;
    const NodeId x = graph.input("x", {1, 3, 3, 1});
    const NodeId pooled = ops::max_pool(graph, x, ops::valid_pool({1, 3, 3, 1}, 3, 1));
    const NodeId square = ops::unary(graph, Unary::square, pooled);
    const NodeId gradient = grad(graph, square, {x}, smoothed_max_pool())[0];
    Stream stream({DeviceKind::reference, 0});
    const HostTensor values({1, 3, 3, 1}, {1, 1, 1, 1, 4, 1, 1, 1, 1});
    const auto results = evaluate(graph, {square, gradient}, stream, {values});
    EXPECT_EQ(results[0].values[0], 16.0f);
    // dy = 2*4; means over 9 cells: |x| 12/9, x^2 24/9. At the centre 2*4*8/(9 d) - 8*(24/9)/(9 d^2), d = 0.01 + 12/9.
    const double d = 0.01 + 12.0 / 9;
    EXPECT_NEAR(results[1].values[4], 64 / (9 * d) - 8 * (24.0 / 9) / (9 * d * d), 1e-5);
}

TEST(ReluOverrides, GuideAndDeconvolve) {
    Graph graph;
    const NodeId x = graph.input("x", {1, 1, 1, 4});
    const NodeId weights = graph.constant(HostTensor({1, 1, 1, 4}, {2, -2, 2, -2}));
    const NodeId score = ops::mul(graph, ops::relu(graph, x), weights);
    const HostTensor values({1, 1, 1, 4}, {1, 1, -1, -1});
    Stream stream({DeviceKind::reference, 0});
    const auto of = [&](const VjpOverrides& overrides) {
        return evaluate(graph, grad(graph, score, {x}, overrides), stream, {values})[0].values;
    };
    EXPECT_EQ(of({}), (std::vector<float>{2, -2, 0, 0}));
    EXPECT_EQ(of(guided_relu()), (std::vector<float>{2, 0, 0, 0}));
    EXPECT_EQ(of(deconvolved_relu()), (std::vector<float>{2, 0, 2, 0}));
}

TEST(ReluOverrides, GuideAndDeconvolveBoundedOnes) {
    Graph graph;
    const NodeId x = graph.input("x", {1, 1, 1, 6});
    const NodeId weights = graph.constant(HostTensor({1, 1, 1, 6}, {2, -2, 2, -2, 2, -2}));
    const NodeId score = ops::mul(graph, ops::unary(graph, Unary::relu6, x), weights);
    const HostTensor values({1, 1, 1, 6}, {1, 1, -1, -1, 7, 7});
    Stream stream({DeviceKind::reference, 0});
    const auto of = [&](const VjpOverrides& overrides) {
        return evaluate(graph, grad(graph, score, {x}, overrides), stream, {values})[0].values;
    };
    EXPECT_EQ(of({}), (std::vector<float>{2, -2, 0, 0, 0, 0}));
    EXPECT_EQ(of(guided_relu()), (std::vector<float>{2, 0, 0, 0, 0, 0}));
    EXPECT_EQ(of(deconvolved_relu()), (std::vector<float>{2, 0, 2, 0, 2, 0}));
}

}  // namespace
}  // namespace limpid
