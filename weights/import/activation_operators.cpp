// Functions of one number. They work on a layer wherever the elements lie in it.
#include <algorithm>
#include <limits>

#include "weights/import/operators.h"
#include "weights/layer_names.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

void write(Draft& draft, const ImportNode& node, const char* kind, const std::string& settings = "") {
    Placement x = draft.value(node.input(0));
    x.layer = draft.line(node, kind, {x.layer}, settings, x.sizes);
    draft.put(node.outputs[0], x);
}

template <const char* Kind>
void write_plain(Draft& draft, const ImportNode& node) {
    write(draft, node, Kind);
}

// The bound of an older attribute or a newer input.
float bound(Draft& draft, const ImportNode& node, size_t input, const char* key, float otherwise) {
    if (node.input(input).empty()) return node.real(key, otherwise);
    const ImportTensor& tensor = draft.need_constant(node, input, key);
    if (tensor.size() != 1) throw Error(concat("has a bound ", shape_text(tensor.shape), ", expected one number"));
    return std::clamp(draft.reals(tensor)[0], std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max());
}

void write_clip(Draft& draft, const ImportNode& node) {
    constexpr float kFar = std::numeric_limits<float>::max();
    const float high = bound(draft, node, 2, "max", kFar);
    float low = bound(draft, node, 1, "min", -kFar);
    low = std::min(low, high);  // as min(max(x, low), high) is
    if (low == 0 && high == 6) return write(draft, node, "relu6");
    if (low == 0 && high == kFar) return write(draft, node, "relu");
    write(draft, node, "clip", concat("low=", number_text(low), ", high=", number_text(high)));
}

// x > 0 ? x : slope * x. Slopes that do not lie along channels: max(x, 0) + slope * min(x, 0).
void write_prelu(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    const ImportTensor& slope = draft.need_constant(node, 1, "slope");
    const size_t rank = x.rank(), given = slope.shape.size();
    if (slope.size() == 1 && given <= rank)
        return write(draft, node, "leaky_relu", concat("slope=", number_text(draft.reals(slope)[0])));
    // One number for each channel, as older programs mean it where it cannot be broadcast.
    const bool older = given == 1 && rank > 2 && slope.size() == x.shape()[1] && slope.size() != x.shape().back();
    std::vector<size_t> along;  // axes of x that slopes differ along
    if (older) along = {1};
    for (size_t i = 0; i < given && given <= rank && !older; i++)
        if (slope.shape[i] != 1) along.push_back(rank - given + i);
    if (older) x = draft.on_channels(node, x, along);
    if (along.size() == 1 && slope.size() == x.shape()[along[0]] && whole_axis(x, along[0]) == 3) {
        x.layer = draft.line(node, "prelu", {x.layer}, "", x.sizes);
        draft.parameter(weight_of(x.layer), HostTensor({1, 1, 1, x.sizes[3]}, draft.reals(slope)));
        return draft.put(node.outputs[0], x);
    }
    Placement above = x, below = x;
    above.layer = draft.line(node, "relu", {x.layer}, "", x.sizes, "_above");
    below.layer = draft.line(node, "clip", {x.layer}, "high=0", x.sizes, "_below");
    below = with_constant(draft, node, "Mul", below, slope, false);
    draft.put(node.outputs[0], combined(draft, node, "Add", above, below));
}

// x * sigmoid(alpha * x)
void write_swish(Draft& draft, const ImportNode& node) {
    const float alpha = node.real("alpha", 1);
    if (alpha == 1) return write(draft, node, "silu");
    Placement x = draft.value(node.input(0));
    const std::string scaled =
        draft.line(node, "affine", {x.layer}, concat("scale=", number_text(alpha)), x.sizes, "_scaled");
    const std::string gate = draft.line(node, "sigmoid", {scaled}, "", x.sizes, "_gate");
    x.layer = draft.line(node, "mul", {x.layer, gate}, "", x.sizes);
    draft.put(node.outputs[0], x);
}

constexpr char kRelu[] = "relu", kSigmoid[] = "sigmoid", kTanh[] = "tanh", kHardSwish[] = "hard_swish",
               kSoftplus[] = "softplus", kAbs[] = "abs", kNeg[] = "neg", kExp[] = "exp", kLog[] = "log",
               kSqrt[] = "sqrt", kReciprocal[] = "reciprocal";

constexpr Operator kActivationOperators[] = {
    {"Relu", write_plain<kRelu>},
    {"Sigmoid", write_plain<kSigmoid>},
    {"Tanh", write_plain<kTanh>},
    {"HardSwish", write_plain<kHardSwish>},
    {"Softplus", write_plain<kSoftplus>},
    {"Abs", write_plain<kAbs>},
    {"Neg", write_plain<kNeg>},
    {"Exp", write_plain<kExp>},
    {"Log", write_plain<kLog>},
    {"Sqrt", write_plain<kSqrt>},
    {"Reciprocal", write_plain<kReciprocal>},
    {"Clip", write_clip},
    {"PRelu", write_prelu},
    {"Swish", write_swish},
    {"LeakyRelu",
     [](Draft& draft, const ImportNode& node) {
         write(draft, node, "leaky_relu", concat("slope=", number_text(node.real("alpha", 0.01f))));
     }},
    {"Elu",
     [](Draft& draft, const ImportNode& node) {
         write(draft, node, "elu", concat("alpha=", number_text(node.real("alpha", 1))));
     }},
    {"HardSigmoid",
     [](Draft& draft, const ImportNode& node) {
         write(
             draft, node, "hard_sigmoid",
             concat("slope=", number_text(node.real("alpha", 0.2f)), ", shift=", number_text(node.real("beta", 0.5f))));
     }},
};

}  // namespace

std::span<const Operator> activation_operators() { return kActivationOperators; }

}  // namespace limpid
