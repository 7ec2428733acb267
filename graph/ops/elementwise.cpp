// Elementwise operations in the graph: broadcasting, and derivatives composed of further elementwise operations.
#include <algorithm>

#include "graph/ops.h"
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

Shape broadcast_shapes(std::span<const Shape> inputs) {
    Shape result = inputs[0];
    for (const Shape& shape : inputs)
        for (int axis = 0; axis < 4; axis++) {
            if (result[axis] == 1) result[axis] = shape[axis];
            if (shape[axis] != 1 && shape[axis] != result[axis])
                throw Error(concat("shapes ", inputs[0], " and ", shape, " do not broadcast: axis ", axis,
                                   " needs equal sizes or 1"));
        }
    return result;
}

class BroadcastOp final : public Op {
  public:
    explicit BroadcastOp(Shape shape) : shape_(shape) {}
    std::string kind() const override { return "broadcast"; }
    Shape infer(std::span<const Shape> in) const override {
        const Shape shapes[] = {in[0], shape_};
        if (!(broadcast_shapes(shapes) == shape_))
            throw Error(concat("shape ", in[0], " does not broadcast to ", shape_));
        return shape_;
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {sum_to(g, dy, g.shape(g[node].inputs[0]))};
    }
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext& c) const override {
        c.kernels.elementwise.unary(c.stream, Unary::copy, 0, 0, c.inputs[0], c.output);
    }

  private:
    Shape shape_;
};

}  // namespace

Shape UnaryOp::infer(std::span<const Shape> in) const { return in[0]; }

std::string UnaryOp::attributes() const {
    switch (function) {
        case Unary::clip:
        case Unary::affine:
            return concat(p, " ", q);
        case Unary::power:
            return concat(p);
        default:
            return "";
    }
}

std::vector<NodeId> UnaryOp::vjp(Graph& g, NodeId y, NodeId dy, const std::vector<bool>&) const {
    const NodeId x = g[y].inputs[0];
    switch (function) {
        case Unary::copy:
            return {dy};
        case Unary::neg:
            return {unary(g, Unary::neg, dy)};
        case Unary::abs:
            return {mul(g, dy, unary(g, Unary::sign, x))};
        case Unary::sign:
        case Unary::step:
            return {NodeId{}};
        case Unary::square:
            return {mul(g, dy, affine(g, x, 2, 0))};
        case Unary::sqrt:
            return {binary(g, Binary::div, dy, affine(g, y, 2, 0))};
        case Unary::rsqrt:  // -1/2 x^-3/2 = -1/2 y^3
            return {mul(g, dy, mul(g, affine(g, y, -0.5f, 0), unary(g, Unary::square, y)))};
        case Unary::reciprocal:
            return {mul(g, dy, unary(g, Unary::neg, unary(g, Unary::square, y)))};
        case Unary::exp:
            return {mul(g, dy, y)};
        case Unary::log:
            return {binary(g, Binary::div, dy, x)};
        case Unary::sin:
            return {mul(g, dy, unary(g, Unary::cos, x))};
        case Unary::cos:
            return {mul(g, dy, unary(g, Unary::neg, unary(g, Unary::sin, x)))};
        case Unary::tanh:
            return {binary(g, Binary::tanh_grad, y, dy)};
        case Unary::atan:
            return {binary(g, Binary::div, dy, affine(g, unary(g, Unary::square, x), 1, 1))};
        case Unary::sigmoid:
            return {binary(g, Binary::sigmoid_grad, y, dy)};
        case Unary::relu:
            return {binary(g, Binary::relu_grad, y, dy)};
        case Unary::relu6:
            return {binary(g, Binary::relu6_grad, y, dy)};
        case Unary::clip: {  // 1 inside the open interval
            const NodeId above = unary(g, Unary::step, affine(g, x, 1, -p)),
                         below = unary(g, Unary::step, affine(g, x, -1, q));
            return {mul(g, dy, mul(g, above, below))};
        }
        case Unary::affine:
            return {affine(g, dy, p, 0)};
        case Unary::power:
            return {mul(g, dy, affine(g, unary(g, Unary::power, x, p - 1, 0), p, 0))};
    }
    CHECK(false);
}

void UnaryOp::run(const RunContext& c) const {
    c.kernels.elementwise.unary(c.stream, function, p, q, c.inputs[0], c.output);
}

Shape BinaryOp::infer(std::span<const Shape> in) const { return broadcast_shapes(in); }

std::vector<NodeId> BinaryOp::vjp(Graph& g, NodeId y, NodeId dy, const std::vector<bool>& wanted) const {
    const NodeId a = g[y].inputs[0], b = g[y].inputs[1];
    const auto to = [&](NodeId input, NodeId value) { return sum_to(g, value, g.shape(input)); };
    const auto if_a = [&](auto make) { return wanted[0] ? to(a, make()) : NodeId{}; };
    const auto if_b = [&](auto make) { return wanted[1] ? to(b, make()) : NodeId{}; };
    const auto not_greater = [&](NodeId u, NodeId v) { return affine(g, binary(g, Binary::greater, u, v), -1, 1); };
    switch (function) {
        case Binary::add:
            return {if_a([&] { return dy; }), if_b([&] { return dy; })};
        case Binary::sub:
            return {if_a([&] { return dy; }), if_b([&] { return unary(g, Unary::neg, dy); })};
        case Binary::mul:
            return {if_a([&] { return mul(g, dy, b); }), if_b([&] { return mul(g, dy, a); })};
        case Binary::div:
            return {if_a([&] { return binary(g, Binary::div, dy, b); }),
                    if_b([&] { return unary(g, Unary::neg, binary(g, Binary::div, mul(g, dy, y), b)); })};
        case Binary::max:  // ties go to a
            return {if_a([&] { return mul(g, dy, not_greater(b, a)); }),
                    if_b([&] { return mul(g, dy, binary(g, Binary::greater, b, a)); })};
        case Binary::min:
            return {if_a([&] { return mul(g, dy, not_greater(a, b)); }),
                    if_b([&] { return mul(g, dy, binary(g, Binary::greater, a, b)); })};
        case Binary::greater:
            return {NodeId{}, NodeId{}};
        // These are linear in their second argument, and piecewise constant in the first.
        case Binary::relu_grad:
        case Binary::relu6_grad:
        case Binary::pass_positive:
            return {NodeId{}, if_b([&] { return binary(g, function, a, dy); })};
        case Binary::pass_redirect:
            throw Error(
                "pass_redirect has no derivative: it is a gradient override, which is not differentiated again");
        case Binary::sigmoid_grad:  // (a, b) -> b*a*(1-a)
            return {if_a([&] { return mul(g, dy, mul(g, b, affine(g, a, -2, 1))); }),
                    if_b([&] { return binary(g, Binary::sigmoid_grad, a, dy); })};
        case Binary::tanh_grad:  // (a, b) -> b*(1-a*a)
            return {if_a([&] { return mul(g, dy, mul(g, b, affine(g, a, -2, 0))); }),
                    if_b([&] { return binary(g, Binary::tanh_grad, a, dy); })};
    }
    CHECK(false);
}

void BinaryOp::run(const RunContext& c) const {
    c.kernels.elementwise.binary(c.stream, function, c.inputs[0], c.inputs[1], c.output);
}

Shape TernaryOp::infer(std::span<const Shape> in) const { return broadcast_shapes(in); }

std::vector<NodeId> TernaryOp::vjp(Graph& g, NodeId y, NodeId dy, const std::vector<bool>& wanted) const {
    const NodeId a = g[y].inputs[0], b = g[y].inputs[1], c = g[y].inputs[2];
    const auto to = [&](size_t i, auto make) {
        return wanted[i] ? sum_to(g, make(), g.shape(g[y].inputs[i])) : NodeId{};
    };
    switch (function) {
        case Ternary::select: {
            const NodeId first = unary(g, Unary::step, a);
            return {NodeId{}, to(1, [&] { return mul(g, dy, first); }),
                    to(2, [&] { return mul(g, dy, affine(g, first, -1, 1)); })};
        }
        case Ternary::multiply_add:
            (void)c;
            return {to(0, [&] { return mul(g, dy, b); }), to(1, [&] { return mul(g, dy, a); }),
                    to(2, [&] { return dy; })};
    }
    CHECK(false);
}

void TernaryOp::run(const RunContext& c) const {
    c.kernels.elementwise.ternary(c.stream, function, c.inputs[0], c.inputs[1], c.inputs[2], c.output);
}

NodeId unary(Graph& g, Unary function, NodeId x, float p, float q, const std::string& name) {
    return g.add(std::make_shared<UnaryOp>(function, p, q), {x}, name);
}
NodeId binary(Graph& g, Binary function, NodeId a, NodeId b, const std::string& name) {
    return g.add(std::make_shared<BinaryOp>(function), {a, b}, name);
}
NodeId ternary(Graph& g, Ternary function, NodeId a, NodeId b, NodeId c, const std::string& name) {
    return g.add(std::make_shared<TernaryOp>(function), {a, b, c}, name);
}

NodeId broadcast(Graph& g, NodeId x, Shape shape) {
    return g.shape(x) == shape ? x : g.add(std::make_shared<BroadcastOp>(shape), {x});
}

NodeId sum_to(Graph& g, NodeId x, Shape shape) {
    const Shape from = g.shape(x);
    if (from == shape) return x;
    const Axes axes{from.n != shape.n, from.h != shape.h, from.w != shape.w, from.c != shape.c};
    CHECK(axes.reduced(from) == shape, "cannot sum ", from, " to ", shape);
    return reduce(g, Reduce::sum, axes, x);
}

}  // namespace limpid::ops
