// Local response normalisation across channels (Krizhevsky 2012; TensorFlow and Caffe flavours by parameters).
//
//   d[c] = bias + alpha * sum_{|j-c| <= radius, 0 <= j < C} x[j]^2        y[c] = x[c] * d[c]^-beta
//   dx[k] = mask( dy[k]*d[k]^-beta - 2*alpha*beta*x[k] * sum_{|c-k| <= radius} dy[c]*y[c]/d[c] )
//
// alpha is per element: Caffe divides its alpha by the window size, so pass alpha/5 for local_size 5. mask (the ReLU
// before x) may be empty: mask(v) = mask[n,h,w,k] > 0 ? v : 0. Requires bias > 0, alpha >= 0. Views may be pitched.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct LrnParameters {
    int64_t radius = 5;
    float bias = 1.0f, alpha = 1e-4f, beta = 0.5f;
    bool operator==(const LrnParameters&) const = default;
};

struct LrnKernels {
    void (*forward)(Stream&, const LrnParameters&, ConstView x, MutView y) = nullptr;
    void (*grad_input)(Stream&, const LrnParameters&, ConstView x, ConstView dy, ConstView mask, MutView dx) = nullptr;
};

}  // namespace limpid
