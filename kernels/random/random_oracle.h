// Random numbers as random.h defines them, one at a time. philox.h is the definition: there is no second formula to
// compare with, only the published test vectors and the moments (random_test.cpp).
#pragma once

#include "kernels/random/random.h"

namespace limpid::oracle {

inline void uniform(const RandomKey& key, int64_t first, int64_t count, float* y) {
    for (int64_t i = 0; i < count; i++) y[i] = random_uniform(key, first + i);
}

inline void normal(const RandomKey& key, float mean, float deviation, int64_t first, int64_t count, float* y) {
    for (int64_t i = 0; i < count; i++)
        y[i] = float(double(mean) + double(deviation) * double(random_normal(key, first + i)));
}

}  // namespace limpid::oracle
