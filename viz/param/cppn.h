// Networks from coordinates to colours: their variables, their start, and the pictures that they draw.
#pragma once

#include "viz/param/sources.h"

namespace limpid {

std::vector<Shape> cppn_variables(const Cppn& cppn, int64_t colours);
// One copy; shapes: those of cppn_variables.
void initialise_cppn(const Cppn& cppn, const std::vector<Shape>& shapes, RandomKey key, float* to);
// {batch,h,w,c}. nodes: one for each variable, {copies, ...}.
NodeId cppn_values(Graph& graph, const Cppn& cppn, std::vector<NodeId> nodes, Size3 size, int64_t batch);

}  // namespace limpid
