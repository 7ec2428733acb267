// Functions of one number: the operator of that name, where there is one, else
//
//   relu6     Clip from 0 to 6
//   silu      Mul by the Sigmoid
//   square    Pow 2
//   affine    Mul by the scale, Add of the shift
#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"

namespace limpid::onnx {

namespace {

float said(const Layer& layer, const char* key) { return float(layer.numbers(key)[0]); }

Value write_with(GraphWriter& w, const Layer& layer, const char* op, GraphWriter::Attributes attributes) {
    w.node(op, {layer.inputs[0]}, layer.name, std::move(attributes));
    return w.value(layer.inputs[0]);
}

template <const char* Op>
Value write_function(GraphWriter& w, const Layer& layer) {
    return write_with(w, layer, Op, {});
}

Value write_between(GraphWriter& w, const Layer& layer, float low, float high) {
    w.node("Clip", {layer.inputs[0], w.number(part_of(layer, "low"), low), w.number(part_of(layer, "high"), high)},
           layer.name);
    return w.value(layer.inputs[0]);
}

Value write_relu6(GraphWriter& w, const Layer& layer) { return write_between(w, layer, 0, 6); }

Value write_clip(GraphWriter& w, const Layer& layer) {
    return write_between(w, layer, said(layer, "low"), said(layer, "high"));
}

Value write_leaky_relu(GraphWriter& w, const Layer& layer) {
    return write_with(w, layer, "LeakyRelu", {{"alpha", said(layer, "slope")}});
}

Value write_elu(GraphWriter& w, const Layer& layer) {
    return write_with(w, layer, "Elu", {{"alpha", said(layer, "alpha")}});
}

Value write_hard_sigmoid(GraphWriter& w, const Layer& layer) {
    return write_with(w, layer, "HardSigmoid", {{"alpha", said(layer, "slope")}, {"beta", said(layer, "shift")}});
}

Value write_silu(GraphWriter& w, const Layer& layer) {
    const std::string& x = layer.inputs[0];
    w.node("Mul", {x, w.node("Sigmoid", {x}, part_of(layer, "gate"))}, layer.name);
    return w.value(x);
}

Value raised(GraphWriter& w, const Layer& layer, float exponent) {
    w.node("Pow", {layer.inputs[0], w.number(part_of(layer, "exponent"), exponent)}, layer.name);
    return w.value(layer.inputs[0]);
}

Value write_square(GraphWriter& w, const Layer& layer) { return raised(w, layer, 2); }

Value write_power(GraphWriter& w, const Layer& layer) { return raised(w, layer, said(layer, "exponent")); }

Value write_affine(GraphWriter& w, const Layer& layer) {
    const std::string& x = layer.inputs[0];
    const std::string scaled =
        w.node("Mul", {x, w.number(part_of(layer, "scale"), said(layer, "scale"))}, part_of(layer, "scaled"));
    w.node("Add", {scaled, w.number(part_of(layer, "shift"), said(layer, "shift"))}, layer.name);
    return w.value(x);
}

constexpr char kRelu[] = "Relu", kSigmoid[] = "Sigmoid", kTanh[] = "Tanh", kHardSwish[] = "HardSwish",
               kSoftplus[] = "Softplus", kAbs[] = "Abs", kNeg[] = "Neg", kSqrt[] = "Sqrt", kExp[] = "Exp",
               kLog[] = "Log", kReciprocal[] = "Reciprocal";

constexpr WrittenKind kActivationKinds[] = {
    {&kinds::relu, write_function<kRelu>},
    {&kinds::relu6, write_relu6},
    {&kinds::clip, write_clip},
    {&kinds::leaky_relu, write_leaky_relu},
    {&kinds::elu, write_elu},
    {&kinds::sigmoid, write_function<kSigmoid>},
    {&kinds::tanh, write_function<kTanh>},
    {&kinds::silu, write_silu},
    {&kinds::hard_sigmoid, write_hard_sigmoid},
    {&kinds::hard_swish, write_function<kHardSwish>},
    {&kinds::softplus, write_function<kSoftplus>},
    {&kinds::abs, write_function<kAbs>},
    {&kinds::neg, write_function<kNeg>},
    {&kinds::square, write_square},
    {&kinds::sqrt, write_function<kSqrt>},
    {&kinds::exp, write_function<kExp>},
    {&kinds::log, write_function<kLog>},
    {&kinds::reciprocal, write_function<kReciprocal>},
    {&kinds::power, write_power},
    {&kinds::affine, write_affine},
};

}  // namespace

std::span<const WrittenKind> activation_kinds() { return kActivationKinds; }

}  // namespace limpid::onnx
