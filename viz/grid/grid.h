// Activation grids (Olah et al. 2018): for every position of a layer, a picture of what its activations say together.
//
//   icon n maximises the mean over its own positions of <layer, v_n>, v_n: the photo's activations at position n
// Very naive: every icon by itself. Less naive: icons share what neuron groups share, which makes them agree:
//   spectrum_n = 0.7 unique_n + 0.5 sum_j w[n,j] group_j       w: maps of the groups, each divided by its largest value
// and every step updates `batch` positions drawn with replacement (Lucid's notebook). Adam's state is dense: what was
// not drawn moves on by its momentum.
#pragma once

#include <optional>
#include <vector>

#include "viz/factor/groups.h"
#include "viz/render/render.h"

namespace limpid {

struct GridOptions {
    int64_t groups = 6;  // 0: very naive
    int64_t size = 42;   // of an icon, before `margin` pixels are cut off on each side
    int64_t margin = 2;
    int64_t steps = 256;  // Lucid's threshold: steps + 1 updates
    int64_t batch = 64;
    AdamParameters adam;
    Transforms transforms = standard_transforms();
    // None: those of a render for very naive; 0 for less naive, as in the notebook.
    std::optional<int64_t> redirected_relu_updates;
    uint64_t seed = 0;
};

struct ActivationGrid {
    HostTensor icons;  // {rows*columns, side, side, c}, as many channels as the network takes
    int64_t rows = 0, columns = 0;
    std::vector<double> norms;  // of the activations, per position
    std::vector<float> scores;  // mean over the batch, per update
};

// activations: of `layer` for one photo {1,h,w,c}; not negative, where there are groups. The watcher may stop it: then
// the icons are what there is.
ActivationGrid activation_grid(const Net& net, const std::string& layer, const HostTensor& activations,
                               const GridOptions& options, Stream& stream, const RenderWatcher& watcher = {},
                               const RunOptions& run_options = {});

// What each neuron group looks like (Lucid, NeuronGroups notebook): pictures {k,size,size,3} that maximise the mean
// over positions of <layer, channel_i>, by the loop of a render.
HostTensor group_icons(const Net& net, const std::string& layer, const Groups& groups, int64_t size, int64_t steps,
                       uint64_t seed, Stream& stream, const RenderWatcher& watcher = {},
                       const RunOptions& run_options = {});

// All icons side by side, {1, rows*side, columns*side, c}.
HostTensor grid_picture(const ActivationGrid& grid);

// How an icon's side grows with the norm of its activations.
enum class MagnitudeScale {
    article,  // 0.22 + 0.70 (|v|/max|v|)^2 of the cell: measured on the article's pictures
    area,     // sqrt(|v|/max|v|): the area is proportional to the norm, as the article's text says
};
// Icons shrunk and centred in their cells, transparent around: {1, rows*side, columns*side, 4}.
HostTensor magnitude_picture(const ActivationGrid& grid, MagnitudeScale scale = MagnitudeScale::article);

}  // namespace limpid
