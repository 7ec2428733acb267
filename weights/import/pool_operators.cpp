// Operators that gather what lies near each other: pools, means over axes, normalisation over neighbours, softmax.
#include <algorithm>

#include "weights/import/operators.h"

namespace limpid {
namespace {

Placement map_of(Draft& draft, const ImportNode& node) {
    Placement x = draft.plain(node, node.input(0));
    if (x.rank() != 4) throw Error(concat("takes a tensor of ", x.rank(), " axes, expected a map of four"));
    return x;
}

void write_pool(Draft& draft, const ImportNode& node, const char* kind, const std::string& more) {
    const Placement x = map_of(draft, node);
    const Windows windows = windows_of(node, x, 0, 0);
    std::string settings = windows.settings() + more;
    if (!settings.empty()) settings = settings.substr(2);
    const std::string name =
        draft.line(node, kind, {x.layer}, settings, {x.sizes[0], windows.p, windows.q, x.sizes[3]});
    draft.put(node.outputs[0], map_placement(name, x.sizes[0], windows.p, windows.q, x.sizes[3]));
}

void write_max_pool(Draft& draft, const ImportNode& node) {
    if (node.outputs.size() > 1 && !node.outputs[1].empty())
        throw Error("also makes indices, expected the values alone");
    write_pool(draft, node, "max_pool", "");
}

void write_average_pool(Draft& draft, const ImportNode& node) {
    const Placement x = map_of(draft, node);
    const Windows windows = windows_of(node, x, 0, 0);
    const bool padded = windows.top + windows.left + windows.bottom + windows.right > 0 || windows.same;
    std::string more;
    if (padded && node.integer("count_include_pad", 0) != 0) more += ", count=all";
    // The mean of the whole map at any size of it, as GoogLeNet's (nets/layers/pool.cpp).
    if (!padded && windows.r == x.sizes[1] && windows.s == x.sizes[2]) more += ", other_maps=whole";
    write_pool(draft, node, "average_pool", more);
}

// Over axes of the tensor that are whole axes of the layer.
void write_reduction(Draft& draft, const ImportNode& node, const char* by, std::vector<int64_t> axes, bool keeps) {
    Placement x = draft.value(node.input(0));
    const size_t rank = x.rank();
    if (axes.empty())
        for (size_t axis = 1; axis < rank; axis++) axes.push_back(int64_t(axis));
    std::vector<bool> reduced(rank, false);
    for (const int64_t axis : axes) reduced[axis_of(axis, rank)] = true;
    const auto axes_of_layer = [&](const Placement& view, std::array<bool, 4>* over) {
        for (size_t axis = 0; axis < rank; axis++) {
            if (!reduced[axis]) continue;
            if (view.axes[axis].empty() && !is_plain(view)) continue;
            const std::optional<int> whole = whole_axis(view, axis);
            if (!whole || *whole == 0) return false;
            (*over)[size_t(*whole)] = true;
        }
        return true;
    };
    std::array<bool, 4> over{};
    if (!axes_of_layer(x, &over)) {
        x = draft.plain(node, x);
        over = {};
        if (!axes_of_layer(x, &over)) throw Error("reduces over the images of a batch");
    }
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
    if (known == std::end(kOver)) throw Error("reduces over axes that are not reduced together here");
    Placement y = x;
    for (size_t axis = 0; axis < 4; axis++)
        if (over[axis]) y.sizes[axis] = 1;
    y.axes.clear();
    for (size_t axis = 0; axis < rank; axis++)
        if (!reduced[axis])
            y.axes.push_back(x.axes[axis]);
        else if (keeps)
            y.axes.emplace_back();
    y.layer = draft.line(node, "reduce", {x.layer}, concat("by=", by, setting("over", known->word, "space")), y.sizes);
    draft.put(node.outputs[0], y);
}

template <const char* By>
void write_reduce(Draft& draft, const ImportNode& node) {
    const auto axes = draft.integers(node, 1, "axes");
    if (!axes && !node.input(1).empty()) throw Error("has axes that are computed, expected constants");
    write_reduction(draft, node, By, axes.value_or(std::vector<int64_t>()), node.integer("keepdims", 1) != 0);
}

template <const char* By>
void write_global(Draft& draft, const ImportNode& node) {
    (void)map_of(draft, node);
    write_reduction(draft, node, By, {2, 3}, true);
}

constexpr char kMean[] = "mean", kMax[] = "max", kSum[] = "sum";

void write_lrn(Draft& draft, const ImportNode& node) {
    const Placement x = map_of(draft, node);
    const int64_t size = node.integer("size", 0);
    if (size < 1 || size % 2 == 0 || size > 131072)
        throw Error(concat("has the size ", size, ", expected an odd number of channels"));
    const std::string name =
        draft.line(node, "lrn", {x.layer},
                   concat("radius=", size / 2, setting("bias", number_text(node.real("bias", 1)), "1"),
                          ", alpha=", number_text(node.real("alpha", 1e-4f) / float(size)),
                          ", beta=", number_text(node.real("beta", 0.75f))),
                   x.sizes);
    draft.put(node.outputs[0], map_placement(name, x.sizes[0], x.sizes[1], x.sizes[2], x.sizes[3]));
}

void write_over_channels(Draft& draft, const ImportNode& node, const char* kind) {
    Placement x = draft.value(node.input(0));
    const size_t axis = axis_of(node.integer("axis", -1), x.rank());
    // As older versions mean it, all axes from this one on together: one of them may be more than one place.
    const Dimensions shape = x.shape();
    const bool flattened = node.integer("flattened", 0) != 0;
    for (size_t i = axis + 1; flattened && i < shape.size(); i++)
        if (shape[i] != 1) throw Error("is taken over several axes together, expected one");
    if (whole_axis(x, axis) != 3) x = draft.plain(node, x);
    if (whole_axis(x, axis) != 3) throw Error("is taken over another axis than the channels");
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
