// What an operation needs: a shape rule, a derivative made of other operations, and the numbers. On the CPU memory is
// the host's, so a loop will do; for speed, or for a GPU, see kernels/README.md.
#include "log_cosh.h"

#include <cmath>

#include "graph/ops.h"
#include "kernels/error.h"

namespace example {

using namespace limpid;

namespace {

class LogCoshOp final : public Op {
  public:
    std::string kind() const override { return "log_cosh"; }
    Shape infer(std::span<const Shape> inputs) const override { return inputs[0]; }
    std::vector<NodeId> vjp(Graph& graph, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        return {ops::mul(graph, dy, ops::unary(graph, Unary::tanh, graph[node].inputs[0]))};
    }
    void run(const RunContext& context) const override {
        if (context.stream.device().kind == DeviceKind::cuda) throw Error("log_cosh runs on the CPU only");
        const ConstView x = context.inputs[0];
        const MutView y = context.output;
        for (int64_t n = 0; n < x.shape.n; n++)
            for (int64_t h = 0; h < x.shape.h; h++)
                for (int64_t w = 0; w < x.shape.w; w++)
                    for (int64_t c = 0; c < x.shape.c; c++) {
                        // cosh overflows where |x| is large, exp(-2|x|) never does.
                        const double a = std::fabs(double(x.at(n, h, w, c)));
                        y.at(n, h, w, c) = float(a + std::log1p(std::exp(-2 * a)) - std::log(2.0));
                    }
    }
};

}  // namespace

NodeId log_cosh(Graph& graph, NodeId x) { return graph.add(std::make_shared<LogCoshOp>(), {x}); }

}  // namespace example
