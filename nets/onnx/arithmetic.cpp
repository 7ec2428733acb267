// Layers of several inputs, and what has one number for each channel or place.
//
//   add       Add, of more than two Sum          mul     Mul, one after another
//   batch_norm    BatchNormalization of mean 0, variance 1 and epsilon 0
//   prelu     PRelu                              constant    Identity of a parameter {1,C,H,W}
#include <algorithm>

#include "kernels/error.h"
#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"
#include "weights/layer_names.h"
#include "weights/layout.h"

namespace limpid::onnx {

namespace {

// All inputs {N,C}, or all {N,C,H,W}.
struct Operands {
    std::vector<std::string> names;
    Value value;
};

Operands operands(GraphWriter& w, const Layer& layer) {
    const bool flat = std::ranges::all_of(layer.inputs, [&](const std::string& x) { return w.value(x).rank == 2; });
    return {flat ? layer.inputs : w.maps(layer.inputs), {flat ? size_t(2) : size_t(4), w.settled(layer)}};
}

template <const char* Op>
Value write_combined(GraphWriter& w, const Layer& layer) {
    const Operands in = operands(w, layer);
    const bool sum = std::string_view(Op) == "Add" && in.names.size() > 2;
    w.node(sum ? "Sum" : Op, in.names, layer.name);
    return in.value;
}

Value write_mul(GraphWriter& w, const Layer& layer) {
    const Operands in = operands(w, layer);
    std::string product = in.names[0];
    for (size_t i = 1; i < in.names.size(); i++) {
        const bool last = i + 1 == in.names.size();
        product = w.node("Mul", {product, in.names[i]}, last ? layer.name : concat(layer.name, ":", i));
    }
    return in.value;
}

Value write_batch_norm(GraphWriter& w, const Layer& layer) {
    const std::string &x = layer.inputs[0], scale = weight_of(layer.name), shift = bias_of(layer.name);
    const int64_t c = w.shape(x).c;
    const auto all = [&](float value, const char* name) {
        return w.constant(concat(name, "(", c, ")"), tensor_of(std::vector<float>(size_t(c), value), {c}));
    };
    w.node("BatchNormalization",
           {x, w.constant(scale, tensor_of(w.parameter(scale).values, {c})),
            w.constant(shift, tensor_of(w.parameter(shift).values, {c})), all(0, "zeros"), all(1, "ones")},
           layer.name, {{"epsilon", 0.0f}});
    return w.value(x);
}

Value write_prelu(GraphWriter& w, const Layer& layer) {
    const std::string &x = layer.inputs[0], slope = weight_of(layer.name);
    const int64_t c = w.shape(x).c;
    const Dimensions shape = w.value(x).rank == 2 ? Dimensions{c} : Dimensions{c, 1, 1};
    w.node("PRelu", {x, w.constant(slope, tensor_of(w.parameter(slope).values, shape))}, layer.name);
    return w.value(x);
}

Value write_constant(GraphWriter& w, const Layer& layer) {
    const std::string name = weight_of(layer.name);
    const HostTensor& table = w.parameter(name);
    const Shape s = table.shape;
    if (s.h * s.w > 1) w.fix_size();
    // {1,h,w,c} as {1,c,h,w}: a filter of one channel for each of its channels.
    const HostTensor filter({s.h, s.w, 1, s.c}, table.values);
    w.node("Identity", {w.constant(name, tensor_of(kcrs_from_rsck(filter), {1, s.c, s.h, s.w}))}, layer.name);
    return {4, true};
}

constexpr char kAdd[] = "Add", kSub[] = "Sub", kDiv[] = "Div", kMax[] = "Max", kMin[] = "Min";

constexpr WrittenKind kArithmeticKinds[] = {
    {&kinds::add, write_combined<kAdd>},    {&kinds::sub, write_combined<kSub>}, {&kinds::mul, write_mul},
    {&kinds::div, write_combined<kDiv>},    {&kinds::max, write_combined<kMax>}, {&kinds::min, write_combined<kMin>},
    {&kinds::batch_norm, write_batch_norm}, {&kinds::prelu, write_prelu},        {&kinds::constant, write_constant},
};

}  // namespace

std::span<const WrittenKind> arithmetic_kinds() { return kArithmeticKinds; }

}  // namespace limpid::onnx
