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

// put_together has given the node its ReLU.
std::string activation_of(const ImportNode& node) {
    return setting("activation", node.text(kOwnActivation, "none"), "none");
}

void write_conv(Draft& draft, const ImportNode& node) {
    const Placement &given = draft.value(node.input(0)), x = draft.arranged(node, given, map_arrangement(given.rank()));
    const ImportTensor& w = draft.need_constant(node, 1, "filter");
    if (w.shape.size() != x.rank())
        throw Error(concat("has a filter ", shape_text(w.shape), " on ", x.rank(), " axes, expected as many of both"));
    const bool has_rows = x.rank() == 4;
    const int64_t channels = x.sizes[3], filters = w.shape[0], groups = node.integer("group", 1),
                  r = has_rows ? w.shape[2] : 1, s = w.shape.back();
    if (groups < 1 || groups > channels || filters < 1 || filters % groups != 0 || w.shape[1] < 1 ||
        w.shape[1] != channels / groups || channels % groups != 0 || r < 1 || s < 1)
        throw Error(concat("has ", filters, " filters of ", w.shape[1], " channels in ", groups, " groups on a map of ",
                           channels, " channels, which do not fit"));
    const Windows windows = windows_of(node, x, r, s);
    const std::vector<float> values = draft.reals(w);
    const std::array<int64_t, 4> sizes{x.sizes[0], windows.p, windows.q, filters};
    const std::string name = draft.line(
        node, "conv", {x.layer},
        concat("channels=", filters, windows.settings(), setting("groups", concat(groups), "1"), activation_of(node)),
        sizes);
    // Depthwise: {r,s,c,m} for m filters of each channel.
    const bool depthwise = groups == channels && groups > 1;
    HostTensor filter = rsck_from_kcrs(values, {windows.r, windows.s, channels / groups, filters});
    if (depthwise) filter.shape = {windows.r, windows.s, channels, filters / groups};
    draft.parameter(weight_of(name), std::move(filter));
    draft.parameter(bias_of(name), bias_or_zeros(draft, node, 2, filters));
    draft.put(node.outputs[0], map_placement(name, x.rank(), sizes));
}

// A matrix of constants, as a node says it: y[o] = scale * sum over i of x[i] * entry(i, o).
struct Matrix {
    int64_t in = 0, out = 0;
    bool by_rows = false;  // {out,in}
    float scale = 1;
    std::vector<float> values;

    float entry(int64_t i, int64_t o) const { return scale * values[size_t(by_rows ? o * in + i : i * out + o)]; }
};

// by_rows: of the last two axes; more are of one place.
Matrix matrix_of(const Draft& draft, const ImportTensor& tensor, bool by_rows) {
    const Dimensions& s = tensor.shape;
    const size_t rank = s.size();
    if (rank < 2 || element_count(Dimensions(s.begin(), s.end() - 2)) != 1)
        throw Error(concat("has a matrix ", shape_text(s), ", expected two axes"));
    Matrix m{s[rank - (by_rows ? 1 : 2)], s[rank - (by_rows ? 2 : 1)], by_rows, 1, draft.reals(tensor)};
    if (m.in < 1 || m.out < 1) throw Error(concat("has an empty matrix ", shape_text(s)));
    return m;
}

// On the last axis of x. bias: {1,1,1,out}.
Placement multiplied(Draft& draft, const ImportNode& node, Placement x, const Matrix& m, HostTensor bias) {
    if (x.rank() < 1) throw Error("takes a single number, expected a matrix of the image");
    const size_t last = x.rank() - 1;
    if (x.shape()[last] != m.in)
        throw Error(concat("has ", m.in, " rows on an axis of ", x.shape()[last], ", which do not fit"));
    const auto covers = [](const Placement& v, size_t axis) {  // all of h, w and c, in any order
        int64_t all = 1;
        for (const Factor& f : v.axes[axis]) all *= f.axis == 0 ? 0 : f.size;
        return all == v.sizes[1] * v.sizes[2] * v.sizes[3];
    };
    const bool dense = x.rank() == 2 && is_of_images(x, 0);
    if (dense && !covers(x, 1)) x = draft.plain(node, x);
    if (!dense && whole_axis(x, last) != 3) x = draft.on_channels(node, x, {last});
    Placement y = x;
    y.sizes = dense ? std::array<int64_t, 4>{x.sizes[0], 1, 1, m.out}
                    : std::array<int64_t, 4>{x.sizes[0], x.sizes[1], x.sizes[2], m.out};
    y.layer =
        draft.line(node, dense ? "dense" : "conv", {x.layer}, concat("channels=", m.out, activation_of(node)), y.sizes);
    y.axes[last] = m.out == 1 ? Factors{} : Factors{{3, m.out, 1}};
    HostTensor w({1, 1, m.in, m.out});
    // Rows in the order in which the map is flattened here, whatever it was there.
    std::array<int64_t, 4> at{};
    const std::array<int64_t, 4> sizes = dense ? x.sizes : std::array<int64_t, 4>{1, 1, 1, m.in};
    int64_t row = 0;
    for (at[1] = 0; at[1] < sizes[1]; at[1]++)
        for (at[2] = 0; at[2] < sizes[2]; at[2]++)
            for (at[3] = 0; at[3] < sizes[3]; at[3]++, row++) {
                const int64_t i = index_along(x, last, at);
                for (int64_t o = 0; o < m.out; o++) w.at(0, 0, row, o) = m.entry(i, o);
            }
    draft.parameter(weight_of(y.layer), std::move(w));
    draft.parameter(bias_of(y.layer), std::move(bias));
    return y;
}

Placement transposed_matrix(const Placement& x) {
    std::vector<size_t> order(x.rank());
    for (size_t i = 0; i < order.size(); i++) order[i] = i;
    if (order.size() < 2) throw Error(concat("takes a tensor of ", x.rank(), " axes, expected a matrix"));
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    return transposed(x, order);
}

// y = alpha * a b + beta * c. b is constant; or a, of which the transpose is: (a b)' = b' a'.
void write_gemm(Draft& draft, const ImportNode& node) {
    const bool a_turned = node.integer("transA", 0) != 0, b_turned = node.integer("transB", 0) != 0;
    const bool a_constant = draft.constant(node.input(0)) != nullptr;
    Matrix m =
        matrix_of(draft, draft.need_constant(node, a_constant ? 0 : 1, "matrix"), a_constant ? !a_turned : b_turned);
    m.scale = node.real("alpha", 1);
    Placement x = draft.value(node.input(a_constant ? 1 : 0));
    if (x.rank() != 2) throw Error(concat("takes a tensor of ", x.rank(), " axes, expected a matrix"));
    if (a_constant ? !b_turned : a_turned) x = transposed_matrix(x);
    const float beta = node.real("beta", 1);
    const ImportTensor* c = draft.constant(node.input(2));
    const bool along = c && !a_constant && (c->size() == 1 || (c->size() == m.out && c->shape.back() == m.out));
    HostTensor bias({1, 1, 1, m.out});
    if (along) bias = bias_or_zeros(draft, node, 2, m.out, beta);
    Placement y = multiplied(draft, node, x, m, std::move(bias));
    if (a_constant) y = transposed_matrix(y);
    if (c && !along) {
        std::vector<float> scaled = draft.reals(*c);
        for (float& value : scaled) value *= beta;
        y = with_constant(draft, node, "Add", y, tensor_of(std::move(scaled), c->shape), false);
    } else if (!c && !node.input(2).empty()) {
        Placement added = draft.value(node.input(2));
        if (beta != 1)
            added.layer =
                draft.line(node, "affine", {added.layer}, concat("scale=", number_text(beta)), added.sizes, "_scaled");
        y = combined(draft, node, "Add", y, added);
    }
    draft.put(node.outputs[0], y);
}

// A constant of one axis is a matrix of one row in front, of one column behind, and that axis is not in the product.
void write_matmul(Draft& draft, const ImportNode& node) {
    const bool first = draft.constant(node.input(0)) != nullptr;
    ImportTensor tensor = draft.need_constant(node, first ? 0 : 1, "matrix");
    const bool vector = tensor.shape.size() == 1;
    if (vector) tensor.shape.insert(first ? tensor.shape.begin() : tensor.shape.end(), 1);
    const Matrix m = matrix_of(draft, tensor, first);
    Placement x = draft.value(node.input(first ? 1 : 0));
    const bool turned = first && x.rank() > 1;
    if (turned) x = transposed_matrix(x);
    Placement y = multiplied(draft, node, x, m, HostTensor({1, 1, 1, m.out}));
    if (vector) y.axes.pop_back();
    if (turned && !vector) y = transposed_matrix(y);
    draft.put(node.outputs[0], y);
}

// y = scale * x + shift, for each channel; plans fold it into the convolution before it.
void write_batch_norm(Draft& draft, const ImportNode& node) {
    if (node.integer("training_mode", 0) != 0) throw Error("is in training mode, expected it in evaluation mode");
    Placement x = draft.value(node.input(0));
    if (x.rank() < 2) throw Error(concat("takes a tensor of ", x.rank(), " axes, expected channels to normalise"));
    if (whole_axis(x, 1) != 3) x = draft.on_channels(node, x, {1});
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
