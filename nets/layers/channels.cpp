// Layers without parameters that work on the channels of each position, and joining.
//
//   y = lrn(x, radius=5, bias=1, alpha=1e-4, beta=0.5)    kernels/lrn/lrn.h; alpha is for each element of the window
//   y = softmax(x), log_softmax(x)
//   y = concat(a, b, c)                                   y_pre_relu too, where each of its inputs has one;
//                                                         along=rows or columns: below or beside each other
//   y = alias(x)                                          another name of x
#include "graph/ops.h"
#include "nets/layers/kinds.h"
#include "weights/layer_names.h"

namespace limpid::kinds {

namespace {

using Form = SettingRule::Form;

constexpr SettingRule kLrnSettings[] = {
    {"radius", Form::whole, kRequired, 0, 65536},
    {"bias", Form::number, "1", 1e-30, 1e30},
    {"alpha", Form::number, kRequired, 0, 1e30},
    {"beta", Form::number, kRequired, 0, 100},
};

void build_lrn(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const auto number = [&](const char* key) { return float(layer.numbers(key)[0]); };
    b.put(layer.name, ops::lrn(b.graph, in[0], {layer.whole("radius"), number("bias"), number("alpha"), number("beta")},
                               layer.name));
}

void build_softmax(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::softmax(b.graph, in[0], layer.name));
}

// The largest value goes first, so that the logarithm of the sum keeps its digits however large that is; adding a
// number to all changes nothing, nor does the derivative of that number.
void build_log_softmax(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const NodeId largest = ops::reduce(b.graph, Reduce::max, {false, false, false, true}, in[0]);
    const NodeId x = ops::sub(b.graph, in[0], ops::stop_gradient(b.graph, largest));
    b.put(layer.name, ops::sub(b.graph, x, ops::log_sum_exp(b.graph, x), layer.name));
}

constexpr SettingRule kConcatSettings[] = {{"along", Form::word, "channels", 0, 0, "channels rows columns"}};

void build_concat(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const int axis = layer.says("along", "rows") ? 1 : layer.says("along", "columns") ? 2 : 3;
    b.put(layer.name, ops::concatenate(b.graph, {in.begin(), in.end()}, axis, layer.name));
    std::vector<NodeId> before;
    for (const std::string& name : layer.inputs)
        if (const NodeId node = b.find(pre_relu_of(name)); node.valid()) before.push_back(node);
    const std::string name = pre_relu_of(layer.name);
    if (before.size() == in.size()) b.put(name, ops::concatenate(b.graph, before, axis, name));
}

void build_alias(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) { b.put(layer.name, in[0]); }

}  // namespace

constinit const LayerKind lrn{"lrn", 1, 1, kLrnSettings, build_lrn};
constinit const LayerKind softmax{"softmax", 1, 1, {}, build_softmax};
constinit const LayerKind log_softmax{"log_softmax", 1, 1, {}, build_log_softmax};
constinit const LayerKind concatenation{"concat", 1, 4096, kConcatSettings, build_concat, true};
constinit const LayerKind alias{"alias", 1, 1, {}, build_alias};

}  // namespace limpid::kinds
