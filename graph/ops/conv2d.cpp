// Convolution in the graph. Its two gradients are linear in each argument, so their own derivatives are convolutions
// again.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

Conv2dShape conv_shape(const ConvGeometry& g, Shape x, int64_t r, int64_t s, int64_t k) {
    Conv2dShape shape;
    shape.n = x.n, shape.h = x.h, shape.w = x.w, shape.c = x.c;
    shape.r = r, shape.s = s, shape.k = k;
    shape.stride_y = g.stride_y, shape.stride_x = g.stride_x;
    shape.pad_top = g.pad_top, shape.pad_bottom = g.pad_bottom, shape.pad_left = g.pad_left,
    shape.pad_right = g.pad_right;
    return shape;
}

std::string print(const ConvGeometry& g) {
    return concat("stride ", g.stride_y, " ", g.stride_x, ", pad ", g.pad_top, " ", g.pad_bottom, " ", g.pad_left, " ",
                  g.pad_right);
}

void check_fits(const Conv2dShape& s, int64_t filter_channels) {
    if (filter_channels != s.c)
        throw Error(concat("filter has ", filter_channels, " input channels, the image has ", s.c));
    if (s.stride_y < 1 || s.stride_x < 1) throw Error("strides must be at least 1");
    if (s.h + s.pad_top + s.pad_bottom < s.r || s.w + s.pad_left + s.pad_right < s.s)
        throw Error(concat("image ", s.h, "x", s.w, " with its padding is smaller than the filter ", s.r, "x", s.s,
                           "; use a larger image"));
}

std::string filter_key(const KernelTable& kernels, const Conv2dShape& s, Conv2dPass pass) {
    return concat(kernels.conv2d.algorithm(s, pass), pass == Conv2dPass::forward ? " forward " : " grad_input ", s.r,
                  "x", s.s, "x", s.c, "x", s.k, " stride ", s.stride_y, " ", s.stride_x);
}

std::optional<Preparation> packed_filter(const KernelTable& kernels, const Conv2dShape& s, Conv2dPass pass) {
    Preparation preparation;
    preparation.input = 1;
    preparation.key = filter_key(kernels, s, pass);
    preparation.floats = kernels.conv2d.packed_size(s, pass);
    preparation.prepare = [s, pass](Stream& stream, const KernelTable& table, ConstView w, float* packed) {
        table.conv2d.pack(stream, s, pass, w, packed);
    };
    return preparation;
}

Cost conv_cost(const Conv2dShape& s) {
    Cost cost;
    cost.operations = 2.0 * double(s.multiply_adds());
    cost.bytes = 4.0 * double(s.input().size() + s.output().size() + s.filter().size());
    return cost;
}

class Conv2dGradFilterOp final : public Op {
  public:
    Conv2dGradFilterOp(ConvGeometry g, int64_t r, int64_t s) : geometry_(g), r_(r), s_(s) {}
    std::string kind() const override { return "conv2d_grad_filter"; }
    std::string attributes() const override { return concat(print(geometry_), ", filter ", r_, "x", s_); }
    Shape infer(std::span<const Shape> in) const override {
        const Conv2dShape s = shape(in);
        if (!(s.output() == in[1])) throw Error(concat("dy is ", in[1], ", expected ", s.output()));
        return s.filter();
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        const NodeId x = g[node].inputs[0], dy0 = g[node].inputs[1];
        return {wanted[0] ? conv2d_grad_input(g, dy0, dy, geometry_, g.shape(x)) : NodeId{},
                wanted[1] ? conv2d(g, x, dy, geometry_) : NodeId{}};
    }
    size_t scratch_bytes(const KernelTable& k, const StepShapes& s, int threads) const override {
        return k.conv2d.grad_filter_scratch(shape(s.inputs), threads);
    }
    void run(const RunContext& c) const override {
        const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
        c.kernels.conv2d.grad_filter(c.stream, shape(shapes), c.inputs[0], c.inputs[1], c.output, c.scratch);
    }
    Cost cost(const StepShapes& s) const override { return conv_cost(shape(s.inputs)); }

  private:
    Conv2dShape shape(std::span<const Shape> in) const { return conv_shape(geometry_, in[0], r_, s_, in[1].c); }
    ConvGeometry geometry_;
    int64_t r_, s_;
};

Conv2dShape forward_shape(const Conv2dOp& op, std::span<const Shape> in) {
    return conv_shape(op.geometry, in[0], in[1].n, in[1].h, in[1].c);
}

Conv2dShape grad_shape(const Conv2dGradInputOp& op, std::span<const Shape> in) {
    const Shape& x = op.input;
    return conv_shape(op.geometry, {in[0].n, x.h, x.w, x.c}, in[1].n, in[1].h, in[1].c);
}

}  // namespace

std::string Conv2dOp::attributes() const { return concat(print(geometry), bias ? ", bias" : "", relu ? ", relu" : ""); }

Shape Conv2dOp::infer(std::span<const Shape> in) const {
    const Conv2dShape s = forward_shape(*this, in);
    check_fits(s, in[1].w);
    if (bias && !(in[2] == Shape{1, 1, 1, s.k}))
        throw Error(concat("bias is ", in[2], ", expected ", Shape{1, 1, 1, s.k}));
    return s.output();
}

std::vector<NodeId> Conv2dOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const {
    const std::vector<NodeId> in = g[node].inputs;
    if (relu) dy = binary(g, Binary::relu_grad, node, dy);
    const Shape w = g.shape(in[1]);
    std::vector<NodeId> result{wanted[0] ? conv2d_grad_input(g, dy, in[1], geometry, g.shape(in[0])) : NodeId{},
                               wanted[1] ? conv2d_grad_filter(g, in[0], dy, geometry, w.n, w.h) : NodeId{}};
    if (bias) result.push_back(wanted[2] ? sum_to(g, dy, g.shape(in[2])) : NodeId{});
    return result;
}

std::optional<Preparation> Conv2dOp::preparation(const KernelTable& k, const StepShapes& s) const {
    return packed_filter(k, forward_shape(*this, s.inputs), Conv2dPass::forward);
}

size_t Conv2dOp::scratch_bytes(const KernelTable& k, const StepShapes& s, int threads) const {
    return k.conv2d.scratch(forward_shape(*this, s.inputs), Conv2dPass::forward, threads);
}

void Conv2dOp::run(const RunContext& c) const {
    const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
    c.kernels.conv2d.forward(c.stream, forward_shape(*this, shapes), c.inputs[0], c.prepared,
                             bias ? c.inputs[2] : ConstView{}, relu, c.output, c.scratch);
}

Cost Conv2dOp::cost(const StepShapes& s) const { return conv_cost(forward_shape(*this, s.inputs)); }

std::string Conv2dOp::algorithm(const KernelTable& k, const StepShapes& s) const {
    return std::string(k.conv2d.algorithm(forward_shape(*this, s.inputs), Conv2dPass::forward));
}

std::string Conv2dGradInputOp::attributes() const { return print(geometry) + epilogue.attributes(); }

Shape Conv2dGradInputOp::infer(std::span<const Shape> in) const {
    const Conv2dShape s = grad_shape(*this, in);
    check_fits(s, in[1].w);
    Shape dy = s.output();
    dy.n = input.n;
    if (!(dy == in[0])) throw Error(concat("dy is ", in[0], ", expected ", dy));
    return input;
}

std::vector<NodeId> Conv2dGradInputOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const {
    CHECK(!epilogue.add && !epilogue.mask, "fused gradients are not differentiated");
    const std::vector<NodeId> in = g[node].inputs;
    const Shape w = g.shape(in[1]);
    return {wanted[0] ? conv2d(g, dy, in[1], geometry) : NodeId{},
            wanted[1] ? conv2d_grad_filter(g, dy, in[0], geometry, w.n, w.h) : NodeId{}};
}

std::optional<Preparation> Conv2dGradInputOp::preparation(const KernelTable& k, const StepShapes& s) const {
    return packed_filter(k, grad_shape(*this, s.inputs), Conv2dPass::grad_input);
}

size_t Conv2dGradInputOp::scratch_bytes(const KernelTable& k, const StepShapes& s, int threads) const {
    return k.conv2d.scratch(grad_shape(*this, s.inputs), Conv2dPass::grad_input, threads);
}

void Conv2dGradInputOp::run(const RunContext& c) const {
    const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
    const ConstView add = epilogue.add ? c.inputs[2] : ConstView{};
    const ConstView mask = epilogue.mask ? c.inputs[epilogue.add ? 3 : 2] : ConstView{};
    c.kernels.conv2d.grad_input(c.stream, grad_shape(*this, shapes), c.inputs[0], c.prepared, add, mask, c.output,
                                c.scratch);
}

OpPtr Conv2dGradInputOp::with_epilogue(GradientEpilogue more) const {
    const auto all = epilogue.with(more);
    return all ? std::make_shared<Conv2dGradInputOp>(geometry, input, *all) : nullptr;
}

Cost Conv2dGradInputOp::cost(const StepShapes& s) const { return conv_cost(grad_shape(*this, s.inputs)); }

std::string Conv2dGradInputOp::algorithm(const KernelTable& k, const StepShapes& s) const {
    return std::string(k.conv2d.algorithm(grad_shape(*this, s.inputs), Conv2dPass::grad_input));
}

ConvGeometry same_geometry(Shape x, int64_t r, int64_t s, int64_t stride) {
    ConvGeometry g;
    g.stride_y = g.stride_x = stride;
    same_padding(x.h, r, stride, &g.pad_top, &g.pad_bottom);
    same_padding(x.w, s, stride, &g.pad_left, &g.pad_right);
    return g;
}

NodeId conv2d(Graph& g, NodeId x, NodeId w, ConvGeometry geometry, const std::string& name) {
    return g.add(std::make_shared<Conv2dOp>(geometry, false, false), {x, w}, name);
}
NodeId conv2d_grad_input(Graph& g, NodeId dy, NodeId w, ConvGeometry geometry, Shape x, const std::string& name) {
    return g.add(std::make_shared<Conv2dGradInputOp>(geometry, x, GradientEpilogue{}), {dy, w}, name);
}
NodeId conv2d_grad_filter(Graph& g, NodeId x, NodeId dy, ConvGeometry geometry, int64_t r, int64_t s,
                          const std::string& name) {
    return g.add(std::make_shared<Conv2dGradFilterOp>(geometry, r, s), {x, dy}, name);
}

}  // namespace limpid::ops
