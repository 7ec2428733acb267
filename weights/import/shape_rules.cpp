// By ONNX's definitions of the operators.
#include "weights/import/shape_rules.h"

#include <algorithm>
#include <numeric>

#include "weights/import/passes.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

// 0 is the size that was there, unless the node says that it is none; -1 what is left.
Dimensions reshaped_to(const std::vector<int64_t>& asked, const Dimensions& from, bool keeps_zeros) {
    constexpr int64_t kLargest = int64_t(1) << 31;
    const int64_t all = element_count(from);
    Dimensions shape = asked;
    int64_t known = 1;
    size_t open = shape.size();
    for (size_t i = 0; i < shape.size(); i++) {
        if (shape[i] == 0 && !keeps_zeros && i < from.size()) shape[i] = from[i];
        if (shape[i] < -1 || shape[i] > kLargest || (shape[i] == -1 && open < shape.size()))
            throw Error(concat("makes the shape ", shape_text(shape), ", expected positive sizes"));
        if (shape[i] == -1) open = i;
        if (shape[i] > 0) known = std::min(known, kLargest) * shape[i];
    }
    if (open < shape.size()) shape[open] = all / known;
    if (element_count(shape) != all)
        throw Error(concat("makes ", shape_text(shape), " of ", shape_text(from), ", which has ", all, " elements"));
    return shape;
}

Dimensions flattened(int64_t axis, const Dimensions& from) {
    const size_t front = axis == int64_t(from.size()) ? from.size() : axis_of(axis, from.size());
    const auto middle = from.begin() + std::ptrdiff_t(front);
    return {element_count(Dimensions(from.begin(), middle)), element_count(Dimensions(middle, from.end()))};
}

// axes: nullopt: all of one place.
Dimensions squeezed(const std::optional<std::vector<int64_t>>& axes, const Dimensions& from) {
    std::vector<bool> gone(from.size(), false);
    for (size_t i = 0; i < from.size(); i++) gone[i] = !axes && from[i] == 1;
    for (const int64_t axis : axes.value_or(std::vector<int64_t>())) gone[axis_of(axis, from.size())] = true;
    Dimensions shape;
    for (size_t i = 0; i < from.size(); i++) {
        if (gone[i] && from[i] != 1) throw Error(concat("leaves out an axis of ", from[i], " places"));
        if (!gone[i]) shape.push_back(from[i]);
    }
    return shape;
}

Dimensions unsqueezed(const std::vector<int64_t>& axes, const Dimensions& from) {
    constexpr size_t kMostAxes = 16;  // as read_onnx allows
    if (axes.size() > kMostAxes) throw Error(concat("adds ", axes.size(), " axes, expected at most ", kMostAxes));
    std::vector<size_t> places;
    for (const int64_t axis : axes) places.push_back(axis_of(axis, from.size() + axes.size()));
    std::ranges::sort(places);
    if (std::ranges::adjacent_find(places) != places.end()) throw Error("has an axis twice, expected each once");
    Dimensions shape = from;
    for (const size_t place : places) shape.insert(shape.begin() + std::ptrdiff_t(place), 1);
    return shape;
}

}  // namespace

size_t axis_of(int64_t axis, size_t rank) {
    if (axis < -int64_t(rank) || axis >= int64_t(rank))
        throw Error(concat("has the axis ", axis, ", expected one of ", rank, " axes"));
    return size_t(axis < 0 ? axis + int64_t(rank) : axis);
}

std::optional<Dimensions> shape_made_by(const ImportNode& node, const ImportGraph& graph, const Dimensions& from) {
    if (node.op == "Flatten") return flattened(node.integer("axis", 1), from);
    const bool reshape = node.op == "Reshape", squeeze = node.op == "Squeeze", unsqueeze = node.op == "Unsqueeze";
    if (!reshape && !squeeze && !unsqueeze) return std::nullopt;
    const auto said = integers_of(node, graph, 1, reshape ? "shape" : "axes");
    const bool needed = !squeeze || !node.input(1).empty();
    if (!said && needed) return std::nullopt;
    if (reshape) return reshaped_to(*said, from, node.integer("allowzero", 0) != 0);
    return squeeze ? squeezed(said, from) : unsqueezed(*said, from);
}

std::optional<std::vector<PartOfAxis>> parts_taken_by(const ImportNode& node, const ImportGraph& graph,
                                                      const Dimensions& from) {
    const auto starts = integers_of(node, graph, 1, "starts"), ends = integers_of(node, graph, 2, "ends");
    if (!starts || !ends || starts->size() != ends->size()) return std::nullopt;
    std::vector<int64_t> axes(starts->size());
    std::iota(axes.begin(), axes.end(), 0);
    axes = integers_of(node, graph, 3, "axes").value_or(axes);
    const auto steps = integers_of(node, graph, 4, "steps").value_or(std::vector<int64_t>(starts->size(), 1));
    if (axes.size() != starts->size() || steps.size() != starts->size())
        throw Error("has axes, bounds and steps of different numbers");
    std::vector<PartOfAxis> parts;
    for (size_t i = 0; i < axes.size(); i++) {
        const size_t axis = axis_of(axes[i], from.size());
        if (std::ranges::count(parts, axis, &PartOfAxis::axis) > 0)
            throw Error(concat("takes parts of the axis ", axes[i], " twice, expected once"));
        if (steps[i] == 0) throw Error("has a step of 0, expected another");
        // A step beyond the axis takes one place, however long it is.
        const int64_t size = from[axis], longest = std::max<int64_t>(size, 1),
                      step = std::clamp(steps[i], -longest, longest);
        const auto placed = [&](int64_t at) {  // counted from the end where it is negative, and no further than that
            at = at < 0 ? std::max<int64_t>(at + size, -1) : at;
            return step > 0 ? std::clamp<int64_t>(at, 0, size) : std::clamp<int64_t>(at, -1, size - 1);
        };
        const int64_t first = placed((*starts)[i]), end = placed((*ends)[i]);
        const int64_t count = step > 0 ? (end - first + step - 1) / step : (first - end - step - 1) / -step;
        parts.push_back({axis, first, std::max<int64_t>(count, 0), step, (*ends)[i] > size});
    }
    return parts;
}

}  // namespace limpid
