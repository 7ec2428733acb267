// The inverse real Fourier transform in the graph; linear, so its gradient's derivative is the transform again.
#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

// Inputs: spectrum or dimage, scale. The tables are prepared from `scale` only in the sense that they live as long as
// it does.
class SpectralOp final : public Op {
  public:
    SpectralOp(int64_t w, float gain, bool adjoint) : w_(w), gain_(gain), adjoint_(adjoint) {}
    std::string kind() const override { return adjoint_ ? "spectral_inverse_grad" : "spectral_inverse"; }
    std::string attributes() const override { return concat("width ", w_, ", gain ", gain_); }
    Shape infer(std::span<const Shape> in) const override {
        const SpectralShape s = shape(in[0]);
        if (!(in[1] == Shape{1, s.h, s.frequencies(), 1}))
            throw Error(concat("scale is ", in[1], ", expected ", Shape{1, s.h, s.frequencies(), 1}));
        if (!adjoint_ && !(in[0] == s.spectrum()))
            throw Error(concat("spectrum is ", in[0], ", expected ", s.spectrum(), " for width ", w_));
        return adjoint_ ? s.spectrum() : s.image();
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>& wanted) const override {
        if (wanted[1]) throw Error("the scale of a spectrum has no derivative here; multiply the spectrum instead");
        return {g.add(std::make_shared<SpectralOp>(w_, gain_, !adjoint_), {dy, g[node].inputs[1]}), NodeId{}};
    }
    std::optional<Preparation> preparation(const KernelTable& k, const StepShapes& step) const override {
        const SpectralShape s = shape(step.inputs[0]);
        Preparation preparation;
        preparation.input = 1;
        preparation.key = concat("spectral tables ", s.h, "x", s.w);
        preparation.floats = k.spectral.tables_size(s);
        preparation.prepare = [s](Stream& stream, const KernelTable& table, ConstView, float* prepared) {
            std::vector<float> host(size_t(table.spectral.tables_size(s)));
            table.spectral.tables(s, host.data());
            stream.backend().memory.upload(stream, host.data(), prepared, host.size() * sizeof(float));
        };
        return preparation;
    }
    size_t scratch_bytes(const KernelTable& k, const StepShapes& s, int threads) const override {
        return k.spectral.scratch(shape(s.inputs[0]), threads);
    }
    ByImage by_image(const StepShapes&) const override { return {{true, false}}; }
    void run(const RunContext& c) const override {
        const SpectralShape s = shape(c.inputs[0].shape);
        const auto kernel = adjoint_ ? c.kernels.spectral.inverse_grad : c.kernels.spectral.inverse;
        kernel(c.stream, s, c.inputs[0], c.inputs[1], c.prepared, c.output, c.scratch);
    }

  private:
    // From the first input: a spectrum {N,h,f,2C}, or for the adjoint an image {N,h,w,C}.
    SpectralShape shape(Shape in) const {
        SpectralShape s;
        s.n = in.n, s.h = in.h, s.w = w_, s.c = adjoint_ ? in.c : in.c / 2, s.gain = gain_;
        return s;
    }
    int64_t w_;
    float gain_;
    bool adjoint_;
};

}  // namespace

NodeId spectral_inverse(Graph& g, NodeId spectrum, NodeId scale, int64_t w, float gain, const std::string& name) {
    return g.add(std::make_shared<SpectralOp>(w, gain, false), {spectrum, scale}, name);
}

}  // namespace limpid::ops
