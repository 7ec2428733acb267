// Every operation's derivative, by the dot-product test: <w, J v> = <J^T w, v>, J v from finite differences on the
// reference device.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/ops/kinds.h"
#include "graph/run.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::random_tensor;

// A function of its inputs; `differentiable` says with respect to which the derivative is tested.
struct OpCase {
    std::string kind;  // of the operation under test, as Op::kind() says
    std::vector<HostTensor> inputs;
    std::vector<bool> differentiable;
    std::function<NodeId(Graph&, const std::vector<NodeId>&)> build;
};

std::ostream& operator<<(std::ostream& out, const OpCase& c) { return out << c.kind; }

double dot(const HostTensor& a, const HostTensor& b) {
    double sum = 0;
    for (size_t i = 0; i < a.values.size(); i++) sum += double(a.values[i]) * double(b.values[i]);
    return sum;
}

HostTensor moved(const HostTensor& x, const HostTensor& v, double h) {
    HostTensor result = x;
    for (size_t i = 0; i < x.values.size(); i++)
        result.values[i] = float(double(x.values[i]) + h * double(v.values[i]));
    return result;
}

// Away from 0 and from each other by steps of 0.1: no kink within the finite difference, no ties.
HostTensor spread(Shape shape, float low, uint32_t salt) {
    HostTensor x(shape);
    const int64_t count = shape.size();
    const HostTensor order = random_tensor({1, 1, 1, count}, 0, 1, salt);
    std::vector<int64_t> rank(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) rank[size_t(i)] = i;
    std::sort(rank.begin(), rank.end(),
              [&](int64_t a, int64_t b) { return order.values[size_t(a)] < order.values[size_t(b)]; });
    for (int64_t i = 0; i < count; i++) {
        float value = low + 0.1f * float(i);
        if (low < 0 && value > -0.05f) value += 0.1f;  // steps over zero
        x.values[size_t(rank[size_t(i)])] = value;
    }
    return x;
}

std::vector<OpCase> cases() {
    std::vector<OpCase> all;
    const auto add = [&](const std::string& kind, std::vector<HostTensor> inputs, std::vector<bool> differentiable,
                         auto build) {
        all.push_back({kind, std::move(inputs), std::move(differentiable), build});
    };
    const auto x = [](Shape s, uint32_t salt = 1) { return random_tensor(s, -1, 1, salt); };
    const auto positive = [](Shape s, uint32_t salt = 1) { return random_tensor(s, 0.5f, 2, salt); };
    const Shape image{2, 4, 3, 5};

    for (int f = 0; f < kUnaryCount; f++) {
        const Unary function = Unary(f);
        const bool needs_positive = function == Unary::sqrt || function == Unary::rsqrt || function == Unary::log ||
                                    function == Unary::power || function == Unary::reciprocal;
        const float p = function == Unary::clip ? -0.52f : 1.7f, q = 2.38f;
        add(name(function), {needs_positive ? positive(image) : spread({1, 3, 3, 5}, -2.2f, 3)}, {true},
            [=](Graph& g, const std::vector<NodeId>& in) { return ops::unary(g, function, in[0], p, q); });
    }
    for (int f = 0; f < kBinaryCount; f++) {
        const Binary function = Binary(f);
        // pass_redirect is not differentiated; the piecewise constant first arguments are not either.
        const bool second_only =
            function == Binary::relu_grad || function == Binary::relu6_grad || function == Binary::pass_positive;
        if (function == Binary::pass_redirect) continue;
        add(name(function),
            {spread({1, 3, 3, 5}, -2.2f, 3),
             function == Binary::div ? positive({1, 1, 1, 5}) : spread({1, 1, 1, 5}, -0.23f, 4)},
            {!second_only, true}, [=](Graph& g, const std::vector<NodeId>& in) {
                const NodeId b = second_only ? ops::broadcast(g, in[1], g.shape(in[0])) : in[1];
                return ops::binary(g, function, in[0], b);
            });
    }
    for (int f = 0; f < kTernaryCount; f++) {
        const Ternary function = Ternary(f);
        add(name(function), {spread({1, 3, 3, 5}, -2.2f, 3), x({1, 3, 3, 5}, 2), x({1, 1, 1, 5}, 3)},
            {function != Ternary::select, true, true},
            [=](Graph& g, const std::vector<NodeId>& in) { return ops::ternary(g, function, in[0], in[1], in[2]); });
    }
    add("broadcast", {x({1, 1, 3, 5})}, {true},
        [=](Graph& g, const auto& in) { return ops::broadcast(g, in[0], image); });
    for (int f = 0; f < kReduceCount; f++) {
        const Reduce function = Reduce(f);
        if (function == Reduce::argmax) continue;
        add(concat("reduce_", name(function)), {spread({2, 3, 2, 3}, -1.8f, 5)}, {true}, [=](Graph& g, const auto& in) {
            return ops::reduce(g, function, {false, true, true, false}, in[0]);
        });
    }
    const ops::ConvGeometry strided{2, 1, 1, 0, 2, 1};
    add("conv2d", {x({2, 6, 5, 3}), x({3, 2, 3, 4}, 2)}, {true, true},
        [=](Graph& g, const auto& in) { return ops::conv2d(g, in[0], in[1], strided); });
    add("conv2d_grad_input", {x({2, 3, 7, 4}), x({3, 2, 3, 4}, 2)}, {true, true}, [=](Graph& g, const auto& in) {
        return ops::conv2d_grad_input(g, in[0], in[1], strided, {2, 6, 5, 3});
    });
    add("conv2d_grad_filter", {x({2, 6, 5, 3}), x({2, 3, 7, 4}, 2)}, {true, true},
        [=](Graph& g, const auto& in) { return ops::conv2d_grad_filter(g, in[0], in[1], strided, 3, 2); });
    for (const int64_t m : {1, 2}) {
        // Dilation and stride with and without a common divisor.
        const ops::DepthwiseGeometry sparse{2, 2, 2, 1, 1, 2, 1, 0};
        const Shape small{2, 6, 5, 3}, small_out{2, 3, 3, 3 * m}, filter{3, 2, 3, m};
        add("depthwise_conv2d", {x(small), x(filter, 2)}, {true, true},
            [=](Graph& g, const auto& in) { return ops::depthwise_conv2d(g, in[0], in[1], sparse); });
        add("depthwise_conv2d_grad_input", {x(small_out), x(filter, 2)}, {true, true},
            [=](Graph& g, const auto& in) { return ops::depthwise_conv2d_grad_input(g, in[0], in[1], sparse, small); });
        add("depthwise_conv2d_grad_filter", {x(small), x(small_out, 2)}, {true, true},
            [=](Graph& g, const auto& in) { return ops::depthwise_conv2d_grad_filter(g, in[0], in[1], sparse, 3, 2); });
    }
    const Shape pooled{1, 5, 4, 3};
    add("max_pool", {spread(pooled, -3, 6)}, {true},
        [=](Graph& g, const auto& in) { return ops::max_pool(g, in[0], ops::same_pool(pooled, 3, 2)); });
    add("max_pool_grad", {spread(pooled, -3, 6), x({1, 3, 2, 3})}, {false, true}, [=](Graph& g, const auto& in) {
        return grad(g, ops::mul(g, ops::max_pool(g, in[0], ops::same_pool(pooled, 3, 2)), in[1]), {in[0]})[0];
    });
    add("max_pool_select", {spread(pooled, -3, 6), x(pooled)}, {false, true}, [=](Graph& g, const auto& in) {
        // The derivative of the derivative, contracted with in[1].
        const NodeId dy = g.constant(HostTensor({1, 3, 2, 3}, 1.0f));
        const NodeId dx = grad(g, ops::mul(g, ops::max_pool(g, in[0], ops::same_pool(pooled, 3, 2)), dy), {in[0]})[0];
        return grad(g, ops::mul(g, dx, in[1]), {dy})[0];
    });
    add("average_pool", {x(pooled)}, {true},
        [=](Graph& g, const auto& in) { return ops::average_pool(g, in[0], ops::same_pool(pooled, 3, 2)); });
    add("average_pool_grad", {x({1, 3, 2, 3})}, {true}, [=](Graph& g, const auto& in) {
        const NodeId image_node = g.constant(HostTensor(pooled));
        return grad(g, ops::mul(g, ops::average_pool(g, image_node, ops::same_pool(pooled, 3, 2)), in[0]),
                    {image_node})[0];
    });
    const LrnParameters lrn{2, 1.5f, 0.3f, 0.75f};
    add("lrn", {x({1, 2, 2, 7})}, {true}, [=](Graph& g, const auto& in) { return ops::lrn(g, in[0], lrn); });
    add("lrn_grad", {x({1, 2, 2, 7}), x({1, 2, 2, 7}, 2)}, {true, true},
        [=](Graph& g, const auto& in) { return grad(g, ops::mul(g, ops::lrn(g, in[0], lrn), in[1]), {in[0]})[0]; });
    add("softmax", {x({2, 1, 2, 6})}, {true}, [](Graph& g, const auto& in) { return ops::softmax(g, in[0]); });
    add("softmax_grad", {x({2, 1, 2, 6}), x({2, 1, 2, 6}, 2)}, {true, true},
        [](Graph& g, const auto& in) { return grad(g, ops::mul(g, ops::softmax(g, in[0]), in[1]), {in[0]})[0]; });
    add("log_sum_exp", {x({2, 1, 2, 6})}, {true}, [](Graph& g, const auto& in) { return ops::log_sum_exp(g, in[0]); });
    for (const bool ta : {false, true})
        for (const bool tb : {false, true}) {
            const Shape a = ta ? Shape{1, 1, 3, 4} : Shape{1, 2, 2, 3}, b = tb ? Shape{1, 1, 5, 3} : Shape{1, 1, 3, 5};
            add("matmul", {x(a), x(b, 2)}, {true, true}, [=](Graph& g, const auto& in) {
                return ops::matmul(g, in[0], in[1], {ta, tb, false});
            });
            const Shape batch_a = ta ? Shape{2, 1, 3, 4} : Shape{2, 2, 2, 3},
                        batch_b = tb ? Shape{2, 1, 5, 3} : Shape{2, 1, 3, 5};
            add("matmul", {x(batch_a), x(batch_b, 2)}, {true, true}, [=](Graph& g, const auto& in) {
                return ops::matmul(g, in[0], in[1], {ta, tb, true});
            });
        }
    add("slice", {x(image)}, {true}, [](Graph& g, const auto& in) {
        return ops::slice(g, in[0], {1, 1, 0, 2}, {1, 2, 3, 2});
    });
    for (int axis = 0; axis < 4; axis++) {
        Shape other = image;
        other[axis] = 2;
        add("concat", {x(image), x(other, 2)}, {true, true}, [=](Graph& g, const auto& in) {
            return ops::concatenate(g, {in[0], in[1]}, axis);
        });
    }
    const Padding padding{{0, 1, 2, 0}, {0, 2, -1, 0}};
    for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::symmetric}) {
        add("pad", {x(image)}, {true},
            [=](Graph& g, const auto& in) { return ops::pad(g, in[0], mode, padding, 0.5f); });
        add("pad_grad", {x(padding.padded(image))}, {true}, [=](Graph& g, const auto& in) {
            const NodeId source = g.constant(HostTensor(image));
            return grad(g, ops::mul(g, ops::pad(g, source, mode, padding), in[0]), {source})[0];
        });
    }
    const HostTensor offsets({1, 1, 1, 2}, {1, 0});
    add("shift_crop", {x(image), offsets}, {true, false},
        [](Graph& g, const auto& in) { return ops::shift_crop(g, in[0], in[1], 3, 2); });
    add("shift_crop_grad", {x({2, 3, 2, 5}), offsets}, {true, false}, [=](Graph& g, const auto& in) {
        const NodeId source = g.constant(HostTensor(image));
        return grad(g, ops::mul(g, ops::shift_crop(g, source, in[1], 3, 2), in[0]), {source})[0];
    });
    add("transpose", {x(image)}, {true}, [](Graph& g, const auto& in) {
        return ops::transpose(g, in[0], {2, 0, 3, 1});
    });
    add("reshape", {x(image)}, {true}, [](Graph& g, const auto& in) { return ops::reshape(g, in[0], {2, 1, 6, 10}); });
    add("resize", {x(image)}, {true}, [](Graph& g, const auto& in) { return ops::resize(g, in[0], 7, 2); });
    add("resize_grad", {x({2, 7, 2, 5})}, {true}, [=](Graph& g, const auto& in) {
        const NodeId source = g.constant(HostTensor(image));
        return grad(g, ops::mul(g, ops::resize(g, source, 7, 2), in[0]), {source})[0];
    });
    const HostTensor matrix({1, 1, 1, 6}, {0.96f, -0.21f, 0.4f, 0.23f, 0.94f, -0.3f});
    for (const Interpolation kind : {Interpolation::nearest, Interpolation::bilinear}) {
        add("affine_warp", {x({2, 5, 6, 3}), matrix}, {true, false},
            [=](Graph& g, const auto& in) { return ops::affine_warp(g, kind, in[0], in[1], 4, 5); });
        add("affine_warp_grad", {x({2, 4, 5, 3}), matrix}, {true, false}, [=](Graph& g, const auto& in) {
            const NodeId source = g.constant(HostTensor({2, 5, 6, 3}));
            return grad(g, ops::mul(g, ops::affine_warp(g, kind, source, in[1], 4, 5), in[0]), {source})[0];
        });
    }
    const ops::PixelMix mix = ops::make_pixel_mix({{{3, 0.5f}, {0, -1}}, {}, {{11, 2}}, {{3, 1}, {4, 0.25f}}});
    const ops::PixelMix adjoint = ops::transposed(mix, 12);
    add("mix_pixels", {x({2, 3, 4, 5})}, {true},
        [=](Graph& g, const auto& in) { return ops::mix_pixels(g, in[0], mix, adjoint, 2, 2); });
    const HostTensor scale = positive({1, 4, 4, 1});
    add("spectral_inverse", {x({2, 4, 4, 6}), scale}, {true, false},
        [](Graph& g, const auto& in) { return ops::spectral_inverse(g, in[0], in[1], 5, 0.25f); });
    add("spectral_inverse_grad", {x({2, 4, 5, 3}), scale}, {true, false}, [](Graph& g, const auto& in) {
        const NodeId source = g.constant(HostTensor({2, 4, 4, 6}));
        return grad(g, ops::mul(g, ops::spectral_inverse(g, source, in[1], 5, 0.25f), in[0]), {source})[0];
    });
    return all;
}

class OpGradient : public ::testing::TestWithParam<OpCase> {};

TEST_P(OpGradient, DotProduct) {
    const OpCase& c = GetParam();
    Stream stream({DeviceKind::reference, 0});
    Graph graph;
    std::vector<NodeId> inputs, wrt;
    for (size_t i = 0; i < c.inputs.size(); i++) inputs.push_back(graph.input(concat("input ", i), c.inputs[i].shape));
    const NodeId y = c.build(graph, inputs);
    const HostTensor w = random_tensor(graph.shape(y), -1, 1, 100);
    for (size_t i = 0; i < inputs.size(); i++)
        if (c.differentiable[i]) wrt.push_back(inputs[i]);
    bool found = false;
    const NodeId score = ops::mul(graph, y, graph.constant(w));
    const std::vector<NodeId> gradients = grad(graph, score, wrt);
    for (int i = 0; i < graph.size(); i++) found = found || (graph[{i}].op && graph[{i}].op->kind() == c.kind);
    ASSERT_TRUE(found) << "the case does not contain " << c.kind << ":\n" << graph.print();

    const std::vector<HostTensor> g = evaluate(graph, gradients, stream, c.inputs);
    for (size_t i = 0, k = 0; i < inputs.size(); i++) {
        if (!c.differentiable[i]) continue;
        const HostTensor v = random_tensor(c.inputs[i].shape, -1, 1, 200 + uint32_t(i));
        const auto along = [&](double h) {
            std::vector<HostTensor> moved_inputs = c.inputs;
            moved_inputs[i] = moved(c.inputs[i], v, h);
            return dot(w, evaluate(graph, {y}, stream, moved_inputs)[0]);
        };
        // Richardson: the error of the central difference falls from h^2 to h^4. h = 1/32 keeps away from the kinks of
        // `spread`.
        const double h = 1.0 / 32;
        const double coarse = (along(h) - along(-h)) / (2 * h), fine = (along(h / 2) - along(-h / 2)) / h;
        const double expected = (4 * fine - coarse) / 3, actual = dot(g[k], v);
        // Values are rounded to float: 6e-8 * |y| per element, divided by h; 1e-4 of the vectors' lengths leaves room
        // for h^4.
        const double size = std::sqrt(dot(g[k], g[k]) * dot(v, v)) + std::fabs(expected);
        EXPECT_LE(std::fabs(actual - expected), 1e-4 * size + 1e-5)
            << c.kind << ", input " << i << ": <J^T w, v> = " << actual << ", <w, J v> = " << expected;
        k++;
    }
}

// The gradients are nodes: differentiate once more. <u, H v> is symmetric in u and v.
TEST_P(OpGradient, SecondDerivativeIsSymmetric) {
    const OpCase& c = GetParam();
    if (c.kind.ends_with("_grad") || c.kind == "max_pool_select") return;  // these are derivatives already
    Stream stream({DeviceKind::reference, 0});
    size_t first = 0;
    while (!c.differentiable[first]) first++;
    const HostTensor u = random_tensor(c.inputs[first].shape, -1, 1, 300),
                     v = random_tensor(c.inputs[first].shape, -1, 1, 301);
    const auto product = [&](const HostTensor& a, const HostTensor& b) {
        Graph graph;
        std::vector<NodeId> inputs;
        for (size_t i = 0; i < c.inputs.size(); i++)
            inputs.push_back(graph.input(concat("input ", i), c.inputs[i].shape));
        // tanh makes every operation curved, so that the Hessian is not zero for linear ones.
        const NodeId y = ops::unary(graph, Unary::tanh, c.build(graph, inputs));
        const NodeId g = grad(graph, y, {inputs[first]})[0];
        const NodeId h = grad(graph, ops::mul(graph, g, graph.constant(b)), {inputs[first]})[0];
        return dot(evaluate(graph, {h}, stream, c.inputs)[0], a);
    };
    const double uv = product(u, v), vu = product(v, u);
    EXPECT_LE(std::fabs(uv - vu), 1e-4 * (std::fabs(uv) + std::fabs(vu)) + 1e-5) << c.kind;
}

INSTANTIATE_TEST_SUITE_P(All, OpGradient, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return concat(info.index, "_", testing::test_name(info.param.kind)); });

TEST(GradientRule, TheValuePassesAndTheRuleDecides) {
    Graph g;
    const HostTensor values({1, 1, 2, 2}, {1, -2, 3, 5});
    const NodeId x = g.input("x", values.shape);
    const NodeId doubled =
        ops::with_gradient(g, ops::affine(g, x, 10, 0), x, "doubled",
                           [](Graph& graph, NodeId, NodeId dy) { return ops::affine(graph, dy, 2, 0); });
    const NodeId y = ops::mul(g, doubled, ops::stop_gradient(g, doubled));
    const NodeId dx = grad(g, y, {x})[0], none = grad(g, ops::stop_gradient(g, x), {x})[0];
    Stream stream({DeviceKind::cpu, 0});
    const std::vector<HostTensor> found = evaluate(g, {y, dx, none}, stream, {values});
    for (size_t i = 0; i < 4; i++) {
        const float v = values.values[i];
        EXPECT_EQ(found[0].values[i], 100 * v * v);
        EXPECT_EQ(found[1].values[i], 2 * 10 * v);  // one factor counts, with slope 2
        EXPECT_EQ(found[2].values[i], 0);
    }
}

// A plan for several threads cuts a batch; a filter of as many rows must not be taken for one.
TEST(DepthwiseConv2d, ABatchOfAsManyImagesAsTheFilterHasRows) {
    for (const int64_t n : {3, 4}) {
        Graph g;
        const HostTensor image = random_tensor({n, 9, 8, 12}, -1, 1, 1),
                         filter = random_tensor({4, 3, 12, 1}, -1, 1, 2);
        const NodeId x = g.input("x", image.shape), w = g.input("w", filter.shape);
        const NodeId y = ops::depthwise_conv2d(g, x, w, {.pad_top = 1, .pad_bottom = 2, .pad_left = 1, .pad_right = 1});
        const std::vector<NodeId> gradients = grad(g, ops::mul(g, y, y), {x, w});
        Stream reference({DeviceKind::reference, 0}), cpu({DeviceKind::cpu, 0}, 2);
        const std::vector<NodeId> all{y, gradients[0], gradients[1]};
        const std::vector<HostTensor> expected = evaluate(g, all, reference, {image, filter}),
                                      found = evaluate(g, all, cpu, {image, filter});
        for (size_t i = 0; i < all.size(); i++)
            EXPECT_TRUE(testing::matches(expected[i], found[i], testing::sum_tolerance(n * 9 * 8))) << "output " << i;
    }
}

// A user's rule is a user's mistake: an exception, not the end of the program.
TEST(GradientRule, RefusesAGradientOfAnotherShape) {
    Graph g;
    const NodeId x = g.input("x", {1, 4, 4, 2});
    const NodeId y = ops::with_gradient(g, ops::max_pool(g, x, ops::valid_pool({1, 4, 4, 2}, 2, 2)), x, "pass",
                                        [](Graph&, NodeId, NodeId dy) { return dy; });
    try {
        grad(g, y, {x});
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "the gradient by the rule pass is 1x2x2x2, expected 1x4x4x2");
    }
}

TEST(Shapes, OfGradientsAreLookedAt) {
    Graph g;
    const Shape image{1, 4, 4, 2}, pooled{1, 2, 2, 2};
    const ops::PoolGeometry windows = ops::valid_pool(image, 2, 2);
    const NodeId x = g.input("x", image), y = g.input("y", pooled);
    const auto refused = [&](const std::shared_ptr<const Op>& op, std::vector<NodeId> inputs) {
        EXPECT_THROW(g.add(op, std::move(inputs)), Error) << op->kind();
    };
    refused(std::make_shared<ops::MaxPoolGradOp>(windows, GradientEpilogue{}), {x, x, y});
    refused(std::make_shared<ops::MaxPoolGradOp>(windows, GradientEpilogue{}), {x, y, x});
    refused(std::make_shared<ops::AveragePoolGradOp>(windows, image, GradientEpilogue{}), {x});
    const ops::DepthwiseGeometry plain;
    const NodeId w = g.input("w", {3, 3, 2, 1}), other = g.input("other", {3, 3, 3, 1});
    EXPECT_THROW(ops::depthwise_conv2d(g, x, other, plain), Error);
    EXPECT_THROW(ops::depthwise_conv2d(g, y, w, plain), Error);  // larger than the image
    EXPECT_THROW(ops::depthwise_conv2d(g, x, w, {.stride_y = 0}), Error);
    EXPECT_THROW(ops::depthwise_conv2d(g, x, w, {.dilation_x = 2}), Error);  // five columns wide
    EXPECT_THROW(ops::depthwise_conv2d(g, x, w, {.pad_top = -1}), Error);
    EXPECT_THROW(ops::depthwise_conv2d_grad_input(g, x, w, plain, image), Error);
    EXPECT_THROW(ops::depthwise_conv2d_grad_filter(g, x, x, plain, 3, 3), Error);
    const NodeId odd = g.input("odd", {1, 2, 2, 3});  // no multiple of two channels
    EXPECT_THROW(ops::depthwise_conv2d_grad_filter(g, x, odd, plain, 3, 3), Error);
    const NodeId softmax_gradient = grad(g, ops::softmax(g, x), {x})[0];
    refused(g[softmax_gradient].op, {x, y});
}

// Reads the names of all operations from their sources: one that has no case above fails.
TEST(OpGradient, CoversEveryOperation) {
    std::set<std::string> tested;
    for (const OpCase& c : cases()) tested.insert(c.kind);
    // No derivative, by contract.
    for (const char* kind : {"pass_redirect", "reduce_argmax", "stop_gradient"}) tested.insert(kind);
    std::set<std::string> known;
    for (int f = 0; f < kUnaryCount; f++) known.insert(name(Unary(f)));
    for (int f = 0; f < kBinaryCount; f++) known.insert(name(Binary(f)));
    for (int f = 0; f < kTernaryCount; f++) known.insert(name(Ternary(f)));
    for (int f = 0; f < kReduceCount; f++) known.insert(concat("reduce_", name(Reduce(f))));
    const std::regex kind_function("kind\\(\\) const override \\{([^}]*)\\}"), quoted("\"([a-z0-9_]+)\"");
    for (const auto& entry : std::filesystem::directory_iterator(concat(LIMPID_SOURCE_DIR, "/graph/ops"))) {
        std::ifstream file(entry.path());
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        for (std::sregex_iterator match(text.begin(), text.end(), kind_function), end; match != end; ++match) {
            const std::string body = (*match)[1];
            for (std::sregex_iterator name(body.begin(), body.end(), quoted), last; name != last; ++name)
                if ((*name)[1] != "reduce_") known.insert((*name)[1]);
        }
    }
    EXPECT_GT(known.size(), 60u);
    for (const std::string& kind : known) EXPECT_TRUE(tested.contains(kind)) << kind << " has no gradient test";
}

}  // namespace
}  // namespace limpid
