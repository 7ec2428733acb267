// Vectors for CPU kernels. Each *_cpu.cpp is compiled three times, into namespace CPU_NS = cpu_avx512, cpu_avx2,
// cpu_portable, with the flags of that instruction set; backend.cpp picks one at run time.
//
// Rule for these files: each defines one table, a constant, and nothing that runs at the start of the program. No std::
// containers, algorithms or streams. Inline functions of shared headers become the object's own when those of an
// instruction set are joined (CMakeLists.txt): the linker would keep one copy of each, perhaps the AVX-512 one, and an
// older machine would run it. The tests CpuObjects.* look at the objects.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#ifndef CPU_NS
#error "kernels/cpu/simd.h is for files compiled per instruction set (see CMakeLists.txt)"
#endif

namespace limpid::CPU_NS {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

// kLanes floats / 32-bit integers; arithmetic, comparison and ?: work as on numbers (GCC and Clang vector extensions).
typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef int32_t Ints __attribute__((vector_size(kLanes * 4)));

static inline Floats load(const float* p) {
    Floats v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
static inline void store(float* p, Floats v) { std::memcpy(p, &v, sizeof v); }
// The first count (0..kLanes) elements; the rest read as 0 / are not written. No memory beyond them is touched.
#if defined(__AVX512F__)
static inline Floats load_first(const float* p, int64_t count) {
    return (Floats)_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), p);
}
static inline void store_first(float* p, Floats v, int64_t count) {
    _mm512_mask_storeu_ps(p, __mmask16((1u << count) - 1), (__m512)v);
}
#elif defined(__AVX2__)
static inline __m256i first_lanes(int64_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Floats load_first(const float* p, int64_t count) {
    return (Floats)_mm256_maskload_ps(p, first_lanes(count));
}
static inline void store_first(float* p, Floats v, int64_t count) {
    _mm256_maskstore_ps(p, first_lanes(count), (__m256)v);
}
#else
static inline Floats load_first(const float* p, int64_t count) {
    Floats v = {};
    std::memcpy(&v, p, static_cast<size_t>(count) * 4);
    return v;
}
static inline void store_first(float* p, Floats v, int64_t count) {
    std::memcpy(p, &v, static_cast<size_t>(count) * 4);
}
#endif
static inline Floats broadcast(float x) { return x - Floats{}; }
static inline Floats max(Floats a, Floats b) { return a > b ? a : b; }
static inline Floats min(Floats a, Floats b) { return a < b ? a : b; }

}  // namespace limpid::CPU_NS
