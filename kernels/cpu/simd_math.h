// Elementary functions of vectors, for CPU kernels. Polynomials are minimax fits of our own on the reduced range, with
// coefficients rounded to float one after another; each comment gives the error of the polynomial alone, relative to
// the function. Largest errors found by Elementwise.ElementaryFunctionsAreAccurate (all exponents, denormals, the range
// of interest densely), in units in the last place: exp 1.0, log 0.74, tanh 1.23, atan 1.26, sigmoid 2.1. NaN gives
// NaN; infinities and both zeros give the limits.
#pragma once

#include "kernels/cpu/simd.h"

namespace limpid::CPU_NS {

// For arithmetic on bit patterns, which may wrap.
typedef uint32_t Words __attribute__((vector_size(kLanes * 4)));

static inline Ints bits_of(Floats x) {
    Ints i;
    std::memcpy(&i, &x, sizeof i);
    return i;
}
static inline Floats floats_of(Ints i) {
    Floats x;
    std::memcpy(&x, &i, sizeof x);
    return x;
}

static inline Floats abs(Floats x) { return floats_of(bits_of(x) & 0x7fffffff); }
// |magnitude| with the sign of `sign`; magnitude must not be negative.
static inline Floats with_sign(Floats magnitude, Floats sign) {
    return floats_of(bits_of(magnitude) | (bits_of(sign) & int32_t(0x80000000u)));
}

// One number at a time; the compiler makes one vector instruction of the loop.
static inline Floats sqrt(Floats x) {
    float lanes[kLanes];
    store(lanes, x);
    for (int i = 0; i < kLanes; i++) lanes[i] = __builtin_sqrtf(lanes[i]);
    return load(lanes);
}

// 2^n for n in [-126, 127].
static inline Floats power_of_two(Ints n) { return floats_of((Ints)((Words)(n + 127) << 23)); }

// e^x = 2^n * e^r with |r| <= ln(2)/2; e^r = 1 + r + r^2 p(r), 3.4e-9. Below -104 all results round to zero, above 89
// to infinity.
static inline Floats exp(Floats x) {
    x = x > 89.0f ? broadcast(89.0f) : x;
    x = x < -105.0f ? broadcast(-105.0f) : x;
    const float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves no fraction bits
    const Floats n = (x * 1.44269504f + kRound) - kRound;
    const Floats r =
        (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln(2) in two parts; the products with the first are exact
    Floats p = r * 0.00138251134f + 0.00836938433f;
    p = p * r + 0.0416682325f;
    p = p * r + 0.166665152f;
    p = p * r + 0.49999994f;
    p = p * (r * r) + r + 1.0f;
    // In two factors, so that neither overflows, and a denormal result is rounded once.
    const Ints whole = __builtin_convertvector(n, Ints), half = whole >> 1;
    return p * power_of_two(half) * power_of_two(whole - half);
}

// log(m * 2^e), m in [sqrt(1/2), sqrt(2)): f = m - 1; log(1 + f) = f - f^2/2 + f^3 q(f), 8.1e-10.
static inline Floats log(Floats x) {
    const Ints denormal = x < 1.17549435e-38f;
    const Floats scaled = denormal ? x * 8388608.0f : x;
    // Less sqrt(1/2), so that the carry into the exponent happens there.
    const Ints bits = (Ints)((Words)bits_of(scaled) - 0x3f3504f3u);
    const Ints exponent = (bits >> 23) - (denormal & 23);
    const Floats f = floats_of((bits & 0x007fffff) + 0x3f3504f3) - 1.0f, e = __builtin_convertvector(exponent, Floats);
    Floats q = f * 0.0671637803f - 0.116564229f;
    q = q * f + 0.11891643f;
    q = q * f - 0.12409658f;
    q = q * f + 0.142197609f;
    q = q * f - 0.166677296f;
    q = q * f + 0.20002085f;
    q = q * f - 0.250000149f;
    q = q * f + 0.333333135f;
    const Floats z = f * f;
    Floats y = q * (z * f) + e * -2.12194440e-4f;
    y = y - 0.5f * z + f + e * 0.693359375f;
    y = x < __builtin_inff() ? y : x;  // infinity and NaN
    y = x == 0.0f ? broadcast(-__builtin_inff()) : y;
    return x < 0.0f ? broadcast(__builtin_nanf("")) : y;
}

// Odd; |x| < 0.625: x + x^3 p(x^2), 4.9e-9; beyond: 1 - 2/(e^2|x| + 1).
static inline Floats tanh(Floats x) {
    const Floats magnitude = abs(x), z = x * x;
    Floats p = z * -0.00566571904f + 0.0206048731f;
    p = p * z - 0.0537295304f;
    p = p * z + 0.133313239f;
    p = p * z - 0.333332777f;
    const Floats small = x + x * z * p, large = 1.0f - 2.0f / (exp(magnitude + magnitude) + 1.0f);
    return magnitude < 0.625f ? small : with_sign(large, x);
}

// 1/(1 + e^-x), from e^-|x| <= 1 at both ends: never infinity over infinity, and denormals where the answer is one.
static inline Floats sigmoid(Floats x) {
    const Floats e = exp(-abs(x));
    return (x < 0.0f ? e : broadcast(1.0f)) / (1.0f + e);
}

// Odd; atan(t) = t + t^3 p(t^2), 2.7e-9, for t <= 1; above, pi/2 - atan(1/t).
static inline Floats atan(Floats x) {
    const Floats magnitude = abs(x);
    const Ints large = magnitude > 1.0f;
    const Floats t = large ? 1.0f / magnitude : magnitude, z = t * t;
    Floats p = z * -0.00179035089f + 0.0108995019f;
    p = p * z - 0.0311486665f;
    p = p * z + 0.057927046f;
    p = p * z - 0.0840157568f;
    p = p * z + 0.109515056f;
    p = p * z - 0.142641023f;
    p = p * z + 0.19998534f;
    p = p * z - 0.333332986f;
    const Floats y = t + t * z * p;
    return with_sign(large ? 1.57079637f - (y + 4.37113883e-8f) : y, x);  // pi/2 in two parts
}

}  // namespace limpid::CPU_NS
