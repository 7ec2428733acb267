// Layers that move elements and change none.
//
//   y = slice(x, rows=0 7, channels=3 5)     first and count along each axis; a count of 0: all that follow
//   y = slice(x, rows=6 4 -2)                also the step: rows 6, 4, 2 and 0
//   y = pad(x, border=1x1, value=0)          border=TOPxLEFTxBOTTOMxRIGHT; channels=0 16: before and behind;
//                                            mode=reflect: mirrored without repeating the edge; mode=edge: the edge
//                                            repeated
//   y = rearrange(x, channels=3 8, order=0 1 3 2, into=1 1 2)
//       Axes as products of factors, put into another order. rows, columns and channels say the factors of each axis of
//       x, slowest first, 0 (one of them) being what is left; by default each axis is one factor. All factors are
//       counted from 0 on, rows first; order lists them as y has them, and into says how many of these are the rows, the
//       columns and the channels of y. The example shuffles channels: channel i*8+j of x is channel j*3+i of y.
#include <algorithm>
#include <numeric>

#include "graph/ops.h"
#include "kernels/error.h"
#include "nets/layers/grouped_conv.h"
#include "nets/layers/kinds.h"

namespace limpid::kinds {

namespace {

using Form = SettingRule::Form;

constexpr double kFar = 1 << 24;
constexpr std::string_view kAxes[] = {"rows", "columns", "channels"};

constexpr SettingRule kSliceSettings[] = {
    {"rows", Form::wholes, "", -kFar, kFar},
    {"columns", Form::wholes, "", -kFar, kFar},
    {"channels", Form::wholes, "", -kFar, kFar},
};
constexpr SettingRule kPadSettings[] = {
    {"border", Form::border, "0x0", 0, 65535},
    {"channels", Form::wholes, "", 0, 65535},
    {"mode", Form::word, "constant", 0, 0, "constant reflect edge"},
    {"value", Form::number, "0", -3.4028235e+38, 3.4028235e+38},
};
constexpr SettingRule kRearrangeSettings[] = {
    {"rows", Form::wholes, "0", 0, kFar},     {"columns", Form::wholes, "0", 0, kFar},
    {"channels", Form::wholes, "0", 0, kFar}, {"order", Form::wholes, kRequired, 0, 64},
    {"into", Form::wholes, kRequired, 0, 64},
};

constexpr int64_t kMostPieces = 4096;  // that are put together one by one

// One place of an axis.
NodeId place(Graph& graph, NodeId x, int axis, int64_t at) {
    Shape extent = graph.shape(x);
    std::array<int64_t, 4> first{};
    first[size_t(axis)] = at;
    extent[axis] = 1;
    return ops::slice(graph, x, first, extent);
}

// Every step-th place along an axis, from the first one on.
NodeId every_place(Graph& graph, NodeId x, int axis, int64_t step) {
    Shape shape = graph.shape(x);
    const int64_t count = (shape[axis] + step - 1) / step;
    if (axis == 1 || axis == 2) return every(graph, x, axis == 1 ? step : 1, axis == 2 ? step : 1);
    Padding behind;  // to a whole number of steps
    behind.after[3] = count * step - shape.c;
    if (behind.after[3] > 0) x = ops::pad(graph, x, PadMode::constant, behind);
    x = ops::reshape(graph, x, {shape.n * shape.h, shape.w, count, step});
    x = ops::slice_channels(graph, x, 0, 1);
    return ops::reshape(graph, x, {shape.n, shape.h, shape.w, count});
}

NodeId backwards(Graph& graph, NodeId x, int axis) {
    const int64_t size = graph.shape(x)[axis];
    if (size == 1) return x;
    if (size > kMostPieces) throw Error(concat("turns ", size, " places round, expected at most ", kMostPieces));
    std::vector<NodeId> places;
    for (int64_t at = size; at-- > 0;) places.push_back(place(graph, x, axis, at));
    return ops::concatenate(graph, std::move(places), axis);
}

void build_slice(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    Shape extent = b.graph.shape(in[0]);
    std::array<int64_t, 4> first{};
    std::array<int64_t, 4> steps{1, 1, 1, 1};
    for (int axis = 1; axis < 4; axis++) {
        const std::vector<double>& said = layer.numbers(kAxes[axis - 1]);
        if (said.empty()) continue;
        if (said.size() != 2 && said.size() != 3)
            throw Error(concat("has ", said.size(), " numbers for its ", kAxes[axis - 1],
                               ", expected the first, how many and the step"));
        const int64_t from = int64_t(said[0]), size = extent[axis], step = said.size() == 3 ? int64_t(said[2]) : 1;
        if (step == 0 || from < 0 || said[1] < 0)
            throw Error(concat("takes ", said[1], " ", kAxes[axis - 1], " from ", from, " on in steps of ", step,
                               ", expected places that are there"));
        const int64_t all = step > 0 ? (size - from + step - 1) / step : from / -step + 1;
        const int64_t count = said[1] > 0 ? int64_t(said[1]) : all, last = from + (count - 1) * step;
        if (count < 1 || std::max(from, last) >= size || last < 0) return;  // too small a map
        first[size_t(axis)] = std::min(from, last);
        extent[axis] = std::abs(last - from) + 1;
        steps[size_t(axis)] = step;
    }
    const bool stepped = steps != std::array<int64_t, 4>{1, 1, 1, 1};
    NodeId y = ops::slice(b.graph, in[0], first, extent, stepped ? std::string() : layer.name);
    for (int axis = 1; axis < 4; axis++) {
        const int64_t step = steps[size_t(axis)];
        if (std::abs(step) > 1) y = every_place(b.graph, y, axis, std::abs(step));
        if (step < 0) y = backwards(b.graph, y, axis);
    }
    b.put(layer.name, y);
}

// The edges along one axis, repeated.
NodeId with_edges(Graph& graph, NodeId x, int axis, int64_t before, int64_t after) {
    const auto edge = [&](int64_t at, int64_t count) {
        Shape shape = graph.shape(x);
        shape[axis] = count;
        return ops::broadcast(graph, place(graph, x, axis, at), shape);
    };
    std::vector<NodeId> parts;
    if (before > 0) parts.push_back(edge(0, before));
    parts.push_back(x);
    if (after > 0) parts.push_back(edge(graph.shape(x)[axis] - 1, after));
    return parts.size() == 1 ? x : ops::concatenate(graph, std::move(parts), axis);
}

void build_pad(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const std::vector<double>& channels = layer.numbers("channels");
    if (channels.size() != 0 && channels.size() != 2)
        throw Error(concat("has ", channels.size(), " numbers for its channels, expected those before and behind"));
    const size_t behind = layer.numbers("border").size() == 4 ? 2 : 0;
    Padding padding;
    for (size_t i = 0; i < 2; i++) {
        padding.before[i + 1] = layer.whole("border", i);
        padding.after[i + 1] = layer.whole("border", i + behind);
    }
    if (!channels.empty()) padding.before[3] = int64_t(channels[0]), padding.after[3] = int64_t(channels[1]);
    if (layer.says("mode", "edge")) {
        NodeId y = in[0];
        for (int axis = 1; axis < 4; axis++)
            y = with_edges(b.graph, y, axis, padding.before[size_t(axis)], padding.after[size_t(axis)]);
        return b.put(layer.name, y);
    }
    const bool reflects = layer.says("mode", "reflect");
    const Shape x = b.graph.shape(in[0]);
    for (int axis = 0; axis < 4 && reflects; axis++)
        if (padding.before[size_t(axis)] >= x[axis] || padding.after[size_t(axis)] >= x[axis])
            return;  // too small a map
    b.put(layer.name, ops::pad(b.graph, in[0], reflects ? PadMode::reflect : PadMode::constant, padding,
                               float(layer.numbers("value")[0]), layer.name));
}

int64_t product(std::span<const int64_t> sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

// The sizes of the factors; empty: they do not divide this map.
std::vector<int64_t> factors_of(const Layer& layer, Shape x) {
    std::vector<int64_t> sizes;
    for (int axis = 1; axis < 4; axis++) {
        const std::vector<double>& said = layer.numbers(kAxes[axis - 1]);
        int64_t known = 1;
        for (const double factor : said) known *= factor > 0 ? std::min<int64_t>(int64_t(factor), x[axis] + 1) : 1;
        const auto open = std::ranges::count(said, 0);
        if (open > 1 || said.size() > 16)
            throw Error(concat("has ", said.size(), " factors of its ", kAxes[axis - 1], ", ", open,
                               " of them open, expected at most 16 and one"));
        if (x[axis] % known != 0 || (open == 0 && known != x[axis])) return {};
        for (const double factor : said) sizes.push_back(factor > 0 ? int64_t(factor) : x[axis] / known);
    }
    return sizes;
}

void build_rearrange(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const Shape x = b.graph.shape(in[0]);
    const std::vector<int64_t> sizes = factors_of(layer, x);
    if (sizes.empty()) return;
    const std::vector<double>&order = layer.numbers("order"), &into = layer.numbers("into");
    std::vector<double> sorted = order;
    std::ranges::sort(sorted);
    bool each_once = sorted.size() == sizes.size();
    for (size_t i = 0; i < sorted.size() && each_once; i++) each_once = sorted[i] == double(i);
    if (!each_once || into.size() != 3 || into[0] + into[1] + into[2] != double(sizes.size()))
        throw Error(concat("puts ", order.size(), " factors into ", into.size(), " axes, expected each of ",
                           sizes.size(), " once, and how many of them are rows, columns and channels"));
    // Blocks that are already next to each other move at once; four axes are enough to move one.
    std::vector<size_t> now(sizes.size());
    std::iota(now.begin(), now.end(), 0);
    NodeId y = in[0];
    for (size_t i = 0; i < now.size(); i++) {
        const auto from = std::ranges::find(now, size_t(order[i]));
        const auto place = size_t(from - now.begin());
        if (place == i) continue;
        size_t end = place + 1;
        while (end < now.size() && now[end] == size_t(order[i + end - place])) end++;
        std::vector<int64_t> current;
        for (const size_t factor : now) current.push_back(sizes[factor]);
        const std::span<const int64_t> all(current);
        y = ops::reshape(b.graph, y,
                         {x.n * product(all.first(i)), product(all.subspan(i, place - i)),
                          product(all.subspan(place, end - place)), product(all.subspan(end))});
        y = ops::transpose(b.graph, y, {0, 2, 1, 3});
        std::rotate(now.begin() + std::ptrdiff_t(i), now.begin() + std::ptrdiff_t(place),
                    now.begin() + std::ptrdiff_t(end));
    }
    std::vector<int64_t> moved;
    for (const size_t factor : now) moved.push_back(sizes[factor]);
    const std::span<const int64_t> all(moved);
    const auto rows = size_t(into[0]), columns = size_t(into[1]);
    b.put(layer.name, ops::reshape(b.graph, y,
                                   {x.n, product(all.first(rows)), product(all.subspan(rows, columns)),
                                    product(all.subspan(rows + columns))},
                                   layer.name));
}

}  // namespace

constinit const LayerKind slice{"slice", 1, 1, kSliceSettings, build_slice};
constinit const LayerKind pad{"pad", 1, 1, kPadSettings, build_pad};
constinit const LayerKind rearrange{"rearrange", 1, 1, kRearrangeSettings, build_rearrange};

}  // namespace limpid::kinds
