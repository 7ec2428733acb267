// What each kind of source is made of: its variables, their start, and the values that they decode to. Networks are in
// cppn.h, mixtures of shared parts in mixtures.h.
#pragma once

#include "viz/param/param.h"

namespace limpid {

// Of the values that sources add up to.
struct Size3 {
    int64_t h, w, c;
};

// 0: every picture has its own variables; else how many copies of them the batch shares.
int64_t shared_images(const Source& source);
// The variables of one copy: {1,h,w,c} each, or a few together: {k,h,w,c}.
std::vector<Shape> variables(const Source& source, Size3 size);
// Fills one copy of all variables.
void initialise(const Source& source, const std::vector<Shape>& shapes, RandomKey key, float* to);
// {batch or 1, h, w, c}. nodes: {copies, h, w, c} each, or {k,h,w,c} of a source that is shared by the batch.
NodeId source_values(Graph& graph, const Source& source, const std::vector<NodeId>& nodes, Size3 size, int64_t batch,
                     const std::shared_ptr<const HostTensor>& scale);
// Whether variables exist that decode to any values of this size; and those variables, one copy, in a row.
bool holds(const Source& source, Size3 size);
HostTensor hold(const Source& source, const HostTensor& values);

// Lucid's resize_bilinear_nd to {n,h,w,c}: TensorFlow-1 bilinear, along the batch too.
NodeId enlarge(Graph& graph, NodeId x, int64_t n, int64_t h, int64_t w);

}  // namespace limpid
