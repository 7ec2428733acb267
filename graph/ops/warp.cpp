// Resampling in the graph: linear in the image; no derivative with respect to the matrix.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

class ResizeGradOp final : public Op {
  public:
    explicit ResizeGradOp(Shape x) : x_(x) {}
    std::string kind() const override { return "resize_grad"; }
    Shape infer(std::span<const Shape>) const override { return x_; }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const Shape y = g.shape(g[node].inputs[0]);
        return {resize(g, dy, y.h, y.w)};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override { c.kernels.warp.resize_grad(c.stream, c.inputs[0], c.output); }

  private:
    Shape x_;
};

class ResizeOp final : public Op {
  public:
    ResizeOp(int64_t h, int64_t w) : h_(h), w_(w) {}
    std::string kind() const override { return "resize"; }
    std::string attributes() const override { return concat(h_, "x", w_); }
    Shape infer(std::span<const Shape> in) const override {
        if (h_ < 1 || w_ < 1) throw Error(concat("cannot resize ", in[0], " to ", h_, "x", w_));
        return {in[0].n, h_, w_, in[0].c};
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {g.add(std::make_shared<ResizeGradOp>(g.shape(g[node].inputs[0])), {dy})};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override { c.kernels.warp.resize(c.stream, c.inputs[0], c.output); }

  private:
    int64_t h_, w_;
};

class AffineWarpGradOp final : public Op {
  public:
    AffineWarpGradOp(Interpolation i, Shape x) : interpolation_(i), x_(x) {}
    std::string kind() const override { return "affine_warp_grad"; }
    std::string attributes() const override { return limpid::name(interpolation_); }
    Shape infer(std::span<const Shape>) const override { return x_; }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const Shape y = g.shape(g[node].inputs[0]);
        return {affine_warp(g, interpolation_, dy, g[node].inputs[1], y.h, y.w), NodeId{}};
    }
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext& c) const override {
        c.kernels.warp.affine_grad(c.stream, interpolation_, c.inputs[0], c.inputs[1], c.output);
    }

  private:
    Interpolation interpolation_;
    Shape x_;
};

class AffineWarpOp final : public Op {
  public:
    AffineWarpOp(Interpolation i, int64_t h, int64_t w) : interpolation_(i), h_(h), w_(w) {}
    std::string kind() const override { return "affine_warp"; }
    std::string attributes() const override { return concat(limpid::name(interpolation_), " ", h_, "x", w_); }
    Shape infer(std::span<const Shape> in) const override {
        if (!(in[1] == Shape{1, 1, 1, 6}) && !(in[1] == Shape{in[0].n, 1, 1, 6}))
            throw Error(concat("matrix is ", in[1], ", expected 6 numbers, once or per image"));
        return {in[0].n, h_, w_, in[0].c};
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const std::vector<NodeId> in = g[node].inputs;
        return {g.add(std::make_shared<AffineWarpGradOp>(interpolation_, g.shape(in[0])), {dy, in[1]}), NodeId{}};
    }
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext& c) const override {
        c.kernels.warp.affine(c.stream, interpolation_, c.inputs[0], c.inputs[1], c.output);
    }

  private:
    Interpolation interpolation_;
    int64_t h_, w_;
};

}  // namespace

NodeId resize(Graph& g, NodeId x, int64_t h, int64_t w, const std::string& name) {
    return g.add(std::make_shared<ResizeOp>(h, w), {x}, name);
}

NodeId affine_warp(Graph& g, Interpolation interpolation, NodeId x, NodeId matrix, int64_t h, int64_t w,
                   const std::string& name) {
    return g.add(std::make_shared<AffineWarpOp>(interpolation, h, w), {x, matrix}, name);
}

}  // namespace limpid::ops
