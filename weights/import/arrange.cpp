// Tensors moved to where an operator needs them.
#include <algorithm>

#include "weights/import/draft.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

std::string whole_numbers(const std::vector<int64_t>& numbers) {
    std::string text;
    for (const int64_t number : numbers) text += concat(text.empty() ? "" : " ", number);
    return text;
}

// The factors that the axes of the layer fall into, slowest first; each axis whole.
struct SplitLayer {
    std::array<Factors, 4> axes;
    Factors all;  // of h, w and c, in order of memory
};

SplitLayer split(const Placement& view) {
    SplitLayer result;
    for (const Factors& factors : view.axes)
        for (const Factor& factor : factors) result.axes[size_t(factor.axis)].push_back(factor);
    for (size_t axis = 0; axis < 4; axis++) {
        std::ranges::sort(result.axes[axis], std::greater(), &Factor::stride);
        if (axis > 0) result.all.insert(result.all.end(), result.axes[axis].begin(), result.axes[axis].end());
    }
    return result;
}

// "channels=3 8": sizes; of rows and columns, which other images have others of, the largest is 0, what is left.
std::string split_setting(const char* key, const Factors& factors, bool channels) {
    std::vector<int64_t> sizes;
    for (const Factor& factor : factors) sizes.push_back(factor.size);
    if (sizes.size() < 2) return "";
    if (!channels) *std::ranges::max_element(sizes) = 0;
    return concat(", ", key, "=", whole_numbers(sizes));
}

// These axes, in this order, are all of the channels, and nothing else.
bool lie_on_channels(const Placement& view, const std::vector<size_t>& axes) {
    Factors factors;
    for (const size_t axis : axes) factors.insert(factors.end(), view.axes[axis].begin(), view.axes[axis].end());
    int64_t stride = view.sizes[3];
    for (const Factor& factor : factors) {
        stride /= factor.size;
        if (factor.axis != 3 || factor.stride != stride) return false;
    }
    return stride == 1;
}

}  // namespace

Placement Draft::arranged(const ImportNode& node, const Placement& view, const Arrangement& into,
                          const std::string& part) {
    const Placement wanted = arranged_placement("", view.shape(), into);
    if (view.axes == wanted.axes && view.sizes == wanted.sizes) return view;
    const auto [first, last] = moved_.equal_range(view.layer);
    for (auto before = first; before != last && !part.empty(); ++before)  // without: a layer of its own
        if (before->second.from == view.axes && before->second.to.axes == wanted.axes &&
            before->second.to.sizes == wanted.sizes)
            return before->second.to;
    const SplitLayer parts = split(view);
    Factors images;
    for (const size_t axis : into[0]) images.insert(images.end(), view.axes[axis].begin(), view.axes[axis].end());
    if (images != parts.axes[0]) throw Error("moves the images of a batch, expected them to stay an axis of their own");
    for (size_t axis = 0; axis < 4; axis++) {
        int64_t all = 1;
        for (const Factor& factor : parts.axes[axis]) all *= factor.size;
        if (all != view.sizes[axis]) throw Error("takes a part of an axis, expected all of it");
    }
    std::vector<int64_t> order, counts;
    for (size_t in_layer = 1; in_layer < 4; in_layer++) {
        counts.push_back(0);
        for (const size_t axis : into[in_layer])
            for (const Factor& factor : view.axes[axis]) {
                order.push_back(std::ranges::find(parts.all, factor) - parts.all.begin());
                counts.back()++;
            }
    }
    // An axis of one place is a factor, too: of the text, not of the view.
    std::vector<int64_t> places;
    int64_t next = 0;
    for (size_t axis = 1; axis < 4; axis++) {
        for (size_t i = 0; i < parts.axes[axis].size(); i++) places.push_back(next++);
        if (parts.axes[axis].empty()) next++;
    }
    std::vector<bool> said(size_t(next), false);
    for (int64_t& place : order) place = places[size_t(place)], said[size_t(place)] = true;
    for (int64_t place = 0; place < next; place++)
        if (!said[size_t(place)])
            order.push_back(place), counts.back()++;  // of size 1: to the channels, changes nothing
    const std::string settings =
        concat(split_setting("rows", parts.axes[1], false), split_setting("columns", parts.axes[2], false),
               split_setting("channels", parts.axes[3], true), ", order=", whole_numbers(order),
               ", into=", whole_numbers(counts));
    Placement result = wanted;
    result.layer = line(node, "rearrange", {view.layer}, settings.substr(2), wanted.sizes, part);
    moved_.emplace(view.layer, Move{view.axes, result});
    return result;
}

Placement Draft::plain(const ImportNode& node, const Placement& view) {
    return arranged(node, view, usual_arrangement(view));
}

Placement Draft::on_channels(const ImportNode& node, const Placement& view, const std::vector<size_t>& axes) {
    if (std::ranges::any_of(axes, [&](size_t axis) { return has_images(view, axis); }))
        throw Error("works along the images of a batch, expected other axes");
    if (lie_on_channels(view, axes)) return view;
    if (usual_arrangement(view)[3] == axes) return plain(node, view);
    return arranged(node, view, channels_arrangement(view, axes));
}

Placement Draft::flat(const ImportNode& node, const Placement& view) {
    std::vector<size_t> axes;
    for (size_t axis = 0; axis < view.rank(); axis++)
        if (!has_images(view, axis)) axes.push_back(axis);
    return on_channels(node, view, axes);
}

}  // namespace limpid
