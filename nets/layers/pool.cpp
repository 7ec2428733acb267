// Pools, over the cells of a window that lie on the map.
//
//   y = max_pool(x, window=3x3, stride=2x2, pad=same)    dilation=2x2: the cells of a window lie 2 apart
//   y = average_pool(x, window=7x7, other_maps=whole)    the mean; dilation as above; other_maps=whole: of a map that is
//                                                        not as large as the window, the mean of all of it (not
//                                                        Lucid's graph); count=all: cells of the padding count, as
//                                                        zeros
//   y = reduce(x, by=mean, over=space)                   mean, max or sum over all rows and columns; over=channels,
//                                                        rows, columns or all. These axes have one place in y.
#include "graph/ops.h"
#include "nets/layers/grouped_conv.h"
#include "nets/layers/kinds.h"
#include "nets/layers/window.h"

namespace limpid::kinds {

namespace {

constexpr SettingRule kMaxPoolSettings[] = {kWindow, kStride, kPad, kRound, kDilation};
constexpr SettingRule kAveragePoolSettings[] = {
    kWindow,
    kStride,
    kPad,
    kRound,
    kDilation,
    {"other_maps", SettingRule::Form::word, "windows", 0, 0, "windows whole"},
    {"count", SettingRule::Form::word, "map", 0, 0, "map all"}};
constexpr SettingRule kReduceSettings[] = {
    {"by", SettingRule::Form::word, kRequired, 0, 0, "mean max sum"},
    {"over", SettingRule::Form::word, "space", 0, 0, "space channels rows columns all"}};

// Around x, so that no window of the geometry begins before it.
NodeId padded(Graph& graph, NodeId x, const ops::ConvGeometry& border, float value) {
    const Padding padding{{0, border.pad_top, border.pad_left, 0}, {0, border.pad_bottom, border.pad_right, 0}};
    return padding == Padding{} ? x : ops::pad(graph, x, PadMode::constant, padding, value);
}

// The greatest of maps that are moved by the dilation. g: of the window with all cells in between.
NodeId dilated_max_pool(Graph& graph, NodeId x, const Layer& layer, const ops::PoolGeometry& g) {
    const int64_t rows = (g.p - 1) * g.stride_y, columns = (g.q - 1) * g.stride_x;  // from the first window to the last
    const Shape s = graph.shape(x);
    const ops::ConvGeometry border{
        1, 1, g.pad_top, rows + g.r - s.h - g.pad_top, g.pad_left, columns + g.s - s.w - g.pad_left};
    // Far below everything, but finite.
    const NodeId whole = padded(graph, x, border, -3e38f);
    NodeId y;
    for (int64_t r = 0; r < g.r; r += layer.whole("dilation", 0))
        for (int64_t c = 0; c < g.s; c += layer.whole("dilation", 1)) {
            const NodeId cells = every(graph, ops::slice(graph, whole, {0, r, c, 0}, {s.n, rows + 1, columns + 1, s.c}),
                                       g.stride_y, g.stride_x);
            y = y.valid() ? ops::binary(graph, Binary::max, y, cells) : cells;
        }
    return y;
}

// 1 / how many of a window's cells lie in [first, end), for each window.
std::vector<float> shares(int64_t windows, int64_t stride, int64_t before, int64_t cells, int64_t apart, int64_t first,
                          int64_t end) {
    std::vector<float> result;
    for (int64_t i = 0; i < windows; i++) {
        int64_t count = 0;
        for (int64_t r = 0; r < cells; r++) {
            const int64_t at = i * stride - before + r * apart;
            count += at >= first && at < end ? 1 : 0;
        }
        result.push_back(count > 0 ? 1 / float(count) : 0.0f);
    }
    return result;
}

// The sum of the cells, which is a convolution of each channel with ones, times 1 / how many there are. g: of the
// window with all cells in between.
NodeId dilated_average_pool(Graph& graph, NodeId x, const Layer& layer, const ops::PoolGeometry& g) {
    const Shape s = graph.shape(x);
    const int64_t rows = (g.p - 1) * g.stride_y, columns = (g.q - 1) * g.stride_x;
    const ops::ConvGeometry border{
        1, 1, g.pad_top, rows + g.r - s.h - g.pad_top, g.pad_left, columns + g.s - s.w - g.pad_left};
    const HostTensor ones({layer.whole("window", 0), layer.whole("window", 1), s.c, 1}, 1.0f);
    const int64_t apart_y = layer.whole("dilation", 0), apart_x = layer.whole("dilation", 1);
    const NodeId sum = ops::depthwise_conv2d(graph, padded(graph, x, border, 0), graph.constant(ones),
                                             {g.stride_y, g.stride_x, apart_y, apart_x, 0, 0, 0, 0});
    const ops::ConvGeometry around = layer.says("count", "all") ? conv_geometry(layer, s) : ops::ConvGeometry{};
    const std::vector<float> y = shares(g.p, g.stride_y, g.pad_top, ones.shape.n, apart_y, -around.pad_top,
                                        s.h + around.pad_bottom),
                             z = shares(g.q, g.stride_x, g.pad_left, ones.shape.h, apart_x, -around.pad_left,
                                        s.w + around.pad_right);
    HostTensor share({1, g.p, g.q, 1});
    for (int64_t p = 0; p < g.p; p++)
        for (int64_t q = 0; q < g.q; q++) share.at(0, p, q, 0) = y[size_t(p)] * z[size_t(q)];
    return ops::mul(graph, sum, graph.constant(std::move(share)), layer.name);
}

void build_max_pool(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const ops::PoolGeometry geometry = pool_geometry(layer, b.graph.shape(in[0]));
    if (layer.whole("dilation", 0) == 1 && layer.whole("dilation", 1) == 1)
        return b.put(layer.name, ops::max_pool(b.graph, in[0], geometry, layer.name));
    if (geometry.p < 1 || geometry.q < 1) return;  // too small a map
    b.put(layer.name, dilated_max_pool(b.graph, in[0], layer, geometry));
}

void build_average_pool(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const Shape x = b.graph.shape(in[0]);
    if (layer.says("other_maps", "whole") && (x.h != layer.whole("window", 0) || x.w != layer.whole("window", 1)))
        return b.put(layer.name, ops::reduce(b.graph, Reduce::mean, {false, true, true, false}, in[0], layer.name));
    ops::PoolGeometry geometry = pool_geometry(layer, x);
    if (geometry.p < 1 || geometry.q < 1) return;  // too small a map
    if (layer.whole("dilation", 0) > 1 || layer.whole("dilation", 1) > 1)
        return b.put(layer.name, dilated_average_pool(b.graph, in[0], layer, geometry));
    NodeId map = in[0];
    if (layer.says("count", "all")) {
        map = padded(b.graph, map, conv_geometry(layer, x), 0);
        geometry.pad_top = geometry.pad_left = 0;
    }
    b.put(layer.name, ops::average_pool(b.graph, map, geometry, layer.name));
}

void build_reduce(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const bool space = layer.says("over", "space"), all = layer.says("over", "all");
    const Axes axes{false, space || all || layer.says("over", "rows"), space || all || layer.says("over", "columns"),
                    all || layer.says("over", "channels")};
    const Reduce by = layer.says("by", "max") ? Reduce::max : layer.says("by", "sum") ? Reduce::sum : Reduce::mean;
    b.put(layer.name, ops::reduce(b.graph, by, axes, in[0], layer.name));
}

}  // namespace

constinit const LayerKind max_pool{"max_pool", 1, 1, kMaxPoolSettings, build_max_pool};
constinit const LayerKind average_pool{"average_pool", 1, 1, kAveragePoolSettings, build_average_pool};
constinit const LayerKind reduce{"reduce", 1, 1, kReduceSettings, build_reduce};

}  // namespace limpid::kinds
