// Slices, products and sums.
#include "nets/layers/grouped_conv.h"

#include "kernels/error.h"

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

GroupedConv depthwise_conv(Graph& graph, NodeId x, NodeId w, ops::ConvGeometry geometry, const std::string& name) {
    GroupedConv result;
    const Shape f = graph.shape(w);
    const Padding border{{0, geometry.pad_top, geometry.pad_left, 0}, {0, geometry.pad_bottom, geometry.pad_right, 0}};
    const NodeId padded = border == Padding{} ? x : ops::pad(graph, x, PadMode::constant, border);
    const Shape s = graph.shape(padded);
    if (s.h < f.n || s.w < f.h)
        throw Error(concat("has no room for a window of ", f.n, "x", f.h, " on a map of ", s.h, "x", s.w));
    const int64_t p = (s.h - f.n) / geometry.stride_y + 1, q = (s.w - f.h) / geometry.stride_x + 1;
    std::vector<NodeId> sums(size_t(f.c));
    for (int64_t r = 0; r < f.n; r++)
        for (int64_t c = 0; c < f.h; c++) {
            NodeId part = ops::slice(graph, padded, {0, r, c, 0},
                                     {s.n, (p - 1) * geometry.stride_y + 1, (q - 1) * geometry.stride_x + 1, s.c});
            part = every(graph, part, geometry.stride_y, geometry.stride_x);
            for (int64_t j = 0; j < f.c; j++) {
                NodeId tap = ops::slice(graph, w, {r, c, 0, j}, {1, 1, f.w, 1});
                tap = ops::reshape(graph, tap, {1, 1, 1, f.w});
                NodeId& sum = sums[size_t(j)];
                sum = sum.valid() ? ops::ternary(graph, Ternary::multiply_add, part, tap, sum)
                                  : ops::mul(graph, part, tap);
                result.multiplies.push_back(sum);
            }
        }
    if (f.c > 1) {
        for (NodeId& sum : sums) sum = ops::reshape(graph, sum, {s.n, p * q, s.c, 1});
        sums[0] = ops::concatenate(graph, sums, 3);
    }
    result.value = ops::reshape(graph, sums[0], {s.n, p, q, s.c * f.c}, name);
    return result;
}

NodeId spread(Graph& graph, NodeId w, int64_t dilation_y, int64_t dilation_x) {
    const Shape f = graph.shape(w);
    if (dilation_y > 1 && f.n > 1) {
        w = ops::reshape(graph, w, {f.n, 1, f.h, f.w * f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {0, dilation_y - 1, 0, 0}});
        w = ops::reshape(graph, w, {f.n * dilation_y, f.h, f.w, f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {1 - dilation_y, 0, 0, 0}});
    }
    if (dilation_x > 1 && f.h > 1) {
        const int64_t rows = graph.shape(w).n;
        w = ops::reshape(graph, w, {rows, f.h, 1, f.w * f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {0, 0, dilation_x - 1, 0}});
        w = ops::reshape(graph, w, {rows, f.h * dilation_x, f.w, f.c});
        w = ops::pad(graph, w, PadMode::constant, {{}, {0, 1 - dilation_x, 0, 0}});
    }
    return w;
}

}  // namespace limpid::kinds
