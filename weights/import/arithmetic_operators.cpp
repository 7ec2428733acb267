// Operators of two tensors or more, element by element with broadcasting; one of them may be constant.
#include <algorithm>

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
    a = draft.plain(node, whole_a);
    b = draft.plain(node, whole_b);
    if (const auto y = joined(a, b)) return *y;
    throw Error(concat("takes ", shape_text(whole_a.shape()), " and ", shape_text(whole_b.shape()),
                       ", which cannot be broadcast"));
}

// The constant as a layer that x can be broadcast with: of one place along axes where it has only one.
HostTensor placed(const Draft& draft, const ImportTensor& constant, const Placement& x) {
    Dimensions shape = constant.shape;
    const Dimensions whole = x.shape();
    if (shape.size() > whole.size()) throw Error(concat("has a constant ", shape_text(shape), " of too many axes"));
    while (shape.size() < whole.size()) shape.insert(shape.begin(), 1);
    Shape y;
    for (size_t i = 0; i < shape.size(); i++) {
        if (shape[i] == 1) continue;
        if (shape[i] != whole[i])
            throw Error(concat("has a constant ", shape_text(constant.shape), " for a tensor ", shape_text(whole),
                               ", expected one that it can be broadcast with"));
        for (const Factor& factor : x.axes[i]) y[factor.axis] = x.sizes[size_t(factor.axis)];
    }
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
constexpr Arithmetic kArithmetic[] = {{"Add", "add"}, {"Sum", "add"}, {"Sub", "sub"}, {"Mul", "mul"},
                                      {"Div", "div"}, {"Max", "max"}, {"Min", "min"}};

const char* kind_of(const ImportNode& node) { return std::ranges::find(kArithmetic, node.op, &Arithmetic::op)->kind; }

Placement one_number(Draft& draft, const ImportNode& node, Placement x, float value, bool value_first) {
    std::string kind = "affine", settings;
    const auto affine = [&](float scale, float shift) {
        settings = setting("scale", number_text(scale), "1") + setting("shift", number_text(shift), "0");
        settings = settings.empty() ? settings : settings.substr(2);
    };
    if (node.op == "Add" || node.op == "Sum") {
        affine(1, value);
    } else if (node.op == "Sub") {
        value_first ? affine(-1, value) : affine(1, -value);
    } else if (node.op == "Mul") {
        affine(value, 0);
    } else if (node.op == "Div") {
        if (value_first) x.layer = draft.line(node, "reciprocal", {x.layer}, "", x.sizes, "_reciprocal");
        affine(value_first ? value : 1 / value, 0);
    } else {
        kind = "clip";
        settings = concat(node.op == "Max" ? "low=" : "high=", number_text(value));
    }
    x.layer = draft.line(node, kind, {x.layer}, settings, x.sizes);
    return x;
}

Placement with_constant(Draft& draft, const ImportNode& node, Placement x, const std::string& name,
                        bool constant_first) {
    const ImportTensor& constant = *draft.constant(name);
    if (constant.size() == 1 && constant.shape.size() <= x.rank())
        return one_number(draft, node, x, draft.reals(constant)[0], constant_first);
    HostTensor value = placed(draft, constant, x);
    const bool along_channels = value.shape.h == 1 && value.shape.w == 1 && value.shape.c == x.sizes[3];
    const bool scales = node.op == "Mul" || (node.op == "Div" && !constant_first);
    const bool shifts = node.op == "Add" || node.op == "Sum" || (node.op == "Sub" && !constant_first);
    if (along_channels && (scales || shifts)) {
        HostTensor scale(value.shape, 1), shift(value.shape, 0);
        for (size_t i = 0; i < value.values.size(); i++) {
            const float v = value.values[i];
            if (scales) scale.values[i] = node.op == "Mul" ? v : 1 / v;
            if (shifts) shift.values[i] = node.op == "Sub" ? -v : v;
        }
        x.layer = draft.line(node, "batch_norm", {x.layer}, "", x.sizes);
        draft.parameter(weight_of(x.layer), std::move(scale));
        draft.parameter(bias_of(x.layer), std::move(shift));
        return x;
    }
    const Shape s = value.shape;
    const std::string table = draft.line(node, "constant", {}, concat("size=", size_text(s.h, s.w), ", channels=", s.c),
                                         {1, s.h, s.w, s.c}, "_constant");
    draft.parameter(weight_of(table), std::move(value));
    std::vector<std::string> inputs{x.layer, table};
    if (constant_first) std::ranges::reverse(inputs);
    x.layer = draft.line(node, kind_of(node), inputs, "", x.sizes);
    return x;
}

void write_arithmetic(Draft& draft, const ImportNode& node) {
    if (node.inputs.empty()) throw Error("takes nothing, expected two tensors");
    std::optional<Placement> y;
    if (node.inputs.size() == 2 && draft.has_value(node.inputs[0]) && draft.has_value(node.inputs[1])) {
        Placement a = draft.value(node.inputs[0]), b = draft.value(node.inputs[1]);
        y = broadcast(draft, node, a, b);
        y->layer = draft.line(node, kind_of(node), {a.layer, b.layer}, "", y->sizes);
    } else {
        for (size_t i = 0; i < node.inputs.size(); i++) {
            const std::string& input = node.inputs[i];
            if (draft.constant(input)) continue;
            if (!y) {
                y = draft.value(input);
                continue;
            }
            Placement b = draft.value(input), a = *y;
            y = broadcast(draft, node, a, b);
            y->layer = draft.line(node, kind_of(node), {a.layer, b.layer}, "", y->sizes);
        }
        if (!y) (void)draft.value(node.inputs[0]);
        for (size_t i = 0; i < node.inputs.size(); i++)
            if (draft.constant(node.inputs[i])) y = with_constant(draft, node, *y, node.inputs[i], i == 0);
    }
    draft.put(node.outputs[0], *y);
}

void write_power(Draft& draft, const ImportNode& node) {
    const ImportTensor& exponent = draft.need_constant(node, 1, "exponent");
    if (exponent.size() != 1)
        throw Error(concat("has exponents ", shape_text(exponent.shape), ", expected one number"));
    const float p = draft.reals(exponent)[0];
    Placement x = draft.value(node.input(0));
    const std::string kind = p == 2 ? "square" : p == 0.5f ? "sqrt" : p == -1 ? "reciprocal" : "";
    if (kind.empty()) throw Error(concat("has the exponent ", p, ", expected 2, 0.5 or -1"));
    x.layer = draft.line(node, kind, {x.layer}, "", x.sizes);
    draft.put(node.outputs[0], x);
}

constexpr Operator kArithmeticOperators[] = {
    {"Add", write_arithmetic}, {"Sum", write_arithmetic}, {"Sub", write_arithmetic}, {"Mul", write_arithmetic},
    {"Div", write_arithmetic}, {"Max", write_arithmetic}, {"Min", write_arithmetic}, {"Pow", write_power},
};

}  // namespace

std::span<const Operator> arithmetic_operators() { return kArithmeticOperators; }

}  // namespace limpid
