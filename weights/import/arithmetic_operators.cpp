// Operators of two tensors or more, element by element with broadcasting; one of them may be constant.
#include <algorithm>
#include <cmath>

#include "weights/import/operators.h"
#include "weights/layer_names.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

// With axes of one place in front, as broadcasting has it.
Placement of_rank(Placement view, size_t rank) {
    while (view.rank() < rank) view.axes.insert(view.axes.begin(), Factors{});
    return view;
}

// What two views make when their layers are broadcast axis by axis; nullopt: another order of elements than that.
std::optional<Placement> joined(const Placement& a, const Placement& b) {
    Placement y{"", {}, {}};
    for (size_t axis = 0; axis < 4; axis++) {
        const int64_t in_a = a.sizes[axis], in_b = b.sizes[axis];
        if (in_a != in_b && in_a != 1 && in_b != 1) return std::nullopt;
        y.sizes[axis] = std::max(in_a, in_b);
    }
    std::array<int64_t, 4> counted{1, 1, 1, 1};
    for (size_t i = 0; i < a.rank(); i++) {
        const Factors &in_a = a.axes[i], &in_b = b.axes[i];
        if (!in_a.empty() && !in_b.empty() && in_a != in_b) return std::nullopt;
        y.axes.push_back(in_a.empty() ? in_b : in_a);
        for (const Factor& factor : y.axes.back()) counted[size_t(factor.axis)] *= factor.size;
    }
    if (counted != y.sizes) return std::nullopt;
    return y;
}

// Both at once: as they lie, else moved to where they are usual.
Placement broadcast(Draft& draft, const ImportNode& node, Placement& a, Placement& b) {
    const size_t rank = std::max(a.rank(), b.rank());
    const Placement whole_a = of_rank(a, rank), whole_b = of_rank(b, rank);
    if (const auto y = joined(whole_a, whole_b)) return *y;
    const Arrangement usual = usual_arrangement(rank, rank > 0 && is_of_images(whole_a, 0) && is_of_images(whole_b, 0));
    const auto arranged_both = [&](const Arrangement& into) {
        a = draft.arranged(node, whole_a, into);
        b = draft.arranged(node, whole_b, into);
        return joined(a, b);
    };
    const auto fits = [&](const Arrangement& into) {
        return joined(arranged_placement("", whole_a.shape(), into), arranged_placement("", whole_b.shape(), into));
    };
    if (fits(usual)) return *arranged_both(usual);
    // Axes that both have lie along the channels, those that only a has along the columns, those of b along the rows.
    const Dimensions in_a = whole_a.shape(), in_b = whole_b.shape();
    Arrangement apart;
    for (size_t axis = 0; axis < rank; axis++) {
        const bool of_images = has_images(whole_a, axis) || has_images(whole_b, axis);
        apart[of_images ? 0 : in_a[axis] == in_b[axis] ? 3 : in_b[axis] == 1 ? 2 : 1].push_back(axis);
    }
    if (fits(apart)) return *arranged_both(apart);
    throw Error(concat("takes ", shape_text(whole_a.shape()), " and ", shape_text(whole_b.shape()),
                       ", which cannot be broadcast"));
}

bool broadcasts_within(const Dimensions& shape, const Dimensions& whole) {
    if (shape.size() > whole.size()) return false;
    for (size_t i = 0; i < shape.size(); i++)
        if (shape[i] != 1 && shape[i] != whole[whole.size() - shape.size() + i]) return false;
    return true;
}

// The constant as a layer that x can be broadcast with: of one place along axes where it has only one.
HostTensor placed(const Draft& draft, const ImportTensor& constant, const Placement& x) {
    Dimensions shape = constant.shape;
    while (shape.size() < x.rank()) shape.insert(shape.begin(), 1);
    Shape y;
    for (size_t i = 0; i < shape.size(); i++)
        for (const Factor& factor : shape[i] == 1 ? Factors() : x.axes[i])
            y[factor.axis] = x.sizes[size_t(factor.axis)];
    if (y.n != 1) throw Error("has a constant for each image of a batch, expected one for all");
    draft.check_made(y.size() - constant.size());
    HostTensor result(y);
    const std::vector<float> values = draft.reals(constant);
    std::array<int64_t, 4> at{};
    for (at[1] = 0; at[1] < y.h; at[1]++)
        for (at[2] = 0; at[2] < y.w; at[2]++)
            for (at[3] = 0; at[3] < y.c; at[3]++) {
                int64_t place = 0;
                for (size_t i = 0; i < shape.size(); i++)
                    place = place * shape[i] + (shape[i] == 1 ? 0 : index_along(x, i, at));
                result.at(0, at[1], at[2], at[3]) = values[size_t(place)];
            }
    return result;
}

struct Arithmetic {
    std::string_view op;
    const char* kind;
};
constexpr Arithmetic kArithmetic[] = {{"Add", "add"}, {"Sum", "add"},  {"Sub", "sub"}, {"Mul", "mul"},
                                      {"Div", "div"}, {"Mean", "add"}, {"Max", "max"}, {"Min", "min"}};

const char* kind_of(std::string_view op) { return std::ranges::find(kArithmetic, op, &Arithmetic::op)->kind; }

Placement one_number(Draft& draft, const ImportNode& node, std::string_view op, Placement x, float value,
                     bool value_first) {
    std::string kind = "affine", settings;
    const auto affine = [&](float scale, float shift) {
        settings = setting("scale", number_text(scale), "1") + setting("shift", number_text(shift), "0");
        settings = settings.empty() ? settings : settings.substr(2);
    };
    if (op == "Add" || op == "Sum" || op == "Mean") {
        affine(1, value);
    } else if (op == "Sub") {
        value_first ? affine(-1, value) : affine(1, -value);
    } else if (op == "Mul") {
        affine(value, 0);
    } else if (op == "Div") {
        if (value_first) x.layer = draft.line(node, "reciprocal", {x.layer}, "", x.sizes, "_reciprocal");
        affine(value_first ? value : 1 / value, 0);
    } else {
        kind = "clip";
        settings = concat(op == "Max" ? "low=" : "high=", number_text(value));
    }
    x.layer = draft.line(node, kind, {x.layer}, settings, x.sizes);
    return x;
}

std::string constant_layer(Draft& draft, const ImportNode& node, HostTensor value) {
    const Shape s = value.shape;
    std::string name = draft.line(node, "constant", {}, concat("size=", size_text(s.h, s.w), ", channels=", s.c),
                                  {1, s.h, s.w, s.c}, "_constant");
    draft.parameter(weight_of(name), std::move(value));
    return name;
}

// In an order of its own, for a tensor that becomes larger by it.
Placement whole_constant(Draft& draft, const ImportNode& node, const ImportTensor& constant) {
    Placement view = arranged_placement("", constant.shape, usual_arrangement(constant.shape.size(), /*images=*/false));
    view.layer = constant_layer(draft, node, placed(draft, constant, view));
    return view;
}

// Several tensors that lie alike, or can be broadcast as they lie: one layer. nullopt: they do not, or are less than
// three.
std::optional<Placement> combined_at_once(Draft& draft, const ImportNode& node) {
    size_t rank = 0;
    for (const std::string& input : node.inputs) {
        if (draft.constant(input)) return std::nullopt;
        rank = std::max(rank, draft.value(input).rank());
    }
    std::optional<Placement> y;
    std::vector<std::string> layers;
    for (const std::string& input : node.inputs) {
        const Placement x = of_rank(draft.value(input), rank);
        y = layers.empty() ? x : joined(*y, x);
        if (!y) return std::nullopt;
        layers.push_back(x.layer);
    }
    if (layers.size() < 3) return std::nullopt;
    y->layer = draft.line(node, kind_of(node.op), layers, "", y->sizes);
    return y;
}

void write_arithmetic(Draft& draft, const ImportNode& node) {
    if (node.inputs.empty()) throw Error("takes nothing, expected two tensors");
    if (node.has("axis")) throw Error("is broadcast from an axis on, as opsets before 7 have it");
    if (const auto all = combined_at_once(draft, node)) return draft.put(node.outputs[0], *all);
    std::optional<Placement> y;
    for (const std::string& input : node.inputs)
        if (!draft.constant(input)) y = y ? combined(draft, node, node.op, *y, draft.value(input)) : draft.value(input);
    if (!y) (void)draft.value(node.inputs[0]);
    for (size_t i = 0; i < node.inputs.size(); i++)
        if (const ImportTensor* constant = draft.constant(node.inputs[i]))
            y = with_constant(draft, node, node.op, *y, *constant, i == 0);
    draft.put(node.outputs[0], *y);
}

// The mean of any number of tensors.
void write_mean(Draft& draft, const ImportNode& node) {
    write_arithmetic(draft, node);
    if (node.inputs.size() < 2) return;
    Placement y = draft.value(node.outputs[0]);
    y.layer =
        draft.line(node, "affine", {y.layer}, concat("scale=", number_text(1 / float(node.inputs.size()))), y.sizes);
    draft.put(node.outputs[0], y);
}

void write_power(Draft& draft, const ImportNode& node) {
    const ImportTensor& exponent = draft.need_constant(node, 1, "exponent");
    if (exponent.size() != 1)
        throw Error(concat("has exponents ", shape_text(exponent.shape), ", expected one number"));
    const float p = draft.reals(exponent)[0];
    Placement x = draft.value(node.input(0));
    // A real power of a negative number is none; whole ones are products.
    const bool product = p > 2 && p <= 8 && p == std::floor(p);
    const std::string kind = p == 1      ? "affine"
                             : p == 2    ? "square"
                             : p == 0.5f ? "sqrt"
                             : p == -1   ? "reciprocal"
                             : product   ? "mul"
                                         : "power";
    if (kind == "power" && p == std::floor(p))
        throw Error(concat("has the exponent ", p, ", expected -1, 1 to 8, or one that is no whole number"));
    const std::vector<std::string> inputs(product ? size_t(p) : 1, x.layer);
    x.layer = draft.line(node, kind, inputs, kind == "power" ? "exponent=" + number_text(p) : "", x.sizes);
    draft.put(node.outputs[0], x);
}

constexpr Operator kArithmeticOperators[] = {
    {"Add", write_arithmetic}, {"Sum", write_arithmetic}, {"Sub", write_arithmetic},
    {"Mul", write_arithmetic}, {"Div", write_arithmetic}, {"Max", write_arithmetic},
    {"Min", write_arithmetic}, {"Pow", write_power},      {"Mean", write_mean},
};

}  // namespace

Placement combined(Draft& draft, const ImportNode& node, std::string_view op, Placement a, Placement b) {
    Placement y = broadcast(draft, node, a, b);
    y.layer = draft.line(node, kind_of(op), {a.layer, b.layer}, "", y.sizes);
    return y;
}

Placement with_constant(Draft& draft, const ImportNode& node, std::string_view op, Placement x,
                        const ImportTensor& constant, bool constant_first) {
    if (!constant.fault.empty()) throw Error(constant.fault);
    if (constant.size() == 1 && constant.shape.size() <= x.rank())
        return one_number(draft, node, op, x, draft.reals(constant)[0], constant_first);
    if (!broadcasts_within(constant.shape, x.shape())) {
        Placement table = whole_constant(draft, node, constant);
        return constant_first ? combined(draft, node, op, table, x) : combined(draft, node, op, x, table);
    }
    HostTensor value = placed(draft, constant, x);
    const bool along_channels = value.shape.h == 1 && value.shape.w == 1 && value.shape.c == x.sizes[3];
    const bool scales = op == "Mul" || (op == "Div" && !constant_first);
    const bool shifts = op == "Add" || op == "Sum" || op == "Mean" || (op == "Sub" && !constant_first);
    if (along_channels && (scales || shifts)) {
        HostTensor scale(value.shape, 1), shift(value.shape, 0);
        for (size_t i = 0; i < value.values.size(); i++) {
            const float v = value.values[i];
            if (scales) scale.values[i] = op == "Mul" ? v : 1 / v;
            if (shifts) shift.values[i] = op == "Sub" ? -v : v;
        }
        x.layer = draft.line(node, "batch_norm", {x.layer}, "", x.sizes);
        draft.parameter(weight_of(x.layer), std::move(scale));
        draft.parameter(bias_of(x.layer), std::move(shift));
        return x;
    }
    std::vector<std::string> inputs{x.layer, constant_layer(draft, node, std::move(value))};
    if (constant_first) std::ranges::reverse(inputs);
    x.layer = draft.line(node, kind_of(op), inputs, "", x.sizes);
    return x;
}

std::span<const Operator> arithmetic_operators() { return kArithmeticOperators; }

}  // namespace limpid
