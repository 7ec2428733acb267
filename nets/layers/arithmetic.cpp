// Layers of several inputs, element by element: along each axis they have the same size, or 1, which is repeated. And
// what has one number for each channel or place.
//
//   y = add(a, b, ...), sub(a, b), mul(a, b, ...), div(a, b), max(a, b, ...), min(a, b, ...)
//   y = batch_norm(x)                        y_w * x + y_b: {1,1,1,c} both, one number for each channel
//   y = prelu(x)                             x > 0 ? x : y_w * x: {1,1,1,c}
//   y = constant(size=7x7, channels=3)       y_w {1,7,7,3}, whatever the picture
#include "graph/ops.h"
#include "nets/layers/kinds.h"
#include "weights/layer_names.h"

namespace limpid::kinds {

namespace {

using Form = SettingRule::Form;

constexpr SettingRule kConstantSettings[] = {
    {"size", Form::size, "1x1", 1, 65536},
    {"channels", Form::whole, kRequired, 1, 1 << 24},
};

template <Binary B>
void build_binary(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    NodeId y = in[0];
    for (size_t i = 1; i < in.size(); i++)
        y = ops::binary(b.graph, B, y, in[i], i + 1 == in.size() ? layer.name : std::string());
    b.put(layer.name, y);
}

Shape one_per_channel(const LayerBuilder& b, NodeId x) { return {1, 1, 1, b.graph.shape(x).c}; }

void build_batch_norm(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const Shape shape = one_per_channel(b, in[0]);
    const NodeId scale = b.parameter(weight_of(layer.name), shape), shift = b.parameter(bias_of(layer.name), shape);
    b.put(layer.name, ops::ternary(b.graph, Ternary::multiply_add, in[0], scale, shift, layer.name));
}

void build_prelu(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const NodeId slope = b.parameter(weight_of(layer.name), one_per_channel(b, in[0]));
    const NodeId below = ops::mul(b.graph, in[0], slope);
    b.put(layer.name, ops::ternary(b.graph, Ternary::select, in[0], in[0], below, layer.name));
}

void build_constant(LayerBuilder& b, const Layer& layer, std::span<const NodeId>) {
    b.put(layer.name, b.parameter(weight_of(layer.name),
                                  {1, layer.whole("size", 0), layer.whole("size", 1), layer.whole("channels")}));
}

constexpr size_t kMost = 4096;

}  // namespace

constinit const LayerKind add{"add", 2, kMost, {}, build_binary<Binary::add>, true};
constinit const LayerKind sub{"sub", 2, 2, {}, build_binary<Binary::sub>};
constinit const LayerKind mul{"mul", 2, kMost, {}, build_binary<Binary::mul>};
constinit const LayerKind div{"div", 2, 2, {}, build_binary<Binary::div>};
constinit const LayerKind max{"max", 2, kMost, {}, build_binary<Binary::max>};
constinit const LayerKind min{"min", 2, kMost, {}, build_binary<Binary::min>};
constinit const LayerKind batch_norm{"batch_norm", 1, 1, {}, build_batch_norm};
constinit const LayerKind prelu{"prelu", 1, 1, {}, build_prelu, true};
constinit const LayerKind constant{"constant", 0, 0, kConstantSettings, build_constant};

}  // namespace limpid::kinds
