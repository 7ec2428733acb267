// Philox4x32-10 and what is drawn from it; plain functions for host and device code.
#pragma once

#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define LIMPID_HOST_DEVICE __host__ __device__
#else
#define LIMPID_HOST_DEVICE
#endif

namespace limpid {

// Names a stream of random numbers. `seed` is the user's; `job` the picture; `step` the update; `purpose` what the
// numbers are for.
struct RandomKey {
    uint64_t seed = 0;
    uint32_t job = 0, step = 0, purpose = 0;
};

struct PhiloxBlock {
    uint32_t x[4];
};

// Ten rounds on counter (x0..x3) with key (k0,k1); constants of Salmon et al. 2011, table 2.
LIMPID_HOST_DEVICE inline PhiloxBlock philox4x32(PhiloxBlock x, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; round++) {
        const uint64_t a = uint64_t(0xD2511F53u) * x.x[0], b = uint64_t(0xCD9E8D57u) * x.x[2];
        x = {{uint32_t(b >> 32) ^ x.x[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ x.x[3] ^ k1, uint32_t(a)}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x;
}

// Four 32-bit words, block `index` of the stream. job, step and purpose share the counter with a 32-bit block index.
LIMPID_HOST_DEVICE inline PhiloxBlock random_block(const RandomKey& key, uint32_t index) {
    return philox4x32({{index, key.purpose, key.step, key.job}}, uint32_t(key.seed), uint32_t(key.seed >> 32));
}

// [0,1) from the upper 24 bits; (0,1] for logarithms.
LIMPID_HOST_DEVICE inline float unit_interval(uint32_t word) { return float(word >> 8) * 0x1p-24f; }
LIMPID_HOST_DEVICE inline float unit_interval_above_zero(uint32_t word) { return (float(word >> 8) + 1.0f) * 0x1p-24f; }

LIMPID_HOST_DEVICE inline float random_uniform(const RandomKey& key, int64_t i) {
    return unit_interval(random_block(key, uint32_t(i / 4)).x[i % 4]);
}

// Element i: Box-Muller on words (0,1) or (2,3) of block i/4; even i takes the cosine, odd i the sine.
LIMPID_HOST_DEVICE inline float random_normal(const RandomKey& key, int64_t i) {
    const PhiloxBlock block = random_block(key, uint32_t(i / 4));
    const int pair = int(i % 4) / 2 * 2;
    const float radius = sqrtf(-2.0f * logf(unit_interval_above_zero(block.x[pair])));
    const float angle = 6.283185307179586f * unit_interval(block.x[pair + 1]);
    return radius * (i % 2 == 0 ? cosf(angle) : sinf(angle));
}

// An integer in [0, n), n <= 2^24.
LIMPID_HOST_DEVICE inline int random_below(const RandomKey& key, int64_t i, int n) {
    return int((uint64_t(random_block(key, uint32_t(i / 4)).x[i % 4]) * uint64_t(n)) >> 32);
}

}  // namespace limpid
