// CUDA's device functions that C++ lacks. Fast approximations (__expf, ...) are the accurate functions here, so results
// differ from a GPU's in the last bits and are compared with a tolerance.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>

#include "tests/simt/collectives.h"

// min and max as CUDA overloads them; of floating-point numbers they ignore a NaN.
#define SIMT_MIN_MAX(T)                              \
    inline T min(T a, T b) { return b < a ? b : a; } \
    inline T max(T a, T b) { return a < b ? b : a; }
SIMT_MIN_MAX(int)
SIMT_MIN_MAX(unsigned)
SIMT_MIN_MAX(long)
SIMT_MIN_MAX(unsigned long)
SIMT_MIN_MAX(long long)
SIMT_MIN_MAX(unsigned long long)
#undef SIMT_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

template <class T>
T __ldg(const T* address) {
    return *address;
}
template <class T>
T __ldcs(const T* address) {
    return *address;
}
template <class T>
T __ldcg(const T* address) {
    return *address;
}
template <class T>
void __stcs(T* address, T value) {
    *address = value;
}
template <class T>
void __stcg(T* address, T value) {
    *address = value;
}

inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline double __longlong_as_double(long long bits) { return std::bit_cast<double>(bits); }
inline long long __double_as_longlong(double value) { return std::bit_cast<long long>(value); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __brev(unsigned x) {
    unsigned result = 0;
    for (int i = 0; i < 32; i++) result |= (x >> i & 1) << (31 - i);
    return result;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((static_cast<unsigned long long>(a) * b) >> 32); }
inline int __mulhi(int a, int b) { return int((static_cast<long long>(a) * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}

// Roundings that must not be contracted into a fused multiply-add.
inline float __fmul_rn(float a, float b) { return __builtin_assoc_barrier(a * b); }
inline float __fadd_rn(float a, float b) { return __builtin_assoc_barrier(a + b); }
inline float __fsub_rn(float a, float b) { return __builtin_assoc_barrier(a - b); }
inline double __dmul_rn(double a, double b) { return __builtin_assoc_barrier(a * b); }
inline double __dadd_rn(double a, double b) { return __builtin_assoc_barrier(a + b); }
inline double __dsub_rn(double a, double b) { return __builtin_assoc_barrier(a - b); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __frsqrt_rn(float a) { return float(1.0 / sqrt(double(a))); }
inline float rsqrtf(float a) { return float(1.0 / sqrt(double(a))); }
inline double rsqrt(double a) { return 1.0 / sqrt(a); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float a) { return expf(a); }
inline float __exp10f(float a) { return powf(10.0f, a); }
inline float __logf(float a) { return logf(a); }
inline float __log2f(float a) { return log2f(a); }
inline float __powf(float a, float b) { return powf(a, b); }
inline float __sinf(float a) { return sinf(a); }
inline float __cosf(float a) { return cosf(a); }
inline float __saturatef(float a) { return a > 0.0f ? fminf(a, 1.0f) : 0.0f; }
inline void sincospif(float a, float* s, float* c) {
    const double angle = 3.14159265358979323846 * std::remainder(double(a), 2.0);
    *s = float(std::sin(angle));
    *c = float(std::cos(angle));
}
inline float sinpif(float a) {
    float s, c;
    sincospif(a, &s, &c);
    return s;
}
inline float cospif(float a) {
    float s, c;
    sincospif(a, &s, &c);
    return c;
}

inline int __float2int_rn(float a) { return int(nearbyintf(a)); }
inline int __float2int_rz(float a) { return int(a); }
inline int __float2int_rd(float a) { return int(floorf(a)); }
inline int __float2int_ru(float a) { return int(ceilf(a)); }
inline unsigned __float2uint_rn(float a) { return unsigned(nearbyintf(a)); }
inline float __int2float_rn(int a) { return float(a); }
inline float __uint2float_rn(unsigned a) { return float(a); }
inline float __double2float_rn(double a) { return float(a); }

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline void __trap() { simt::error("__trap()"); }

// Atomics return the old value. One host thread runs the grid, so they need no lock; the checker sees them as atomic.
namespace simt {
template <class T, class F>
SIMT_UNCHECKED T atomic_update(T* address, F next, Place place) {
    note_atomic(address, sizeof(T), place);
    const T old = *address;
    *address = next(old);
    return old;
}
}  // namespace simt

#define SIMT_ATOMIC(name, T, expression)                                             \
    inline T name(T* address, T value, simt::Place place = simt::Place::current()) { \
        return simt::atomic_update(                                                  \
            address, [=](T old) SIMT_UNCHECKED -> T { return expression; }, place);  \
    }
#define SIMT_ATOMICS_OF_INTEGERS(T)                                                                  \
    SIMT_ATOMIC(atomicAdd, T, old + value)                                                           \
    SIMT_ATOMIC(atomicSub, T, old - value)                                                           \
    SIMT_ATOMIC(atomicMin, T, value < old ? value : old)                                             \
    SIMT_ATOMIC(atomicMax, T, value > old ? value : old)                                             \
    SIMT_ATOMIC(atomicAnd, T, old& value)                                                            \
    SIMT_ATOMIC(atomicOr, T, old | value)                                                            \
    SIMT_ATOMIC(atomicXor, T, old ^ value)                                                           \
    SIMT_ATOMIC(atomicExch, T, ((void)old, value))                                                   \
    inline T atomicCAS(T* address, T compare, T value, simt::Place place = simt::Place::current()) { \
        return simt::atomic_update(                                                                  \
            address, [=](T old) SIMT_UNCHECKED { return old == compare ? value : old; }, place);     \
    }
SIMT_ATOMICS_OF_INTEGERS(int)
SIMT_ATOMICS_OF_INTEGERS(unsigned)
SIMT_ATOMICS_OF_INTEGERS(unsigned long long)
SIMT_ATOMIC(atomicAdd, float, old + value)
SIMT_ATOMIC(atomicAdd, double, old + value)
SIMT_ATOMIC(atomicExch, float, ((void)old, value))
#undef SIMT_ATOMICS_OF_INTEGERS
#undef SIMT_ATOMIC
