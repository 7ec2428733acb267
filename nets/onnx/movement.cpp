// Layers that move elements.
//
//   slice        Slice; to the end, or back to the first place, however far that is
//   pad          Pad
//   rearrange    Reshape to the factors, Transpose, Reshape, and Identity, which is the layer
#include <algorithm>
#include <limits>
#include <numeric>

#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"

namespace limpid::onnx {

namespace {

constexpr const char* kAxes[] = {"rows", "columns", "channels"};
constexpr int64_t kPlaces[] = {2, 3, 1};  // of these in {N,C,H,W}
constexpr int64_t kFirst = std::numeric_limits<int64_t>::min(), kEnd = std::numeric_limits<int64_t>::max();

Value unchanged(GraphWriter& w, const Layer& layer) {
    w.node("Identity", {w.map(layer.inputs[0])}, layer.name);
    return {4, w.settled(layer)};
}

Value write_slice(GraphWriter& w, const Layer& layer) {
    std::vector<int64_t> starts, ends, axes, steps;
    const Shape x = w.shape(layer.inputs[0]), y = w.shape(layer.name);
    for (size_t i = 0; i < 3; i++) {
        const std::vector<double>& said = layer.numbers(kAxes[i]);
        if (said.empty()) continue;
        const int64_t first = int64_t(said[0]), count = int64_t(said[1]), step = said.size() > 2 ? int64_t(said[2]) : 1;
        int64_t end = first + count * step;
        if (count == 0) end = step > 0 ? kEnd : kFirst;
        if (end < 0) end = kFirst;
        starts.push_back(first);
        ends.push_back(end);
        axes.push_back(kPlaces[i]);
        steps.push_back(step);
    }
    if (x == y && std::ranges::all_of(steps, [](int64_t step) { return step == 1; })) {
        if (std::ranges::any_of(ends, [](int64_t end) { return end != kEnd; })) w.fix_size();
        return unchanged(w, layer);
    }
    w.node("Slice",
           {w.map(layer.inputs[0]), w.wholes(part_of(layer, "starts"), starts), w.wholes(part_of(layer, "ends"), ends),
            w.wholes(part_of(layer, "axes"), axes), w.wholes(part_of(layer, "steps"), steps)},
           layer.name);
    return {4, w.settled(layer)};
}

Value write_pad(GraphWriter& w, const Layer& layer) {
    const size_t behind = layer.numbers("border").size() == 4 ? 2 : 0;
    const bool channels = !layer.numbers("channels").empty();
    const std::vector<int64_t> pads{
        0, channels ? layer.whole("channels", 0) : 0, layer.whole("border", 0),      layer.whole("border", 1),
        0, channels ? layer.whole("channels", 1) : 0, layer.whole("border", behind), layer.whole("border", behind + 1)};
    if (pads == std::vector<int64_t>(8, 0)) return unchanged(w, layer);
    const std::string mode = layer.settings.find("mode")->second.word;
    std::vector<std::string> inputs{w.map(layer.inputs[0]), w.wholes(part_of(layer, "pads"), pads)};
    if (mode == "constant") inputs.push_back(w.number(part_of(layer, "value"), float(layer.numbers("value")[0])));
    w.node("Pad", std::move(inputs), layer.name, {{"mode", mode}});
    return {4, w.settled(layer)};
}

// The factors of rows, columns and channels at the canonical size, as nets/layers/movement.cpp counts them.
std::vector<std::vector<int64_t>> factors_of(const Layer& layer, const Shape& x) {
    std::vector<std::vector<int64_t>> factors(3);
    for (size_t axis = 0; axis < 3; axis++) {
        int64_t known = 1;
        for (const double factor : layer.numbers(kAxes[axis])) known *= factor > 0 ? int64_t(factor) : 1;
        for (const double factor : layer.numbers(kAxes[axis]))
            factors[axis].push_back(factor > 0 ? int64_t(factor) : x[int(axis) + 1] / known);
    }
    return factors;
}

// The numbers that the factors of an axis have, and their places behind the images of a tensor that has the channels in
// front of rows and columns.
std::vector<int64_t> channels_first(const std::vector<size_t>& counts) {
    std::vector<int64_t> numbers(counts[0] + counts[1] + counts[2]);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::rotate(numbers.begin(), numbers.end() - std::ptrdiff_t(counts[2]), numbers.end());
    return numbers;
}

Value write_rearrange(GraphWriter& w, const Layer& layer) {
    const std::string& x = layer.inputs[0];
    const Shape y = w.shape(layer.name);
    if (!w.value(x).settled) w.fix_size();
    const auto factors = factors_of(layer, w.shape(x));
    std::vector<int64_t> sizes{0};  // 0: all images
    for (const size_t axis : {2, 0, 1}) sizes.insert(sizes.end(), factors[axis].begin(), factors[axis].end());
    const std::vector<int64_t> numbers = channels_first({factors[0].size(), factors[1].size(), factors[2].size()});
    const auto into = [&](size_t axis) { return size_t(layer.whole("into", axis)); };
    std::vector<int64_t> order{0};
    for (const int64_t place : channels_first({into(0), into(1), into(2)})) {
        const int64_t number = layer.whole("order", size_t(place));
        order.push_back(1 + (std::ranges::find(numbers, number) - numbers.begin()));
    }
    const std::string split =
        w.node("Reshape", {w.map(x), w.wholes(part_of(layer, "factors"), sizes)}, part_of(layer, "split"));
    const std::string ordered = w.node("Transpose", {split}, part_of(layer, "ordered"), {{"perm", order}});
    const std::string joined =
        w.node("Reshape", {ordered, w.wholes(part_of(layer, "sizes"), {0, y.c, y.h, y.w})}, part_of(layer, "joined"));
    w.node("Identity", {joined}, layer.name);
    return {4, w.settled(layer)};
}

constexpr WrittenKind kMovementKinds[] = {
    {&kinds::slice, write_slice},
    {&kinds::pad, write_pad},
    {&kinds::rearrange, write_rearrange},
};

}  // namespace

std::span<const WrittenKind> movement_kinds() { return kMovementKinds; }

}  // namespace limpid::onnx
