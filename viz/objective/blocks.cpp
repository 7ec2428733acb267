// Building blocks of terms.
#include <algorithm>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/objective/terms.h"

namespace limpid::terms {

namespace {

constexpr Axes kSpace{false, true, true, false}, kImage{false, true, true, true};

// 1 at channel each[n] of image n: {N,1,1,count}.
HostTensor one_hot(const std::vector<int64_t>& each, int64_t first, int64_t count) {
    HostTensor result({int64_t(each.size()), 1, 1, count});
    for (size_t n = 0; n < each.size(); n++) result.at(int64_t(n), 0, 0, each[n] - first) = 1;
    return result;
}

void check_index(const char* what, int64_t index, int64_t size) {
    if (index >= size)
        throw UsageError(concat("the layer has ", what, "s 0..", size - 1, ", asked for ", what, " ", index));
}

}  // namespace

NodeId pick_channels(const TermScope& s, NodeId x, const std::vector<int64_t>& each) {
    Graph& graph = s.graph();
    const auto [least, most] = std::ranges::minmax(each);
    check_index("channel", most, graph.shape(x).c);
    if (s.fed()) {
        // Another image may look at any channel.
        const NodeId selection = s.varying(one_hot(each, 0, graph.shape(x).c), "channels");
        return ops::reduce(graph, Reduce::sum, {false, false, false, true}, ops::mul(graph, x, selection));
    }
    // No more than needed: of a concatenation perhaps one branch.
    const NodeId range = ops::slice_channels(graph, x, least, most - least + 1);
    if (least == most) return range;
    const NodeId chosen = ops::mul(graph, range, graph.constant(one_hot(each, least, most - least + 1), "channels"));
    return ops::reduce(graph, Reduce::sum, {false, false, false, true}, chosen);
}

NodeId pick_position(const TermScope& s, NodeId x, const std::vector<int64_t>& rows,
                     const std::vector<int64_t>& columns) {
    Graph& graph = s.graph();
    const Shape shape = graph.shape(x);
    for (const int64_t row : rows) check_index("row", row, shape.h);
    for (const int64_t column : columns) check_index("column", column, shape.w);
    if (!s.fed() && rows.size() == 1 && columns.size() == 1)
        return ops::slice(graph, x, {0, rows[0], columns[0], 0}, {shape.n, 1, 1, shape.c});
    HostTensor mask({shape.n, shape.h, shape.w, 1});
    for (int64_t n = 0; n < shape.n; n++)
        mask.at(n, rows[rows.size() == 1 ? 0 : size_t(n)], columns[columns.size() == 1 ? 0 : size_t(n)], 0) = 1;
    return ops::reduce(graph, Reduce::sum, kSpace, ops::mul(graph, x, s.varying(std::move(mask), "positions")));
}

NodeId mean_over_space(Graph& graph, NodeId x) { return ops::reduce(graph, Reduce::mean, kSpace, x); }

NodeId sum_of_image(Graph& graph, NodeId x) { return ops::reduce(graph, Reduce::sum, kImage, x); }

NodeId mean_of_image(Graph& graph, NodeId x) { return ops::reduce(graph, Reduce::mean, kImage, x); }

NodeId length(Graph& graph, NodeId squares) {
    // The root of 0 has no slope. 1e-30 is far below what a float's square can resolve next to any epsilon here.
    return ops::unary(graph, Unary::sqrt, ops::binary(graph, Binary::max, squares, graph.scalar(1e-30f)));
}

NodeId blur(Graph& graph, NodeId image, int64_t window) {
    const Shape shape = graph.shape(image);
    HostTensor filter({window, window, shape.c, shape.c}), ones({1, shape.h, shape.w, 1});
    const auto weight = [&](int64_t r, int64_t s) {
        return r == 0 || s == 0 || r == window - 1 || s == window - 1 ? 0.5f : 1.0f;
    };
    for (int64_t r = 0; r < window; r++)
        for (int64_t s = 0; s < window; s++)
            for (int64_t c = 0; c < shape.c; c++) filter.at(r, s, c, c) = weight(r, s);
    const int64_t before = (window - 1) / 2;
    for (int64_t y = 0; y < shape.h; y++)
        for (int64_t x = 0; x < shape.w; x++) {
            float sum = 0;
            for (int64_t r = 0; r < window; r++)
                for (int64_t s = 0; s < window; s++) {
                    const int64_t v = y + r - before, u = x + s - before;
                    if (v >= 0 && v < shape.h && u >= 0 && u < shape.w) sum += weight(r, s);
                }
            ones.at(0, y, x, 0) = 1 / sum;
        }
    const NodeId blurred = ops::conv2d(graph, image, graph.constant(std::move(filter), "blur"),
                                       ops::same_geometry(shape, window, window, 1));
    return ops::mul(graph, blurred, graph.constant(std::move(ones), "1 / blur of ones"));
}

}  // namespace limpid::terms
