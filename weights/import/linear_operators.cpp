// Operators with filters, matrices, or a scale and shift for each channel.
#include <algorithm>
#include <cmath>

#include "weights/import/operators.h"
#include "weights/layer_names.h"
#include "weights/layout.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

// {1,1,1,K}; zeros where the node has none.
HostTensor bias_or_zeros(const Draft& draft, const ImportNode& node, size_t input, int64_t channels, float scale = 1) {
    HostTensor bias({1, 1, 1, channels});
    if (node.input(input).empty()) return bias;
    const ImportTensor& tensor = draft.need_constant(node, input, "bias");
    if (tensor.size() != channels && tensor.size() != 1)
        throw Error(concat("has a bias ", shape_text(tensor.shape), ", expected ", channels, " numbers"));
    const std::vector<float> values = draft.reals(tensor);
    for (size_t k = 0; k < bias.values.size(); k++) bias.values[k] = scale * values[values.size() == 1 ? 0 : k];
    return bias;
}

void write_conv(Draft& draft, const ImportNode& node) {
    const Placement x = draft.plain(node, node.input(0));
    const ImportTensor& w = draft.need_constant(node, 1, "filter");
    if (x.rank() != 4 || w.shape.size() != 4)
        throw Error(
            concat("has a filter ", shape_text(w.shape), " on ", x.rank(), " axes, expected four axes of both"));
    const int64_t channels = x.sizes[3], filters = w.shape[0], groups = node.integer("group", 1);
    if (groups < 1 || groups > channels || filters < 1 || filters % groups != 0 || w.shape[1] < 1 ||
        w.shape[1] != channels / groups || channels % groups != 0 || w.shape[2] < 1 || w.shape[3] < 1)
        throw Error(concat("has ", filters, " filters of ", w.shape[1], " channels in ", groups, " groups on a map of ",
                           channels, " channels, which do not fit"));
    const Windows windows = windows_of(node, x, w.shape[2], w.shape[3]);
    const std::vector<float> values = draft.reals(w);
    const std::string name =
        draft.line(node, "conv", {x.layer},
                   concat("channels=", filters, windows.settings(), setting("groups", concat(groups), "1")),
                   {x.sizes[0], windows.p, windows.q, filters});
    // Depthwise: {r,s,c,m} for m filters of each channel.
    const bool depthwise = groups == channels && groups > 1;
    HostTensor filter = rsck_from_kcrs(values, {windows.r, windows.s, channels / groups, filters});
    if (depthwise) filter.shape = {windows.r, windows.s, channels, filters / groups};
    draft.parameter(weight_of(name), std::move(filter));
    draft.parameter(bias_of(name), bias_or_zeros(draft, node, 2, filters));
    draft.put(node.outputs[0], map_placement(name, x.sizes[0], windows.p, windows.q, filters));
}

// A matrix on the last axis of x. entry(i, o): the place in `values` of input i and output o.
template <class Place>
void write_matrix(Draft& draft, const ImportNode& node, Placement x, int64_t in, int64_t out, float scale,
                  const ImportTensor& matrix, const Place& place) {
    if (x.rank() < 2) throw Error(concat("takes a tensor of ", x.rank(), " axes, expected two at least"));
    if (out < 1) throw Error("has a matrix without columns");
    const size_t last = x.rank() - 1;
    if (x.shape()[last] != in)
        throw Error(concat("has ", in, " rows on an axis of ", x.shape()[last], ", which do not fit"));
    const auto covers = [](const Placement& v, size_t axis) {  // all of h, w and c, in any order
        int64_t all = 1;
        for (const Factor& f : v.axes[axis]) all *= f.axis == 0 ? 0 : f.size;
        return all == v.sizes[1] * v.sizes[2] * v.sizes[3];
    };
    const bool dense = x.rank() == 2;
    if (dense && !covers(x, 1)) x = draft.plain(node, x);
    if (!dense && whole_axis(x, last) != 3) x = draft.plain(node, x);
    const std::vector<float> values = draft.reals(matrix);
    Placement y = x;
    std::string settings = concat("channels=", out);
    y.sizes = dense ? std::array<int64_t, 4>{x.sizes[0], 1, 1, out}
                    : std::array<int64_t, 4>{x.sizes[0], x.sizes[1], x.sizes[2], out};
    y.layer = draft.line(node, dense ? "dense" : "conv", {x.layer}, settings, y.sizes);
    if (dense)
        y = plain_placement(y.layer, y.sizes, usual_axes(2));
    else
        y.axes[last] = out == 1 ? Factors{} : Factors{{3, out, 1}};
    HostTensor w({1, 1, in, out});
    // Rows in the order in which the map is flattened here, whatever it was there.
    std::array<int64_t, 4> at{};
    const std::array<int64_t, 4> sizes = dense ? x.sizes : std::array<int64_t, 4>{1, 1, 1, in};
    int64_t row = 0;
    for (at[1] = 0; at[1] < sizes[1]; at[1]++)
        for (at[2] = 0; at[2] < sizes[2]; at[2]++)
            for (at[3] = 0; at[3] < sizes[3]; at[3]++, row++) {
                const int64_t i = index_along(x, last, at);
                for (int64_t o = 0; o < out; o++) w.at(0, 0, row, o) = scale * values[size_t(place(i, o))];
            }
    draft.parameter(weight_of(y.layer), std::move(w));
    draft.put(node.outputs[0], y);
}

void write_gemm(Draft& draft, const ImportNode& node) {
    if (node.integer("transA", 0) != 0) throw Error("transposes its first matrix, expected transA of 0");
    const ImportTensor& w = draft.need_constant(node, 1, "matrix");
    if (w.shape.size() != 2) throw Error(concat("has a matrix ", shape_text(w.shape), ", expected two axes"));
    const bool by_rows = node.integer("transB", 0) != 0;
    const int64_t in = w.shape[by_rows ? 1 : 0], out = w.shape[by_rows ? 0 : 1];
    const HostTensor bias = bias_or_zeros(draft, node, 2, out, node.real("beta", 1));
    write_matrix(draft, node, draft.value(node.input(0)), in, out, node.real("alpha", 1), w,
                 [=](int64_t i, int64_t o) { return by_rows ? o * in + i : i * out + o; });
    draft.parameter(bias_of(draft.value(node.outputs[0]).layer), bias);
}

void write_matmul(Draft& draft, const ImportNode& node) {
    const ImportTensor& w = draft.need_constant(node, 1, "matrix");
    if (w.shape.size() != 2) throw Error(concat("has a matrix ", shape_text(w.shape), ", expected two axes"));
    const int64_t out = w.shape[1];
    write_matrix(draft, node, draft.value(node.input(0)), w.shape[0], out, 1, w,
                 [=](int64_t i, int64_t o) { return i * out + o; });
    draft.parameter(bias_of(draft.value(node.outputs[0]).layer), HostTensor({1, 1, 1, out}));
}

// y = scale * x + shift, for each channel; plans fold it into the convolution before it.
void write_batch_norm(Draft& draft, const ImportNode& node) {
    if (node.integer("training_mode", 0) != 0) throw Error("is in training mode, expected it in evaluation mode");
    Placement x = draft.value(node.input(0));
    if (x.rank() < 2 || whole_axis(x, 1) != 3) x = draft.plain(node, x);
    if (x.rank() < 2 || whole_axis(x, 1) != 3) throw Error("normalises something else than channels");
    const int64_t channels = x.sizes[3];
    std::vector<std::vector<float>> p;
    for (size_t i = 1; i < 5; i++) {
        p.push_back(draft.reals(draft.need_constant(node, i, "parameter")));
        if (int64_t(p.back().size()) != channels)
            throw Error(concat("has ", p.back().size(), " parameters for ", channels, " channels"));
    }
    HostTensor scale({1, 1, 1, channels}), shift = scale;
    for (size_t k = 0; k < size_t(channels); k++) {
        const double s = p[0][k] / std::sqrt(double(p[3][k]) + node.real("epsilon", 1e-5f));
        scale.values[k] = float(s);
        shift.values[k] = float(p[1][k] - p[2][k] * s);
    }
    x.layer = draft.line(node, "batch_norm", {x.layer}, "", x.sizes);
    draft.parameter(weight_of(x.layer), std::move(scale));
    draft.parameter(bias_of(x.layer), std::move(shift));
    draft.put(node.outputs[0], x);
}

constexpr Operator kLinearOperators[] = {
    {"Conv", write_conv},
    {"Gemm", write_gemm},
    {"MatMul", write_matmul},
    {"BatchNormalization", write_batch_norm},
};

}  // namespace

std::span<const Operator> linear_operators() { return kLinearOperators; }

}  // namespace limpid
