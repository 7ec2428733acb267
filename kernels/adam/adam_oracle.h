// The update of adam.h in double, with a plain loop.
#pragma once

#include <cmath>

#include "kernels/adam/adam.h"

namespace limpid::oracle {

// rate: adam_rate of the step.
inline void adam_step(const AdamParameters& parameters, double rate, int64_t count, const double* g, double* theta,
                      double* m, double* v) {
    for (int64_t i = 0; i < count; i++) {
        m[i] = parameters.beta1 * m[i] + (1 - parameters.beta1) * g[i];
        v[i] = parameters.beta2 * v[i] + (1 - parameters.beta2) * g[i] * g[i];
        theta[i] += rate * m[i] / (std::sqrt(v[i]) + parameters.epsilon);
    }
}

}  // namespace limpid::oracle
