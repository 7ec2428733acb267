// Pools, over the cells of a window that lie on the map.
//
//   y = max_pool(x, window=3x3, stride=2x2, pad=same)
//   y = average_pool(x, window=7x7, other_maps=whole)    the mean; other_maps=whole: of a map that is not as large as
//                                                        the window, the mean of all of it (not Lucid's graph)
#include "graph/ops.h"
#include "nets/layers/kinds.h"
#include "nets/layers/window.h"

namespace limpid::kinds {

namespace {

constexpr SettingRule kMaxPoolSettings[] = {kWindow, kStride, kPad, kRound};
constexpr SettingRule kAveragePoolSettings[] = {
    kWindow, kStride, kPad, kRound, {"other_maps", SettingRule::Form::word, "windows", 0, 0, "windows whole"}};

void build_max_pool(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    b.put(layer.name, ops::max_pool(b.graph, in[0], pool_geometry(layer, b.graph.shape(in[0])), layer.name));
}

void build_average_pool(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const Shape x = b.graph.shape(in[0]);
    if (layer.says("other_maps", "whole") && (x.h != layer.whole("window", 0) || x.w != layer.whole("window", 1)))
        return b.put(layer.name, ops::reduce(b.graph, Reduce::mean, {false, true, true, false}, in[0], layer.name));
    const ops::PoolGeometry geometry = pool_geometry(layer, x);
    if (geometry.p < 1 || geometry.q < 1) return;  // too small a map
    b.put(layer.name, ops::average_pool(b.graph, in[0], geometry, layer.name));
}

}  // namespace

constinit const LayerKind max_pool{"max_pool", 1, 1, kMaxPoolSettings, build_max_pool};
constinit const LayerKind average_pool{"average_pool", 1, 1, kAveragePoolSettings, build_average_pool};

}  // namespace limpid::kinds
