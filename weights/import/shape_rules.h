// What nodes say of axes and shapes, whether their tensors are constants, which are folded, or become layers. Throws
// Error, here and below, where that does not fit.
#pragma once

#include <optional>
#include <vector>

#include "weights/import_graph.h"

namespace limpid {

// The axis, counted from the front.
size_t axis_of(int64_t axis, size_t rank);

// The shape that Reshape, Squeeze, Unsqueeze or Flatten makes of another one, of as many elements; nullopt: it is
// another operator, or says it by numbers that are computed.
std::optional<Dimensions> shape_made_by(const ImportNode& node, const ImportGraph& graph, const Dimensions& from);

// What Slice takes of an axis: every step-th of `count` places from the first one on; backwards where the step is
// negative.
struct PartOfAxis {
    size_t axis = 0;
    int64_t first = 0, count = 0, step = 1;
    bool beyond = false;  // the end that it says lies behind the axis
};
// Each axis at most once; nullopt: the bounds are computed.
std::optional<std::vector<PartOfAxis>> parts_taken_by(const ImportNode& node, const ImportGraph& graph,
                                                      const Dimensions& from);

}  // namespace limpid
