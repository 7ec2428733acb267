// Slices, concatenation, padding, crops, transposition and reshaping in the graph. All linear; each is the adjoint of
// another.
#include <numeric>

#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

std::string print(const std::array<int64_t, 4>& a) { return concat(a[0], " ", a[1], " ", a[2], " ", a[3]); }

class PadOp final : public Op {
  public:
    PadOp(PadMode m, Padding p, float v) : mode_(m), padding_(p), value_(v) {}
    std::string kind() const override { return "pad"; }
    std::string attributes() const override {
        return concat(limpid::name(mode_), ", before ", print(padding_.before), ", after ", print(padding_.after),
                      ", value ", value_);
    }
    Shape infer(std::span<const Shape> in) const override {
        const Shape out = padding_.padded(in[0]);
        for (int axis = 0; axis < 4; axis++) {
            const int64_t most = std::max(padding_.before[size_t(axis)], padding_.after[size_t(axis)]);
            const int64_t room = mode_ == PadMode::reflect     ? in[0][axis] - 1
                                 : mode_ == PadMode::symmetric ? in[0][axis]
                                                               : most;
            if (out[axis] < 0 || most > room)
                throw Error(concat("cannot pad ", in[0], " by {", attributes(),
                                   "}; mirrored padding must be smaller than the image"));
        }
        return out;
    }
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override {
        return padding_.before[0] == 0 && padding_.after[0] == 0 ? every_input(s) : ByImage{};
    }
    void run(const RunContext& c) const override {
        c.kernels.layout.pad(c.stream, mode_, padding_, value_, c.inputs[0], c.output);
    }

  private:
    PadMode mode_;
    Padding padding_;
    float value_;
};

class PadGradOp final : public Op {
  public:
    PadGradOp(PadMode m, Padding p, Shape x) : mode_(m), padding_(p), x_(x) {}
    std::string kind() const override { return "pad_grad"; }
    Shape infer(std::span<const Shape>) const override { return x_; }
    std::vector<NodeId> vjp(Graph& g, NodeId, NodeId dy, const std::vector<bool>&) const override {
        return {pad(g, dy, mode_, padding_, 0)};
    }
    ByImage by_image(const StepShapes& s) const override {
        return padding_.before[0] == 0 && padding_.after[0] == 0 ? every_input(s) : ByImage{};
    }
    void run(const RunContext& c) const override {
        c.kernels.layout.pad_grad(c.stream, mode_, padding_, c.inputs[0], c.output);
    }

  private:
    PadMode mode_;
    Padding padding_;
    Shape x_;
};

std::vector<NodeId> PadOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const {
    return {g.add(std::make_shared<PadGradOp>(mode_, padding_, g.shape(g[node].inputs[0])), {dy})};
}

void check_offsets(Shape x, Shape offsets) {
    if (!(offsets == Shape{1, 1, 1, 2}) && !(offsets == Shape{x.n, 1, 1, 2}))
        throw Error(concat("offsets are ", offsets, ", expected ", Shape{1, 1, 1, 2}, " or ", Shape{x.n, 1, 1, 2}));
}

class ShiftCropGradOp final : public Op {
  public:
    explicit ShiftCropGradOp(Shape x) : x_(x) {}
    std::string kind() const override { return "shift_crop_grad"; }
    Shape infer(std::span<const Shape>) const override { return x_; }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const Shape y = g.shape(g[node].inputs[0]);
        return {shift_crop(g, dy, g[node].inputs[1], y.h, y.w), NodeId{}};
    }
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext& c) const override {
        c.kernels.layout.shift_crop_grad(c.stream, c.inputs[0], c.inputs[1], c.output);
    }

  private:
    Shape x_;
};

class ShiftCropOp final : public Op {
  public:
    ShiftCropOp(int64_t h, int64_t w) : h_(h), w_(w) {}
    std::string kind() const override { return "shift_crop"; }
    std::string attributes() const override { return concat(h_, "x", w_); }
    Shape infer(std::span<const Shape> in) const override {
        check_offsets(in[0], in[1]);
        if (h_ < 1 || w_ < 1 || h_ > in[0].h || w_ > in[0].w)
            throw Error(concat("cannot crop ", in[0], " to ", h_, "x", w_));
        return {in[0].n, h_, w_, in[0].c};
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const std::vector<NodeId> in = g[node].inputs;
        return {g.add(std::make_shared<ShiftCropGradOp>(g.shape(in[0])), {dy, in[1]}), NodeId{}};
    }
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext& c) const override {
        c.kernels.layout.shift_crop(c.stream, c.inputs[0], c.inputs[1], c.output);
    }

  private:
    int64_t h_, w_;
};

class TransposeOp final : public Op {
  public:
    explicit TransposeOp(std::array<int, 4> o) : order_(o) {}
    std::string kind() const override { return "transpose"; }
    std::string attributes() const override {
        return concat(order_[0], " ", order_[1], " ", order_[2], " ", order_[3]);
    }
    Shape infer(std::span<const Shape> in) const override {
        Shape out;
        std::array<bool, 4> seen{};
        for (int axis = 0; axis < 4; axis++) {
            const int from = order_[size_t(axis)];
            if (from < 0 || from > 3 || seen[size_t(from)])
                throw Error(concat("order {", attributes(), "} is no permutation of 0 1 2 3"));
            seen[size_t(from)] = true;
            out[axis] = in[0][from];
        }
        return out;
    }
    std::vector<NodeId> vjp(Graph& g, NodeId, NodeId dy, const std::vector<bool>&) const override {
        std::array<int, 4> inverse{};
        for (int axis = 0; axis < 4; axis++) inverse[size_t(order_[size_t(axis)])] = axis;
        return {transpose(g, dy, inverse)};
    }
    void run(const RunContext& c) const override {
        c.kernels.layout.transpose(c.stream, order_, c.inputs[0], c.output);
    }

  private:
    std::array<int, 4> order_;
};

class ReshapeOp final : public Op {
  public:
    explicit ReshapeOp(Shape s) : shape_(s) {}
    std::string kind() const override { return "reshape"; }
    Shape infer(std::span<const Shape> in) const override {
        if (in[0].size() != shape_.size()) throw Error(concat("cannot reshape ", in[0], " to ", shape_));
        return shape_;
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {reshape(g, dy, g.shape(g[node].inputs[0]))};
    }
    void run(const RunContext& c) const override {
        // The output is dense (the plan sees to it), so it can be written in the input's shape.
        CHECK(c.output.dense());
        const MutView as_input(c.output.data, c.inputs[0].shape);
        c.kernels.layout.copy_box(c.stream, as_input.shape, {}, {}, c.inputs[0], as_input);
    }

    bool dense_output() const override { return true; }

  private:
    Shape shape_;
};

}  // namespace

std::string SliceOp::attributes() const { return concat("from ", print(first)); }

Shape SliceOp::infer(std::span<const Shape> in) const {
    for (int axis = 0; axis < 4; axis++)
        if (first[size_t(axis)] < 0 || extent[axis] < 0 || first[size_t(axis)] + extent[axis] > in[0][axis])
            throw Error(concat("slice ", extent, " from ", print(first), " leaves ", in[0]));
    return extent;
}

std::vector<NodeId> SliceOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const {
    const Shape x = g.shape(g[node].inputs[0]);
    Padding padding;
    for (int axis = 0; axis < 4; axis++) {
        padding.before[size_t(axis)] = first[size_t(axis)];
        padding.after[size_t(axis)] = x[axis] - first[size_t(axis)] - extent[axis];
    }
    return {pad(g, dy, PadMode::constant, padding, 0)};
}

void SliceOp::run(const RunContext& c) const {
    c.kernels.layout.copy_box(c.stream, c.output.shape, first, {}, c.inputs[0], c.output);
}

Shape ConcatOp::infer(std::span<const Shape> in) const {
    Shape out = in[0];
    for (size_t i = 1; i < in.size(); i++) {
        for (int a = 0; a < 4; a++)
            if (a != axis && in[i][a] != out[a])
                throw Error(concat("cannot concatenate ", in[0], " and ", in[i], " along axis ", axis));
        out[axis] += in[i][axis];
    }
    return out;
}

std::vector<NodeId> ConcatOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const {
    const std::vector<NodeId> in = g[node].inputs;
    std::vector<NodeId> result;
    std::array<int64_t, 4> first{};
    for (size_t i = 0; i < in.size(); i++) {
        const Shape extent = g.shape(in[i]);
        result.push_back(wanted[i] ? slice(g, dy, first, extent) : NodeId{});
        first[size_t(axis)] += extent[axis];
    }
    return result;
}

void ConcatOp::run(const RunContext& c) const {
    std::array<int64_t, 4> at{};
    for (const ConstView& part : c.inputs) {
        c.kernels.layout.copy_box(c.stream, part.shape, {}, at, part, c.output);
        at[size_t(axis)] += part.shape[axis];
    }
}

NodeId slice(Graph& g, NodeId x, std::array<int64_t, 4> first, Shape extent, const std::string& name) {
    return g.add(std::make_shared<SliceOp>(first, extent), {x}, name);
}

NodeId slice_channels(Graph& g, NodeId x, int64_t first, int64_t count, const std::string& name) {
    const Shape shape = g.shape(x);
    if (const auto* whole = dynamic_cast<const ConcatOp*>(g[x].op.get()); whole && whole->axis == 3) {
        int64_t begin = 0;
        for (const NodeId part : g[x].inputs) {
            const int64_t end = begin + g.shape(part).c;
            if (begin <= first && first + count <= end) return slice_channels(g, part, first - begin, count, name);
            begin = end;
        }
    }
    if (first == 0 && count == shape.c && name.empty()) return x;
    return slice(g, x, {0, 0, 0, first}, {shape.n, shape.h, shape.w, count}, name);
}

NodeId concatenate(Graph& g, std::vector<NodeId> parts, int axis, const std::string& name) {
    CHECK(!parts.empty() && axis >= 0 && axis < 4);
    return g.add(std::make_shared<ConcatOp>(axis), std::move(parts), name);
}

NodeId pad(Graph& g, NodeId x, PadMode mode, Padding padding, float value, const std::string& name) {
    return g.add(std::make_shared<PadOp>(mode, padding, value), {x}, name);
}

NodeId shift_crop(Graph& g, NodeId x, NodeId offsets, int64_t h, int64_t w, const std::string& name) {
    return g.add(std::make_shared<ShiftCropOp>(h, w), {x, offsets}, name);
}

NodeId transpose(Graph& g, NodeId x, std::array<int, 4> order, const std::string& name) {
    return g.add(std::make_shared<TransposeOp>(order), {x}, name);
}

NodeId reshape(Graph& g, NodeId x, Shape shape, const std::string& name) {
    return g.add(std::make_shared<ReshapeOp>(shape), {x}, name);
}

}  // namespace limpid::ops
