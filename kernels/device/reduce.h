// Sums, maxima and the like over a warp or a block, in an order that never changes, so that results are bit for bit the
// same.
#pragma once

#include <cuda_runtime.h>

namespace limpid::DEVICE_NS {

inline constexpr int kWarp = 32;
inline constexpr unsigned kWholeWarp = 0xffffffffu;

struct Add {
    template <class T>
    __device__ __forceinline__ T operator()(T a, T b) const {
        return a + b;
    }
};
// NaN wins, as everywhere in the engine.
struct Larger {
    __device__ __forceinline__ float operator()(float a, float b) const { return a > b || a != a ? a : b; }
};

// Every lane of a whole warp gets the result.
template <class T, class Combine>
__device__ __forceinline__ T warp_reduce(T value, Combine combine) {
#pragma unroll
    for (int distance = kWarp / 2; distance > 0; distance /= 2)
        value = combine(value, __shfl_xor_sync(kWholeWarp, value, distance));
    return value;
}

// Every thread of a one-dimensional block of kThreads (a multiple of 32) gets the result. All threads must call it.
template <int kThreads, class T, class Combine>
__device__ __forceinline__ T block_reduce(T value, Combine combine) {
    static_assert(kThreads % kWarp == 0);
    __shared__ T parts[kThreads / kWarp];
    value = warp_reduce(value, combine);
    if constexpr (kThreads == kWarp) return value;
    __syncthreads();  // a previous call may still be reading
    if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = parts[0];
#pragma unroll
    for (int warp = 1; warp < kThreads / kWarp; warp++) value = combine(value, parts[warp]);
    return value;
}

}  // namespace limpid::DEVICE_NS
