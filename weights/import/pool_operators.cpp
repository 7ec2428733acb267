// Operators that gather what lies near each other: pools, means over axes, normalisation over neighbours, softmax.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "weights/import/operators.h"
#include "weights/onnx.h"

namespace limpid {
namespace {

Placement map_of(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    return draft.arranged(node, x, map_arrangement(x.rank()));
}

void write_pool(Draft& draft, const ImportNode& node, const char* kind, const Placement& x, const Windows& windows,
                const std::string& more) {
    std::string settings = windows.settings() + more;
    if (!settings.empty()) settings = settings.substr(2);
    const std::array<int64_t, 4> sizes{x.sizes[0], windows.p, windows.q, x.sizes[3]};
    draft.put(node.outputs[0], map_placement(draft.line(node, kind, {x.layer}, settings, sizes), x.rank(), sizes));
}

void write_max_pool(Draft& draft, const ImportNode& node) {
    const Placement x = map_of(draft, node);
    write_pool(draft, node, "max_pool", x, windows_of(node, x, 0, 0), "");
}

void write_average_pool(Draft& draft, const ImportNode& node) {
    const Placement x = map_of(draft, node);
    const Windows windows = windows_of(node, x, 0, 0);
    const bool padded = windows.top + windows.left + windows.bottom + windows.right > 0 || windows.same;
    std::string more;
    if (padded && node.integer("count_include_pad", 0) != 0) more += ", count=all";
    // The mean of the whole map at any size of it, as GoogLeNet's (nets/layers/pool.cpp).
    const bool dilated = windows.dilation_y > 1 || windows.dilation_x > 1;
    if (!node.has(kOwnWindows) && !padded && !dilated && windows.r == x.sizes[1] && windows.s == x.sizes[2])
        more += ", other_maps=whole";
    write_pool(draft, node, "average_pool", x, windows, more);
}

// The word for these axes of a layer; null: they are not reduced together.
const char* word_for(const std::array<bool, 4>& over) {
    struct Over {
        bool h, w, c;
        const char* word;
    };
    static constexpr Over kOver[] = {{true, true, false, "space"},
                                     {false, false, true, "channels"},
                                     {true, true, true, "all"},
                                     {true, false, false, "rows"},
                                     {false, true, false, "columns"}};
    const auto known =
        std::ranges::find_if(kOver, [&](const Over& o) { return o.h == over[1] && o.w == over[2] && o.c == over[3]; });
    return known == std::end(kOver) ? nullptr : known->word;
}

// The axes of the layer that these axes of the tensor are; nullopt: they are not whole axes.
std::optional<std::array<bool, 4>> whole_axes(const Placement& view, const std::vector<size_t>& axes) {
    std::array<bool, 4> over{};
    for (const size_t axis : axes) {
        if (view.axes[axis].empty() && !is_plain(view)) continue;
        const std::optional<int> whole = whole_axis(view, axis);
        if (whole && *whole == 0 && view.axes[axis].empty()) continue;
        if (!whole || *whole == 0) return std::nullopt;
        over[size_t(*whole)] = true;
    }
    return over;
}

// Where axes are no whole axes of the layer that are reduced together, they are moved to the channels.
void write_reduction(Draft& draft, const ImportNode& node, const char* by, const std::vector<size_t>& axes,
                     bool keeps) {
    Placement x = draft.value(node.input(0));
    for (const size_t axis : axes)
        if (has_images(x, axis)) throw Error("reduces over the images of a batch, expected other axes");
    auto over = whole_axes(x, axes);
    const Placement usual = arranged_placement(x.layer, x.shape(), usual_arrangement(x));
    if (!over) over = whole_axes(usual, axes), x = over && word_for(*over) ? draft.plain(node, x) : x;
    const bool any = std::ranges::any_of(axes, [&](size_t axis) { return !x.axes[axis].empty(); });
    if (!over || (any && !word_for(*over))) {
        x = draft.on_channels(node, x, axes);
        over = {false, false, false, true};
    }
    Placement y = x;
    for (size_t axis = 0; axis < 4; axis++)
        if ((*over)[axis]) y.sizes[axis] = 1;
    y.axes.clear();
    for (size_t axis = 0; axis < x.rank(); axis++)
        if (std::ranges::count(axes, axis) == 0)
            y.axes.push_back(x.axes[axis]);
        else if (keeps)
            y.axes.emplace_back();
    if (const char* word = word_for(*over))  // of one place each: nothing is reduced
        y.layer = draft.line(node, "reduce", {x.layer}, concat("by=", by, setting("over", word, "space")), y.sizes);
    draft.put(node.outputs[0], y);
}

// All axes where none is said, unless that is said to mean none.
template <const char* By>
void write_reduce(Draft& draft, const ImportNode& node) {
    const auto axes = draft.integers(node, 1, "axes");
    if (!axes && !node.input(1).empty()) throw Error("has axes that are computed, expected constants");
    const Placement& x = draft.value(node.input(0));
    std::vector<size_t> over;
    for (const int64_t axis : axes.value_or(std::vector<int64_t>())) over.push_back(axis_of(axis, x.rank()));
    if (over.empty() && node.integer("noop_with_empty_axes", 0) != 0) return draft.put(node.outputs[0], x);
    if (over.empty()) {
        over.resize(x.rank());
        std::iota(over.begin(), over.end(), 0);
    }
    std::ranges::sort(over);
    write_reduction(draft, node, By, over, node.integer("keepdims", 1) != 0);
}

template <const char* By>
void write_global(Draft& draft, const ImportNode& node) {
    const size_t rank = draft.value(node.input(0)).rank();
    if (rank < 3) throw Error(concat("takes a tensor of ", rank, " axes, expected a map"));
    std::vector<size_t> space(rank - 2);
    std::iota(space.begin(), space.end(), 2);
    write_reduction(draft, node, By, space, true);
}

constexpr char kMean[] = "mean", kMax[] = "max", kSum[] = "sum";

// NaN where it is none.
float float_of(const std::string& text) {
    float value = NAN;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : NAN;
}

void write_lrn(Draft& draft, const ImportNode& node) {
    const Placement x = map_of(draft, node);
    const int64_t size = node.integer("size", 0);
    if (size < 1 || size % 2 == 0 || size > 131072)
        throw Error(concat("has the size ", size, ", expected an odd number of channels"));
    const float whole = node.real("alpha", 1e-4f);
    float alpha = whole / float(size);
    if (const auto said = node.metadata.find(own_metadata::kAlpha); said != node.metadata.end()) {
        const float exact = float_of(said->second);
        if (exact * float(size) == whole) alpha = exact;
    }
    const std::string name =
        draft.line(node, "lrn", {x.layer},
                   concat("radius=", size / 2, setting("bias", number_text(node.real("bias", 1)), "1"),
                          ", alpha=", number_text(alpha), ", beta=", number_text(node.real("beta", 0.75f))),
                   x.sizes);
    draft.put(node.outputs[0], map_placement(name, x.rank(), x.sizes));
}

// As older versions mean it, all axes from `axis` on together.
void write_over_channels(Draft& draft, const ImportNode& node, const char* kind) {
    Placement x = draft.value(node.input(0));
    if (x.rank() == 0) throw Error("takes a single number, expected a tensor of the image");
    std::vector<size_t> over{axis_of(node.integer("axis", -1), x.rank())};
    const Dimensions shape = x.shape();
    for (size_t i = over[0] + 1; node.integer("flattened", 0) != 0 && i < shape.size(); i++)
        if (shape[i] != 1) over.push_back(i);
    if (over.size() > 1 || whole_axis(x, over[0]) != 3) x = draft.on_channels(node, x, over);
    x.layer = draft.line(node, kind, {x.layer}, "", x.sizes);
    draft.put(node.outputs[0], x);
}

constexpr Operator kPoolOperators[] = {
    {"MaxPool", write_max_pool},
    {"AveragePool", write_average_pool},
    {"GlobalAveragePool", write_global<kMean>},
    {"GlobalMaxPool", write_global<kMax>},
    {"ReduceMean", write_reduce<kMean>},
    {"ReduceMax", write_reduce<kMax>},
    {"ReduceSum", write_reduce<kSum>},
    {"LRN", write_lrn},
    {"Softmax", [](Draft& draft, const ImportNode& node) { write_over_channels(draft, node, "softmax"); }},
    {"LogSoftmax", [](Draft& draft, const ImportNode& node) { write_over_channels(draft, node, "log_softmax"); }},
};

}  // namespace

std::span<const Operator> pool_operators() { return kPoolOperators; }

}  // namespace limpid
