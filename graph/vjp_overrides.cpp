// Overrides composed of graph operations.
#include "graph/vjp_overrides.h"

#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid {

namespace {

constexpr Axes kWholeImage{false, true, true, true};

// plain where it has any non-zero element in the image, else redirected. The largest magnitude tells without underflow.
NodeId plain_unless_dead(Graph& g, NodeId plain, NodeId redirected) {
    const NodeId alive = ops::reduce(g, Reduce::max_abs, kWholeImage, plain);
    return ops::ternary(g, Ternary::select, alive, plain, redirected);
}

std::vector<NodeId> redirect_relu(Graph& g, NodeId node, NodeId dy) {
    const NodeId x = g[node].inputs[0];
    return {plain_unless_dead(g, ops::binary(g, Binary::pass_positive, x, dy),
                              ops::binary(g, Binary::pass_redirect, x, dy))};
}

std::vector<NodeId> redirect_relu6(Graph& g, NodeId node, NodeId dy) {
    const NodeId x = g[node].inputs[0];
    // Above 6 the roles of up and down are exchanged: reflect x and g around 3 and use the same two functions.
    const NodeId mirrored = ops::affine(g, x, -1, 6);
    const auto flip = [&](NodeId v) { return ops::unary(g, Unary::neg, v); };
    const NodeId plain = ops::binary(g, Binary::pass_positive, mirrored, ops::binary(g, Binary::pass_positive, x, dy));
    const NodeId below = ops::binary(g, Binary::pass_redirect, x, dy);
    const NodeId redirected = flip(ops::binary(g, Binary::pass_redirect, mirrored, flip(below)));
    return {plain_unless_dead(g, plain, redirected)};
}

// dx = 2x * P'(g / d) - sign(x) * P'(g * P(x^2) / d^2), d = 0.01 + P(|x|), P' the adjoint of P.
NodeId smooth_pool_gradient(Graph& g, NodeId node, NodeId dy) {
    const auto* pool = dynamic_cast<const ops::MaxPoolOp*>(g[node].op.get());
    CHECK(pool, "max_pool is not a MaxPoolOp");
    const ops::PoolGeometry geometry = pool->geometry;
    const NodeId x = g[node].inputs[0];
    const Shape shape = g.shape(x);
    const auto mean = [&](NodeId v) { return ops::average_pool(g, v, geometry); };
    const auto adjoint = [&](NodeId v) {
        return g.add(std::make_shared<ops::AveragePoolGradOp>(geometry, shape, GradientEpilogue{}), {v});
    };
    const NodeId divisor = ops::affine(g, mean(ops::unary(g, Unary::abs, x)), 1, 0.01f);  // 0.01: Lucid
    const NodeId up = ops::binary(g, Binary::div, dy, divisor);
    const NodeId down = ops::mul(g, up, ops::binary(g, Binary::div, mean(ops::unary(g, Unary::square, x)), divisor));
    return ops::sub(g, ops::mul(g, ops::affine(g, x, 2, 0), adjoint(up)),
                    ops::mul(g, ops::unary(g, Unary::sign, x), adjoint(down)));
}

// The weights 1 2 1 / 2 4 2 / 1 2 1 over 16 are two means of 2 x 2 cells, one after the other.
NodeId blurred(Graph& g, NodeId x) {
    const NodeId padded = ops::pad(g, x, PadMode::constant, {{0, 1, 1, 0}, {0, 1, 1, 0}});
    const NodeId once = ops::average_pool(g, padded, ops::valid_pool(g.shape(padded), 2, 1));
    return ops::average_pool(g, once, ops::valid_pool(g.shape(once), 2, 1));
}

std::vector<NodeId> smooth_pool(Graph& g, NodeId node, NodeId dy) { return {smooth_pool_gradient(g, node, dy)}; }

std::vector<NodeId> smooth_and_blur_pool(Graph& g, NodeId node, NodeId dy) {
    return {blurred(g, smooth_pool_gradient(g, node, dy))};
}

std::vector<NodeId> guide_relu(Graph& g, NodeId node, NodeId dy) {
    return g[node].op->vjp(g, node, ops::relu(g, dy), {true});
}

std::vector<NodeId> deconvolve_relu(Graph& g, NodeId, NodeId dy) { return {ops::relu(g, dy)}; }

}  // namespace

VjpOverrides redirected_relu() { return {{"relu", redirect_relu}, {"relu6", redirect_relu6}}; }
VjpOverrides smoothed_max_pool() { return {{"max_pool", smooth_pool}}; }
VjpOverrides smoothed_and_blurred_max_pool() { return {{"max_pool", smooth_and_blur_pool}}; }
VjpOverrides guided_relu() { return {{"relu", guide_relu}, {"relu6", guide_relu}}; }
VjpOverrides deconvolved_relu() { return {{"relu", deconvolve_relu}, {"relu6", deconvolve_relu}}; }

}  // namespace limpid
