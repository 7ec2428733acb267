// Softmax and log-sum-exp in the graph.
#include "graph/ops/kinds.h"

namespace limpid::ops {

namespace {

constexpr Axes kChannels{false, false, false, true};

// Inputs: y, dy.
class SoftmaxGradOp final : public Op {
  public:
    std::string kind() const override { return "softmax_grad"; }
    Shape infer(std::span<const Shape> in) const override {
        expect_shape("the gradient that softmax_grad takes", in[1], in[0]);
        return in[0];
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        // dx = y*(dy0 - <dy0,y>), so d/dy0 is the same map (it is symmetric), and d/dy = u*(dy0 - <dy0,y>) - <u,y>*dy0,
        // u = incoming.
        const NodeId y = g[node].inputs[0], dy0 = g[node].inputs[1];
        NodeId to_y, to_dy;
        if (wanted[0]) {
            const NodeId s = reduce(g, Reduce::sum, kChannels, mul(g, dy0, y));
            const NodeId t = reduce(g, Reduce::sum, kChannels, mul(g, dy, y));
            to_y = sub(g, mul(g, dy, sub(g, dy0, s)), mul(g, dy0, t));
        }
        if (wanted[1]) to_dy = g.add(std::make_shared<SoftmaxGradOp>(), {y, dy});
        return {to_y, to_dy};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override {
        c.kernels.softmax.grad_input(c.stream, c.inputs[0], c.inputs[1], c.output);
    }
};

class SoftmaxOp final : public Op {
  public:
    std::string kind() const override { return "softmax"; }
    Shape infer(std::span<const Shape> in) const override { return in[0]; }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {g.add(std::make_shared<SoftmaxGradOp>(), {node, dy})};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override { c.kernels.softmax.forward(c.stream, c.inputs[0], c.output); }
};

class LogSumExpOp final : public Op {
  public:
    std::string kind() const override { return "log_sum_exp"; }
    Shape infer(std::span<const Shape> in) const override { return kChannels.reduced(in[0]); }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {mul(g, softmax(g, g[node].inputs[0]), dy)};
    }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override { c.kernels.softmax.log_sum_exp(c.stream, c.inputs[0], c.output); }
};

}  // namespace

NodeId softmax(Graph& g, NodeId x, const std::string& name) { return g.add(std::make_shared<SoftmaxOp>(), {x}, name); }
NodeId log_sum_exp(Graph& g, NodeId x, const std::string& name) {
    return g.add(std::make_shared<LogSumExpOp>(), {x}, name);
}

}  // namespace limpid::ops
