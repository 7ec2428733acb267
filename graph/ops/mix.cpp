// Fixed mixtures of pixels in the graph: linear, and the adjoint of one is another.
#include "graph/ops.h"
#include "kernels/error.h"

namespace limpid::ops {

namespace {

constexpr int64_t kExact = int64_t(1) << 24;  // whole numbers that a float holds

// Inputs: x, and the three arrays of the mixture.
class MixPixelsOp final : public Op {
  public:
    MixPixelsOp(const PixelMix& mix, const PixelMix& adjoint, int64_t p, int64_t q)
        : mix_(mix), adjoint_(adjoint), p_(p), q_(q) {}
    std::string kind() const override { return "mix_pixels"; }
    std::string attributes() const override { return concat(p_, "x", q_); }
    Shape infer(std::span<const Shape> in) const override {
        if (in[1].c != p_ * q_ + 1)
            throw Error(concat("a mixture for ", in[1].c - 1, " pixels cannot make ", p_, "x", q_));
        return {in[0].n, p_, q_, in[0].c};
    }
    std::vector<NodeId> vjp(Graph& g, NodeId node, NodeId dy, const std::vector<bool>&) const override {
        const Shape x = g.shape(g[node].inputs[0]);
        return {mix_pixels(g, dy, adjoint_, mix_, x.h, x.w), NodeId{}, NodeId{}, NodeId{}};
    }
    ByImage by_image(const StepShapes&) const override { return {{true, false, false, false}}; }
    void run(const RunContext& c) const override {
        c.kernels.warp.mix(c.stream, c.inputs[0], {c.inputs[1], c.inputs[2], c.inputs[3]}, c.output);
    }

  private:
    PixelMix mix_, adjoint_;
    int64_t p_, q_;
};

std::shared_ptr<const HostTensor> row(std::vector<float> values) {
    const Shape shape{1, 1, 1, int64_t(values.size())};
    return std::make_shared<const HostTensor>(shape, std::move(values));
}

}  // namespace

PixelMix make_pixel_mix(const std::vector<std::vector<std::pair<int64_t, float>>>& terms) {
    std::vector<float> first{0}, pixel, weight;
    for (const auto& output : terms) {
        for (const auto& [from, share] : output) {
            if (from >= kExact)
                throw Error(concat("pixel ", from, " of a picture is beyond ", kExact, "; use a smaller one"));
            pixel.push_back(float(from));
            weight.push_back(share);
        }
        if (int64_t(pixel.size()) >= kExact)
            throw Error(concat("a mixture of ", pixel.size(), " terms, expected fewer than ", kExact,
                               "; use smaller pictures"));
        first.push_back(float(pixel.size()));
    }
    return {row(std::move(first)), row(std::move(pixel)), row(std::move(weight))};
}

PixelMix transposed(const PixelMix& mix, int64_t pixels) {
    std::vector<std::vector<std::pair<int64_t, float>>> terms(static_cast<size_t>(pixels));
    for (size_t i = 0; i + 1 < mix.first->values.size(); i++)
        for (size_t k = size_t(mix.first->values[i]); k < size_t(mix.first->values[i + 1]); k++)
            terms.at(size_t(mix.pixel->values[k])).emplace_back(int64_t(i), mix.weight->values[k]);
    return make_pixel_mix(terms);
}

NodeId mix_pixels(Graph& g, NodeId x, const PixelMix& mix, const PixelMix& adjoint, int64_t p, int64_t q,
                  const std::string& name) {
    return g.add(std::make_shared<MixPixelsOp>(mix, adjoint, p, q),
                 {x, g.constant(mix.first), g.constant(mix.pixel), g.constant(mix.weight)}, name);
}

}  // namespace limpid::ops
