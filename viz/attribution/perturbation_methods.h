// Attributions that change the photo and look at what the network then says. `section` leads from "input" to the
// logits.
//
//   occlusion               S(x) - S(x with a grey window)                              Zeiler and Fergus 2013
//   prediction difference   log2 odds(c|x) - log2 odds(c|x without the window)          Zintgraf et al. 2017
//   LIME                    weights of a linear model of S on which segments are shown  Ribeiro et al. 2016
#pragma once

#include <vector>

#include "viz/attribution/attribution.h"

namespace limpid {

struct OcclusionOptions {
    int64_t window = 32, stride = 8;
    float fill = 117.0f / 255;  // what GoogLeNet's preprocessing makes zero
};
// {1,h,w,1}: each pixel's mean over the windows that cover it.
HostTensor occlusion(Section& section, const HostTensor& photo, const Target& target,
                     const OcclusionOptions& options = {}, const PassWatcher& watcher = {});

// The window is drawn again from what its surroundings let expect: a normal distribution given the `margin` pixels
// around it. Its mean and covariance come from the photo itself (its autocovariance), where Zintgraf et al. take
// patches of the training photos, which nobody has at hand; beyond the border the photo is mirrored.
//   p(c|x without w) = mean over samples;    odds = p/(1-p);    p is smoothed as (p*N + 1)/(N + K), N training photos
struct PredictionDifferenceOptions {
    int64_t window = 16, margin = 4, stride = 8, samples = 5;
    int64_t training_photos = 1281167;  // of ILSVRC 2012
    uint64_t seed = 0;
};
HostTensor prediction_difference(Section& section, const HostTensor& photo, int64_t class_index,
                                 const PredictionDifferenceOptions& options = {}, const PassWatcher& watcher = {});

// Segment of every pixel {1,h,w,1}, numbered from 0: compact regions of similar colour (SLIC, Achanta et al. 2012),
// each connected. About `count` of them.
HostTensor superpixels(const HostTensor& photo, int64_t count, const Stop& stop = {}, double compactness = 10,
                       int64_t iterations = 10);

struct LimeOptions {
    int64_t segments = 50, samples = 1000;
    double kernel_width = 0.25, ridge = 1;  // the authors' package
    uint64_t seed = 0;
};
struct Lime {
    HostTensor segments;          // {1,h,w,1}
    std::vector<double> weights;  // per segment
    double intercept = 0;
    double r2 = 0;   // of the weighted fit
    HostTensor map;  // {1,h,w,1}: each pixel has its segment's weight
};
// Hidden segments have their mean colour. The first sample shows all; weights of samples: sqrt(exp(-d^2 / width^2)), d
// the cosine distance to it.
Lime lime(Section& section, const HostTensor& photo, const Target& target, const LimeOptions& options = {},
          const PassWatcher& watcher = {});

}  // namespace limpid
