// Matrix products in the graph.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

struct Matrix {
    int64_t batch, rows, columns;
};

class MatmulOp final : public Op {
  public:
    explicit MatmulOp(MatmulFlags f) : flags_(f) {}
    std::string kind() const override { return "matmul"; }
    std::string attributes() const override {
        return concat(flags_.transpose_a ? "A^T " : "A ", flags_.transpose_b ? "B^T" : "B",
                      flags_.batched ? ", batched" : "");
    }
    Shape infer(std::span<const Shape> in) const override {
        const MatmulShape s = shape(in);
        if (flags_.batched)
            return flags_.transpose_a ? Shape{in[0].n, 1, s.m, s.n} : Shape{in[0].n, in[0].h, in[0].w, s.n};
        return flags_.transpose_a ? Shape{1, 1, s.m, s.n} : Shape{in[0].n, in[0].h, in[0].w, s.n};
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        const NodeId a = g[node].inputs[0], b = g[node].inputs[1];
        const bool ta = flags_.transpose_a, tb = flags_.transpose_b, batched = flags_.batched;
        // y = A B: dA = dy B^T, dB = A^T dy; transposed operands swap the factors.
        NodeId da, db;
        if (wanted[0]) {
            da = ta ? matmul(g, b, dy, {tb, true, batched}) : matmul(g, dy, b, {false, !tb, batched});
            if (!(g.shape(da) == g.shape(a))) da = reshape(g, da, g.shape(a));
        }
        if (wanted[1]) {
            db = tb ? matmul(g, dy, a, {true, ta, batched}) : matmul(g, a, dy, {!ta, false, batched});
            const Shape want = g.shape(b);
            if (batched && want.n == 1 && g.shape(db).n != 1)
                db = sum_to(g, db, {1, g.shape(db).h, g.shape(db).w, g.shape(db).c});
            if (!(g.shape(db) == want)) db = reshape(g, db, want);
        }
        return {da, db};
    }
    size_t scratch_bytes(const KernelTable& k, const StepShapes& s, int threads) const override {
        return k.matmul.scratch(shape(s.inputs), threads);
    }
    ByImage by_image(const StepShapes& s) const override {
        if (flags_.batched) return one_image_or_each(s);
        if (flags_.transpose_a || s.inputs[1].n > 1) return {};
        return {{true, false}};
    }
    void run(const RunContext& c) const override {
        const Shape shapes[] = {c.inputs[0].shape, c.inputs[1].shape};
        MatmulShape s = shape(shapes);
        s.lda = c.inputs[0].pitch, s.ldb = c.inputs[1].pitch, s.ldy = c.output.pitch;
        if (s.batch > 1) {
            s.stride_a = shapes[0].n == 1 ? 0 : shapes[0].h * shapes[0].w * s.lda;
            s.stride_b = shapes[1].n == 1 ? 0 : shapes[1].h * shapes[1].w * s.ldb;
            s.stride_y = c.output.shape.h * c.output.shape.w * s.ldy;
        }
        c.kernels.matmul.multiply(c.stream, s, c.inputs[0].data, c.inputs[1].data, nullptr, c.output.data, c.scratch);
    }
    Cost cost(const StepShapes& step) const override {
        const MatmulShape s = shape(step.inputs);
        return {2.0 * double(s.batch * s.m * s.n * s.k),
                4.0 * double(step.inputs[0].size() + step.inputs[1].size() + step.output.size())};
    }

  private:
    Matrix matrix(Shape x) const { return flags_.batched ? Matrix{x.n, x.h * x.w, x.c} : Matrix{1, x.pixels(), x.c}; }
    MatmulShape shape(std::span<const Shape> in) const {
        const Matrix a = matrix(in[0]), b = matrix(in[1]);
        MatmulShape s;
        s.batch = std::max(a.batch, b.batch);
        s.transpose_a = flags_.transpose_a, s.transpose_b = flags_.transpose_b;
        s.m = flags_.transpose_a ? a.columns : a.rows;
        s.k = flags_.transpose_a ? a.rows : a.columns;
        s.n = flags_.transpose_b ? b.rows : b.columns;
        s.lda = a.columns, s.ldb = b.columns, s.ldy = s.n;
        const int64_t k = flags_.transpose_b ? b.columns : b.rows;
        if (k != s.k || (a.batch != s.batch && a.batch != 1) || (b.batch != s.batch && b.batch != 1))
            throw Error(concat("matrices ", in[0], " and ", in[1], " {", attributes(), "}: inner sizes ", s.k, " and ",
                               k, " must be equal"));
        return s;
    }
    MatmulFlags flags_;
};

}  // namespace

NodeId matmul(Graph& g, NodeId a, NodeId b, MatmulFlags flags, const std::string& name) {
    return g.add(std::make_shared<MatmulOp>(flags), {a, b}, name);
}

}  // namespace limpid::ops
