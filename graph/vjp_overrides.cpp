// Overrides composed of graph operations.
#include "graph/vjp_overrides.h"

#include "graph/ops.h"

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

}  // namespace

VjpOverrides redirected_relu() { return {{"relu", redirect_relu}, {"relu6", redirect_relu6}}; }

}  // namespace limpid
