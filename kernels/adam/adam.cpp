// The step size of Adam.
#include "kernels/adam/adam.h"

#include <cmath>

#include "kernels/elementary.h"

namespace limpid {

double adam_rate(const AdamParameters& parameters, int64_t t) {
    CHECK(t >= 1, "the first update is t = 1, found ", t);
    return (parameters.ascend ? 1 : -1) * parameters.rate *
           std::sqrt(1 - elementary::pow(parameters.beta2, double(t))) /
           (1 - elementary::pow(parameters.beta1, double(t)));
}

}  // namespace limpid
