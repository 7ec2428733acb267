// The gradient to the filter on a GPU: the product of x, gathered as [taps and channels] x [pixels], with dy, [pixels]
// x [out channels]. The depth is all pixels of all images, so blocks share it: each adds up some of the pixels, and
// conv2d_grad_filter_finish adds their sums in order. The same staircase as in conv2d_cuda.cu.
#include <algorithm>

#include "kernels/conv2d/conv2d_correlation.cuh"
#include "kernels/conv2d/conv2d_cuda.h"
#include "kernels/device/shared.h"
#include "kernels/device/tile_product.cuh"

namespace limpid::DEVICE_NS {

struct FilterJob {
    Correlation c;  // the forward pass
    ConstPixels x, dy;
    float* dw;
    float* parts = nullptr;  // [part][row][out channel], when parts_count > 1
    int parts_count = 1, row_tiles = 0, column_tiles = 0;
    int rows;    // of dw as a matrix: taps and channels
    int pixels;  // of y
};

namespace {

// Tiles of x, gathered, and of dy, both [pixel][channel].
template <class T, class Copy_, int kWidth>
struct FilterSource {
    using Copy = Copy_;
    using FillX = TileFill<Copy, T::kThreads, Along::edge, T::kRows, kWidth>;
    using FillDy = TileFill<Copy, T::kThreads, Along::edge, T::kColumns, kWidth>;

    const FilterJob& job;
    int r, s, channel;  // of this thread's rows of dw; channel < 0 beyond the last
    int column;         // of dw
    int done;           // pixels already copied

    __device__ __forceinline__ FilterSource(const FilterJob& job_, int first_row, int first_column, int first_tile)
        : job(job_), column(first_column + FillDy::minor_of()), done(first_tile * kTileDepth) {
        const int row = first_row + FillX::minor_of(), tap = row / job.c.in_c;
        channel = row < job.rows ? row % job.c.in_c : -1;
        r = tap / job.c.filter_w;
        s = tap % job.c.filter_w;
    }

    __device__ __forceinline__ void fill(float* x_tile, float* dy_tile) {
        const Correlation& c = job.c;
        FillX::run(x_tile, job.x.data, [&](int k, int) -> const float* {
            const int pixel = done + k, q = pixel % c.out_w, rest = pixel / c.out_w, p = rest % c.out_h,
                      n = rest / c.out_h;
            const int h = p * c.step_y - c.pad_top + r, w = q * c.step_x - c.pad_left + s;
            const bool inside =
                channel >= 0 && pixel < job.pixels && unsigned(h) < unsigned(c.in_h) && unsigned(w) < unsigned(c.in_w);
            return inside ? job.x[(n * c.in_h + h) * c.in_w + w] + channel : nullptr;
        });
        FillDy::run(dy_tile, job.dy.data, [&](int k, int) -> const float* {
            return done + k < job.pixels && column < c.out_c ? job.dy[done + k] + column : nullptr;
        });
        done += kTileDepth;
    }
};

template <class T, Arithmetic kArithmetic, class Copy, int kWidth>
__device__ __forceinline__ void multiply_pixels(const FilterJob& job) {
    float* const memory = dynamic_shared<float>();
    const int row_tile = int(blockIdx.x) % job.row_tiles, rest = int(blockIdx.x) / job.row_tiles;
    const int first_row = row_tile * T::kRows, first_column = rest % job.column_tiles * T::kColumns;
    const int64_t part = rest / job.column_tiles, tiles = (job.pixels + kTileDepth - 1) / kTileDepth;
    const int first = int(tiles * part / job.parts_count), end = int(tiles * (part + 1) / job.parts_count);
    FilterSource<T, Copy, kWidth> source(job, first_row, first_column, first);
    multiply_tiles<T, Along::edge, Along::edge, kArithmetic>(source, first, end, memory);
    const bool vectors = job.c.out_c % kVector == 0 && reinterpret_cast<uintptr_t>(job.dw) % sizeof(float4) == 0;
    float* const to = job.parts_count == 1 ? job.dw : job.parts + part * job.rows * job.c.out_c;
    each_total<T, Along::edge, Along::edge>(memory, [&](int row, int column, float4 value) {
        row += first_row, column += first_column;
        if (row >= job.rows) return;
        if (vectors) {
            if (column < job.c.out_c) store4(to + int64_t(row) * job.c.out_c + column, value);
            return;
        }
        const float values[4] = {value.x, value.y, value.z, value.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (column + i < job.c.out_c) to[int64_t(row) * job.c.out_c + column + i] = values[i];
    });
}

}  // namespace

__global__ void __launch_bounds__(kPlainThreads) conv2d_grad_filter_direct(const FilterJob job) {
    const Correlation& c = job.c;
    const int64_t index = int64_t(blockIdx.x) * kPlainThreads + threadIdx.x;
    if (index >= int64_t(job.rows) * c.out_c) return;
    const int k = int(index % c.out_c), row = int(index / c.out_c), channel = row % c.in_c, tap = row / c.in_c;
    float sum = 0;
    for (int n = 0; n < c.images; n++)
        for (int p = 0; p < c.out_h; p++)
            for (int q = 0; q < c.out_w; q++) {
                const int h = p * c.step_y - c.pad_top + tap / c.filter_w,
                          w = q * c.step_x - c.pad_left + tap % c.filter_w;
                if (unsigned(h) < unsigned(c.in_h) && unsigned(w) < unsigned(c.in_w))
                    sum += job.x[(n * c.in_h + h) * c.in_w + w][channel] * job.dy[(n * c.out_h + p) * c.out_w + q][k];
            }
    job.dw[index] = sum;
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocksLarge) conv2d_grad_filter_tiled(const FilterJob job) {
    multiply_pixels<T, Arithmetic::fp32, CopyNow, kWidth>(job);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks) conv2d_grad_filter_pipelined(const FilterJob job) {
    multiply_pixels<T, Arithmetic::fp32, CopyLater, kWidth>(job);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocksLarge) conv2d_grad_filter_tf32x3(const FilterJob job) {
    multiply_pixels<T, Arithmetic::tf32x3, CopyLater, kWidth>(job);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks) conv2d_grad_filter_tf32(const FilterJob job) {
    multiply_pixels<T, Arithmetic::tf32, CopyLater, kWidth>(job);
}

__global__ void __launch_bounds__(kPlainThreads) conv2d_grad_filter_finish(const FilterJob job) {
    const int64_t count = int64_t(job.rows) * job.c.out_c, index = int64_t(blockIdx.x) * kPlainThreads + threadIdx.x;
    if (index >= count) return;
    float sum = job.parts[index];
    for (int part = 1; part < job.parts_count; part++) sum += job.parts[part * count + index];
    job.dw[index] = sum;
}

namespace {

struct FilterChoice {
    bool wide;
    int parts;  // blocks that share the pixels of an element of dw
};

FilterChoice choose(const Correlation& c, Method method) {
    if (method == Method::direct) return {false, 1};
    const int64_t rows = int64_t(c.filter_h) * c.filter_w * c.in_c;
    const auto blocks = [&](int64_t r, int64_t k) { return divide_up(rows, r) * divide_up(c.out_c, k); };
    const bool wide = c.out_c > MiddleTile::kColumns &&
                      blocks(WideTile::kRows, WideTile::kColumns) * divide_up(c.pixels(), kSliceDepth) >= kEnoughBlocks;
    const int64_t alone =
        wide ? blocks(WideTile::kRows, WideTile::kColumns) : blocks(MiddleTile::kRows, MiddleTile::kColumns);
    const int64_t parts = std::min(divide_up(kEnoughBlocks, alone), divide_up(c.pixels(), kSliceDepth));
    return {wide, int(std::max<int64_t>(parts, 1))};
}

template <class T, int kWidth>
auto tile_kernel(Method method) -> void (*)(FilterJob) {
    switch (method) {
        case Method::tf32:
            return conv2d_grad_filter_tf32<T, kWidth>;
        case Method::tf32x3:
            return conv2d_grad_filter_tf32x3<T, kWidth>;
        case Method::pipelined:
            return conv2d_grad_filter_pipelined<T, kWidth>;
        default:
            return conv2d_grad_filter_tiled<T, kWidth>;
    }
}

template <class T>
void launch_tiles(Stream& stream, Method method, FilterJob& job, bool vectors) {
    job.row_tiles = int(divide_up(job.rows, T::kRows));
    job.column_tiles = int(divide_up(job.c.out_c, T::kColumns));
    const int64_t blocks = int64_t(job.row_tiles) * job.column_tiles * job.parts_count;
    launch(stream, vectors ? tile_kernel<T, kVector>(method) : tile_kernel<T, 1>(method), checked_int(blocks),
           T::kThreads, TileMemory<T, Along::edge, Along::edge>::kFloats * sizeof(float), job);
}

template <Method kBest>
size_t scratch(const Conv2dShape& shape, int) {
    const FilterChoice choice = choose(make_correlation(shape, Conv2dPass::forward), kBest);
    return choice.parts > 1 ? Scratch::scratch_bytes<float>(choice.parts * shape.filter().size()) : 0;
}

template <Method kBest>
void grad_filter(Stream& stream, const Conv2dShape& shape, ConstView x, ConstView dy, MutView dw, Scratch scratch) {
    const Correlation c = make_correlation(shape, Conv2dPass::forward);
    const FilterChoice choice = choose(c, kBest);
    const int64_t size = shape.filter().size();
    FilterJob job{c, x, dy, dw.data};
    job.parts_count = choice.parts;
    if (choice.parts > 1) job.parts = scratch.take<float>(choice.parts * size);
    job.rows = int(shape.r * shape.s * shape.c);
    job.pixels = int(c.pixels());
    const unsigned plain_blocks = unsigned(divide_up(size, kPlainThreads));
    if (kBest == Method::direct) {
        launch(stream, conv2d_grad_filter_direct, plain_blocks, kPlainThreads, 0, job);
        return;
    }
    const bool vectors = vectorizable(x) && vectorizable(dy);
    choice.wide ? launch_tiles<WideTile>(stream, kBest, job, vectors)
                : launch_tiles<MiddleTile>(stream, kBest, job, vectors);
    if (choice.parts > 1) launch(stream, conv2d_grad_filter_finish, plain_blocks, kPlainThreads, 0, job);
}

}  // namespace

Conv2dFilterKernels conv2d_filter_kernels(Method best) {
    return with_method(best, [](auto method) {
        constexpr Method kBest = decltype(method)::value;
        return Conv2dFilterKernels{scratch<kBest>, grad_filter<kBest>};
    });
}

}  // namespace limpid::DEVICE_NS
