// sin and cos of any float, right to 0.51 units in the last place. CUDA's sinf is not used: it keeps the product of its
// slow path in local memory, which no kernel here may use.
//
//   x = k*pi/2 + r, |r| <= pi/4; then a polynomial in r, in double, whose quadrant and sign k mod 4 gives.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace limpid::DEVICE_NS {

struct QuarterTurns {
    int count;  // modulo 4
    double rest;
};

// Words of 2/pi in binary, after 32 zeros before the point.
__device__ __forceinline__ uint32_t two_over_pi(int word) {
    switch (word) {
        case 1:
            return 0xa2f9836eu;
        case 2:
            return 0x4e441529u;
        case 3:
            return 0xfc2757d1u;
        case 4:
            return 0xf534ddc0u;
        case 5:
            return 0xdb629599u;
        case 6:
            return 0x3c439041u;
        case 7:
            return 0xfe5163abu;
        default:
            return 0;
    }
}

// Payne & Hanek 1983: x = m*2^e with an integer m; the bits of 2/pi that make multiples of four quarter turns are
// skipped, and those too small to matter are never reached.
__device__ __forceinline__ QuarterTurns quarter_turns_of_large(uint32_t bits) {
    const uint32_t m = (bits & 0x7fffffu) | 0x800000u;
    const int e = int(bits >> 23 & 0xff) - 127 - 23;
    const int first = e + 30, word = first >> 5, shift = first & 31;  // the bit of 2/pi with weight 2 in x*2/pi
    const auto window = [&](int i) {
        const uint64_t pair = uint64_t(two_over_pi(word + i)) << 32 | two_over_pi(word + i + 1);
        return uint32_t(pair >> (32 - shift));
    };
    // Two bits of whole quarter turns, 62 of fraction; what is above overflows, as it should.
    const uint64_t turns = (uint64_t(m) * window(0) << 32) + uint64_t(m) * window(1) + (uint64_t(m) * window(2) >> 32);
    const uint64_t count = (turns + (uint64_t(1) << 61)) >> 62;
    const int64_t rest = int64_t(turns - (count << 62));
    return {int(count & 3), double(rest) * (0x1p-62 * 1.5707963267948966)};
}

__device__ __forceinline__ QuarterTurns quarter_turns(float x) {
    const uint32_t bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) < 0x4b000000u) {  // |x| < 2^23: k is exact, and pi/2 in two parts is enough
        const double k = rint(double(x) * 0.6366197723675814);
        double rest = fma(-k, 1.5707963267948966, double(x));
        rest = fma(-k, 6.123233995736766e-17, rest);
        return {int(k) & 3, rest};
    }
    QuarterTurns result = quarter_turns_of_large(bits & 0x7fffffffu);
    if (bits >> 31) result = {-result.count & 3, -result.rest};
    if ((bits & 0x7f800000u) == 0x7f800000u) result.rest = double(x - x);  // infinity and NaN give NaN
    return result;
}

// Taylor; the next terms are below 1e-10 of the result.
__device__ __forceinline__ double sine_of_rest(double r) {
    const double s = r * r;
    double sum = -1.0 / 39916800;
    sum = fma(sum, s, 1.0 / 362880);
    sum = fma(sum, s, -1.0 / 5040);
    sum = fma(sum, s, 1.0 / 120);
    sum = fma(sum, s, -1.0 / 6);
    return fma(sum * s, r, r);
}
__device__ __forceinline__ double cosine_of_rest(double r) {
    const double s = r * r;
    double sum = -1.0 / 3628800;
    sum = fma(sum, s, 1.0 / 40320);
    sum = fma(sum, s, -1.0 / 720);
    sum = fma(sum, s, 1.0 / 24);
    sum = fma(sum, s, -0.5);
    return fma(sum, s, 1.0);
}

__device__ __forceinline__ float sine_of(const QuarterTurns& turns) {
    const double value = turns.count & 1 ? cosine_of_rest(turns.rest) : sine_of_rest(turns.rest);
    return float(turns.count & 2 ? -value : value);
}

__device__ __forceinline__ float sine(float x) { return sine_of(quarter_turns(x)); }
__device__ __forceinline__ float cosine(float x) {
    QuarterTurns turns = quarter_turns(x);
    turns.count++;
    return sine_of(turns);
}

}  // namespace limpid::DEVICE_NS
