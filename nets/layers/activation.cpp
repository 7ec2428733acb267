// Functions of one number, without parameters.
//
//   y = relu(x)             max(x, 0); x is also y_pre_relu
//   y = relu6(x)            min(max(x, 0), 6); x is also y_pre_relu
//   y = clip(x, low=-1, high=1)
//   y = leaky_relu(x, slope=0.01)                 x > 0 ? x : slope*x
//   y = elu(x, alpha=1)                           x > 0 ? x : alpha*(exp(x) - 1)
//   y = sigmoid(x), tanh(x), silu(x)              silu: x * sigmoid(x)
//   y = hard_sigmoid(x, slope=0.2, shift=0.5)     min(max(slope*x + shift, 0), 1)
//   y = hard_swish(x)                             x * hard_sigmoid(x, slope=1/6, shift=1/2)
//   y = softplus(x)                               log(1 + exp(x))
//   y = abs(x), neg(x), square(x), sqrt(x), exp(x), log(x), reciprocal(x)
//   y = power(x, exponent=0.75)                   x^exponent of x >= 0
//   y = affine(x, scale=2, shift=-1)              scale*x + shift
#include <limits>

#include "graph/ops.h"
#include "nets/layers/kinds.h"
#include "weights/layer_names.h"

namespace limpid::kinds {

namespace {

using Form = SettingRule::Form;

constexpr double kLargestNumber = std::numeric_limits<float>::max();

constexpr SettingRule number(std::string_view key, std::string_view usual) {
    return {key, Form::number, usual, -kLargestNumber, kLargestNumber};
}
constexpr SettingRule kClip[] = {number("low", "-3.4028235e+38"), number("high", "3.4028235e+38")};
constexpr SettingRule kLeaky[] = {number("slope", "0.01")};
constexpr SettingRule kElu[] = {number("alpha", "1")};
constexpr SettingRule kHard[] = {number("slope", "0.2"), number("shift", "0.5")};
constexpr SettingRule kPower[] = {number("exponent", kRequired)};
constexpr SettingRule kAffine[] = {number("scale", "1"), number("shift", "0")};

float said(const Layer& layer, const char* key) { return float(layer.numbers(key)[0]); }

template <Unary U>
void build_unary(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::unary(b.graph, U, in[0], 0, 0, layer.name));
}

template <Unary U>
void build_rectifier(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(pre_relu_of(layer.name), in[0]);
    build_unary<U>(b, layer, in);
}

void build_clip(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::unary(b.graph, Unary::clip, in[0], said(layer, "low"), said(layer, "high"), layer.name));
}

void build_leaky_relu(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const NodeId below = ops::affine(b.graph, in[0], said(layer, "slope"), 0);
    b.put(layer.name, ops::ternary(b.graph, Ternary::select, in[0], in[0], below, layer.name));
}

// The exponential of what is positive would overflow where it is not selected.
void build_elu(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const float alpha = said(layer, "alpha");
    const NodeId negative = ops::unary(b.graph, Unary::clip, in[0], -float(kLargestNumber), 0);
    const NodeId below = ops::affine(b.graph, ops::unary(b.graph, Unary::exp, negative), alpha, -alpha);
    b.put(layer.name, ops::ternary(b.graph, Ternary::select, in[0], in[0], below, layer.name));
}

NodeId hard_sigmoid_of(Graph& graph, NodeId x, float slope, float shift, const std::string& name) {
    return ops::unary(graph, Unary::clip, ops::affine(graph, x, slope, shift), 0, 1, name);
}

void build_hard_sigmoid(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, hard_sigmoid_of(b.graph, in[0], said(layer, "slope"), said(layer, "shift"), layer.name));
}

void build_hard_swish(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const NodeId gate = hard_sigmoid_of(b.graph, in[0], 1 / 6.0f, 0.5f, "");
    b.put(layer.name, ops::mul(b.graph, in[0], gate, layer.name));
}

void build_silu(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::mul(b.graph, in[0], ops::sigmoid(b.graph, in[0]), layer.name));
}

// Beyond 20, where single precision sees no difference, x itself: the exponential stays finite.
void build_softplus(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    constexpr float kFar = 20;
    const NodeId near = ops::unary(b.graph, Unary::clip, in[0], -float(kLargestNumber), kFar);
    const NodeId more = ops::affine(b.graph, ops::unary(b.graph, Unary::exp, near), 1, 1);
    b.put(layer.name, ops::add(b.graph, ops::unary(b.graph, Unary::log, more),
                               ops::relu(b.graph, ops::affine(b.graph, in[0], 1, -kFar)), layer.name));
}

void build_power(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::unary(b.graph, Unary::power, in[0], said(layer, "exponent"), 0, layer.name));
}

void build_affine(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::affine(b.graph, in[0], said(layer, "scale"), said(layer, "shift"), layer.name));
}

}  // namespace

constinit const LayerKind relu{"relu", 1, 1, {}, build_rectifier<Unary::relu>, true};
constinit const LayerKind relu6{"relu6", 1, 1, {}, build_rectifier<Unary::relu6>, true};
constinit const LayerKind clip{"clip", 1, 1, kClip, build_clip, true};
constinit const LayerKind leaky_relu{"leaky_relu", 1, 1, kLeaky, build_leaky_relu, true};
constinit const LayerKind elu{"elu", 1, 1, kElu, build_elu, true};
constinit const LayerKind sigmoid{"sigmoid", 1, 1, {}, build_unary<Unary::sigmoid>, true};
constinit const LayerKind tanh{"tanh", 1, 1, {}, build_unary<Unary::tanh>, true};
constinit const LayerKind silu{"silu", 1, 1, {}, build_silu, true};
constinit const LayerKind hard_sigmoid{"hard_sigmoid", 1, 1, kHard, build_hard_sigmoid, true};
constinit const LayerKind hard_swish{"hard_swish", 1, 1, {}, build_hard_swish, true};
constinit const LayerKind softplus{"softplus", 1, 1, {}, build_softplus, true};
constinit const LayerKind abs{"abs", 1, 1, {}, build_unary<Unary::abs>};
constinit const LayerKind neg{"neg", 1, 1, {}, build_unary<Unary::neg>};
constinit const LayerKind square{"square", 1, 1, {}, build_unary<Unary::square>};
constinit const LayerKind sqrt{"sqrt", 1, 1, {}, build_unary<Unary::sqrt>};
constinit const LayerKind exp{"exp", 1, 1, {}, build_unary<Unary::exp>};
constinit const LayerKind log{"log", 1, 1, {}, build_unary<Unary::log>};
constinit const LayerKind reciprocal{"reciprocal", 1, 1, {}, build_unary<Unary::reciprocal>};
constinit const LayerKind power{"power", 1, 1, kPower, build_power};
constinit const LayerKind affine{"affine", 1, 1, kAffine, build_affine};

}  // namespace limpid::kinds
