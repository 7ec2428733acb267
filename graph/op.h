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

    virtual std::optional<Preparation> preparation(const KernelTable&, std::span<const Shape>, Shape) const {
        return std::nullopt;
    }
    virtual size_t scratch_bytes(const KernelTable&, std::span<const Shape>, Shape, int /*threads*/) const { return 0; }
    virtual void run(const RunContext& context) const = 0;
    // Whether image i of the output is made of image i of each input alone (of all of an input that has one image or is
    // prepared), and run() takes any number of images: a batch may then be done a few images at a time.
    virtual bool by_image(std::span<const Shape>, Shape /*output*/) const { return false; }
    // The output must not have gaps between pixels (it is written in another shape).
    virtual bool dense_output() const { return false; }
    virtual Cost cost(std::span<const Shape> inputs, Shape output) const;
    // The algorithm a device takes, for plans and traces; "" where there is no choice.
    virtual std::string algorithm(const KernelTable&, std::span<const Shape>, Shape) const { return ""; }
};
using OpPtr = std::shared_ptr<const Op>;

}  // namespace limpid
