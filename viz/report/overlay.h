// Dreams: a photo optimised for a neuron group, only where the group fires (the article's "dream overlay").
#pragma once

#include <optional>

#include "viz/factor/groups.h"
#include "viz/render/render.h"

namespace limpid {

struct OverlayOptions {
    int64_t steps = 64;  // Lucid's threshold: steps + 1 updates
    int64_t jitter = 8;
    AdamParameters adam;
    uint64_t seed = 0;
};

// One picture for each group, {k,H,W,3}. With m the group's map, enlarged and divided by its largest value, and x the
// optimised picture, which starts as the photo:
//   shown = photo + m (x - photo)          score = sum_{y,x,c} A(jittered shown) * spatial_i[y,x] * channel_i[c]
// Nothing where the watcher stopped it.
std::optional<HostTensor> dreamed_overlays(const Net& net, const std::string& layer, const HostTensor& photo,
                                           const Groups& groups, const OverlayOptions& options, Stream& stream,
                                           const RenderWatcher& watcher = {}, const RunOptions& run_options = {});

}  // namespace limpid
