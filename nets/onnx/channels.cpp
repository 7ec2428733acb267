// LRN, Softmax, LogSoftmax, Concat, and Identity for another name.
#include <algorithm>

#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"
#include "weights/attribute_text.h"
#include "weights/onnx.h"

namespace limpid::onnx {

namespace {

// ONNX says alpha for the whole window. The number for each element is kept beside it: a product and a quotient may not
// give it back.
Value write_lrn(GraphWriter& w, const Layer& layer) {
    const auto number = [&](const char* key) { return float(layer.numbers(key)[0]); };
    const int64_t size = 2 * layer.whole("radius") + 1;
    w.node(
        "LRN", {w.map(layer.inputs[0])}, layer.name,
        {{"size", size}, {"alpha", number("alpha") * float(size)}, {"beta", number("beta")}, {"bias", number("bias")}});
    w.remark(own_metadata::kAlpha, number_text(number("alpha")));
    return {4, w.settled(layer)};
}

template <const char* Op>
Value write_over_channels(GraphWriter& w, const Layer& layer) {
    w.node(Op, {layer.inputs[0]}, layer.name, {{"axis", int64_t(1)}});
    return w.value(layer.inputs[0]);
}

Value write_alias(GraphWriter& w, const Layer& layer) {
    w.node("Identity", {layer.inputs[0]}, layer.name);
    return w.value(layer.inputs[0]);
}

Value write_concat(GraphWriter& w, const Layer& layer) {
    if (layer.inputs.size() == 1) return write_alias(w, layer);
    const int64_t axis = layer.says("along", "rows") ? 2 : layer.says("along", "columns") ? 3 : 1;
    const bool flat = axis == 1 && std::ranges::all_of(layer.inputs, [&](const std::string& input) {
                          return w.value(input).rank == 2;
                      });
    w.node("Concat", flat ? layer.inputs : w.maps(layer.inputs), layer.name, {{"axis", axis}});
    return {flat ? size_t(2) : size_t(4), w.settled(layer)};
}

constexpr char kSoftmax[] = "Softmax", kLogSoftmax[] = "LogSoftmax";

constexpr WrittenKind kChannelKinds[] = {
    {&kinds::lrn, write_lrn},
    {&kinds::softmax, write_over_channels<kSoftmax>},
    {&kinds::log_softmax, write_over_channels<kLogSoftmax>},
    {&kinds::concatenation, write_concat},
    {&kinds::alias, write_alias},
};

}  // namespace

std::span<const WrittenKind> channel_kinds() { return kChannelKinds; }

}  // namespace limpid::onnx
