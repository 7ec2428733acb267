// Operators that move elements and change none: they only change placements.
#include <algorithm>
#include <numeric>

#include "weights/import/operators.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

// Reshape, Flatten, Squeeze, Unsqueeze
void write_shape(Draft& draft, const ImportNode& node) {
    const Placement& x = draft.value(node.input(0));
    const auto shape = shape_made_by(node, draft.graph(), x.shape());
    if (!shape) throw Error("has a shape that is computed, expected one that depends on sizes alone");
    put_reshaped(draft, node, x, *shape);
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

// One that is told whether it is in training.
void write_dropout(Draft& draft, const ImportNode& node) {
    const ImportTensor &training = draft.need_constant(node, 2, "training mode"),
                       *ratio = draft.constant(node.input(1));
    const bool drops = training.size() != 1 || draft.reals(training)[0] != 0;
    const bool none = ratio && ratio->size() == 1 && draft.reals(*ratio)[0] == 0;
    if (drops && !none)
        throw Error("drops values, as in training, expected a model for inference; export it with model.eval()");
    draft.put(node.outputs[0], draft.value(node.input(0)));
}

constexpr Operator kMovementOperators[] = {
    {"Dropout", write_dropout},
    {"Cast", write_cast},
    {"CastLike", write_cast},
    {"Reshape", write_shape},
    {"Flatten", write_shape},
    {"Squeeze", write_shape},
    {"Unsqueeze", write_shape},
    {"Transpose", write_transpose},
    {"DepthToSpace", write_depth_to_space},
    {"SpaceToDepth", write_space_to_depth},
};

}  // namespace

void put_reshaped(Draft& draft, const ImportNode& node, const Placement& x, const Dimensions& shape) {
    std::optional<Placement> y = reshaped(x, shape);
    if (!y) y = reshaped(draft.flat(node, x), shape);
    if (!y)
        throw Error(concat("makes ", shape_text(shape), " of ", shape_text(x.shape()), ", which cannot be kept here"));
    draft.put(node.outputs[0], *y);
}

std::span<const Operator> movement_operators() { return kMovementOperators; }

}  // namespace limpid
