// The arithmetic on shapes, operator by operator.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/elementary.h"
#include "weights/import/numbers.h"
#include "weights/import/passes.h"
#include "weights/import/shape_rules.h"

namespace limpid {
namespace {

class Folder {
  public:
    Folder(const ImportNode& node, const ImportGraph& graph) : node_(node), graph_(graph) {}

    std::optional<Numbers> input(size_t place) const {
        const ImportTensor* tensor = find_constant(graph_, node_.input(place));
        return tensor ? numbers_of(*tensor) : std::nullopt;
    }

    std::optional<Numbers> gather() const {
        const auto x = input(0), index = input(1);
        if (!x || !index || x->shape.empty()) return std::nullopt;
        std::vector<int64_t> picks;
        for (const double v : index->values) picks.push_back(whole_number(v));
        return picked(*x, axis_of(node_.integer("axis", 0), x->shape.size()), picks, index->shape);
    }

    std::optional<Numbers> reshaped() const {
        auto x = input(0);
        const auto shape = x ? shape_made_by(node_, graph_, x->shape) : std::nullopt;
        if (!shape) return std::nullopt;
        x->shape = *shape;
        return x;
    }

    std::optional<Numbers> concatenated() const {
        std::optional<Numbers> y;
        for (size_t i = 0; i < node_.inputs.size(); i++) {
            const auto x = input(i);
            if (!x || (y && y->rank() != x->rank())) return std::nullopt;
            if (!y) {
                y = x;
                continue;
            }
            const size_t axis = axis_of(node_.integer("axis", 0), x->shape.size());
            if (x->rank() != 1) return std::nullopt;  // tables are no arithmetic on shapes
            y->whole = y->whole && x->whole;
            y->values.insert(y->values.end(), x->values.begin(), x->values.end());
            y->shape[axis] += x->shape[axis];
        }
        return y;
    }

    std::optional<Numbers> sliced() const {
        auto x = input(0);
        const auto parts = x ? parts_taken_by(node_, graph_, x->shape) : std::nullopt;
        if (!parts) return std::nullopt;
        for (const PartOfAxis& part : *parts) {
            std::vector<int64_t> picks;
            for (int64_t i = 0; i < part.count; i++) picks.push_back(part.first + i * part.step);
            x = picked(*x, part.axis, picks, {part.count});
        }
        return x;
    }

    std::optional<Numbers> cast() const {
        auto x = input(0);
        if (!x) return std::nullopt;
        const int64_t to = node_.integer("to", 1);
        x->whole = !(to == 1 || to == 10 || to == 11 || to == 16);  // float, float16, double, bfloat16
        if (x->whole)
            for (double& v : x->values) v = to == 9 ? double(v != 0) : std::trunc(v);
        return x;
    }

    // Of all inputs in turn, as numpy broadcasts them.
    std::optional<Numbers> combined(double (*f)(double, double), double (*of_wholes)(double, double)) const {
        std::optional<Numbers> y = input(0);
        if (node_.has("axis")) return std::nullopt;  // of opsets before 7, which broadcast otherwise
        for (size_t i = 1; y && i < node_.inputs.size(); i++) {
            const auto x = input(i);
            const auto shape = x ? broadcast_shape(y->shape, x->shape) : std::nullopt;
            if (!shape) return std::nullopt;
            const Numbers a = repeated_to(*y, *shape), b = repeated_to(*x, *shape);
            const bool whole = a.whole && b.whole;
            y = Numbers{*shape, {}, whole};
            for (size_t k = 0; k < a.values.size(); k++)
                y->values.push_back((whole ? of_wholes : f)(a.values[k], b.values[k]));
        }
        return y;
    }

    // 0 or 1.
    std::optional<Numbers> compared(double (*f)(double, double)) const {
        std::optional<Numbers> y = combined(f, f);
        if (y) y->whole = true;
        return y;
    }

    std::optional<Numbers> chosen() const {
        const auto condition = input(0), a = input(1), b = input(2);
        if (!condition || !a || !b) return std::nullopt;
        const auto values = broadcast_shape(a->shape, b->shape);
        const auto shape = values ? broadcast_shape(*values, condition->shape) : std::nullopt;
        if (!shape) return std::nullopt;
        const Numbers c = repeated_to(*condition, *shape), x = repeated_to(*a, *shape), z = repeated_to(*b, *shape);
        Numbers y{*shape, {}, a->whole && b->whole};
        for (size_t i = 0; i < c.values.size(); i++) y.values.push_back(c.values[i] != 0 ? x.values[i] : z.values[i]);
        return y;
    }

    std::optional<Numbers> expanded() const {
        const auto x = input(0);
        const auto asked = integers_of(node_, graph_, 1, "shape");
        const auto shape = x && asked ? broadcast_shape(x->shape, *asked) : std::nullopt;
        return shape ? std::optional(repeated_to(*x, *shape)) : std::nullopt;
    }

    std::optional<Numbers> range() const {
        const auto start = input(0), limit = input(1), delta = input(2);
        if (!start || !limit || !delta || start->values.size() * limit->values.size() * delta->values.size() != 1)
            return std::nullopt;
        const double count = std::ceil((limit->values[0] - start->values[0]) / delta->values[0]);
        if (!(count <= double(kMostValues))) throw Error("is a range without end; export the model again");
        Numbers y{{int64_t(std::max(count, 0.0))}, {}, start->whole};
        for (int64_t i = 0; i < y.shape[0]; i++) y.values.push_back(start->values[0] + double(i) * delta->values[0]);
        return y;
    }

    std::optional<Numbers> unary(double (*f)(double)) const {
        auto x = input(0);
        if (x)
            for (double& v : x->values) v = f(v);
        return x;
    }

    // All numbers of a list in turn.
    std::optional<Numbers> reduced(double (*f)(double, double)) const {
        const auto x = input(0);
        if (!x || x->rank() != 1 || x->values.empty()) return std::nullopt;
        const auto axes = integers_of(node_, graph_, 1, "axes");
        if (axes && axes->empty() && node_.integer("noop_with_empty_axes", 0) != 0) return x;
        Numbers y{node_.integer("keepdims", 1) != 0 ? Dimensions{1} : Dimensions{}, {x->values[0]}, x->whole};
        for (size_t i = 1; i < x->values.size(); i++) y.values[0] = f(y.values[0], x->values[i]);
        return y;
    }

  private:
    const ImportNode& node_;
    const ImportGraph& graph_;
};

double plus(double a, double b) { return a + b; }
double minus(double a, double b) { return a - b; }
double times(double a, double b) { return a * b; }
double divided(double a, double b) { return a / b; }
double divided_wholes(double a, double b) { return b == 0 ? 0 : std::trunc(a / b); }
double larger(double a, double b) { return a > b ? a : b; }
double smaller(double a, double b) { return a < b ? a : b; }
double power(double a, double b) { return elementary::pow(a, b); }
double power_of_wholes(double a, double b) { return b < 0 ? std::trunc(power(a, b)) : std::round(power(a, b)); }
// Of wholes, the sign is the divisor's.
double modulo(double a, double b) { return b == 0 ? 0 : a - b * std::floor(a / b); }
double is_equal(double a, double b) { return a == b; }
double is_greater(double a, double b) { return a > b; }
double is_less(double a, double b) { return a < b; }
double is_not_less(double a, double b) { return a >= b; }
double is_not_greater(double a, double b) { return a <= b; }
double both(double a, double b) { return a != 0 && b != 0; }
double either(double a, double b) { return a != 0 || b != 0; }

struct Rule {
    const char* op;
    std::optional<Numbers> (*fold)(const Folder&);
};
constexpr Rule kRules[] = {
    {"Gather", [](const Folder& f) { return f.gather(); }},
    {"Unsqueeze", [](const Folder& f) { return f.reshaped(); }},
    {"Squeeze", [](const Folder& f) { return f.reshaped(); }},
    {"Flatten", [](const Folder& f) { return f.reshaped(); }},
    {"Concat", [](const Folder& f) { return f.concatenated(); }},
    {"Slice", [](const Folder& f) { return f.sliced(); }},
    {"Reshape", [](const Folder& f) { return f.reshaped(); }},
    {"Cast", [](const Folder& f) { return f.cast(); }},
    {"Range", [](const Folder& f) { return f.range(); }},
    {"ReduceProd", [](const Folder& f) { return f.reduced(times); }},
    {"ReduceSum", [](const Folder& f) { return f.reduced(plus); }},
    {"ReduceMax", [](const Folder& f) { return f.reduced(larger); }},
    {"ReduceMin", [](const Folder& f) { return f.reduced(smaller); }},
    {"Expand", [](const Folder& f) { return f.expanded(); }},
    {"Where", [](const Folder& f) { return f.chosen(); }},
    {"Equal", [](const Folder& f) { return f.compared(is_equal); }},
    {"Greater", [](const Folder& f) { return f.compared(is_greater); }},
    {"Less", [](const Folder& f) { return f.compared(is_less); }},
    {"GreaterOrEqual", [](const Folder& f) { return f.compared(is_not_less); }},
    {"LessOrEqual", [](const Folder& f) { return f.compared(is_not_greater); }},
    {"And", [](const Folder& f) { return f.compared(both); }},
    {"Or", [](const Folder& f) { return f.compared(either); }},
    {"Not", [](const Folder& f) { return f.unary([](double v) { return double(v == 0); }); }},
    {"Max", [](const Folder& f) { return f.combined(larger, larger); }},
    {"Min", [](const Folder& f) { return f.combined(smaller, smaller); }},
    {"Mod", [](const Folder& f) { return f.combined(modulo, modulo); }},
    {"Pow", [](const Folder& f) { return f.combined(power, power_of_wholes); }},
    {"Abs", [](const Folder& f) { return f.unary([](double v) { return std::abs(v); }); }},
    {"Identity", [](const Folder& f) { return f.input(0); }},
    {"Add", [](const Folder& f) { return f.combined(plus, plus); }},
    {"Sub", [](const Folder& f) { return f.combined(minus, minus); }},
    {"Mul", [](const Folder& f) { return f.combined(times, times); }},
    {"Div", [](const Folder& f) { return f.combined(divided, divided_wholes); }},
    {"Floor", [](const Folder& f) { return f.unary([](double v) { return std::floor(v); }); }},
    {"Ceil", [](const Folder& f) { return f.unary([](double v) { return std::ceil(v); }); }},
    {"Sqrt", [](const Folder& f) { return f.unary([](double v) { return std::sqrt(v); }); }},
    {"Neg", [](const Folder& f) { return f.unary([](double v) { return -v; }); }},
};

}  // namespace

std::optional<ImportTensor> folded_by_rule(const ImportNode& node, const ImportGraph& graph) {
    const auto rule = std::ranges::find(kRules, node.op, &Rule::op);
    if (rule == std::end(kRules)) return std::nullopt;
    const std::optional<Numbers> numbers = rule->fold(Folder(node, graph));
    return numbers ? std::optional(as_tensor(*numbers)) : std::nullopt;
}

}  // namespace limpid
