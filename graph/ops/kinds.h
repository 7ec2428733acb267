// The operations that the planner and gradient overrides recognise. All others stay private to their files.
#pragma once

#include "graph/ops.h"
#include "kernels/error.h"

namespace limpid::ops {

// Throws Error where an input has another shape than it must have. what: "the gradient of max_pool".
inline void expect_shape(const char* what, Shape found, Shape expected) {
    if (found != expected) throw Error(concat(what, " is ", found, ", expected ", expected));
}

class UnaryOp final : public Op {
  public:
    UnaryOp(Unary f, float p_, float q_) : function(f), p(p_), q(q_) {}
    std::string kind() const override { return limpid::name(function); }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext&) const override;
    const Unary function;
    const float p, q;
};

class BinaryOp final : public Op {
  public:
    explicit BinaryOp(Binary f) : function(f) {}
    std::string kind() const override { return limpid::name(function); }
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext&) const override;
    const Binary function;
};

class TernaryOp final : public Op {
  public:
    explicit TernaryOp(Ternary f) : function(f) {}
    std::string kind() const override { return limpid::name(function); }
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext&) const override;
    const Ternary function;
};

// y = act(conv(x, w) + b). Inputs: x, w[, b]. bias and relu are set by the planner's fusion.
class Conv2dOp final : public Op {
  public:
    Conv2dOp(ConvGeometry g, bool bias_, bool relu_) : geometry(g), bias(bias_), relu(relu_) {}
    std::string kind() const override { return "conv2d"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    std::optional<Preparation> preparation(const KernelTable&, const StepShapes&) const override;
    size_t scratch_bytes(const KernelTable&, const StepShapes&, int threads) const override;
    ByImage by_image(const StepShapes&) const override {
        return bias ? std::vector<bool>{true, false, false} : std::vector<bool>{true, false};
    }
    void run(const RunContext&) const override;
    Cost cost(const StepShapes&) const override;
    std::string algorithm(const KernelTable&, const StepShapes&) const override;
    ChannelFactor channel_factor() const override {
        return bias || relu ? ChannelFactor::nowhere : ChannelFactor::after;
    }
    const ConvGeometry geometry;
    const bool bias, relu;
};

class Conv2dGradInputOp final : public Op {
  public:
    Conv2dGradInputOp(ConvGeometry g, Shape x, GradientEpilogue e) : geometry(g), input(x), epilogue(e) {}
    std::string kind() const override { return "conv2d_grad_input"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    std::optional<Preparation> preparation(const KernelTable&, const StepShapes&) const override;
    size_t scratch_bytes(const KernelTable&, const StepShapes&, int threads) const override;
    ByImage by_image(const StepShapes& s) const override {
        std::vector<bool> each(s.inputs.size(), true);
        each[1] = false;  // the filter
        return each;
    }
    OpPtr with_epilogue(GradientEpilogue more) const override;
    void run(const RunContext&) const override;
    Cost cost(const StepShapes&) const override;
    std::string algorithm(const KernelTable&, const StepShapes&) const override;
    ChannelFactor channel_factor() const override { return ChannelFactor::before; }
    const ConvGeometry geometry;
    const Shape input;
    const GradientEpilogue epilogue;
};

class MaxPoolOp final : public Op {
  public:
    explicit MaxPoolOp(PoolGeometry g) : geometry(g) {}
    std::string kind() const override { return "max_pool"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext&) const override;
    const PoolGeometry geometry;
};

// Inputs: x, y, dy[, add][, mask].
class MaxPoolGradOp final : public Op {
  public:
    MaxPoolGradOp(PoolGeometry g, GradientEpilogue e) : geometry(g), epilogue(e) {}
    std::string kind() const override { return "max_pool_grad"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    OpPtr with_epilogue(GradientEpilogue more) const override;
    void run(const RunContext&) const override;
    const PoolGeometry geometry;
    const GradientEpilogue epilogue;
};

// Inputs: dy[, add][, mask].
class AveragePoolGradOp final : public Op {
  public:
    AveragePoolGradOp(PoolGeometry g, Shape x, GradientEpilogue e) : geometry(g), input(x), epilogue(e) {}
    std::string kind() const override { return "average_pool_grad"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    OpPtr with_epilogue(GradientEpilogue more) const override;
    void run(const RunContext&) const override;
    const PoolGeometry geometry;
    const Shape input;
    const GradientEpilogue epilogue;
};

// Inputs: x, dy[, mask]. (epilogue.add is never set: the kernel has none.)
class LrnGradOp final : public Op {
  public:
    LrnGradOp(LrnParameters l, GradientEpilogue e) : parameters(l), epilogue(e) {}
    std::string kind() const override { return "lrn_grad"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    OpPtr with_epilogue(GradientEpilogue more) const override;
    void run(const RunContext&) const override;
    const LrnParameters parameters;
    const GradientEpilogue epilogue;
};

class SliceOp final : public Op {
  public:
    SliceOp(std::array<int64_t, 4> f, Shape e) : first(f), extent(e) {}
    std::string kind() const override { return "slice"; }
    std::string attributes() const override;
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override {
        return s.inputs[0].n == extent.n ? every_input(s) : ByImage{};
    }
    void run(const RunContext&) const override;
    // Whole pixels, some channels: needs no copy.
    bool channels_only(const Shape& x) const { return extent.n == x.n && extent.h == x.h && extent.w == x.w; }
    const std::array<int64_t, 4> first;
    const Shape extent;
};

class ConcatOp final : public Op {
  public:
    explicit ConcatOp(int a) : axis(a) {}
    std::string kind() const override { return "concat"; }
    std::string attributes() const override { return concat("axis ", axis); }
    Shape infer(std::span<const Shape>) const override;
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override;
    ByImage by_image(const StepShapes& s) const override { return axis != 0 ? every_input(s) : ByImage{}; }
    void run(const RunContext&) const override;
    const int axis;
};

}  // namespace limpid::ops
