// Reductions in the graph.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

class ReduceOp final : public Op {
  public:
    ReduceOp(Reduce f, Axes a) : function_(f), axes_(a) {}
    std::string kind() const override { return concat("reduce_", limpid::name(function_)); }
    std::string attributes() const override {
        return concat("axes ", axes_.n ? "n" : "", axes_.h ? "h" : "", axes_.w ? "w" : "", axes_.c ? "c" : "");
    }
    Shape infer(std::span<const Shape> in) const override { return axes_.reduced(in[0]); }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const NodeId x = g[node].inputs[0];
        const Shape from = g.shape(x), to = g.shape(node);
        switch (function_) {
            case Reduce::sum:
                return {broadcast(g, dy, from)};
            case Reduce::mean:
                return {broadcast(g, affine(g, dy, float(to.size()) / float(from.size()), 0), from)};
            case Reduce::sum_squares:
                return {mul(g, affine(g, x, 2, 0), dy)};
            case Reduce::max: {  // shared equally among ties
                const NodeId winners = affine(g, binary(g, Binary::greater, node, x), -1, 1);
                return {mul(g, winners, binary(g, Binary::div, dy, reduce(g, Reduce::sum, axes_, winners)))};
            }
            case Reduce::max_abs: {
                const NodeId winners = affine(g, binary(g, Binary::greater, node, unary(g, Unary::abs, x)), -1, 1);
                const NodeId share = binary(g, Binary::div, dy, reduce(g, Reduce::sum, axes_, winners));
                return {mul(g, mul(g, winners, unary(g, Unary::sign, x)), share)};
            }
            case Reduce::argmax:
                return {NodeId{}};
        }
        CHECK(false);
    }
    size_t scratch_bytes(const KernelTable& k, const StepShapes& s, int threads) const override {
        return k.reduce.scratch(function_, axes_, s.inputs[0], threads);
    }
    ByImage by_image(const StepShapes& s) const override { return axes_.n ? ByImage{} : every_input(s); }
    void run(const RunContext& c) const override {
        c.kernels.reduce.reduce(c.stream, function_, axes_, c.inputs[0], c.output, c.scratch);
    }

  private:
    Reduce function_;
    Axes axes_;
};

}  // namespace

NodeId reduce(Graph& g, Reduce function, Axes axes, NodeId x, const std::string& name) {
    return g.add(std::make_shared<ReduceOp>(function, axes), {x}, name);
}

}  // namespace limpid::ops
