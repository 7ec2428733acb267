// Gradient overrides of Lucid, as arguments for grad().
#pragma once

#include "graph/grad.h"

namespace limpid {

// Redirected ReLU (Lucid, redirected_relu_grad.py), for gradients of a score that is *maximised*. With g the incoming
// gradient and x the pre-activation of one ReLU layer and one image:
//   plain = x < 0 ? 0 : g       redirected = x < 0 && g < 0 ? 0 : g
//   the gradient is plain where plain has any non-zero element in the whole layer of that image, else redirected.
// (Lucid states it for the minimised loss, so with the sign of g turned.) Also for relu6, which blocks x > 6 where g
// pushes further up.
VjpOverrides redirected_relu();

// Relaxed gradients of max pooling (Olah et al. 2018; Lucid, pooling_overrides), for attribution: the forward pass
// stays the maximum, the gradient is that of
//   s = P(x^2) / (0.01 + P(|x|)),   P: the mean over the valid cells of the same windows
// which spreads over a window in proportion, where the gradient of the maximum picks one cell and leaves checkerboards.
VjpOverrides smoothed_max_pool();
// The same, and every gradient of a pooling blurred: 0.25 of a cell, 0.5 of the mean of its edge neighbours, 0.25 of
// the mean of its diagonal neighbours, zero outside.
VjpOverrides smoothed_and_blurred_max_pool();

// Guided backpropagation (Springenberg et al. 2014): a ReLU passes x > 0 && g > 0 ? g : 0; a relu6 nothing above 6,
// either.
VjpOverrides guided_relu();
// The deconvolutional network (Zeiler and Fergus 2013): a ReLU passes max(g, 0), whatever x;
// a relu6, too.
VjpOverrides deconvolved_relu();

}  // namespace limpid
