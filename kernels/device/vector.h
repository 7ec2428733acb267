// Views as kernels take them, and loads and stores of four floats at once.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/tensor.h"

namespace limpid::DEVICE_NS {

// The pixels of a View, counted through all images: pixel i starts at data + i * pitch. Null data: absent.
template <class T>
struct Pixels {
    T* data = nullptr;
    int64_t pitch = 0;

    Pixels() = default;
    template <class U>
    Pixels(const View<U>& view) : data(view.data), pitch(view.pitch) {}

    __device__ __forceinline__ T* operator[](int64_t pixel) const { return data + pixel * pitch; }
    __device__ __forceinline__ explicit operator bool() const { return data != nullptr; }
};
using ConstPixels = Pixels<const float>;
using MutPixels = Pixels<float>;

inline constexpr int kVector = 4;  // floats in 128 bits

__device__ __forceinline__ float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }
__device__ __forceinline__ void store4(float* to, float4 value) { *reinterpret_cast<float4*>(to) = value; }

// Whether every pixel of a view may be read or written four channels at a time.
inline bool vectorizable(const float* data, int64_t pitch, int64_t channels) {
    return reinterpret_cast<uintptr_t>(data) % 16 == 0 && pitch % kVector == 0 && channels % kVector == 0;
}
template <class T>
bool vectorizable(const View<T>& view) {
    return vectorizable(view.data, view.pitch, view.shape.c);
}

}  // namespace limpid::DEVICE_NS
