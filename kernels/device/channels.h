// The share of one thread in an array of pixels: one channel of a pixel, or four neighbours where memory allows.
// Neighbouring threads own neighbouring channels, then neighbouring pixels, so that a warp reads and writes whole
// lines.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/launch.h"
#include "kernels/device/vector.h"

namespace limpid::DEVICE_NS {

template <int kWidth>
struct Channels {
    float value[kWidth];

    __device__ __forceinline__ float operator[](int i) const { return value[i]; }
    __device__ __forceinline__ float& operator[](int i) { return value[i]; }
};

template <int kWidth>
__device__ __forceinline__ Channels<kWidth> all_channels(float number) {
    Channels<kWidth> result;
#pragma unroll
    for (int i = 0; i < kWidth; i++) result[i] = number;
    return result;
}
template <int kWidth>
__device__ __forceinline__ Channels<kWidth> load_channels(const float* from) {
    if constexpr (kWidth == kVector) {
        const float4 v = load4(from);
        return {{v.x, v.y, v.z, v.w}};
    } else {
        return {{*from}};
    }
}
template <int kWidth>
__device__ __forceinline__ void store_channels(float* to, const Channels<kWidth>& v) {
    if constexpr (kWidth == kVector) {
        store4(to, make_float4(v[0], v[1], v[2], v[3]));
    } else {
        *to = v[0];
    }
}

// Which pixel and which first channel a thread owns.
struct ChannelPlace {
    unsigned pixel;  // counted through all images
    int n, h, w, c;
};

// How the channels of all pixels of a shape are dealt to threads.
struct ChannelGrid {
    unsigned h, w;
    unsigned groups;   // of a pixel
    unsigned threads;  // of the grid

    ChannelGrid(const Shape& s, int width)
        : h(unsigned(s.h)),
          w(unsigned(s.w)),
          groups(unsigned(s.c / width)),
          threads(unsigned(s.pixels() * (s.c / width))) {
        CHECK(s.pixels() * s.c <= int64_t(INT32_MAX) * width, s, " has too many elements for one kernel");
    }

    unsigned blocks(int block_threads) const { return unsigned(divide_up(threads, block_threads)); }

    template <int kWidth>
    __device__ __forceinline__ ChannelPlace place(unsigned thread) const {
        ChannelPlace place;
        place.pixel = thread / groups;
        place.c = int(thread - place.pixel * groups) * kWidth;
        const unsigned row = place.pixel / w;
        place.w = int(place.pixel - row * w);
        place.n = int(row / h);
        place.h = int(row - unsigned(place.n) * h);
        return place;
    }
};

}  // namespace limpid::DEVICE_NS
