// The product of two matrices by one block: tiles of both go to shared memory, are multiplied into registers, and
// slices of the depth are added up in shared memory. Convolutions and matrix products differ only in where tiles come
// from.
//
//   total[row, column] = (slice 0) + (slice 1) + ...
//   slice i            = sum of a[row, d] * b[d, column] over its kSliceTiles tiles of depth, in order of d
//
// A total is a function of its row, its column and the depth alone: a block that computes all slices and several blocks
// that compute one each (and are added later, in order) give the same bits, and so does every size of tile.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/ptx.cuh"
#include "kernels/device/reduce.h"
#include "kernels/device/vector.h"

namespace limpid::DEVICE_NS {

inline constexpr int kTileDepth = 16;
inline constexpr int kSliceTiles = 16;  // 256 of depth: enough work to pay for writing and adding a partial sum
inline constexpr int kSliceDepth = kSliceTiles * kTileDepth;

// How products are computed: multiply-adds in fp32; tensor cores on operands rounded to TF32; or on operands split into
// two TF32 numbers, three products of which leave about the accuracy of fp32.
enum class Arithmetic { fp32, tf32, tf32x3 };

// Which index of a tile is contiguous in shared memory: depth, or the other one (rows of a, columns of b).
enum class Along { depth, edge };

// A block computes kRows x kColumns, a thread kThreadRows x kThreadColumns of them (tensor cores: a warp 32 columns).
template <int kRows_, int kColumns_, int kThreadRows_, int kThreadColumns_, int kBlocks_>
struct Tile {
    static constexpr int kRows = kRows_, kColumns = kColumns_;
    static constexpr int kThreadRows = kThreadRows_, kThreadColumns = kThreadColumns_;
    static constexpr int kColumnThreads = kColumns / kThreadColumns, kRowThreads = kRows / kThreadRows;
    static constexpr int kThreads = kColumnThreads * kRowThreads;
    // Blocks that should fit a multiprocessor: bounds the registers. Kernels that hold more (split operands, copies
    // through registers) take kBlocksLarge.
    static constexpr int kBlocks = kBlocks_, kBlocksLarge = kBlocks * 2 / 3;
};
using WideTile = Tile<128, 64, 8, 8, 3>;   // the most multiply-adds per load
using MiddleTile = Tile<64, 32, 8, 4, 6>;  // more blocks, for small maps and few channels
using NarrowTile = Tile<256, 4, 4, 4, 8>;  // up to four columns: the gradient to an image

// Where an element of a tile lies in shared memory, so that what a warp reads or copies, in all the ways below, meets
// 32 different banks: along the edge rows are padded; along the depth the quads of a row are exchanged, in turn for
// four pairs of rows, for two rows fill all banks.
constexpr int kEdgePadding = 8;
template <Along kAlong, int kEdge>
__device__ __forceinline__ int tile_place(int edge, int k) {
    return kAlong == Along::depth ? edge * kTileDepth + (k ^ edge / 2 % 4 * kVector)
                                  : k * (kEdge + kEdgePadding) + edge;
}
__host__ __device__ constexpr int tile_floats(Along along, int edge) {
    return kTileDepth * (along == Along::depth ? edge : edge + kEdgePadding);
}

// Shared memory of a block, in floats: two stages of both tiles, then the totals.
__host__ __device__ constexpr int stage_floats(Along a, Along b, int rows, int columns) {
    return tile_floats(a, rows) + tile_floats(b, columns);
}
__host__ __device__ constexpr int tile_memory_floats(Along a, Along b, int rows, int columns) {
    return 2 * stage_floats(a, b, rows, columns) + rows * columns;
}
template <class T, Along kA, Along kB>
struct TileMemory {
    static constexpr int kStage = stage_floats(kA, kB, T::kRows, T::kColumns);
    static constexpr int kTotals = 2 * kStage;
    static constexpr int kFloats = tile_memory_floats(kA, kB, T::kRows, T::kColumns);
};

// Copies to shared memory that happen at once, through registers; and such that go on while the block computes.
struct CopyNow {
    static constexpr bool kLater = false;
    template <int kWidth>
    __device__ __forceinline__ static void copy(float* to, const float* from, bool valid) {
        if constexpr (kWidth == kVector)
            store4(to, valid ? load4(from) : make_float4(0, 0, 0, 0));
        else
            *to = valid ? *from : 0.0f;
    }
};
struct CopyLater {
    static constexpr bool kLater = true;
    template <int kWidth>
    __device__ __forceinline__ static void copy(float* to, const float* from, bool valid) {
        if constexpr (kWidth == kVector)
            ptx::copy_async_16(to, from, valid);
        else
            ptx::copy_async_4(to, from, valid);
    }
};

// Fills a tile in pieces of kWidth floats; minor is the index that is contiguous, major the other one. find(major,
// minor) is where a piece comes from, null for zeros; `anywhere` is a valid address to name for those. A thread meets
// only one value of minor: minor_of().
template <class Copy, int kThreads, Along kAlong, int kEdge, int kWidth>
struct TileFill {
    static constexpr int kMajor = kAlong == Along::depth ? kEdge : kTileDepth;
    static constexpr int kMinor = kAlong == Along::depth ? kTileDepth : kEdge;
    static constexpr int kPieces = kMinor / kWidth;
    static constexpr int kStep = kThreads / kPieces, kPasses = (kMajor + kStep - 1) / kStep;
    static_assert(kThreads % kPieces == 0, "a thread would meet several values of minor");
    // Unrolled whole, the many passes of single floats keep too many addresses in registers.
    static constexpr int kUnrolled = kWidth == kVector ? kPasses : 4;

    __device__ __forceinline__ static int minor_of() { return int(threadIdx.x) % kPieces * kWidth; }
    template <class Find>
    __device__ __forceinline__ static void run(float* tile, const float* anywhere, Find find) {
#pragma unroll kUnrolled
        for (int pass = 0; pass < kPasses; pass++) {
            const int major = int(threadIdx.x) / kPieces + pass * kStep;
            if (kMajor % kStep != 0 && major >= kMajor) break;
            const float* from = find(major, minor_of());
            const int place = kAlong == Along::depth ? tile_place<kAlong, kEdge>(major, minor_of())
                                                     : tile_place<kAlong, kEdge>(minor_of(), major);
            Copy::template copy<kWidth>(tile + place, from ? from : anywhere, from != nullptr);
        }
    }
};

// Products in fp32: a thread multiplies kThreadRows x kThreadColumns sums forward, four of depth at a time.
template <class T, Along kA, Along kB>
struct ThreadProduct {
    // Unrolled whole, large tiles, and reads of four depths of both operands at once, have too many loads in flight for
    // their registers.
    static constexpr bool kManyLoads = kA == Along::depth && kB == Along::depth;
    static constexpr int kUnrolled = kManyLoads || T::kThreadRows * T::kThreadColumns >= 64 ? 2 : 4;
    float sum[T::kThreadRows][T::kThreadColumns];

    __device__ __forceinline__ ThreadProduct() { clear(); }
    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < T::kThreadRows; i++)
#pragma unroll
            for (int j = 0; j < T::kThreadColumns; j++) sum[i][j] = 0;
    }
    // Which row, or column, this thread's i-th is. Along the edge four are contiguous, to be read at once.
    template <Along kAlong, int kPartners>
    __device__ __forceinline__ static int place(int thread, int i) {
        return kAlong == Along::depth ? thread + i * kPartners : (i / 4 * kPartners + thread) * 4 + i % 4;
    }
    __device__ __forceinline__ static int row(int i) {
        return place<kA, T::kRowThreads>(int(threadIdx.x) / T::kColumnThreads, i);
    }
    __device__ __forceinline__ static int column(int j) {
        return place<kB, T::kColumnThreads>(int(threadIdx.x) % T::kColumnThreads, j);
    }
    // What this thread multiplies at depth k + q: read for one q, or, where depth is contiguous, for four at once.
    template <Along kAlong, int kPartners, int kEdge, int kCount>
    struct Values {
        static constexpr int kAhead = kAlong == Along::depth ? 4 : 1;
        float values[kCount][kAhead];

        __device__ __forceinline__ void read(const float* tile, int thread, int k, int q) {
            if constexpr (kAlong == Along::depth) {
                if (q != 0) return;
#pragma unroll
                for (int i = 0; i < kCount; i++) {
                    const float4 v = load4(tile + tile_place<kAlong, kEdge>(place<kAlong, kPartners>(thread, i), k));
                    values[i][0] = v.x, values[i][1] = v.y, values[i][2] = v.z, values[i][3] = v.w;
                }
            } else {
#pragma unroll
                for (int i = 0; i < kCount; i += 4) {
                    const float4 v =
                        load4(tile + tile_place<kAlong, kEdge>(place<kAlong, kPartners>(thread, i), k + q));
                    values[i][0] = v.x, values[i + 1][0] = v.y, values[i + 2][0] = v.z, values[i + 3][0] = v.w;
                }
            }
        }
        __device__ __forceinline__ float at(int i, int q) const { return values[i][kAhead == 1 ? 0 : q]; }
    };
    __device__ __forceinline__ void add(const float* a, const float* b) {
        Values<kA, T::kRowThreads, T::kRows, T::kThreadRows> left;
        Values<kB, T::kColumnThreads, T::kColumns, T::kThreadColumns> right;
#pragma unroll kUnrolled
        for (int k = 0; k < kTileDepth; k += 4) {
#pragma unroll
            for (int q = 0; q < 4; q++) {
                left.read(a, int(threadIdx.x) / T::kColumnThreads, k, q);
                right.read(b, int(threadIdx.x) % T::kColumnThreads, k, q);
#pragma unroll
                for (int i = 0; i < T::kThreadRows; i++)
#pragma unroll
                    for (int j = 0; j < T::kThreadColumns; j++) sum[i][j] += left.at(i, q) * right.at(j, q);
            }
        }
    }
    // visit(row, first column, sums of kTogether neighbouring columns)
    static constexpr int kTogether = kB == Along::edge ? 4 : 1;
    template <class Visit>
    __device__ __forceinline__ void each(Visit visit) {
#pragma unroll
        for (int i = 0; i < T::kThreadRows; i++)
#pragma unroll
            for (int j = 0; j < T::kThreadColumns; j += kTogether) visit(row(i), column(j), &sum[i][j]);
    }
};

// Products on tensor cores: a warp computes some 16-row fragments of 32 columns. See ptx.cuh for who holds what.
template <class T, Along kA, Along kB, bool kSplit>
struct WarpProduct {
    static constexpr int kWarpColumns = 32;
    static constexpr int kWarpsAlongColumns = T::kColumns / kWarpColumns;
    static constexpr int kWarpRows = T::kRows * kWarpsAlongColumns * kWarp / T::kThreads;
    static constexpr int kM = kWarpRows / 16, kN = kWarpColumns / 8;
    static_assert(kM >= 1 && kWarpRows % 16 == 0);

    float sum[kM][kN][4];

    __device__ __forceinline__ WarpProduct() { clear(); }
    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int m = 0; m < kM; m++)
#pragma unroll
            for (int n = 0; n < kN; n++)
#pragma unroll
                for (int i = 0; i < 4; i++) sum[m][n][i] = 0;
    }
    __device__ __forceinline__ static int group() { return int(threadIdx.x) % kWarp / 4; }
    __device__ __forceinline__ static int part() { return int(threadIdx.x) % 4; }
    __device__ __forceinline__ static int first_row() {
        return int(threadIdx.x) / kWarp / kWarpsAlongColumns * kWarpRows;
    }
    __device__ __forceinline__ static int first_column() {
        return int(threadIdx.x) / kWarp % kWarpsAlongColumns * kWarpColumns;
    }
    // value = high + low + about 2^-22 of it
    __device__ __forceinline__ static void split(float value, unsigned& high, unsigned& low) {
        high = ptx::to_tf32(value);
        if constexpr (kSplit) low = ptx::to_tf32(value - __uint_as_float(high));
    }
    __device__ __forceinline__ void add(const float* a, const float* b) {
        // Unrolled, both halves of the depth would be in registers at once: a third fewer blocks.
#pragma unroll 1
        for (int k = 0; k < kTileDepth; k += 8) {
            unsigned left[kM][4], left_low[kM][4], right[kN][2], right_low[kN][2];
#pragma unroll
            for (int m = 0; m < kM; m++)
#pragma unroll
                for (int i = 0; i < 4; i++)
                    split(
                        a[tile_place<kA, T::kRows>(first_row() + m * 16 + group() + i % 2 * 8, k + part() + i / 2 * 4)],
                        left[m][i], left_low[m][i]);
#pragma unroll
            for (int n = 0; n < kN; n++)
#pragma unroll
                for (int i = 0; i < 2; i++)
                    split(b[tile_place<kB, T::kColumns>(first_column() + n * 8 + group(), k + part() + i * 4)],
                          right[n][i], right_low[n][i]);
#pragma unroll
            for (int m = 0; m < kM; m++)
#pragma unroll
                for (int n = 0; n < kN; n++) {
                    if constexpr (kSplit) {  // small terms first
                        ptx::mma_m16n8k8_tf32(sum[m][n], left_low[m], right[n]);
                        ptx::mma_m16n8k8_tf32(sum[m][n], left[m], right_low[n]);
                    }
                    ptx::mma_m16n8k8_tf32(sum[m][n], left[m], right[n]);
                }
        }
    }
    static constexpr int kTogether = 2;
    template <class Visit>
    __device__ __forceinline__ void each(Visit visit) {
#pragma unroll
        for (int m = 0; m < kM; m++)
#pragma unroll
            for (int n = 0; n < kN; n++)
#pragma unroll
                for (int i = 0; i < 4; i += kTogether)
                    visit(first_row() + m * 16 + group() + i * 4, first_column() + n * 8 + part() * 2, &sum[m][n][i]);
    }
};

template <class T, Along kA, Along kB, Arithmetic kArithmetic>
struct ProductOf {
    using type = WarpProduct<T, kA, kB, kArithmetic == Arithmetic::tf32x3>;
};
template <class T, Along kA, Along kB>
struct ProductOf<T, kA, kB, Arithmetic::fp32> {
    using type = ThreadProduct<T, kA, kB>;
};

// Where a total lies: pairs of quads are exchanged between rows, so that writes of a warp meet different banks.
template <class T>
__device__ __forceinline__ int total_place(int row, int column) {
    return row * T::kColumns + (T::kColumns >= 32 ? column ^ (row + row / 4) % 4 * 8 : column);
}

// Adds neighbouring sums to their totals, or starts those.
template <int kTogether>
__device__ __forceinline__ void add_to_totals(float* totals, const float* sums, bool start) {
    if constexpr (kTogether == 4) {
        float4& quad = *reinterpret_cast<float4*>(totals);
        quad = start ? make_float4(sums[0], sums[1], sums[2], sums[3])
                     : make_float4(quad.x + sums[0], quad.y + sums[1], quad.z + sums[2], quad.w + sums[3]);
    } else if constexpr (kTogether == 2) {
        float2& pair = *reinterpret_cast<float2*>(totals);
        pair = start ? make_float2(sums[0], sums[1]) : make_float2(pair.x + sums[0], pair.y + sums[1]);
    } else {
        *totals = start ? *sums : *totals + *sums;
    }
}

// Multiplies tiles [first, end) of depth and leaves the totals in memory, visible to the whole block. source.fill(a, b)
// copies the next pair of tiles; source.Copy says how.
template <class T, Along kA, Along kB, Arithmetic kArithmetic, class Source>
__device__ __forceinline__ void multiply_tiles(Source& source, int first, int end, float* memory) {
    using Memory = TileMemory<T, kA, kB>;
    constexpr int kB0 = tile_floats(kA, T::kRows);
    float* const totals = memory + Memory::kTotals;
    using Product = typename ProductOf<T, kA, kB, kArithmetic>::type;
    Product product;
    bool first_slice = true;
    if (Source::Copy::kLater && first < end) {
        source.fill(memory, memory + kB0);
        ptx::copy_async_commit();
    }
    for (int tile = first; tile < end; tile++) {
        float* stage = memory;
        if constexpr (Source::Copy::kLater) {
            // Each thread waits for its own copies; after the barrier all have arrived, and all threads have left the
            // other stage.
            stage += (tile - first) % 2 * Memory::kStage;
            ptx::copy_async_wait<0>();
            __syncthreads();
            if (tile + 1 < end) {
                float* next = memory + (tile + 1 - first) % 2 * Memory::kStage;
                source.fill(next, next + kB0);
                ptx::copy_async_commit();
            }
        } else {
            __syncthreads();
            source.fill(stage, stage + kB0);
            __syncthreads();
        }
        product.add(stage, stage + kB0);
        if ((tile + 1) % kSliceTiles == 0 || tile + 1 == end) {
            product.each([&](int row, int column, const float* sums) {
                add_to_totals<Product::kTogether>(totals + total_place<T>(row, column), sums, first_slice);
            });
            product.clear();
            first_slice = false;
        }
    }
    if (first >= end)  // no depth at all
        product.each([&](int row, int column, const float* zeros) {
            add_to_totals<Product::kTogether>(totals + total_place<T>(row, column), zeros, true);
        });
    __syncthreads();
}

// visit(row, column, float4) for all totals, four columns at a time, neighbours by neighbouring threads.
template <class T, Along kA, Along kB, class Visit>
__device__ __forceinline__ void each_total(const float* memory, Visit visit) {
    const float* totals = memory + TileMemory<T, kA, kB>::kTotals;
    constexpr int kQuads = T::kColumns / kVector;
    for (int i = int(threadIdx.x); i < T::kRows * kQuads; i += T::kThreads) {
        const int row = i / kQuads, column = i % kQuads * kVector;
        visit(row, column, load4(totals + total_place<T>(row, column)));
    }
}

}  // namespace limpid::DEVICE_NS
