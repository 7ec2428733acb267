// Pooling in the graph. The gradient of max pooling moves values to the winners, so its own derivative reads them back
// from there.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

PoolShape pool_shape(const PoolGeometry& g, Shape x) {
    PoolShape s;
    s.n = x.n, s.h = x.h, s.w = x.w, s.c = x.c;
    s.r = g.r, s.s = g.s, s.stride_y = g.stride_y, s.stride_x = g.stride_x;
    s.pad_top = g.pad_top, s.pad_left = g.pad_left, s.p = g.p, s.q = g.q;
    return s;
}

std::string print(const PoolGeometry& g) {
    return concat("window ", g.r, "x", g.s, ", stride ", g.stride_y, " ", g.stride_x, ", pad ", g.pad_top, " ",
                  g.pad_left);
}

// Every window must have a valid cell.
void check_fits(const PoolGeometry& g, Shape x) {
    const bool ok = g.p >= 1 && g.q >= 1 && g.pad_top < g.r && g.pad_left < g.s &&
                    (g.p - 1) * g.stride_y - g.pad_top < x.h && (g.q - 1) * g.stride_x - g.pad_left < x.w;
    if (!ok)
        throw Error(concat("windows {", print(g), "} do not fit an image of ", x.h, "x", x.w, "; use a larger image"));
}

// y[p,q] = u at the position that won window (p,q): inputs x, y, u. The derivative of MaxPoolGradOp with respect to dy.
class MaxPoolSelectOp final : public Op {
  public:
    explicit MaxPoolSelectOp(PoolGeometry g) : geometry_(g) {}
    std::string kind() const override { return "max_pool_select"; }
    std::string attributes() const override { return print(geometry_); }
    Shape infer(std::span<const Shape> in) const override {
        check_fits(geometry_, in[0]);
        expect_shape("the maximum of max_pool_select", in[1], pool_shape(geometry_, in[0]).output());
        expect_shape("the image that max_pool_select reads", in[2], in[0]);
        return in[1];
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const std::vector<NodeId> in = g[node].inputs;
        return {NodeId{}, NodeId{},
                g.add(std::make_shared<MaxPoolGradOp>(geometry_, GradientEpilogue{}), {in[0], in[1], dy})};
    }
    void run(const RunContext& c) const override {
        c.kernels.pool.max_select(c.stream, pool_shape(geometry_, c.inputs[0].shape), c.inputs[0], c.inputs[1],
                                  c.inputs[2], c.output);
    }

  private:
    PoolGeometry geometry_;
};

class AveragePoolOp final : public Op {
  public:
    explicit AveragePoolOp(PoolGeometry g) : geometry_(g) {}
    std::string kind() const override { return "average_pool"; }
    std::string attributes() const override { return print(geometry_); }
    Shape infer(std::span<const Shape> in) const override {
        check_fits(geometry_, in[0]);
        return pool_shape(geometry_, in[0]).output();
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {g.add(std::make_shared<AveragePoolGradOp>(geometry_, g.shape(g[node].inputs[0]), GradientEpilogue{}),
                      {dy})};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override {
        c.kernels.pool.average_forward(c.stream, pool_shape(geometry_, c.inputs[0].shape), c.inputs[0], c.output);
    }

  private:
    PoolGeometry geometry_;
};

}  // namespace

std::string MaxPoolOp::attributes() const { return print(geometry); }

Shape MaxPoolOp::infer(std::span<const Shape> in) const {
    check_fits(geometry, in[0]);
    return pool_shape(geometry, in[0]).output();
}

std::vector<NodeId> MaxPoolOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const {
    return {g.add(std::make_shared<MaxPoolGradOp>(geometry, GradientEpilogue{}), {g[node].inputs[0], node, dy})};
}

void MaxPoolOp::run(const RunContext& c) const {
    c.kernels.pool.max_forward(c.stream, pool_shape(geometry, c.inputs[0].shape), c.inputs[0], c.output);
}

std::string MaxPoolGradOp::attributes() const { return print(geometry) + epilogue.attributes(); }

Shape MaxPoolGradOp::infer(std::span<const Shape> in) const {
    check_fits(geometry, in[0]);
    const Shape pooled = pool_shape(geometry, in[0]).output();
    expect_shape("the maximum of max_pool_grad", in[1], pooled);
    expect_shape("the gradient that max_pool_grad takes", in[2], pooled);
    for (const Shape& of_epilogue : in.subspan(3)) expect_shape("what max_pool_grad adds or masks", of_epilogue, in[0]);
    return in[0];
}

std::vector<NodeId> MaxPoolGradOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const {
    CHECK(!epilogue.add && !epilogue.mask, "fused gradients are not differentiated");
    const std::vector<NodeId> in = g[node].inputs;
    return {NodeId{}, NodeId{},
            wanted[2] ? g.add(std::make_shared<MaxPoolSelectOp>(geometry), {in[0], in[1], dy}) : NodeId{}};
}

OpPtr MaxPoolGradOp::with_epilogue(GradientEpilogue more) const {
    const auto all = epilogue.with(more);
    return all ? std::make_shared<MaxPoolGradOp>(geometry, *all) : nullptr;
}

void MaxPoolGradOp::run(const RunContext& c) const {
    const ConstView add = epilogue.add ? c.inputs[3] : ConstView{};
    const ConstView mask = epilogue.mask ? c.inputs[epilogue.add ? 4 : 3] : ConstView{};
    c.kernels.pool.max_grad_input(c.stream, pool_shape(geometry, c.inputs[0].shape), c.inputs[0], c.inputs[1],
                                  c.inputs[2], add, mask, c.output);
}

std::string AveragePoolGradOp::attributes() const { return print(geometry) + epilogue.attributes(); }

Shape AveragePoolGradOp::infer(std::span<const Shape> in) const {
    check_fits(geometry, input);
    expect_shape("the gradient that average_pool_grad takes", in[0], pool_shape(geometry, input).output());
    for (const Shape& of_epilogue : in.subspan(1))
        expect_shape("what average_pool_grad adds or masks", of_epilogue, input);
    return input;
}

std::vector<NodeId> AveragePoolGradOp::vjp(Graph& g, NodeId, NodeId dy, const std::vector<bool>&) const {
    CHECK(!epilogue.add && !epilogue.mask, "fused gradients are not differentiated");
    return {average_pool(g, dy, geometry)};
}

OpPtr AveragePoolGradOp::with_epilogue(GradientEpilogue more) const {
    const auto all = epilogue.with(more);
    return all ? std::make_shared<AveragePoolGradOp>(geometry, input, *all) : nullptr;
}

void AveragePoolGradOp::run(const RunContext& c) const {
    const ConstView add = epilogue.add ? c.inputs[1] : ConstView{};
    const ConstView mask = epilogue.mask ? c.inputs[epilogue.add ? 2 : 1] : ConstView{};
    c.kernels.pool.average_grad_input(c.stream, pool_shape(geometry, c.output.shape), c.inputs[0], add, mask, c.output);
}

PoolGeometry same_pool(Shape x, int64_t window, int64_t stride) {
    PoolGeometry g;
    int64_t after = 0;
    g.r = g.s = window;
    g.stride_y = g.stride_x = stride;
    same_padding(x.h, window, stride, &g.pad_top, &after);
    same_padding(x.w, window, stride, &g.pad_left, &after);
    g.p = (x.h + stride - 1) / stride;
    g.q = (x.w + stride - 1) / stride;
    return g;
}

PoolGeometry valid_pool(Shape x, int64_t window, int64_t stride) {
    PoolGeometry g;
    g.r = g.s = window;
    g.stride_y = g.stride_x = stride;
    g.p = x.h >= window ? (x.h - window) / stride + 1 : 0;
    g.q = x.w >= window ? (x.w - window) / stride + 1 : 0;
    return g;
}

PoolGeometry caffe_pool(Shape x, int64_t window, int64_t stride, int64_t pad) {
    PoolGeometry g;
    g.r = g.s = window;
    g.stride_y = g.stride_x = stride;
    g.pad_top = g.pad_left = pad;
    const auto size = [&](int64_t in) {
        const int64_t extra = in + 2 * pad - window;
        int64_t out = (extra <= 0 ? 0 : (extra + stride - 1) / stride) + 1;
        if (pad > 0 && (out - 1) * stride >= in + pad)
            out--;  // the last window must start inside the image (Caffe pooling_layer)
        return out;
    };
    g.p = size(x.h);
    g.q = size(x.w);
    return g;
}

NodeId max_pool(Graph& g, NodeId x, PoolGeometry geometry, const std::string& name) {
    return g.add(std::make_shared<MaxPoolOp>(geometry), {x}, name);
}
NodeId average_pool(Graph& g, NodeId x, PoolGeometry geometry, const std::string& name) {
    return g.add(std::make_shared<AveragePoolOp>(geometry), {x}, name);
}

}  // namespace limpid::ops
