// Max and average pooling over r x s windows, and their gradients.
//
//   window(p,q) = { (h,w) : 0 <= h - (p*stride_y - pad_top) < r, 0 <= w - (q*stride_x - pad_left) < s }, where in x
//   max:      y[n,p,q,c] = max over the window of x; padding never wins. NaN in the window gives NaN.
//   average:  y[n,p,q,c] = mean over the *valid* cells of the window (TensorFlow; Caffe agrees where pad = 0).
//   dx of max: dy goes to the first maximum of the window in row-major order (as TensorFlow breaks ties).
//   Epilogue of both gradients: dx = mask(add + sum), mask(v) = mask[n,h,w,c] > 0 ? v : 0; add and mask may be empty.
// Output sizes are explicit (p, q), so TensorFlow SAME (asymmetric), VALID, and Caffe's round-up with clipped windows
// are the same kernel. Every window must have at least one valid cell. Views may be pitched; n = 0 is allowed.
// Gradients gather or own whole images: no atomics.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct PoolShape {
    int64_t n = 1, h = 1, w = 1, c = 1;  // input
    int64_t r = 1, s = 1;                // window
    int64_t stride_y = 1, stride_x = 1;
    int64_t pad_top = 0, pad_left = 0;
    int64_t p = 1, q = 1;  // output

    Shape input() const { return {n, h, w, c}; }
    Shape output() const { return {n, p, q, c}; }
    bool operator==(const PoolShape&) const = default;
};

struct PoolKernels {
    void (*max_forward)(Stream&, const PoolShape&, ConstView x, MutView y) = nullptr;
    // x and y are those of the forward pass. dx may be the same memory as add.
    void (*max_grad_input)(Stream&, const PoolShape&, ConstView x, ConstView y, ConstView dy, ConstView add,
                           ConstView mask, MutView dx) = nullptr;
    // y2[n,p,q,c] = u at the cell that won window (p,q) of x: the adjoint of max_grad_input as a map of dy.
    void (*max_select)(Stream&, const PoolShape&, ConstView x, ConstView y, ConstView u, MutView y2) = nullptr;
    void (*average_forward)(Stream&, const PoolShape&, ConstView x, MutView y) = nullptr;
    void (*average_grad_input)(Stream&, const PoolShape&, ConstView dy, ConstView add, ConstView mask,
                               MutView dx) = nullptr;
};

}  // namespace limpid
