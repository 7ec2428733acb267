// Softmax and log-sum-exp over channels, for each pixel; stable (the maximum is subtracted first).
//
//   softmax:      y[c] = exp(x[c] - max) / sum_j exp(x[j] - max)     dx[c] = y[c] * (dy[c] - sum_j dy[j]*y[j])
//   log_sum_exp:  y    = max + log(sum_j exp(x[j] - max))            dx[c] = dy * softmax(x)[c]   (in the graph)
//
// Views may be pitched. C >= 1.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct SoftmaxKernels {
    void (*forward)(Stream&, ConstView x, MutView y) = nullptr;
    void (*grad_input)(Stream&, ConstView y, ConstView dy, MutView dx) = nullptr;
    void (*log_sum_exp)(Stream&, ConstView x, MutView y) = nullptr;  // y {n,h,w,1}
};

}  // namespace limpid
