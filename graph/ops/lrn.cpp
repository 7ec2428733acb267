// Local response normalisation in the graph. Its second derivative is that of the same formula composed of elementary
// operations.
#include "graph/grad.h"
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

std::string print(const LrnParameters& p) {
    return concat("radius ", p.radius, ", bias ", p.bias, ", alpha ", p.alpha, ", beta ", p.beta);
}

class LrnOp final : public Op {
  public:
    explicit LrnOp(LrnParameters p) : parameters_(p) {}
    std::string kind() const override { return "lrn"; }
    std::string attributes() const override { return print(parameters_); }
    Shape infer(std::span<const Shape> in) const override { return in[0]; }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {g.add(std::make_shared<LrnGradOp>(parameters_, GradientEpilogue{}), {g[node].inputs[0], dy})};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override {
        c.kernels.lrn.forward(c.stream, parameters_, c.inputs[0], c.output);
    }

  private:
    LrnParameters parameters_;
};

// Sum over the window of channels, as a product with a band matrix.
NodeId window_sum(Graph& g, NodeId x, int64_t radius) {
    const int64_t channels = g.shape(x).c;
    HostTensor band({1, 1, channels, channels});
    for (int64_t i = 0; i < channels; i++)
        for (int64_t j = 0; j < channels; j++) band.at(0, 0, i, j) = std::abs(i - j) <= radius ? 1.0f : 0.0f;
    return matmul(g, x, g.constant(std::move(band)));
}

}  // namespace

std::string LrnGradOp::attributes() const { return print(parameters) + epilogue.attributes(); }
Shape LrnGradOp::infer(std::span<const Shape> in) const {
    if (!(in[0] == in[1])) throw Error(concat("x is ", in[0], " and dy ", in[1], ", expected equal shapes"));
    return in[0];
}

std::vector<NodeId> LrnGradOp::vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const {
    CHECK(!epilogue.mask, "fused gradients are not differentiated");
    const LrnParameters& p = parameters;
    const NodeId x = g[node].inputs[0], dy0 = g[node].inputs[1];
    const NodeId d = affine(g, window_sum(g, unary(g, Unary::square, x), p.radius), p.alpha, p.bias);
    const NodeId direct = mul(g, dy0, unary(g, Unary::power, d, -p.beta));
    const NodeId through =
        mul(g, x, window_sum(g, mul(g, mul(g, dy0, x), unary(g, Unary::power, d, -p.beta - 1)), p.radius));
    const NodeId dx = sub(g, direct, affine(g, through, 2 * p.alpha * p.beta, 0));
    return grad(g, mul(g, dx, dy), {x, dy0});
}

OpPtr LrnGradOp::with_epilogue(GradientEpilogue more) const {
    const auto all = more.add ? std::nullopt : epilogue.with(more);  // the kernel does not add
    return all ? std::make_shared<LrnGradOp>(parameters, *all) : nullptr;
}

void LrnGradOp::run(const RunContext& c) const {
    c.kernels.lrn.grad_input(c.stream, parameters, c.inputs[0], c.inputs[1], epilogue.mask ? c.inputs[2] : ConstView{},
                             c.output);
}

NodeId lrn(Graph& g, NodeId x, LrnParameters parameters, const std::string& name) {
    return g.add(std::make_shared<LrnOp>(parameters), {x}, name);
}

}  // namespace limpid::ops
