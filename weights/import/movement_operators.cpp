// Operators that move elements and change none. Reshapes and transpositions only change placements.
#include <algorithm>
#include <numeric>

#include "weights/import/operators.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

void put_reshaped(Draft& draft, const ImportNode& node, Placement x, const Dimensions& shape) {
    std::optional<Placement> y = reshaped(x, shape);
    if (!y) y = reshaped(draft.flat(node, x), shape);
    if (!y)
        throw Error(concat("makes ", shape_text(shape), " of ", shape_text(x.shape()), ", which cannot be kept here"));
    draft.put(node.outputs[0], *y);
}

void write_reshape(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    const auto asked = draft.integers(node, 1, "shape");
    if (!asked) throw Error("has a shape that is computed, expected one that depends on sizes alone");
    const Dimensions from = x.shape();
    const bool keeps_zeros = node.integer("allowzero", 0) != 0;
    Dimensions shape = *asked;
    int64_t known = 1;
    size_t open = shape.size();
    for (size_t i = 0; i < shape.size(); i++) {
        if (shape[i] == 0 && !keeps_zeros && i < from.size()) shape[i] = from[i];
        if (shape[i] == -1)
            open = i;
        else if (shape[i] < 1 || shape[i] > int64_t(1) << 31)
            throw Error(concat("makes the shape ", shape_text(shape), ", expected positive sizes"));
        else
            known = std::min(known, int64_t(1) << 31) * shape[i];
    }
    const int64_t all = element_count(from);
    if (open < shape.size()) shape[open] = known > 0 ? all / known : 0;
    if (element_count(shape) != all)
        throw Error(concat("makes ", shape_text(shape), " of ", shape_text(from), ", which has ", all, " elements"));
    put_reshaped(draft, node, x, shape);
}

void write_flatten(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    const int64_t given = node.integer("axis", 1), rank = int64_t(x.rank());
    const size_t axis = given == rank ? size_t(rank) : axis_of(given, x.rank());
    const Dimensions from = x.shape();
    const auto middle = from.begin() + std::ptrdiff_t(axis);
    put_reshaped(draft, node, x,
                 {element_count(Dimensions(from.begin(), middle)), element_count(Dimensions(middle, from.end()))});
}

void write_squeeze(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    const auto axes = draft.integers(node, 1, "axes");
    std::vector<bool> gone(x.rank(), false);
    if (axes)
        for (const int64_t axis : *axes) gone[axis_of(axis, x.rank())] = true;
    const Dimensions from = x.shape();
    Dimensions shape;
    for (size_t i = 0; i < from.size(); i++) {
        if (axes && gone[i] && from[i] != 1) throw Error(concat("leaves out an axis of ", from[i], " places"));
        if (axes ? !gone[i] : from[i] != 1) shape.push_back(from[i]);
    }
    put_reshaped(draft, node, x, shape);
}

void write_unsqueeze(Draft& draft, const ImportNode& node) {
    const Placement x = draft.value(node.input(0));
    const auto axes = draft.integers(node, 1, "axes");
    if (!axes || axes->size() > 16) throw Error("has axes that are computed, expected constants");
    const size_t rank = x.rank() + axes->size();
    std::vector<size_t> places;
    for (const int64_t axis : *axes) places.push_back(axis_of(axis, rank));
    std::ranges::sort(places);
    Dimensions shape = x.shape();
    for (const size_t place : places) shape.insert(shape.begin() + std::ptrdiff_t(std::min(place, shape.size())), 1);
    put_reshaped(draft, node, x, shape);
}

void write_transpose(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    std::vector<int64_t> order(x.rank());
    std::iota(order.rbegin(), order.rend(), 0);
    order = node.integers("perm", order);
    std::vector<int64_t> sorted = order;
    std::ranges::sort(sorted);
    std::vector<size_t> places;
    for (size_t i = 0; i < sorted.size() || i < x.rank(); i++) {
        if (sorted.size() != x.rank() || sorted[i] != int64_t(i))
            throw Error(concat("has an order of ", order.size(), " axes, expected each of ", x.rank(), " once"));
        places.push_back(size_t(order[i]));
    }
    draft.put(node.outputs[0], transposed(x, places));
}

// The axis of the layer that this axis of x is; where it is none, x is moved first.
int layer_axis(Draft& draft, const ImportNode& node, Placement& x, size_t axis) {
    if (const auto whole = whole_axis(x, axis); whole && *whole > 0) return *whole;
    x = draft.plain(node, x);
    const auto whole = whole_axis(x, axis);
    if (!whole || *whole == 0) throw Error("works along the images of a batch, expected another axis");
    return *whole;
}

constexpr const char* kAxisNames[] = {"images", "rows", "columns", "channels"};

Placement sliced(Draft& draft, const ImportNode& node, Placement x, size_t axis, int64_t first, int64_t count) {
    const int in_layer = layer_axis(draft, node, x, axis);
    if (count < 1 || first < 0 || first + count > x.sizes[size_t(in_layer)])
        throw Error(concat("takes ", count, " places from ", first, " on of ", x.sizes[size_t(in_layer)]));
    // To the end, however far that is at another size.
    const bool to_end = first + count == x.sizes[size_t(in_layer)] && in_layer != 3;
    x.sizes[size_t(in_layer)] = count;
    x.axes[axis] = count == 1 ? Factors{} : Factors{{in_layer, count, 1}};
    x.layer = draft.line(node, "slice", {x.layer}, concat(kAxisNames[in_layer], "=", first, " ", to_end ? 0 : count),
                         x.sizes);
    return x;
}

void write_slice(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    const auto starts = draft.integers(node, 1, "starts"), ends = draft.integers(node, 2, "ends"),
               steps = draft.integers(node, 4, "steps");
    if (!starts || !ends || starts->size() != ends->size()) throw Error("has bounds that are computed");
    std::vector<int64_t> axes(starts->size());
    std::iota(axes.begin(), axes.end(), 0);
    axes = draft.integers(node, 3, "axes").value_or(axes);
    if (axes.size() != starts->size() || (steps && steps->size() != starts->size()))
        throw Error("has axes, bounds and steps of different numbers");
    for (size_t i = 0; i < axes.size(); i++) {
        const size_t axis = axis_of(axes[i], x.rank());
        if (steps && (*steps)[i] != 1) throw Error(concat("has a step of ", (*steps)[i], ", expected 1"));
        const int64_t size = x.shape()[axis];
        const auto placed = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size); };
        const int64_t first = placed((*starts)[i]), count = placed((*ends)[i]) - first;
        if (first != 0 || count != size) x = sliced(draft, node, x, axis, first, count);
    }
    draft.put(node.outputs[0], x);
}

void write_split(Draft& draft, const ImportNode& node) {
    const Placement x = draft.value(node.input(0));
    const size_t axis = axis_of(node.integer("axis", 0), x.rank());
    const int64_t size = x.shape()[axis], parts = int64_t(node.outputs.size());
    const int64_t each = (size + parts - 1) / parts;
    std::vector<int64_t> sizes;
    for (int64_t i = 0; i < parts; i++) sizes.push_back(std::clamp<int64_t>(size - i * each, 0, each));
    if (!node.input(1).empty() && !draft.constant(node.input(1))) throw Error("has sizes that are computed");
    sizes = draft.integers(node, 1, "split").value_or(sizes);
    if (int64_t(sizes.size()) != parts) throw Error(concat("has ", sizes.size(), " sizes for ", parts, " outputs"));
    int64_t first = 0;
    for (size_t i = 0; i < sizes.size(); i++) {
        if (sizes[i] < 1 || sizes[i] > size - first) throw Error(concat("splits ", size, " places into other parts"));
        if (!node.outputs[i].empty()) draft.put(node.outputs[i], sliced(draft, node, x, axis, first, sizes[i]));
        first += sizes[i];
    }
}

// One place of an axis.
void write_gather(Draft& draft, const ImportNode& node) {
    const Placement x = draft.value(node.input(0));
    const size_t axis = axis_of(node.integer("axis", 0), x.rank());
    const auto index = draft.integers(node, 1, "");
    if (!index || index->size() != 1) throw Error("takes several places, or computed ones, expected one");
    const int64_t at = (*index)[0] < 0 ? (*index)[0] + x.shape()[axis] : (*index)[0];
    Placement y = sliced(draft, node, x, axis, at, 1);
    if (draft.constant(node.input(1))->shape.empty()) y.axes.erase(y.axes.begin() + std::ptrdiff_t(axis));
    draft.put(node.outputs[0], y);
}

void write_concat(Draft& draft, const ImportNode& node) {
    std::vector<Placement> parts;
    std::vector<std::string> names;
    int along = -1;
    size_t axis = 0;
    for (const std::string& input : node.inputs) {
        Placement part = draft.value(input);
        axis = axis_of(node.integer("axis", 0), part.rank());
        part = draft.plain(node, part);
        const int in_layer = layer_axis(draft, node, part, axis);
        for (int other = 0; other < 4 && !parts.empty(); other++)
            if (in_layer != along || (other != along && part.sizes[size_t(other)] != parts[0].sizes[size_t(other)]) ||
                part.rank() != parts[0].rank())
                throw Error(concat("joins ", shape_text(parts[0].shape()), " and ", shape_text(part.shape()),
                                   ", which do not fit"));
        along = in_layer;
        names.push_back(part.layer);
        parts.push_back(std::move(part));
    }
    if (parts.empty()) throw Error("takes nothing, expected tensors");
    std::array<int64_t, 4> sizes = parts[0].sizes;
    for (size_t i = 1; i < parts.size(); i++) sizes[size_t(along)] += parts[i].sizes[size_t(along)];
    const std::string settings = along == 3 ? "" : concat("along=", kAxisNames[along]);
    draft.put(node.outputs[0],
              plain_placement(draft.line(node, "concat", names, settings, sizes), sizes, usual_axes(parts[0].rank())));
}

void write_pad(Draft& draft, const ImportNode& node) {
    Placement x = draft.plain(node, node.input(0));
    const auto pads = draft.integers(node, 1, "pads");
    if (!pads || x.rank() != 4 || pads->size() != 8 || !node.input(3).empty())
        throw Error("pads something else than the four axes of a map by constants");
    const std::vector<int64_t>& p = *pads;
    for (const int64_t pad : p)
        if (pad < 0 || pad > 65535) throw Error(concat("pads by ", pad, ", expected 0 to 65535"));
    if (p[0] != 0 || p[4] != 0) throw Error("pads the images of a batch, expected other axes");
    const std::string mode = node.text("mode", "constant");
    if (mode != "constant" && mode != "reflect")
        throw Error(concat("has the mode ", printable(mode), ", expected ", "constant or reflect"));
    float value = node.real("value", 0);
    if (!node.input(2).empty()) {
        const ImportTensor& given = draft.need_constant(node, 2, "value");
        if (given.size() == 1) value = draft.reals(given)[0];
    }
    std::string settings = concat("border=", p[2], "x", p[3], "x", p[6], "x", p[7]);
    if (p[1] + p[5] > 0) settings += concat(", channels=", p[1], " ", p[5]);
    settings += setting("mode", mode, "constant") + setting("value", number_text(value), "0");
    const std::array<int64_t, 4> sizes{x.sizes[0], x.sizes[1] + p[2] + p[6], x.sizes[2] + p[3] + p[7],
                                       x.sizes[3] + p[1] + p[5]};
    draft.put(node.outputs[0],
              plain_placement(draft.line(node, "pad", {x.layer}, settings, sizes), sizes, usual_axes(4)));
}

// Blocks of b x b places to channels, or back, in ONNX's orders.
void write_depth_to_space(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    const int64_t b = node.integer("blocksize", 0);
    const Dimensions s = x.shape();
    if (s.size() != 4 || b < 1 || b > 65535 || s[1] % (b * b) != 0) throw Error("has a block that does not fit");
    const bool rows_first = node.text("mode", "DCR") == "CRD";
    const int64_t c = s[1] / (b * b);
    const auto split = rows_first ? reshaped(x, {s[0], c, b, b, s[2], s[3]}) : reshaped(x, {s[0], b, b, c, s[2], s[3]});
    const auto y = split ? reshaped(transposed(*split, rows_first ? std::vector<size_t>{0, 1, 4, 2, 5, 3}
                                                                  : std::vector<size_t>{0, 3, 4, 1, 5, 2}),
                                    {s[0], c, s[2] * b, s[3] * b})
                         : std::nullopt;
    if (!y) throw Error("moves elements in a way that is not known here");
    draft.put(node.outputs[0], *y);
}

void write_space_to_depth(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    const int64_t b = node.integer("blocksize", 0);
    const Dimensions s = x.shape();
    if (s.size() != 4 || b < 1 || b > 65535 || s[2] % b != 0 || s[3] % b != 0)
        throw Error("has a block that does not fit");
    const auto split = reshaped(x, {s[0], s[1], s[2] / b, b, s[3] / b, b});
    const auto y = split ? reshaped(transposed(*split, {0, 3, 5, 1, 2, 4}), {s[0], s[1] * b * b, s[2] / b, s[3] / b})
                         : std::nullopt;
    if (!y) throw Error("moves elements in a way that is not known here");
    draft.put(node.outputs[0], *y);
}

// Of an activation: all reals are single precision here.
void write_cast(Draft& draft, const ImportNode& node) {
    const int64_t to = node.integer("to", 1);
    if (to != 1 && to != 10 && to != 11 && to != 16) throw Error("makes integers of reals, expected reals");
    draft.put(node.outputs[0], draft.value(node.input(0)));
}

constexpr Operator kMovementOperators[] = {
    {"Cast", write_cast},
    {"CastLike", write_cast},
    {"Reshape", write_reshape},
    {"Flatten", write_flatten},
    {"Squeeze", write_squeeze},
    {"Unsqueeze", write_unsqueeze},
    {"Transpose", write_transpose},
    {"Slice", write_slice},
    {"Split", write_split},
    {"Gather", write_gather},
    {"Concat", write_concat},
    {"Pad", write_pad},
    {"DepthToSpace", write_depth_to_space},
    {"SpaceToDepth", write_space_to_depth},
};

}  // namespace

std::span<const Operator> movement_operators() { return kMovementOperators; }

}  // namespace limpid
