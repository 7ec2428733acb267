// What an operation is: a shape rule, a derivative, and one call of a kernel. Operations are immutable values; nodes of
// a graph share them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/tensor.h"

namespace limpid {

class Graph;

// Names a node of one graph.
struct NodeId {
    int index = -1;
    bool valid() const { return index >= 0; }
    auto operator<=>(const NodeId&) const = default;
};

// What a step may use while it runs. Views are device memory of the stream.
struct RunContext {
    Stream& stream;
    const KernelTable& kernels;
    std::span<const ConstView> inputs;
    MutView output;
    const float* prepared = nullptr;  // see Op::preparation
    Scratch scratch;
};

// The shapes of one step.
struct StepShapes {
    std::span<const Shape> inputs;
    Shape output;
};

// Which inputs go with the output, image by image; the others are read whole. None: the batch cannot be cut.
using ByImage = std::optional<std::vector<bool>>;

// A form of one input that a device wants instead of the input itself (packed filters, tables). Made once when the
// input is a constant, before each run otherwise.
struct Preparation {
    int input = 0;
    std::string key;     // equal keys: equal forms
    int64_t floats = 0;  // size
    std::function<void(Stream&, const KernelTable&, ConstView input, float* prepared)> prepare;
};

// Work of one step, for rooflines: multiply-adds count as two operations; bytes are those that must move, each once.
struct Cost {
    double operations = 0, bytes = 0;
};

// What the kernel of a gradient does last: adds another gradient, and then applies the mask of a ReLU's gradient.
struct GradientEpilogue {
    bool add = false, mask = false;
    std::string attributes() const { return std::string(add ? ", + add" : "") + (mask ? ", masked" : ""); }
    // Both, in that order. Nothing where one is there already, or an addend would come after the mask.
    std::optional<GradientEpilogue> with(GradientEpilogue more) const {
        if ((more.add && (add || mask)) || (more.mask && mask)) return {};
        return GradientEpilogue{add || more.add, mask || more.mask};
    }
};

// Of an operation that is linear in its filter w: s op(x, w) = op(x, s w) after it, op(s x, w) = op(x, s w) before it.
enum class ChannelFactor { nowhere, before, after };

class Op {
  public:
    virtual ~Op() = default;

    virtual std::string kind() const = 0;                  // "conv2d"; also the key of gradient overrides
    virtual std::string attributes() const { return ""; }  // "stride 2, pad 2 3", for printing
    // The output's shape. Throws Error when the inputs do not fit.
    virtual Shape infer(std::span<const Shape> inputs) const = 0;

    // Adds to `graph` the nodes that compute, for each input, the product of dy with the Jacobian; an invalid id means
    // zero (or not asked for: wanted[i] is false). `node` is this operation's node.
    virtual std::vector<NodeId> vjp(Graph& graph, NodeId node, NodeId dy, const std::vector<bool>& wanted) const = 0;

    virtual std::optional<Preparation> preparation(const KernelTable&, const StepShapes&) const { return {}; }
    virtual size_t scratch_bytes(const KernelTable&, const StepShapes&, int /*threads*/) const { return 0; }
    virtual void run(const RunContext& context) const = 0;
    // Image i of the output is made of image i of the inputs that are named here, and of all of the others; run() takes
    // any number of images, so that a batch may be done a few at a time.
    virtual ByImage by_image(const StepShapes&) const { return {}; }
    // The output must not have gaps between pixels (it is written in another shape).
    virtual bool dense_output() const { return false; }
    virtual Cost cost(const StepShapes& shapes) const;
    // The algorithm a device takes, for plans and traces; "" where there is no choice.
    virtual std::string algorithm(const KernelTable&, const StepShapes&) const { return ""; }
    // This gradient, finished as mask(addend + gradient) in its own kernel: what it does already and `more`. Its inputs
    // are then its own, [addend], [mask]. Null: it cannot.
    virtual std::shared_ptr<const Op> with_epilogue(GradientEpilogue /*more*/) const { return nullptr; }
    // Where a factor for each channel may stand that inputs[1], the filter, takes instead, along its last axes.
    virtual ChannelFactor channel_factor() const { return ChannelFactor::nowhere; }
};
using OpPtr = std::shared_ptr<const Op>;

// Each input goes with the output.
inline ByImage every_input(const StepShapes& shapes) { return std::vector<bool>(shapes.inputs.size(), true); }
// For operations whose inputs have one image for all of the output's, or one for each.
inline ByImage one_image_or_each(const StepShapes& shapes) {
    std::vector<bool> each;
    for (const Shape& input : shapes.inputs) each.push_back(input.n == shapes.output.n);
    return each;
}

}  // namespace limpid
