// The register-tiled product under every convolution, and the loop that covers a block with it.
//
//   tile[p][o] = sum_d panel[d][p] * filters[o][d]     p: a pixel, o: a vector of output channels, d: depth
//
// K vectors times P pixels stay in registers; per step of depth the kernel loads K vectors and P single floats for K*P
// multiply-adds. Depth runs over taps and input channels. Each element is summed along it in order, whatever K and P
// are: results do not depend on how a block is cut.
#pragma once

#include "kernels/conv2d/conv2d_core.h"

namespace limpid::CPU_NS {

// Panels: float d of pixel p lies at panel[(d / 16) * block + p * 16 + d % 16]. So whole vectors of channels are copied
// in, and every displacement inside the kernel is a constant.
constexpr int64_t kPanel = 16;
// How many pixels go with K vectors. The accumulators, K filter vectors and one broadcast must fit the registers (32
// with AVX-512, else 16); K*P >= 8 hides the latency of FMA (4 cycles, 2 per cycle). 5 vectors are taken as 3 + 2.
constexpr bool kWide = kLanes == 16;
constexpr int kMostVectors = kWide ? 6 : 4;
constexpr int kMostPixels[7] = {0, kWide ? 28 : 12, kWide ? 14 : 6, kWide ? 9 : 4, kWide ? 6 : 3, 0, kWide ? 4 : 0};
constexpr int kTile = 28 * kLanes;  // floats in the largest tile

// Bytes ahead of the filter loads: they come from L2 or L3 in a stream, and 4 KiB is about 200 cycles of work.
constexpr int kPrefetchBytes = 4096;

// PixelStep and DepthStep: distances of the panel's floats between pixels and along depth. filters_block: floats from
// one vector of output channels to the next. dst[p * dst_pixel + o * dst_vector] receives the tile.
template <int K, int P, int PixelStep, int DepthStep>
static void multiply(const float* panel, int64_t panel_block, const float* filters, int64_t filters_block,
                     int64_t depth, float* dst, int64_t dst_pixel, int64_t dst_vector) {
    Floats sum[K][P];
#pragma GCC unroll 28
    for (int o = 0; o < K; o++)
#pragma GCC unroll 28
        for (int p = 0; p < P; p++) sum[o][p] = Floats{};

    for (; depth > 0; depth -= kPanel) {
        const int steps = depth < kPanel ? int(depth) : int(kPanel);
        // Not unrolled: GCC would mix two steps and run out of registers.
#pragma GCC unroll 1
        for (int d = 0; d < steps; d++) {
            Floats f[K];
#pragma GCC unroll 28
            for (int o = 0; o < K; o++) {
                const float* filter = filters + o * filters_block + d * kLanes;
                f[o] = load(filter);
                __builtin_prefetch(reinterpret_cast<const char*>(filter) + kPrefetchBytes);
            }
#pragma GCC unroll 28
            for (int p = 0; p < P; p++) {
                const Floats x = broadcast(panel[p * PixelStep + d * DepthStep]);
#pragma GCC unroll 28
                for (int o = 0; o < K; o++) sum[o][p] += f[o] * x;
            }
        }
        panel += panel_block;
        filters += kPanel * kLanes;
    }
#pragma GCC unroll 28
    for (int o = 0; o < K; o++)
#pragma GCC unroll 28
        for (int p = 0; p < P; p++) store(dst + p * dst_pixel + o * dst_vector, sum[o][p]);
}

using Multiply = void (*)(const float*, int64_t, const float*, int64_t, int64_t, float*, int64_t, int64_t);

// by_pixels[P] = multiply<K, P>; null where the registers do not suffice.
struct MultiplyRow {
    Multiply by_pixels[29];
};
template <int K, int P>
static constexpr void fill_row(MultiplyRow& row) {
    if constexpr (P > 0) {
        row.by_pixels[P] = multiply<K, P, int(kPanel), 1>;
        fill_row<K, P - 1>(row);
    }
}
template <int K>
static constexpr MultiplyRow multiply_row() {
    MultiplyRow row{};
    fill_row<K, kMostPixels[K]>(row);
    return row;
}
static constexpr MultiplyRow kMultiply[7] = {multiply_row<0>(), multiply_row<1>(), multiply_row<2>(), multiply_row<3>(),
                                             multiply_row<4>(), multiply_row<5>(), multiply_row<6>()};

// The largest K <= wanted that has a kernel.
static inline int kernel_vectors(int64_t wanted) {
    int vectors = wanted < kMostVectors ? int(wanted) : kMostVectors;
    while (kMostPixels[vectors] == 0) vectors--;
    return vectors;
}

// Cycles per step of depth for `vectors` x `pixels`: two multiply-adds and two loads per cycle, and no faster than the
// latency of FMA.
static inline double tile_cycles(int64_t vectors, int64_t pixels) {
    const double work = double(vectors * pixels) / 2, loads = double(vectors + pixels) / 2 * 1.02;
    const double cycles = work > loads ? work : loads;
    return cycles > 4.2 ? cycles : 4.2;
}

// The best number of vectors per kernel for a block of `pixels` pixels and `vectors` vectors.
static inline int best_vectors(int64_t pixels, int64_t vectors) {
    int best = 1;
    double best_cycles = 1e300;
    for (int k = 1; k <= kMostVectors; k++) {
        if (kMostPixels[k] == 0 || k > vectors) continue;
        const int64_t chunks = divide_up(pixels, kMostPixels[k]);
        double cycles = 0;
        for (int64_t v = 0; v < vectors;) {
            const int now = kernel_vectors(smaller(k, vectors - v));
            const int64_t longer = pixels % chunks, length = pixels / chunks;  // `longer` chunks have one pixel more
            cycles +=
                double(longer) * tile_cycles(now, length + 1) + double(chunks - longer) * tile_cycles(now, length);
            v += now;
        }
        if (cycles < best_cycles) best = k, best_cycles = cycles;
    }
    return best;
}

// Covers vectors [v_begin, v_end) x `pixels` pixels with kernels: calls body(kernel, first vector, vectors, first
// pixel, pixels).
template <class Body>
static inline void for_tiles(int64_t pixels, int64_t v_begin, int64_t v_end, Body&& body) {
    if (pixels <= 0) return;
    const int wanted = best_vectors(pixels, v_end - v_begin);
    const int64_t chunks = divide_up(pixels, kMostPixels[wanted]);
    for (int64_t v = v_begin; v < v_end;) {
        const int vectors = kernel_vectors(smaller(wanted, v_end - v));
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            const int64_t first = pixels * chunk / chunks, count = pixels * (chunk + 1) / chunks - first;
            body(kMultiply[vectors].by_pixels[count], v, vectors, first, count);
        }
        v += vectors;
    }
}

}  // namespace limpid::CPU_NS
