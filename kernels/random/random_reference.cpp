// The definition of the random numbers as kernels of the reference device.
#include "kernels/random/random_oracle.h"

namespace limpid::reference {

void install(RandomKernels&);

namespace {

void uniform(Stream&, RandomKey key, int64_t first, int64_t count, float* y) { oracle::uniform(key, first, count, y); }

void normal(Stream&, RandomKey key, float mean, float deviation, int64_t first, int64_t count, float* y) {
    oracle::normal(key, mean, deviation, first, count, y);
}

}  // namespace

void install(RandomKernels& table) { table = {uniform, normal}; }

}  // namespace limpid::reference
