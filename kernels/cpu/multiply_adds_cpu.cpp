// Multiply-adds that wait for nothing: what the processor's peak is measured with.
#include "kernels/cpu/simd.h"
#include "kernels/roofline.h"

namespace limpid::CPU_NS {

namespace {

// Twelve independent chains hide a latency of 4 to 6 cycles at two per cycle. The values come from and go to `sink`, so
// that the compiler cannot see through them.
double multiply_adds(int64_t rounds, float* sink) {
    constexpr int kChains = 12;
    const Floats factor = broadcast(1.0f + *sink), term = broadcast(*sink);
    Floats sum[kChains];
    for (Floats& s : sum) s = term;
    for (int64_t i = 0; i < rounds; i++)
#pragma GCC unroll 12
        for (int c = 0; c < kChains; c++) sum[c] = sum[c] * factor + term;
    for (const Floats& s : sum) *sink += s[0] * 0;
    return 2.0 * kChains * kLanes;
}

}  // namespace

extern constinit const RooflineKernels roofline_kernels{.multiply_adds = multiply_adds};

}  // namespace limpid::CPU_NS
