// Neuron groups of a photo: the activations of a layer as a sum of few (map of positions) x (mix of channels), what
// each group is owed, and what it does for classes and for groups of other layers (Olah et al. 2018).
//
//   A[y,x,c] ~ sum_i spatial_i[y,x] * channel_i[c]
// Attribution is linear: a group's share of a gradient G is sum_{y,x,c} spatial_i[y,x] * channel_i[c] * G[y,x,c].
#pragma once

#include <vector>

#include "viz/attribution/attribution.h"
#include "viz/factor/nmf.h"

namespace limpid {

// How groups are numbered.
enum class GroupOrder {
    centre,  // from left to right by the centre of mass, weighted by the squared map: the article's data
    peak,    // by the column in which the map, maximal over rows, peaks: Lucid's notebook
    none,    // as the factorisation found them
};

struct Groups {
    HostTensor spatial;  // {1,h,w,k}
    HostTensor channel;  // {1,1,k,c}
    int64_t iterations = 0;

    int64_t count() const { return spatial.shape.c; }
};

// activations: one photo's {1,h,w,c}, or several photos'. What is below 0, as in layers without a ReLU, counts as 0.
Groups find_groups(const HostTensor& activations, int64_t count, GroupOrder order = GroupOrder::centre,
                   const NmfOptions& options = {});
// The maps of other photos on the same channel mixes: {N,h,w,k}.
HostTensor project(const HostTensor& activations, const Groups& groups, const NmfOptions& options = {});

// ||spatial_i|| * ||channel_i||.
std::vector<double> magnitudes(const Groups& groups);
// Group i alone, as activations {1,h,w,c}; all groups as images {k,h,w,c}.
HostTensor group_activations(const Groups& groups, int64_t i);
HostTensor all_group_activations(const Groups& groups);
// The share of each group in gradients {N,h,w,c}: [n][i].
std::vector<std::vector<double>> group_shares(const Groups& groups, const HostTensor& gradients);

// Of each group of the section's `from` layer in each of its `to` layer: [later][earlier]. The later group's strength
// is the dot product of its rank-one activations with the layer.
std::vector<std::vector<double>> groups_to_groups(Section& section, const HostTensor& activations,
                                                  const Groups& earlier, const Groups& later);
// What find_groups takes of memory for activations of this shape; what aligned_groups takes for `later` groups.
inline size_t groups_bytes(Shape activations, int64_t count, int64_t later = 1) {
    return nmf_bytes(activations.pixels(), activations.c * later, count) +
           2 * size_t(activations.size() * later) * sizeof(float);
}
// Groups of the earlier layer that agree with the later ones (the article's "align"): every activation is split into
// one copy per later group, in proportion to the size of its attribution to that group; the copies are factorised side
// by side along channels, and added up again in the channel mixes. Activations that no group is owed are split evenly.
Groups aligned_groups(Section& section, const HostTensor& activations, const Groups& later, int64_t count,
                      GroupOrder order = GroupOrder::centre, const NmfOptions& options = {});

}  // namespace limpid
