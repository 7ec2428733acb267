// Evaluates the arithmetic on shapes that exporters leave in a graph.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "weights/import/passes.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

// Shapes, axes and small tables; parameters are left where they are.
constexpr int64_t kMostValues = 65536;

// Values of a small constant, exact for integers below 2^53 and all reals.
struct Numbers {
    Dimensions shape;
    std::vector<double> values;
    bool whole = true;

    int64_t rank() const { return int64_t(shape.size()); }
};

constexpr double kFar = 0x1p62;  // ends of slices beyond it mean the end

ImportTensor as_tensor(const Numbers& n) {
    if (n.whole) {
        std::vector<int64_t> values;
        for (const double v : n.values) values.push_back(int64_t(std::clamp(v, -kFar, kFar)));
        return tensor_of(std::move(values), n.shape);
    }
    std::vector<float> values;
    for (const double v : n.values) values.push_back(float(v));
    return tensor_of(std::move(values), n.shape);
}

std::optional<Numbers> numbers_of(const ImportTensor& tensor) {
    if (!tensor.fault.empty() || tensor.size() < 0 || tensor.size() > kMostValues) return std::nullopt;
    Numbers n{tensor.shape, {}, !is_real(tensor.type)};
    if (n.whole)
        for (const int64_t v : tensor.integers(kMostValues)) n.values.push_back(double(v));
    else
        for (const float v : tensor.reals(kMostValues)) n.values.push_back(v);
    return n;
}

size_t axis_in(int64_t axis, int64_t rank) {
    if (axis < -rank || axis >= rank)
        throw Error(concat("has the axis ", axis, ", expected one of ", rank, " axes; export the model again"));
    return size_t(axis < 0 ? axis + rank : axis);
}

// Elements before and behind an axis.
std::pair<int64_t, int64_t> around(const Dimensions& shape, size_t axis) {
    return {element_count(Dimensions(shape.begin(), shape.begin() + std::ptrdiff_t(axis))),
            element_count(Dimensions(shape.begin() + std::ptrdiff_t(axis) + 1, shape.end()))};
}

// Rows `picks` along an axis.
Numbers picked(const Numbers& x, size_t axis, const std::vector<int64_t>& picks, const Dimensions& shape_of_picks) {
    const auto [before, behind] = around(x.shape, axis);
    const int64_t size = x.shape[axis];
    Numbers y{x.shape, {}, x.whole};
    y.shape.erase(y.shape.begin() + std::ptrdiff_t(axis));
    y.shape.insert(y.shape.begin() + std::ptrdiff_t(axis), shape_of_picks.begin(), shape_of_picks.end());
    if (before * behind > 0 && int64_t(picks.size()) > kMostValues / (before * behind))
        throw Error("makes a constant that is far too large; export the model again");
    for (int64_t i = 0; i < before; i++)
        for (int64_t pick : picks) {
            if (pick < 0) pick += size;
            if (pick < 0 || pick >= size)
                throw Error(concat("takes place ", pick, " of ", size, "; export the model again"));
            for (int64_t j = 0; j < behind; j++) y.values.push_back(x.values[size_t((i * size + pick) * behind + j)]);
        }
    return y;
}

// As Reshape says it: 0 is the size that was there, -1 what is left.
Dimensions reshaped_to(const Dimensions& asked, const Dimensions& from) {
    constexpr int64_t kFarTooMany = int64_t(1) << 31;
    const int64_t all = element_count(from);
    Dimensions shape = asked;
    int64_t known = 1;
    for (size_t i = 0; i < shape.size(); i++) {
        if (shape[i] == 0 && i < from.size()) shape[i] = from[i];
        if (shape[i] > 0 && known < kFarTooMany) known *= std::min(shape[i], kFarTooMany);
    }
    for (int64_t& size : shape)
        if (size == -1) size = all / known;
    if (element_count(shape) != all)
        throw Error(concat("makes ", shape_text(shape), " of ", shape_text(from), "; export the model again"));
    return shape;
}

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
        for (const double v : index->values) picks.push_back(int64_t(v));
        return picked(*x, axis_in(node_.integer("axis", 0), x->rank()), picks, index->shape);
    }

    std::optional<Numbers> unsqueeze() const {
        auto x = input(0);
        const auto axes = integers_of(node_, graph_, 1, "axes");
        if (!x || !axes) return std::nullopt;
        const int64_t rank = x->rank() + int64_t(axes->size());
        std::vector<size_t> places;
        for (const int64_t axis : *axes) places.push_back(axis_in(axis, rank));
        std::ranges::sort(places);
        for (const size_t place : places) {
            if (place > x->shape.size()) throw Error("has axes twice; export the model again");
            x->shape.insert(x->shape.begin() + std::ptrdiff_t(place), 1);
        }
        return x;
    }

    std::optional<Numbers> squeeze() const {
        auto x = input(0);
        if (!x) return std::nullopt;
        const auto axes = integers_of(node_, graph_, 1, "axes");
        std::vector<size_t> places;
        if (axes)
            for (const int64_t axis : *axes) places.push_back(axis_in(axis, x->rank()));
        Dimensions shape;
        for (size_t i = 0; i < x->shape.size(); i++)
            if (x->shape[i] != 1 || (axes && std::ranges::count(places, i) == 0)) shape.push_back(x->shape[i]);
        x->shape = shape;
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
            const size_t axis = axis_in(node_.integer("axis", 0), x->rank());
            if (x->rank() != 1) return std::nullopt;  // tables are no arithmetic on shapes
            y->whole = y->whole && x->whole;
            y->values.insert(y->values.end(), x->values.begin(), x->values.end());
            y->shape[axis] += x->shape[axis];
        }
        return y;
    }

    std::optional<Numbers> sliced() const {
        auto x = input(0);
        const auto starts = integers_of(node_, graph_, 1, "starts"), ends = integers_of(node_, graph_, 2, "ends");
        if (!x || !starts || !ends || starts->size() != ends->size()) return std::nullopt;
        std::vector<int64_t> axes(starts->size());
        std::iota(axes.begin(), axes.end(), 0);
        axes = integers_of(node_, graph_, 3, "axes").value_or(axes);
        const auto steps = integers_of(node_, graph_, 4, "steps").value_or(std::vector<int64_t>(starts->size(), 1));
        if (axes.size() != starts->size() || steps.size() != starts->size()) return std::nullopt;
        for (size_t i = 0; i < axes.size(); i++) {
            const size_t axis = axis_in(axes[i], x->rank());
            const int64_t size = x->shape[axis], step = steps[i];
            if (step == 0) return std::nullopt;
            const auto placed = [&](int64_t at) {
                if (at < 0) at = at < -size ? -1 : at + size;
                return step > 0 ? std::clamp<int64_t>(at, 0, size) : std::clamp<int64_t>(at, -1, size - 1);
            };
            std::vector<int64_t> picks;
            const int64_t end = placed((*ends)[i]), bounded = std::clamp<int64_t>(step, -kMostValues, kMostValues);
            for (int64_t at = placed((*starts)[i]); bounded > 0 ? at < end : at > end; at += bounded)
                picks.push_back(at);
            x = picked(*x, axis, picks, {int64_t(picks.size())});
        }
        return x;
    }

    std::optional<Numbers> reshaped() const {
        auto x = input(0);
        const auto sizes = integers_of(node_, graph_, 1, "shape");
        if (!x || !sizes) return std::nullopt;
        x->shape = reshaped_to(*sizes, x->shape);
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

    std::optional<Numbers> binary(double (*f)(double, double), double (*of_wholes)(double, double)) const {
        const auto a = input(0), b = input(1);
        if (!a || !b) return std::nullopt;
        const size_t na = a->values.size(), nb = b->values.size();
        if (na != nb && na != 1 && nb != 1) return std::nullopt;
        Numbers y{na >= nb && a->rank() >= b->rank() ? a->shape : b->shape, {}, a->whole && b->whole};
        if (element_count(y.shape) != int64_t(std::max(na, nb)) || na * nb == 0) return std::nullopt;
        for (size_t i = 0; i < std::max(na, nb); i++)
            y.values.push_back((y.whole ? of_wholes : f)(a->values[na == 1 ? 0 : i], b->values[nb == 1 ? 0 : i]));
        return y;
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

    std::optional<Numbers> product() const {
        const auto x = input(0);
        if (!x || x->rank() != 1) return std::nullopt;
        const int64_t keeps = node_.integer("keepdims", 1);
        Numbers y{keeps ? Dimensions{1} : Dimensions{}, {1}, x->whole};
        for (const double v : x->values) y.values[0] *= v;
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

struct Rule {
    const char* op;
    std::optional<Numbers> (*fold)(const Folder&);
};
constexpr Rule kRules[] = {
    {"Gather", [](const Folder& f) { return f.gather(); }},
    {"Unsqueeze", [](const Folder& f) { return f.unsqueeze(); }},
    {"Squeeze", [](const Folder& f) { return f.squeeze(); }},
    {"Concat", [](const Folder& f) { return f.concatenated(); }},
    {"Slice", [](const Folder& f) { return f.sliced(); }},
    {"Reshape", [](const Folder& f) { return f.reshaped(); }},
    {"Cast", [](const Folder& f) { return f.cast(); }},
    {"Range", [](const Folder& f) { return f.range(); }},
    {"ReduceProd", [](const Folder& f) { return f.product(); }},
    {"Identity", [](const Folder& f) { return f.input(0); }},
    {"Add", [](const Folder& f) { return f.binary(plus, plus); }},
    {"Sub", [](const Folder& f) { return f.binary(minus, minus); }},
    {"Mul", [](const Folder& f) { return f.binary(times, times); }},
    {"Div", [](const Folder& f) { return f.binary(divided, divided_wholes); }},
    {"Floor", [](const Folder& f) { return f.unary([](double v) { return std::floor(v); }); }},
    {"Ceil", [](const Folder& f) { return f.unary([](double v) { return std::ceil(v); }); }},
    {"Sqrt", [](const Folder& f) { return f.unary([](double v) { return std::sqrt(v); }); }},
    {"Neg", [](const Folder& f) { return f.unary([](double v) { return -v; }); }},
};

std::optional<ImportTensor> constant_of(const ImportNode& node) {
    for (const auto& [key, value] : node.attributes) {
        if (const auto* tensor = std::get_if<ImportTensor>(&value); tensor && key == "value") return *tensor;
        if (const auto* real = std::get_if<float>(&value); real && key == "value_float")
            return tensor_of(std::vector<float>{*real}, {});
        if (const auto* whole = std::get_if<int64_t>(&value); whole && key == "value_int")
            return tensor_of(std::vector<int64_t>{*whole}, {});
        if (const auto* reals = std::get_if<std::vector<float>>(&value); reals && key == "value_floats")
            return tensor_of(*reals, {int64_t(reals->size())});
        if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value); wholes && key == "value_ints")
            return tensor_of(*wholes, {int64_t(wholes->size())});
    }
    return std::nullopt;
}

// One value everywhere, kept as one value.
std::optional<ImportTensor> constant_of_shape(const ImportNode& node, const ImportGraph& graph) {
    const auto shape = integers_of(node, graph, 0, "shape");
    if (!shape) return std::nullopt;
    ImportTensor tensor = tensor_of(std::vector<float>{0}, {1});
    if (const auto value = node.attributes.find("value"); value != node.attributes.end())
        if (const auto* given = std::get_if<ImportTensor>(&value->second)) tensor = *given;
    if (!tensor.fault.empty()) throw Error(tensor.fault);
    if (tensor.size() != 1 || element_count(*shape) < 0)
        throw Error(concat("makes a constant of shape ", shape_text(*shape), " of ", shape_text(tensor.shape),
                           ", expected one value"));
    tensor.shape = *shape;
    tensor.uniform = true;
    return tensor;
}

std::optional<ImportTensor> shape_tensor(const ImportNode& node, const Dimensions& shape) {
    const int64_t rank = int64_t(shape.size());
    const auto placed = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
    const int64_t start = placed(node.integer("start", 0)), end = placed(node.integer("end", rank));
    std::vector<int64_t> values;
    for (int64_t i = start; i < end; i++) values.push_back(shape[size_t(i)]);
    const int64_t count = int64_t(values.size());
    return tensor_of(std::move(values), {count});
}

}  // namespace

std::optional<std::vector<int64_t>> integers_of(const ImportNode& node, const ImportGraph& graph, size_t input,
                                                const std::string& attribute) {
    if (const ImportTensor* tensor = find_constant(graph, node.input(input))) return tensor->integers(kMostValues);
    if (!node.input(input).empty() || !node.has(attribute)) return std::nullopt;
    return node.integers(attribute, {});
}

std::optional<std::vector<ImportTensor>> folded(const ImportNode& node, const ImportGraph& graph,
                                                const ShapeOf& shape_of) {
    std::optional<ImportTensor> result;
    if (node.op == "Constant") {
        result = constant_of(node);
    } else if (node.op == "ConstantOfShape") {
        result = constant_of_shape(node, graph);
    } else if (node.op == "Shape" || node.op == "Size") {
        std::optional<Dimensions> shape = shape_of(node.input(0));
        if (const ImportTensor* constant = find_constant(graph, node.input(0))) shape = constant->shape;
        if (shape && node.op == "Shape") result = shape_tensor(node, *shape);
        if (shape && node.op == "Size") result = tensor_of(std::vector<int64_t>{element_count(*shape)}, {});
    } else if (const auto rule = std::ranges::find(kRules, node.op, &Rule::op); rule != std::end(kRules)) {
        // Reals, as scales between parameters, stay tensors of reals.
        if (const std::optional<Numbers> numbers = rule->fold(Folder(node, graph))) result = as_tensor(*numbers);
        // Parameters handed on, or in another precision: as they are.
        const ImportTensor* whole = find_constant(graph, node.input(0));
        if (!result && whole && (node.op == "Identity" || (node.op == "Cast" && is_real(whole->type)))) result = *whole;
        const auto shape = node.op == "Reshape" ? integers_of(node, graph, 1, "shape") : std::nullopt;
        if (!result && whole && shape) {
            result = *whole;
            result->shape = reshaped_to(*shape, whole->shape);
        }
    }
    if (!result) return std::nullopt;
    return std::vector<ImportTensor>{*result};
}

void add_constants(ImportGraph& graph, const ImportNode& node, std::vector<ImportTensor> constants) {
    constexpr int64_t kMostMade = 1 << 24;
    for (size_t i = 0; i < constants.size() && i < node.outputs.size(); i++) {
        ImportTensor& tensor = constants[i];
        if (tensor.owned) graph.made_values += int64_t(tensor.bytes.size() / size_bytes_of(tensor.type));
        if (graph.made_values > kMostMade)
            throw Error("makes more values of constants than any network needs; export the model again");
        graph.constants[node.outputs[i]] = std::move(tensor);
    }
}

void fold_constants(ImportGraph& graph) {
    const ShapeOf unknown = [](const std::string&) { return std::nullopt; };
    std::erase_if(graph.nodes, [&](const ImportNode& node) {
        if (node.outputs.empty()) return false;
        try {
            auto constants = folded(node, graph, unknown);
            if (!constants) return false;
            add_constants(graph, node, std::move(*constants));
            return true;
        } catch (const Error&) {
            return false;  // said of the node later, where anything depends on it
        }
    });
}

}  // namespace limpid
