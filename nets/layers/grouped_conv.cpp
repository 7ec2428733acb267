// Slices, products and sums.
#include "nets/layers/grouped_conv.h"

namespace limpid::kinds {

NodeId every(Graph& graph, NodeId x, int64_t stride_y, int64_t stride_x) {
    if (stride_y == 1 && stride_x == 1) return x;
    const Shape s = graph.shape(x);
    return ops::max_pool(graph, x,
                         {1, 1, stride_y, stride_x, 0, 0, (s.h - 1) / stride_y + 1, (s.w - 1) / stride_x + 1});
}

GroupedConv grouped_conv(Graph& graph, NodeId x, NodeId w, int64_t groups, ops::ConvGeometry geometry,
                         const std::string& name) {
    GroupedConv result;
    const Shape f = graph.shape(w);
    const int64_t each = f.c / groups;
    for (int64_t i = 0; i < groups; i++) {
        const NodeId part = ops::slice_channels(graph, x, i * f.w, f.w);
        const NodeId filters = ops::slice(graph, w, {0, 0, 0, i * each}, {f.n, f.h, f.w, each});
        result.multiplies.push_back(ops::conv2d(graph, part, filters, geometry));
    }
    result.value = ops::concatenate(graph, result.multiplies, 3, name);
    return result;
}

NodeId spread(Graph& graph, NodeId w, int64_t dilation_y, int64_t dilation_x) {
    const Shape f = graph.shape(w);
    const bool rows_apart = dilation_y > 1 && f.n > 1, columns_apart = dilation_x > 1 && f.h > 1;
    if (rows_apart) {
        w = ops::reshape(graph, w, {f.n, 1, f.h, f.w * f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {0, dilation_y - 1, 0, 0}});
        w = ops::reshape(graph, w, {f.n * dilation_y, f.h, f.w, f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {1 - dilation_y, 0, 0, 0}});
    }
    if (columns_apart) {
        const int64_t rows = graph.shape(w).n;
        w = ops::reshape(graph, w, {rows, f.h, 1, f.w * f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {0, 0, dilation_x - 1, 0}});
        w = ops::reshape(graph, w, {rows, f.h * dilation_x, f.w, f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {0, 1 - dilation_x, 0, 0}});
    }
    return w;
}

}  // namespace limpid::kinds
