// What put_together (own_model.h) makes of the nodes of a layer.
#include <algorithm>
#include <cmath>

#include "weights/import/operators.h"
#include "weights/layer_names.h"
#include "weights/layout.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

float one_of(Draft& draft, const ImportNode& node, size_t input, const char* what) {
    const ImportTensor& tensor = draft.need_constant(node, input, what);
    if (tensor.size() != 1) throw Error(concat("has a ", what, " ", shape_text(tensor.shape), ", expected one number"));
    return draft.reals(tensor)[0];
}

Placement as_picture(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    return draft.arranged(node, x, map_arrangement(x.rank()));
}

// Another name; of a tensor that has been moved, the layer that it is moved to.
void write_alias(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    const bool usual = x.rank() < 2 || x.rank() > 4 || is_plain(x);
    Placement y = usual ? x : draft.arranged(node, x, usual_arrangement(x), "");
    if (usual) y.layer = draft.line(node, "alias", {x.layer}, "", x.sizes);
    draft.put(node.outputs[0], y);
}

// {1,C,H,W}
void write_constant(Draft& draft, const ImportNode& node) {
    const ImportTensor& tensor = draft.need_constant(node, 0, "table");
    const Dimensions& s = tensor.shape;
    if (s.size() != 4 || s[0] != 1 || tensor.size() < 1)
        throw Error(concat("is a table ", shape_text(s), ", expected {1,C,H,W}"));
    HostTensor table = rsck_from_kcrs(draft.reals(tensor), {s[2], s[3], 1, s[1]});
    table.shape = {1, s[2], s[3], s[1]};
    const std::array<int64_t, 4> sizes{1, s[2], s[3], s[1]};
    const std::string name = draft.line(
        node, "constant", {}, concat("size=", size_text(s[2], s[3]), setting("channels", concat(s[1]), "")), sizes);
    draft.parameter(weight_of(name), std::move(table));
    draft.put(node.outputs[0], map_placement(name, 4, sizes));
}

// "104 116.7 122.7", of one number for all channels or one for each.
std::string numbers_text(Draft& draft, const ImportNode& node, size_t input, const char* what, int64_t channels) {
    const ImportTensor& tensor = draft.need_constant(node, input, what);
    const bool each = tensor.shape == Dimensions{channels, 1, 1};
    if (!each && (tensor.size() != 1 || tensor.shape.size() > 4))
        throw Error(concat("has a ", what, " ", shape_text(tensor.shape), ", expected one number or ", channels));
    std::string text;
    for (const float value : draft.reals(tensor)) text += concat(text.empty() ? "" : " ", number_text(value));
    return text;
}

// Inputs: the picture, scale, mean, and the order of channels where they are moved.
void write_normalise(Draft& draft, const ImportNode& node) {
    Placement x = as_picture(draft, node);
    const int64_t channels = x.sizes[3];
    std::string order;
    if (!node.input(3).empty()) {
        const auto said = draft.integers(node, 3, "");
        std::vector<int64_t> sorted = said.value_or(std::vector<int64_t>());
        std::ranges::sort(sorted);
        for (size_t j = 0; j < sorted.size() || int64_t(j) < channels; j++)
            if (int64_t(sorted.size()) != channels || sorted[j] != int64_t(j))
                throw Error("takes channels in an order that is none, expected each once");
        for (const int64_t place : *said) order += concat(order.empty() ? "" : " ", place);
    }
    const std::string settings = setting("order", order, "") +
                                 setting("scale", numbers_text(draft, node, 1, "scale", channels), "1") +
                                 setting("mean", numbers_text(draft, node, 2, "mean", channels), "0");
    x.layer = draft.line(node, "normalise", {x.layer}, settings.empty() ? "" : settings.substr(2), x.sizes);
    draft.put(node.outputs[0], x);
}

void write_grey(Draft& draft, const ImportNode& node) {
    const Placement x = as_picture(draft, node);
    if (x.sizes[3] != 3) throw Error(concat("makes ", x.sizes[3], " channels grey, expected three"));
    std::array<int64_t, 4> sizes = x.sizes;
    sizes[3] = 1;
    draft.put(node.outputs[0], map_placement(draft.line(node, "grey", {x.layer}, "", sizes), x.rank(), sizes));
}

void write_affine(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    const std::string settings = setting("scale", number_text(one_of(draft, node, 1, "scale")), "1") +
                                 setting("shift", number_text(one_of(draft, node, 2, "shift")), "0");
    x.layer = draft.line(node, "affine", {x.layer}, settings.empty() ? "" : settings.substr(2), x.sizes);
    draft.put(node.outputs[0], x);
}

void write_own_power(Draft& draft, const ImportNode& node) {
    Placement x = draft.value(node.input(0));
    const float exponent = one_of(draft, node, 1, "exponent");
    const bool square = exponent == 2;
    x.layer = draft.line(node, square ? "square" : "power", {x.layer},
                         square ? "" : concat("exponent=", number_text(exponent)), x.sizes);
    draft.put(node.outputs[0], x);
}

// GlobalAveragePool, which stands for a window that is the whole map at the canonical size.
void write_whole_average(Draft& draft, const ImportNode& node) {
    const Placement x = as_picture(draft, node);
    const std::array<int64_t, 4> sizes{x.sizes[0], 1, 1, x.sizes[3]};
    const std::string name =
        draft.line(node, "average_pool", {x.layer},
                   concat("window=", size_text(x.sizes[1], x.sizes[2]), ", other_maps=whole"), sizes);
    draft.put(node.outputs[0], map_placement(name, x.rank(), sizes));
}

constexpr Operator kOwnOperators[] = {
    {"limpid.Alias", write_alias},
    {"limpid.Constant", write_constant},
    {"limpid.Grey", write_grey},
    {"limpid.Normalise", write_normalise},
    {"limpid.Affine", write_affine},
    {"limpid.Power", write_own_power},
    {"limpid.WholeAverage", write_whole_average},
};

}  // namespace

std::span<const Operator> own_operators() { return kOwnOperators; }

}  // namespace limpid
