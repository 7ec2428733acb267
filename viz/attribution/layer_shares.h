// What many targets owe to several layers at once: one backward pass for each target, however many layers it visits.
//
//   seed: the derivative of a target in the layer `to`. For every layer, with A its activations and G = d target / d A:
//   by_position[n,y,x] = sum_c A*G          by_channel[n,c] = sum_{y,x} A*G
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "viz/attribution/section.h"

namespace limpid {

struct LayerShares {
    HostTensor by_position;  // {targets, h, w, 1}
    HostTensor by_channel;   // {targets, 1, 1, c}
};

// Writes the derivative of target i into a seed of zeros, {1,h,w,c} of `to`.
using SeedWriter = std::function<void(int64_t i, MutView seed)>;

// layers: in order of depth; first: the photo's activations of layers[0], from which all others follow. A result for
// each layer, in order; memory is that of one pass and of the sums. The watcher is told after each pass how many
// targets are done; where it returns false, nothing is returned.
std::optional<std::vector<LayerShares>> layer_shares(const Net& net, const std::vector<std::string>& layers,
                                                     const HostTensor& first, const std::string& to, int64_t targets,
                                                     const SeedWriter& write_seed, Stream& stream,
                                                     const SectionOptions& options = {},
                                                     const std::function<bool(int64_t, int64_t)>& watcher = {});

}  // namespace limpid
