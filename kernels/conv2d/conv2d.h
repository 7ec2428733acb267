// 2-D convolution (cross-correlation, as in every deep-learning framework), its gradients, and filter packing.
//
//   y[n,p,q,k]  = act( b[k] + sum_{r,s,c} x[n, p*stride_y + r - pad_top, q*stride_x + s - pad_left, c] * w[r,s,c,k] )
//                 where x is 0 outside the image
//   dx[n,h,w,c] = mask( add + sum_{p,q,r,s,k} dy[n,p,q,k] * w[r,s,c,k] )
//                 over all p*stride_y + r - pad_top = h, q*stride_x + s - pad_left = w
//   dw[r,s,c,k] = sum_{n,p,q} x[n, p*stride_y + r - pad_top, q*stride_x + s - pad_left, c] * dy[n,p,q,k]
//   db[k]       = sum_{n,p,q} dy[n,p,q,k]                      (a reduction: reduce.h)
//
// act is the identity or ReLU. mask(v) = (mask[n,h,w,c] > 0 ? v : 0) when a mask view is given: the gradient of the
// ReLU that produced x. add, when given, is a second gradient arriving at x. All views may be pitched. Any size, stride
// and padding; n = 0 is allowed. Every element of the result is a function of its own inputs, computed in an order that
// depends neither on n nor on the thread count.
#pragma once

#include <string_view>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct Conv2dShape {
    int64_t n = 1, h = 1, w = 1, c = 1;  // input
    int64_t r = 1, s = 1, k = 1;         // filter height, width; output channels
    int64_t stride_y = 1, stride_x = 1;
    int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;

    int64_t p() const { return (h + pad_top + pad_bottom - r) / stride_y + 1; }  // output height
    int64_t q() const { return (w + pad_left + pad_right - s) / stride_x + 1; }  // output width
    Shape input() const { return {n, h, w, c}; }
    Shape output() const { return {n, p(), q(), k}; }
    Shape filter() const { return {r, s, c, k}; }
    // Multiply-adds of one pass, padding counted as full.
    int64_t multiply_adds() const { return n * p() * q() * r * s * c * k; }
    bool operator==(const Conv2dShape&) const = default;
};

// TensorFlow SAME: out = ceil(in/stride), the odd pixel of padding goes at the end (spec of tf.nn.conv2d).
inline void same_padding(int64_t in, int64_t window, int64_t stride, int64_t* before, int64_t* after) {
    const int64_t out = (in + stride - 1) / stride;
    const int64_t total = (out - 1) * stride + window - in > 0 ? (out - 1) * stride + window - in : 0;
    *before = total / 2;
    *after = total - total / 2;
}

enum class Conv2dPass { forward, grad_input };

struct Conv2dKernels {
    // The algorithm that this device takes for this pass, e.g. "direct", "winograd_4x4_3x3". Depends on everything but
    // n. Two shapes with the same name, r, s, c, k and stride share packed filters.
    std::string_view (*algorithm)(const Conv2dShape&, Conv2dPass) = nullptr;
    // Filters rearranged for that algorithm: number of floats, and the rearrangement of dense w {r,s,c,k}.
    int64_t (*packed_size)(const Conv2dShape&, Conv2dPass) = nullptr;
    void (*pack)(Stream&, const Conv2dShape&, Conv2dPass, ConstView w, float* packed) = nullptr;

    size_t (*scratch)(const Conv2dShape&, Conv2dPass, int threads) = nullptr;  // bytes
    // bias {1,1,1,k} may be empty.
    void (*forward)(Stream&, const Conv2dShape&, ConstView x, const float* packed, ConstView bias, bool relu, MutView y,
                    Scratch) = nullptr;
    // add and mask {n,h,w,c} may be empty. dx may be the same memory as add.
    void (*grad_input)(Stream&, const Conv2dShape&, ConstView dy, const float* packed, ConstView add, ConstView mask,
                       MutView dx, Scratch) = nullptr;

    size_t (*grad_filter_scratch)(const Conv2dShape&, int threads) = nullptr;  // bytes
    // Sums over images and pixels in an order fixed by the shape (n included), not by the threads. dw is dense
    // {r,s,c,k}.
    void (*grad_filter)(Stream&, const Conv2dShape&, ConstView x, ConstView dy, MutView dw, Scratch) = nullptr;
};

}  // namespace limpid
