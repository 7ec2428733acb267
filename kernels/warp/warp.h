// Resampling of images: TensorFlow-1 bilinear resize, affine maps with nearest or bilinear interpolation, any fixed
// mixture of pixels; each with its exact adjoint.
//
//   resize:  src = dst * (float(in)/float(out)); i0 = floor(src), i1 = min(i0+1, in-1), weight src-i0; separable over
//            h and w. This is tf.image.resize_bilinear(align_corners=False) of TensorFlow 1: no half-pixel centres.
//            src is rounded to float, as there.
//   affine:  y[n,p,q,c] = x[n, v, u, c]   with   u = m0*q + m1*p + m2,   v = m3*q + m4*p + m5   (u along the width)
//            m = matrix {1 or N,1,1,6} on the device, so one graph serves every random rotation. nearest rounds half
//            away from zero; a source outside the image gives 0 (nearest: after rounding; bilinear: each of the 4 taps
//            by itself), as tf.contrib.image.transform does. u and v are computed in double, as m0*q + (m1*p + m2):
//            the products are exact there, so every device, with or without fused multiply-add, rounds alike and picks
//            the same pixels.
//   mix:     y[n,i,c] = sum_{first[i] <= k < first[i+1]} weight[k] * x[n, pixel[k], c]
//            i counts the pixels of an image of y, pixel[k] those of x; added in the order of k. A sparse matrix by
//            rows: its adjoint is the mixture of the transposed one. Indices are whole numbers kept as floats, exact
//            below 2^24; they are not checked.
//   *_grad:  the adjoint, dx = A^T dy, exact (not TensorFlow's inverse-matrix approximation for nearest: a deliberate
//            departure), without atomics and in a fixed order.
// Views may be pitched, but for the three of a mixture.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

enum class Interpolation { nearest, bilinear };
const char* name(Interpolation);

// {1,1,1,outputs + 1}, {1,1,1,terms}, {1,1,1,terms}; on the device.
struct PixelMixView {
    ConstView first, pixel, weight;
};

struct WarpKernels {
    void (*resize)(Stream&, ConstView x, MutView y) = nullptr;
    void (*resize_grad)(Stream&, ConstView dy, MutView dx) = nullptr;
    void (*affine)(Stream&, Interpolation, ConstView x, ConstView matrix, MutView y) = nullptr;
    void (*affine_grad)(Stream&, Interpolation, ConstView dy, ConstView matrix, MutView dx) = nullptr;
    void (*mix)(Stream&, ConstView x, const PixelMixView&, MutView y) = nullptr;
};

}  // namespace limpid
