// Depthwise convolution (cross-correlation, each channel by its own m filters) and its gradients.
//
//   y[n,p,q,c*m+j]  = sum_{r,s}   x[n, h(p,r), w(q,s), c] * w[r,s,c,j]          where x is 0 outside the image
//   dx[n,h,w,c]     = sum_{p,q,r,s,j} dy[n,p,q,c*m+j] * w[r,s,c,j]              over all h(p,r) = h, w(q,s) = w
//   dw[r,s,c,j]     = sum_{n,p,q} x[n, h(p,r), w(q,s), c] * dy[n,p,q,c*m+j]
//                     h(p,r) = p*stride_y + r*dilation_y - pad_top,  w(q,s) = q*stride_x + s*dilation_x - pad_left
//
// m is the multiplier of channels: 1 nearly always, and the case that is fast. A gradient writes its output. All views
// may be pitched, filters too. Any size, stride, dilation and padding with at least one output; n = 0 is allowed. What
// lies on padding is left out of a sum, not multiplied: a NaN of the other factor does not get in there. Elements of y
// and dx are computed in an order that depends on neither n nor the thread count; those of dw in an order fixed by the
// shape, n included.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct DepthwiseShape {
    int64_t n = 1, h = 1, w = 1, c = 1;  // input
    int64_t r = 1, s = 1, m = 1;         // filter height, width; outputs per channel
    int64_t stride_y = 1, stride_x = 1;
    int64_t dilation_y = 1, dilation_x = 1;
    int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;

    int64_t p() const { return (h + pad_top + pad_bottom - dilation_y * (r - 1) - 1) / stride_y + 1; }  // output height
    int64_t q() const { return (w + pad_left + pad_right - dilation_x * (s - 1) - 1) / stride_x + 1; }  // output width
    Shape input() const { return {n, h, w, c}; }
    Shape output() const { return {n, p(), q(), c * m}; }
    Shape filter() const { return {r, s, c, m}; }
    // Multiply-adds of one pass, padding counted as full.
    int64_t multiply_adds() const { return output().size() * r * s; }
    bool operator==(const DepthwiseShape&) const = default;
};

struct DepthwiseKernels {
    void (*forward)(Stream&, const DepthwiseShape&, ConstView x, ConstView w, MutView y) = nullptr;
    void (*grad_input)(Stream&, const DepthwiseShape&, ConstView dy, ConstView w, MutView dx) = nullptr;
    size_t (*grad_filter_scratch)(const DepthwiseShape&) = nullptr;  // bytes
    void (*grad_filter)(Stream&, const DepthwiseShape&, ConstView x, ConstView dy, MutView dw, Scratch) = nullptr;
};

}  // namespace limpid
