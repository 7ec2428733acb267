// Matrix products on a GPU, by the staircase of device/method.h. A transposed matrix is copied as it lies: only the
// tile in shared memory differs, [edge][depth] or [depth][edge].
//
//   matmul_direct                     one thread per element
//   matmul_tiled, matmul_pipelined    tiles in shared memory; copied while the last ones are multiplied
//   matmul_tf32x3, matmul_tf32        on tensor cores
//   matmul_finish                     adds the sums of blocks that shared the depth, in order
#include <algorithm>

#include "kernels/device/launch.h"
#include "kernels/device/shared.h"
#include "kernels/device/tile_product.cuh"
#include "kernels/matmul/matmul_cuda.h"

namespace limpid::DEVICE_NS {

using MatmulTile = MiddleTile;

// A matrix as it is stored: element (i, d) of op() lies at data + i * edge_pitch + d * depth_pitch, one of which is 1.
struct Operand {
    const float* data;
    int64_t edge_pitch, depth_pitch, batch_pitch;
};

struct MatmulJob {
    int batch, m, n, k;
    Operand a, b;
    const float* bias;
    float* y;
    int64_t ldy, stride_y;
    float* parts = nullptr;  // [batch][slice][m][n], when slices > 1
    int slices = 1, row_tiles = 0, column_tiles = 0;
};

namespace {

// Tiles of a and b.
template <class T, Along kA, Along kB, class Copy_, int kWidth>
struct MatmulSource {
    using Copy = Copy_;
    template <Along kAlong, int kEdge>
    using Fill = TileFill<Copy, T::kThreads, kAlong, kEdge, kWidth>;

    const MatmulJob& job;
    const float *a, *b;  // at the block's first row and column
    int rows, columns;   // that are left from there
    int done;            // depth already copied

    __device__ __forceinline__ MatmulSource(const MatmulJob& job_, int64_t batch, int first_row, int first_column,
                                            int first_tile)
        : job(job_),
          a(job_.a.data + batch * job_.a.batch_pitch + first_row * job_.a.edge_pitch),
          b(job_.b.data + batch * job_.b.batch_pitch + first_column * job_.b.edge_pitch),
          rows(job_.m - first_row),
          columns(job_.n - first_column),
          done(first_tile * kTileDepth) {}

    template <Along kAlong, int kEdge>
    __device__ __forceinline__ void fill_one(float* tile, const float* from, const Operand& operand, int edges) {
        Fill<kAlong, kEdge>::run(tile, operand.data, [&](int major, int minor) -> const float* {
            const int edge = kAlong == Along::depth ? major : minor,
                      d = done + (kAlong == Along::depth ? minor : major);
            return edge < edges && d < job.k ? from + edge * operand.edge_pitch + d * operand.depth_pitch : nullptr;
        });
    }
    __device__ __forceinline__ void fill(float* a_tile, float* b_tile) {
        fill_one<kA, T::kRows>(a_tile, a, job.a, rows);
        fill_one<kB, T::kColumns>(b_tile, b, job.b, columns);
        done += kTileDepth;
    }
};

template <Along kA, Along kB, Arithmetic kArithmetic, class Copy, int kWidth>
__device__ __forceinline__ void multiply_block(const MatmulJob& job) {
    using T = MatmulTile;
    float* const memory = dynamic_shared<float>();
    const int row_tile = int(blockIdx.x) % job.row_tiles, rest = int(blockIdx.x) / job.row_tiles;
    const int first_row = row_tile * T::kRows, first_column = rest % job.column_tiles * T::kColumns;
    const int z = rest / job.column_tiles, slice = z % job.slices;
    const int64_t batch = z / job.slices;
    const int tiles = (job.k + kTileDepth - 1) / kTileDepth, first = slice * kSliceTiles,
              end = job.slices > 1 && first + kSliceTiles < tiles ? first + kSliceTiles : tiles;
    MatmulSource<T, kA, kB, Copy, kWidth> source(job, batch, first_row, first_column, first);
    multiply_tiles<T, kA, kB, kArithmetic>(source, first, end, memory);
    each_total<T, kA, kB>(memory, [&](int row, int column, float4 value) {
        row += first_row, column += first_column;
        if (row >= job.m) return;
        float* const to = job.slices == 1 ? job.y + batch * job.stride_y + row * job.ldy
                                          : job.parts + (int64_t(z) * job.m + row) * job.n;
        const float values[4] = {value.x, value.y, value.z, value.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (column + i < job.n)
                to[column + i] = job.slices == 1 && job.bias ? values[i] + job.bias[column + i] : values[i];
    });
}

}  // namespace

__global__ void __launch_bounds__(kPlainThreads) matmul_direct(const MatmulJob job) {
    const int64_t index = int64_t(blockIdx.x) * kPlainThreads + threadIdx.x;
    const int64_t size = int64_t(job.m) * job.n;
    if (index >= job.batch * size) return;
    const int64_t batch = index / size, i = index % size / job.n, j = index % size % job.n;
    const float* a = job.a.data + batch * job.a.batch_pitch + i * job.a.edge_pitch;
    const float* b = job.b.data + batch * job.b.batch_pitch + j * job.b.edge_pitch;
    float sum = 0;
    for (int64_t d = 0; d < job.k; d++) sum += a[d * job.a.depth_pitch] * b[d * job.b.depth_pitch];
    job.y[batch * job.stride_y + i * job.ldy + j] = job.bias ? sum + job.bias[j] : sum;
}

template <Along kA, Along kB, int kWidth>
__global__ void __launch_bounds__(MatmulTile::kThreads, MatmulTile::kBlocksLarge) matmul_tiled(const MatmulJob job) {
    multiply_block<kA, kB, Arithmetic::fp32, CopyNow, kWidth>(job);
}

template <Along kA, Along kB, int kWidth>
__global__ void __launch_bounds__(MatmulTile::kThreads, MatmulTile::kBlocks) matmul_pipelined(const MatmulJob job) {
    multiply_block<kA, kB, Arithmetic::fp32, CopyLater, kWidth>(job);
}

template <Along kA, Along kB, int kWidth>
__global__ void __launch_bounds__(MatmulTile::kThreads, MatmulTile::kBlocksLarge) matmul_tf32x3(const MatmulJob job) {
    multiply_block<kA, kB, Arithmetic::tf32x3, CopyLater, kWidth>(job);
}

template <Along kA, Along kB, int kWidth>
__global__ void __launch_bounds__(MatmulTile::kThreads, MatmulTile::kBlocks) matmul_tf32(const MatmulJob job) {
    multiply_block<kA, kB, Arithmetic::tf32, CopyLater, kWidth>(job);
}

__global__ void __launch_bounds__(kPlainThreads) matmul_finish(const MatmulJob job) {
    const int64_t size = int64_t(job.m) * job.n, index = int64_t(blockIdx.x) * kPlainThreads + threadIdx.x;
    if (index >= job.batch * size) return;
    const int64_t batch = index / size, element = index % size, i = element / job.n, j = element % job.n;
    const float* part = job.parts + batch * job.slices * size + element;
    float sum = *part;
    for (int slice = 1; slice < job.slices; slice++) sum += part[slice * size];
    job.y[batch * job.stride_y + i * job.ldy + j] = job.bias ? sum + job.bias[j] : sum;
}

namespace {

// Blocks that share the depth of an element; the bits do not depend on it (tile_product.cuh).
int choose_slices(const MatmulShape& s, Method method) {
    const int64_t blocks = divide_up(s.m, MatmulTile::kRows) * divide_up(s.n, MatmulTile::kColumns) * s.batch;
    const int64_t slices = divide_up(s.k, kSliceDepth);
    return method != Method::direct && slices > 1 && blocks < kEnoughBlocks ? int(slices) : 1;
}

template <Along kA, Along kB, int kWidth>
auto tile_kernel(Method method) -> void (*)(MatmulJob) {
    switch (method) {
        case Method::tf32:
            return matmul_tf32<kA, kB, kWidth>;
        case Method::tf32x3:
            return matmul_tf32x3<kA, kB, kWidth>;
        case Method::pipelined:
            return matmul_pipelined<kA, kB, kWidth>;
        default:
            return matmul_tiled<kA, kB, kWidth>;
    }
}

template <Along kA, Along kB>
auto tile_kernel(Method method, bool vectors) {
    return vectors ? tile_kernel<kA, kB, kVector>(method) : tile_kernel<kA, kB, 1>(method);
}

auto tile_kernel(Method method, const MatmulShape& s, bool vectors) {
    if (s.transpose_a)
        return s.transpose_b ? tile_kernel<Along::edge, Along::depth>(method, vectors)
                             : tile_kernel<Along::edge, Along::edge>(method, vectors);
    return s.transpose_b ? tile_kernel<Along::depth, Along::depth>(method, vectors)
                         : tile_kernel<Along::depth, Along::edge>(method, vectors);
}

template <Method kBest>
size_t scratch(const MatmulShape& s, int) {
    const int slices = choose_slices(s, kBest);
    return slices > 1 ? Scratch::scratch_bytes<float>(slices * s.batch * s.m * s.n) : 0;
}

template <Method kBest>
void multiply(Stream& stream, const MatmulShape& s, const float* a, const float* b, const float* bias, float* y,
              Scratch scratch) {
    if (s.batch == 0 || s.m == 0 || s.n == 0) return;
    for (const int64_t size : {s.batch, s.m, s.n, s.k})
        CHECK(size < int64_t(1) << 31, "a size of ", size, " is beyond what CUDA kernels count");
    MatmulJob job{int(s.batch), int(s.m), int(s.n), int(s.k)};
    job.a = s.transpose_a ? Operand{a, 1, s.lda, s.stride_a} : Operand{a, s.lda, 1, s.stride_a};
    job.b = s.transpose_b ? Operand{b, s.ldb, 1, s.stride_b} : Operand{b, 1, s.ldb, s.stride_b};
    job.bias = bias, job.y = y;
    job.ldy = s.ldy, job.stride_y = s.stride_y;
    const int64_t elements = s.batch * s.m * s.n;
    const unsigned plain_blocks = unsigned(divide_up(elements, kPlainThreads));
    if (kBest == Method::direct) {
        launch(stream, matmul_direct, plain_blocks, kPlainThreads, 0, job);
        return;
    }
    job.slices = choose_slices(s, kBest);
    if (job.slices > 1) job.parts = scratch.take<float>(job.slices * elements);
    job.row_tiles = int(divide_up(s.m, MatmulTile::kRows));
    job.column_tiles = int(divide_up(s.n, MatmulTile::kColumns));
    const bool vectors = vectorizable(a, s.lda, s.transpose_a ? s.m : s.k) && s.stride_a % kVector == 0 &&
                         vectorizable(b, s.ldb, s.transpose_b ? s.k : s.n) && s.stride_b % kVector == 0;
    const auto kernel = tile_kernel(kBest, s, vectors);
    const int64_t blocks = int64_t(job.row_tiles) * job.column_tiles * s.batch * job.slices;
    CHECK(blocks < int64_t(1) << 31);
    // The tiles are of the same size in all four ways to store the matrices, up to padding: the largest is asked for.
    const size_t floats = std::max({TileMemory<MatmulTile, Along::depth, Along::depth>::kFloats,
                                    TileMemory<MatmulTile, Along::depth, Along::edge>::kFloats,
                                    TileMemory<MatmulTile, Along::edge, Along::depth>::kFloats,
                                    TileMemory<MatmulTile, Along::edge, Along::edge>::kFloats});
    launch(stream, kernel, unsigned(blocks), MatmulTile::kThreads, floats * sizeof(float), job);
    if (job.slices > 1) launch(stream, matmul_finish, plain_blocks, kPlainThreads, 0, job);
}

template <Method kBest>
MatmulKernels table() {
    return {scratch<kBest>, multiply<kBest>};
}

}  // namespace

MatmulKernels matmul_kernels(Method best) {
    return with_method(best, [](auto method) { return table<decltype(method)::value>(); });
}

void install(MatmulKernels&);
void install(MatmulKernels& table) { table = matmul_kernels(best_method(Precision::fp32)); }

}  // namespace limpid::DEVICE_NS
