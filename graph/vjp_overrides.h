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

}  // namespace limpid
