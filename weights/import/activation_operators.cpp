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
    const float low = bound(draft, node, 1, "min", -kFar), high = bound(draft, node, 2, "max", kFar);
    if (low == 0 && high == 6) return write(draft, node, "relu6");
    if (low == 0 && high == kFar) return write(draft, node, "relu");
    write(draft, node, "clip", concat("low=", number_text(low), ", high=", number_text(high)));
}

void write_prelu(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    const ImportTensor& slope = draft.need_constant(node, 1, "slope");
    if (slope.size() == 1)
        return write(draft, node, "leaky_relu", concat("slope=", number_text(draft.reals(slope)[0])));
    if (x.rank() < 2 || whole_axis(x, 1) != 3) x = draft.plain(node, x);
    const int64_t channels = x.sizes[3];
    const bool along =
        slope.size() == channels && whole_axis(x, 1) == 3 && std::ranges::count(slope.shape, channels) > 0;
    if (!along)
        throw Error(
            concat("has slopes ", shape_text(slope.shape), ", expected one for each of ", channels, " channels"));
    x.layer = draft.line(node, "prelu", {x.layer}, "", x.sizes);
    draft.parameter(weight_of(x.layer), HostTensor({1, 1, 1, channels}, draft.reals(slope)));
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
    {"Swish",
     [](Draft& draft, const ImportNode& node) {
         if (node.real("alpha", 1) != 1) throw Error("has an alpha other than 1");
         write(draft, node, "silu");
     }},
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
