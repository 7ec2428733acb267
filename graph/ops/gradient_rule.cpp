// Values whose derivative is not that of their formula: stopped gradients, straight-through estimators, rescaled
// gradients.
#include "graph/ops/kinds.h"

namespace limpid::ops {

namespace {

// Inputs: value, source. The value passes; the gradient goes to the source alone, by the rule.
class GradientRuleOp final : public Op {
  public:
    GradientRuleOp(std::string name, GradientRule rule) : name_(std::move(name)), rule_(std::move(rule)) {}
    std::string kind() const override { return name_; }
    Shape infer(std::span<const Shape> in) const override { return in[0]; }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const NodeId to_source = rule_(g, node, dy);
        if (to_source.valid())
            expect_shape(("the gradient by the rule " + name_).c_str(), g.shape(to_source), g.shape(g[node].inputs[1]));
        return {NodeId{}, to_source};
    }
    ByImage by_image(const StepShapes& s) const override { return one_image_or_each(s); }
    void run(const RunContext& c) const override {
        c.kernels.elementwise.unary(c.stream, Unary::copy, 0, 0, c.inputs[0], c.output);
    }

  private:
    std::string name_;
    GradientRule rule_;
};

class StopGradientOp final : public Op {
  public:
    std::string kind() const override { return "stop_gradient"; }
    Shape infer(std::span<const Shape> in) const override { return in[0]; }
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override { return {NodeId{}}; }
    ByImage by_image(const StepShapes& s) const override { return every_input(s); }
    void run(const RunContext& c) const override {
        c.kernels.elementwise.unary(c.stream, Unary::copy, 0, 0, c.inputs[0], c.output);
    }
};

}  // namespace

NodeId with_gradient(Graph& g, NodeId value, NodeId source, const std::string& name, GradientRule rule) {
    return g.add(std::make_shared<GradientRuleOp>(name, std::move(rule)), {value, source}, name);
}

NodeId stop_gradient(Graph& g, NodeId x) { return g.add(std::make_shared<StopGradientOp>(), {x}); }

}  // namespace limpid::ops
