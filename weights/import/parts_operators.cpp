// Operators that take parts of tensors, join them, or put something around them.
#include <algorithm>
#include <map>
#include <numeric>

#include "weights/attribute_text.h"
#include "weights/import/operators.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

// The axis of the layer that this axis of x is; where it is none, x is moved first.
int layer_axis(Draft& draft, const ImportNode& node, Placement& x, size_t axis) {
    if (const auto whole = whole_axis(x, axis); whole && *whole > 0) return *whole;
    const Arrangement usual = usual_arrangement(x);
    for (int in_layer = 1; in_layer < 4; in_layer++)
        if (usual[size_t(in_layer)] == std::vector<size_t>{axis}) {
            x = draft.plain(node, x);
            return in_layer;
        }
    x = draft.on_channels(node, x, {axis});
    return 3;
}

constexpr const char* kAxisNames[] = {"images", "rows", "columns", "channels"};

// Every step-th of `count` places from the first one on; backwards where the step is negative.
struct Picks {
    int64_t first, count, step = 1;
    bool open = true;  // where they reach the end, they do at another size, too
};

// Of one axis of x, which lies along that one of its layer: makes x the part, and says it as a setting of a slice.
std::string take_part(Placement& x, size_t axis, int in_layer, Picks picks) {
    const int64_t size = x.sizes[size_t(in_layer)], last = picks.first + (picks.count - 1) * picks.step;
    if (picks.count < 1 || std::min(picks.first, last) < 0 || std::max(picks.first, last) >= size)
        throw Error(concat("takes ", picks.count, " places from ", picks.first, " on of ", size,
                           ", expected at least one that is there"));
    x.sizes[size_t(in_layer)] = picks.count;
    x.axes[axis] = picks.count == 1 ? Factors{} : Factors{{in_layer, picks.count, 1}};
    const bool to_end = picks.open && last + 1 == size && picks.step == 1 && in_layer != 3;
    const std::string step = picks.step == 1 || picks.count == 1 ? "" : concat(" ", picks.step);
    return concat(kAxisNames[in_layer], "=", picks.first, " ", to_end ? 0 : picks.count, step);
}

Placement sliced(Draft& draft, const ImportNode& node, Placement x, size_t axis, Picks picks) {
    const int in_layer = layer_axis(draft, node, x, axis);
    const std::string settings = take_part(x, axis, in_layer, picks);
    x.layer = draft.line(node, "slice", {x.layer}, settings, x.sizes);
    return x;
}

// By axis. One layer where each of these is all of one axis of x's layer; else one after another.
Placement sliced(Draft& draft, const ImportNode& node, Placement x, const std::map<size_t, Picks>& picks) {
    std::map<int, std::pair<size_t, Picks>> by_layer;  // in the order of its axes
    for (const auto& [axis, some] : picks)
        if (const auto in_layer = whole_axis(x, axis); in_layer && *in_layer > 0) by_layer[*in_layer] = {axis, some};
    if (by_layer.size() < picks.size()) {
        for (const auto& [axis, some] : picks) x = sliced(draft, node, x, axis, some);
        return x;
    }
    std::string settings;
    for (const auto& [in_layer, part] : by_layer)
        settings += concat(settings.empty() ? "" : ", ", take_part(x, part.first, in_layer, part.second));
    if (!settings.empty()) x.layer = draft.line(node, "slice", {x.layer}, settings, x.sizes);
    return x;
}

void write_slice(Draft& draft, const ImportNode& node) {
    const Placement x = draft.value(node.input(0));
    const auto parts = parts_taken_by(node, draft.graph(), x.shape());
    if (!parts) throw Error("has bounds that are computed");
    std::map<size_t, Picks> picks;
    for (const PartOfAxis& part : *parts)
        // This program says what it means; others may say an end that is only the canonical size's.
        if (part.first != 0 || part.count != x.shape()[part.axis] || part.step != 1)
            picks[part.axis] = {part.first, part.count, part.step, !draft.keeps_names() || part.beyond};
    draft.put(node.outputs[0], sliced(draft, node, x, picks));
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
        if (sizes[i] < 1 || sizes[i] > size - first)
            throw Error(concat("splits ", size, " places into parts, one of ", sizes[i], ", expected one place each"));
        if (!node.outputs[i].empty())
            draft.put(node.outputs[i], parts == 1 ? x : sliced(draft, node, x, axis, {first, sizes[i]}));
        first += sizes[i];
    }
}

// Parts, each with that axis of the tensor along that one of the layer, behind each other.
Placement joined(Draft& draft, const ImportNode& node, const std::vector<Placement>& parts, size_t axis, int along) {
    Placement y = parts[0];
    std::vector<std::string> names;
    for (size_t i = 0; i < parts.size(); i++) {
        names.push_back(parts[i].layer);
        if (i > 0) y.sizes[size_t(along)] += parts[i].sizes[size_t(along)];
    }
    y.axes[axis] = {{along, y.sizes[size_t(along)], 1}};
    if (y.sizes[size_t(along)] == 1) y.axes[axis].clear();
    const std::string settings = along == 3 ? "" : concat("along=", kAxisNames[along]);
    y.layer = draft.line(node, "concat", names, settings, y.sizes);
    return y;
}

// Some places of an axis: each stretch of neighbours is a slice.
void write_gather(Draft& draft, const ImportNode& node) {
    constexpr size_t kMostStretches = 256;
    Placement x = draft.value(node.input(0));
    const size_t axis = axis_of(node.integer("axis", 0), x.rank());
    auto index = draft.integers(node, 1, "");
    if (!index || index->empty()) throw Error("takes no places, or computed ones, expected constants");
    const int64_t size = x.shape()[axis];
    for (int64_t& at : *index) {
        if (at < -size || at >= size)
            throw Error(concat("takes place ", at, " of ", size, ", expected one that is there"));
        at = at < 0 ? at + size : at;
    }
    const int along = layer_axis(draft, node, x, axis);
    std::vector<Placement> parts;
    for (size_t i = 0; i < index->size();) {
        size_t end = i + 1;
        while (end < index->size() && (*index)[end] == (*index)[end - 1] + 1) end++;
        if (parts.size() == kMostStretches)
            throw Error(concat("takes more than ", kMostStretches, " places that are no neighbours"));
        parts.push_back(sliced(draft, node, x, axis, {(*index)[i], int64_t(end - i)}));
        i = end;
    }
    Placement y = parts.size() == 1 ? parts[0] : joined(draft, node, parts, axis, along);
    const Dimensions& shape = draft.constant(node.input(1))->shape;
    if (shape.empty()) {
        y.axes.erase(y.axes.begin() + std::ptrdiff_t(axis));
    } else if (shape.size() > 1) {
        Dimensions whole = y.shape();
        whole.erase(whole.begin() + std::ptrdiff_t(axis));
        whole.insert(whole.begin() + std::ptrdiff_t(axis), shape.begin(), shape.end());
        return put_reshaped(draft, node, y, whole);
    }
    draft.put(node.outputs[0], y);
}

void write_concat(Draft& draft, const ImportNode& node) {
    std::vector<Placement> parts;
    for (const std::string& input : node.inputs) parts.push_back(draft.value(input));
    if (parts.empty()) throw Error("takes nothing, expected tensors");
    const size_t rank = parts[0].rank(), axis = axis_of(node.integer("axis", 0), rank);
    Dimensions fits;
    for (const Placement& part : parts) {
        Dimensions others = part.shape();
        if (others.size() == rank) others[axis] = 0;
        if (!fits.empty() && others != fits)
            throw Error(concat("joins ", shape_text(parts[0].shape()), " and ", shape_text(part.shape()),
                               ", which do not fit"));
        fits = others;
        if (has_images(part, axis)) throw Error("works along the images of a batch, expected another axis");
    }
    if (parts.size() == 1) return draft.put(node.outputs[0], parts[0]);
    const bool images = std::ranges::all_of(parts, [](const Placement& part) { return is_of_images(part, 0); });
    Arrangement into = usual_arrangement(rank, images && axis > 0);
    int along = 0;
    for (int in_layer = 1; in_layer < 4; in_layer++)
        if (into[size_t(in_layer)] == std::vector<size_t>{axis}) along = in_layer;
    if (along == 0) into = channels_arrangement(parts[0], {axis});
    for (Placement& part : parts) part = draft.arranged(node, part, into);
    draft.put(node.outputs[0], joined(draft, node, parts, axis, along > 0 ? along : 3));
}

// Elements before and behind each axis; negative: taken away.
struct Pads {
    std::vector<int64_t> before, behind;
};

Pads pads_of(const Draft& draft, const ImportNode& node, size_t rank) {
    constexpr int64_t kMostPad = 65535;
    const auto pads = draft.integers(node, 1, "pads");
    if (!pads) throw Error("pads by numbers that are computed, expected constants");
    std::vector<int64_t> axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    if (!node.input(3).empty() && !draft.constant(node.input(3))) throw Error("pads axes that are computed");
    axes = draft.integers(node, 3, "").value_or(axes);
    if (pads->size() != 2 * axes.size())
        throw Error(concat("has ", pads->size(), " pads for ", axes.size(), " axes, expected two for each"));
    Pads result{std::vector<int64_t>(rank), std::vector<int64_t>(rank)};
    for (size_t i = 0; i < axes.size(); i++) {
        const size_t axis = axis_of(axes[i], rank);
        result.before[axis] = (*pads)[i];
        result.behind[axis] = (*pads)[i + axes.size()];
        for (const int64_t pad : {result.before[axis], result.behind[axis]})
            if (pad < -kMostPad || pad > kMostPad)
                throw Error(concat("pads by ", pad, ", expected -", kMostPad, " to ", kMostPad));
    }
    return result;
}

// Axes that lie along one axis of the layer each are padded at once, others one after another.
void write_pad(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    Pads pads = pads_of(draft, node, x.rank());
    const std::string mode = node.text("mode", "constant");
    if (mode != "constant" && mode != "reflect" && mode != "edge")
        throw Error(concat("has the mode ", printable(mode), ", expected constant, reflect or edge"));
    float value = node.real("value", 0);
    if (!node.input(2).empty()) {
        const ImportTensor& given = draft.need_constant(node, 2, "value");
        if (given.size() != 1) throw Error(concat("pads with ", shape_text(given.shape), ", expected one number"));
        value = draft.reals(given)[0];
    }
    std::vector<size_t> padded;
    for (size_t axis = 0; axis < x.rank(); axis++) {
        int64_t &before = pads.before[axis], &behind = pads.behind[axis];
        if (before < 0 || behind < 0) {
            if (mode != "constant" && (before > 0 || behind > 0))
                throw Error(concat("takes away and mirrors along one axis, expected either"));
            const int64_t first = std::max<int64_t>(-before, 0);
            x = sliced(draft, node, x, axis, {first, x.shape()[axis] - first - std::max<int64_t>(-behind, 0)});
        }
        before = std::max<int64_t>(before, 0), behind = std::max<int64_t>(behind, 0);
        if (before + behind > 0) padded.push_back(axis);
    }
    const auto pad_some = [&](const std::vector<size_t>& axes) {
        std::array<int64_t, 4> before{}, behind{};
        for (const size_t axis : axes) {
            const auto in_layer = size_t(layer_axis(draft, node, x, axis));
            const int64_t size = x.sizes[in_layer];
            before[in_layer] = pads.before[axis], behind[in_layer] = pads.behind[axis];
            if (mode == "reflect" && std::max(before[in_layer], behind[in_layer]) >= size)
                throw Error(concat("mirrors more than the ", size, " places that are there"));
            x.sizes[in_layer] += before[in_layer] + behind[in_layer];
            x.axes[axis] = {{int(in_layer), x.sizes[in_layer], 1}};
        }
        std::string settings = concat("border=", before[1], "x", before[2], "x", behind[1], "x", behind[2]);
        if (before[3] + behind[3] > 0) settings += concat(", channels=", before[3], " ", behind[3]);
        settings += setting("mode", mode, "constant") + setting("value", number_text(value), "0");
        x.layer = draft.line(node, "pad", {x.layer}, settings, x.sizes);
    };
    const auto alone = [&](const Placement& view) {
        return std::ranges::all_of(padded, [&](size_t axis) { return whole_axis(view, axis).value_or(0) > 0; });
    };
    const Placement usual = arranged_placement(x.layer, x.shape(), usual_arrangement(x));
    if (!alone(x) && alone(usual)) x = draft.plain(node, x);
    if (!padded.empty() && alone(x))
        pad_some(padded);
    else
        for (const size_t axis : padded) pad_some({axis});
    draft.put(node.outputs[0], x);
}

constexpr Operator kPartsOperators[] = {
    {"Slice", write_slice},   {"Split", write_split}, {"Gather", write_gather},
    {"Concat", write_concat}, {"Pad", write_pad},
};

}  // namespace

std::span<const Operator> parts_operators() { return kPartsOperators; }

}  // namespace limpid
