// One update of Adam (Kingma & Ba 2014) in TensorFlow's form, ascending or descending.
//
//   m = beta1*m + (1-beta1)*g;  v = beta2*v + (1-beta2)*g^2;  theta += direction * rate_t * m / (sqrt(v) + epsilon)
//   rate_t = rate * sqrt(1 - beta2^t) / (1 - beta1^t),  t = 1 at the first update; direction = +1 ascends, -1 descends.
// direction * rate_t is computed in double on the host by adam_rate, and read from the device's memory as one float: a
// step that was captured once can then be replayed for any t. theta, m, v are updated in place; all dense, `count`
// elements.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct AdamParameters {
    double rate = 0.05, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    bool ascend = true;
    bool operator==(const AdamParameters&) const = default;
};
// direction * rate_t
double adam_rate(const AdamParameters&, int64_t t);

struct AdamKernels {
    void (*step)(Stream&, const AdamParameters&, const float* rate, int64_t count, const float* g, float* theta,
                 float* m, float* v) = nullptr;
};

}  // namespace limpid
