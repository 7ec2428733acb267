// Random numbers on the CPU: the functions of philox.h, four numbers per Philox block, over threads.
//
// Every function that calls into philox.h is `flatten`: its shared inline functions are then inlined to the last, and
// none is exported from a file compiled for a wide instruction set.
#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/random/random.h"

namespace limpid::CPU_NS {

namespace {

constexpr int64_t kGrain = 1024;  // numbers: some microseconds

[[gnu::flatten]] void uniform_range(const RandomKey& key, int64_t first, int64_t count, float* y) {
    int64_t i = 0;
    while (i < count) {
        const PhiloxBlock block = random_block(key, uint32_t((first + i) / 4));
        for (int64_t word = (first + i) % 4; word < 4 && i < count; word++, i++) y[i] = unit_interval(block.x[word]);
    }
}

// The formula of random_normal, with the block and the radius shared by the numbers that they serve.
[[gnu::flatten]] void normal_range(const RandomKey& key, float mean, float deviation, int64_t first, int64_t count,
                                   float* y) {
    int64_t i = 0;
    while (i < count) {
        const PhiloxBlock block = random_block(key, uint32_t((first + i) / 4));
        float values[4];
        for (int pair = 0; pair < 4; pair += 2) {
            const float radius = sqrtf(-2.0f * logf(unit_interval_above_zero(block.x[pair])));
            const float angle = 6.283185307179586f * unit_interval(block.x[pair + 1]);
            values[pair] = radius * cosf(angle);
            values[pair + 1] = radius * sinf(angle);
        }
        // In double, where a product of floats is exact: the same bits with and without fused multiply-add.
        for (int64_t word = (first + i) % 4; word < 4 && i < count; word++, i++)
            y[i] = float(double(mean) + double(deviation) * double(values[word]));
    }
}

void uniform(Stream& stream, RandomKey key, int64_t first, int64_t count, float* y) {
    stream.threads().for_ranges(count, kGrain, [&](int64_t begin, int64_t end, int) {
        uniform_range(key, first + begin, end - begin, y + begin);
    });
}

void normal(Stream& stream, RandomKey key, float mean, float deviation, int64_t first, int64_t count, float* y) {
    stream.threads().for_ranges(count, kGrain, [&](int64_t begin, int64_t end, int) {
        normal_range(key, mean, deviation, first + begin, end - begin, y + begin);
    });
}

}  // namespace

extern constinit const RandomKernels random_kernels{.uniform = uniform, .normal = normal};

}  // namespace limpid::CPU_NS
