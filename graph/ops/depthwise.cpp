// Depthwise convolution in the graph. It is linear in image and filter, and so are its gradients: the derivative of
// each of the three is made of the other two.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

DepthwiseShape depthwise_shape(const DepthwiseGeometry& g, Shape x, int64_t r, int64_t s, int64_t m) {
    DepthwiseShape shape;
    shape.n = x.n, shape.h = x.h, shape.w = x.w, shape.c = x.c;
    shape.r = r, shape.s = s, shape.m = m;
    shape.stride_y = g.stride_y, shape.stride_x = g.stride_x;
    shape.dilation_y = g.dilation_y, shape.dilation_x = g.dilation_x;
    shape.pad_top = g.pad_top, shape.pad_bottom = g.pad_bottom, shape.pad_left = g.pad_left,
    shape.pad_right = g.pad_right;
    return shape;
}

std::string print(const DepthwiseGeometry& g) {
    return concat("stride ", g.stride_y, " ", g.stride_x, ", dilation ", g.dilation_y, " ", g.dilation_x, ", pad ",
                  g.pad_top, " ", g.pad_bottom, " ", g.pad_left, " ", g.pad_right);
}

void check_fits(const DepthwiseShape& s) {
    if (s.stride_y < 1 || s.stride_x < 1) throw Error("strides must be at least 1");
    if (s.dilation_y < 1 || s.dilation_x < 1) throw Error("dilations must be at least 1");
    if (s.pad_top < 0 || s.pad_bottom < 0 || s.pad_left < 0 || s.pad_right < 0)
        throw Error("padding must not be negative; use slice");
    const int64_t tall = s.dilation_y * (s.r - 1) + 1, wide = s.dilation_x * (s.s - 1) + 1;
    if (s.h + s.pad_top + s.pad_bottom < tall || s.w + s.pad_left + s.pad_right < wide)
        throw Error(concat("image ", s.h, "x", s.w, " with its padding is smaller than the filter ", tall, "x", wide,
                           "; use a larger image"));
}

void check_channels(int64_t filter, int64_t image) {
    if (filter != image) throw Error(concat("filter is for ", filter, " channels, the image has ", image));
}

Cost depthwise_cost(const DepthwiseShape& s) {
    Cost cost;
    cost.operations = 2.0 * double(s.multiply_adds());
    cost.bytes = 4.0 * double(s.input().size() + s.output().size() + s.filter().size());
    return cost;
}

class DepthwiseConv2dOp final : public Op {
  public:
    explicit DepthwiseConv2dOp(DepthwiseGeometry g) : geometry_(g) {}
    std::string kind() const override { return "depthwise_conv2d"; }
    std::string attributes() const override { return print(geometry_); }
    Shape infer(std::span<const Shape> in) const override {
        check_channels(in[1].w, in[0].c);
        check_fits(shape(in));
        return shape(in).output();
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        const NodeId x = g[node].inputs[0], w = g[node].inputs[1];
        const Shape filter = g.shape(w);
        return {wanted[0] ? depthwise_conv2d_grad_input(g, dy, w, geometry_, g.shape(x)) : NodeId{},
                wanted[1] ? depthwise_conv2d_grad_filter(g, x, dy, geometry_, filter.n, filter.h) : NodeId{}};
    }
    ByImage by_image(const StepShapes&) const override { return {{true, false}}; }  // not the filter
    void run(const RunContext& c) const override {
        const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
        c.kernels.depthwise.forward(c.stream, shape(shapes), c.inputs[0], c.inputs[1], c.output);
    }
    ChannelFactor channel_factor() const override { return ChannelFactor::after; }
    Cost cost(const StepShapes& s) const override { return depthwise_cost(shape(s.inputs)); }

  private:
    DepthwiseShape shape(std::span<const Shape> in) const {
        return depthwise_shape(geometry_, in[0], in[1].n, in[1].h, in[1].c);
    }
    DepthwiseGeometry geometry_;
};

class DepthwiseConv2dGradInputOp final : public Op {
  public:
    DepthwiseConv2dGradInputOp(DepthwiseGeometry g, Shape x) : geometry_(g), input_(x) {}
    std::string kind() const override { return "depthwise_conv2d_grad_input"; }
    std::string attributes() const override { return print(geometry_); }
    Shape infer(std::span<const Shape> in) const override {
        check_channels(in[1].w, input_.c);
        check_fits(shape(in));
        Shape dy = shape(in).output();
        dy.n = input_.n;
        expect_shape("the gradient that depthwise_conv2d_grad_input takes", in[0], dy);
        return input_;
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        const NodeId dy0 = g[node].inputs[0], w = g[node].inputs[1];
        const Shape filter = g.shape(w);
        return {wanted[0] ? depthwise_conv2d(g, dy, w, geometry_) : NodeId{},
                wanted[1] ? depthwise_conv2d_grad_filter(g, dy, dy0, geometry_, filter.n, filter.h) : NodeId{}};
    }
    ByImage by_image(const StepShapes&) const override { return {{true, false}}; }  // not the filter
    void run(const RunContext& c) const override {
        const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
        c.kernels.depthwise.grad_input(c.stream, shape(shapes), c.inputs[0], c.inputs[1], c.output);
    }
    ChannelFactor channel_factor() const override { return ChannelFactor::before; }
    Cost cost(const StepShapes& s) const override { return depthwise_cost(shape(s.inputs)); }

  private:
    DepthwiseShape shape(std::span<const Shape> in) const {
        return depthwise_shape(geometry_, {in[0].n, input_.h, input_.w, input_.c}, in[1].n, in[1].h, in[1].c);
    }
    DepthwiseGeometry geometry_;
    Shape input_;
};

class DepthwiseConv2dGradFilterOp final : public Op {
  public:
    DepthwiseConv2dGradFilterOp(DepthwiseGeometry g, int64_t r, int64_t s) : geometry_(g), r_(r), s_(s) {}
    std::string kind() const override { return "depthwise_conv2d_grad_filter"; }
    std::string attributes() const override { return concat(print(geometry_), ", filter ", r_, "x", s_); }
    Shape infer(std::span<const Shape> in) const override {
        check_fits(shape(in));
        expect_shape("the gradient that depthwise_conv2d_grad_filter takes", in[1], shape(in).output());
        return shape(in).filter();
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        const NodeId x = g[node].inputs[0], dy0 = g[node].inputs[1];
        return {wanted[0] ? depthwise_conv2d_grad_input(g, dy0, dy, geometry_, g.shape(x)) : NodeId{},
                wanted[1] ? depthwise_conv2d(g, x, dy, geometry_) : NodeId{}};
    }
    size_t scratch_bytes(const KernelTable& k, const StepShapes& s, int) const override {
        return k.depthwise.grad_filter_scratch(shape(s.inputs));
    }
    void run(const RunContext& c) const override {
        const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
        c.kernels.depthwise.grad_filter(c.stream, shape(shapes), c.inputs[0], c.inputs[1], c.output, c.scratch);
    }
    Cost cost(const StepShapes& s) const override { return depthwise_cost(shape(s.inputs)); }

  private:
    // A dy whose channels are no multiple of those of x has another shape than is expected of it.
    DepthwiseShape shape(std::span<const Shape> in) const {
        return depthwise_shape(geometry_, in[0], r_, s_, in[1].c / in[0].c);
    }
    DepthwiseGeometry geometry_;
    int64_t r_, s_;
};

}  // namespace

NodeId depthwise_conv2d(Graph& g, NodeId x, NodeId w, DepthwiseGeometry geometry, const std::string& name) {
    return g.add(std::make_shared<DepthwiseConv2dOp>(geometry), {x, w}, name);
}
NodeId depthwise_conv2d_grad_input(Graph& g, NodeId dy, NodeId w, DepthwiseGeometry geometry, Shape x,
                                   const std::string& name) {
    return g.add(std::make_shared<DepthwiseConv2dGradInputOp>(geometry, x), {dy, w}, name);
}
NodeId depthwise_conv2d_grad_filter(Graph& g, NodeId x, NodeId dy, DepthwiseGeometry geometry, int64_t r, int64_t s,
                                    const std::string& name) {
    return g.add(std::make_shared<DepthwiseConv2dGradFilterOp>(geometry, r, s), {x, dy}, name);
}

}  // namespace limpid::ops
