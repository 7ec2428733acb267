// Attributions made of gradients, to pixels or to any layer. `section` starts at what is explained ("input": the photo)
// and ends at the target's layer.
//
//   saliency              max_c |G|                                          Simonyan et al. 2013
//   gradient x input      linear_attribution (attribution.h)
//   integrated gradients  (x - x0) * mean G on the straight way from x0      Sundararajan et al. 2017
//   SmoothGrad            mean of G at x + noise                             Smilkov et al. 2017
//   guided backprop,      G of a section with guided_relu() or               Springenberg et al. 2014,
//   deconvolution           deconvolved_relu() as overrides                  Zeiler and Fergus 2013
//   Grad-CAM              relu(sum_c mean_{y,x}(G_c) * A_c)                  Selvaraju et al. 2017
#pragma once

#include "viz/attribution/attribution.h"

namespace limpid {

// max over channels of |gradient|: {N,h,w,1}.
HostTensor saliency(const HostTensor& gradient);

// How well a path attribution adds up: sum and S(x) - S(x0), which are equal for infinitely many steps.
struct Completeness {
    double sum = 0, change = 0;
    double error() const;  // |sum - change| / |change|
};
struct IntegratedGradients {
    HostTensor attribution;  // of x's shape
    Completeness completeness;
};
// Midpoints. For the pixels of a photo 200 steps leave a few percent, 1000 a thousandth (see Completeness). An empty
// baseline is 0: black.
IntegratedGradients integrated_gradients(Section& section, const HostTensor& x, const Target& target,
                                         int64_t steps = 200, const HostTensor& baseline = {});

struct SmoothGradOptions {
    enum class Kind {
        mean,      // SmoothGrad
        square,    // mean of G^2 (SG-SQ, Hooker et al. 2019)
        variance,  // VarGrad (Adebayo et al. 2018)
    };
    Kind kind = Kind::mean;
    int64_t samples = 50;
    double deviation = 0.15;  // of the noise, in parts of max(x) - min(x)
    uint64_t seed = 0;
};
HostTensor smooth_grad(Section& section, const HostTensor& x, const Target& target,
                       const SmoothGradOptions& options = {});

// {1,h,w,1}, at least 0, not scaled.
HostTensor grad_cam(Section& section, const HostTensor& activations, const Target& target);

}  // namespace limpid
