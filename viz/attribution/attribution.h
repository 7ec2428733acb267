// Which activations of a layer a target is owed to (Olah et al. 2018, The Building Blocks of Interpretability).
//
//   G(x) = d target / d x at activations x of the fed layer, A: the photo's activations
//   linear:           A * G(A)                              exact for a target that is linear in the layer
//   path:             A * (1/N) sum_{n=0}^{N-1} G(A n/N)    Lucid's left end-points: includes 0, not A
//   stochastic path:  as path, each fed activation also multiplied by r_c = (U(0,1) + U(0,1)) / 1.5, drawn anew for
//                     every channel c and step n
//
// All are {1,h,w,c}: sums over positions are channel attribution, sums over channels spatial attribution.
#pragma once

#include <functional>
#include <vector>

#include "viz/attribution/section.h"
#include "viz/attribution/target.h"

namespace limpid {

// Where a path integral takes its N gradients between baseline (t = 0) and photo (t = 1).
enum class PathRule {
    left,      // t = n/N, n = 0 .. N-1 (Lucid, AttrChannel)
    right,     // t = n/N, n = 1 .. N (Lucid, rl_util; Sundararajan et al. 2017)
    midpoint,  // t = (n + 1/2)/N: the smallest error for the same N
};

// Told after each pass how many of the images are done; false stops: Stopped is thrown. May be empty.
using PassWatcher = std::function<bool(int64_t done, int64_t total)>;

struct PathOptions {
    int64_t steps = 100;
    PathRule rule = PathRule::left;
    bool stochastic = false;
    uint64_t seed = 0;
    uint32_t job = 0;
};

// x: activations of the section's `from`, one image or several. The target's layer is the section's `to`.
HostTensor gradient(Section& section, const HostTensor& x, const Target& target);
std::vector<double> values(Section& section, const HostTensor& x, const Target& target);

HostTensor linear_attribution(Section& section, const HostTensor& activations, const Target& target);
// (A - baseline) * the mean gradient on the way from baseline to A; an empty baseline is 0 everywhere.
HostTensor path_attribution(Section& section, const HostTensor& activations, const Target& target,
                            const PathOptions& options = {}, const HostTensor& baseline = {});

// From every position (i,j) of the section's `to` layer to every position of its `from` layer: how much the norm
// ||y[i,j,:]|| owes to x[y,x,:], linearly. Image i * W + j of the result {H*W, h, w, 1}, which grows with the fourth
// power of the photo's side: position_attribution_bytes says how large it is.
HostTensor position_attribution(Section& section, const HostTensor& activations, const PassWatcher& watcher = {});
size_t position_attribution_bytes(const Section& section);

// Sums over positions: one per channel, of each image {N,1,1,c}. Sums over channels: {N,h,w,1}.
HostTensor sum_positions(const HostTensor& attribution);
HostTensor sum_channels(const HostTensor& attribution);
// a * b element by element; a may be one image for all of b.
HostTensor product(const HostTensor& a, const HostTensor& b);

}  // namespace limpid
