// Sources that make all pictures of a batch out of parts which the pictures share: the interaction grid, and ways from
// each of a few things to each other.
#pragma once

#include "viz/param/sources.h"

namespace limpid {

// One copy serves the whole batch. Variables: {k,h,w,c}.
std::vector<Shape> grid_variables(const Grid& grid, Size3 size);
NodeId grid_values(Graph& graph, const Grid& grid, const std::vector<NodeId>& nodes, Size3 size, int64_t batch);

std::vector<Shape> pairs_variables(const Pairs& pairs, Size3 size);
NodeId pairs_values(Graph& graph, const Pairs& pairs, const std::vector<NodeId>& nodes, Size3 size, int64_t batch);

}  // namespace limpid
