// Convolution on a GPU: the forward pass and the gradient to the input. Each kernel adds one idea to the one before:
//
//   conv2d_direct           one thread per output, no reuse: what the others must agree with
//   conv2d_tiled            an implicit matrix product [pixels] x [taps and channels] x [out channels], through tiles
//                           in shared memory, 128 bits at a time
//   conv2d_pipelined        the next tiles are copied (cp.async) while these are multiplied
//   conv2d_tf32x3, _tf32    the same on tensor cores
//   conv2d_finish           all of them can share the depth of one output among blocks; this adds the parts, in order
//
// choose(), below the kernels, says which runs when.
#include <type_traits>

#include "kernels/conv2d/conv2d_correlation.cuh"
#include "kernels/conv2d/conv2d_cuda.h"
#include "kernels/device/shared.h"
#include "kernels/device/tile_product.cuh"

namespace limpid::DEVICE_NS {

inline constexpr int kPackTile = 32, kPackRows = 8;  // of the threads that pack a tile, a warp for each row

// What a kernel is given.
struct CorrelationJob {
    Correlation c;
    ConstPixels in;
    const float* filter;  // packed
    Epilogue epilogue;
    float* parts = nullptr;  // [slice][pixel][filter_pitch], when slices > 1
    int slices = 1, row_tiles = 0, column_tiles = 0;
};

namespace {

// Which part of the output a block computes.
struct BlockPlace {
    int first_row, first_column, phase, slice;
};
template <class T>
__device__ __forceinline__ BlockPlace block_place(const CorrelationJob& job) {
    // Neighbouring blocks share filters and read neighbouring pixels.
    const int row_tile = int(blockIdx.x) % job.row_tiles, rest = int(blockIdx.x) / job.row_tiles;
    const int column_tile = rest % job.column_tiles, z = rest / job.column_tiles;
    return {row_tile * T::kRows, column_tile * T::kColumns, z / job.slices, z % job.slices};
}

// A pixel of out as the loop needs it.
struct RowPlace {
    int first_y, first_x;  // of in, at tap 0
    int image;             // first pixel of the image in in
    int pixel;             // of out; -1 beyond the last
};
static_assert(sizeof(RowPlace) == sizeof(float4));

__device__ __forceinline__ RowPlace row_place(const Correlation& c, const Phase& phase, int row) {
    if (row >= phase.pixels(c)) return {0, 0, 0, -1};
    const int j = row % phase.columns, rest = row / phase.columns, i = rest % phase.rows, n = rest / phase.rows;
    return {i * c.step_y - phase.top, j * c.step_x - phase.left, n * c.in_h * c.in_w,
            (n * c.out_h + phase.first_y + i * c.phases_y) * c.out_w + phase.first_x + j * c.phases_x};
}

// Tiles of in, gathered tap by tap, and of the filters.
template <class T, class Copy_, int kWidth>
struct CorrelationSource {
    using Copy = Copy_;
    using FillIn = TileFill<Copy, T::kThreads, Along::depth, T::kRows, kWidth>;
    using FillFilter = TileFill<Copy, T::kThreads, Along::edge, T::kColumns, kVector>;

    const CorrelationJob& job;
    const RowPlace* rows;
    const float* filter;
    int taps_y, taps_x, depth, first_column;
    int done;     // depth already copied
    int a, b, l;  // what this thread's next piece of in is: tap and channel

    __device__ __forceinline__ CorrelationSource(const CorrelationJob& job_, const Phase& phase, const RowPlace* rows_,
                                                 int first_column_, int first_tile)
        : job(job_),
          rows(rows_),
          filter(job_.filter + phase.filter),
          taps_y(phase.taps_y),
          taps_x(phase.taps_x),
          depth(phase.depth(job_.c)),
          first_column(first_column_),
          done(first_tile * kTileDepth) {
        const int d = done + FillIn::minor_of();
        l = d % job.c.in_c;
        const int tap = d / job.c.in_c;
        a = taps_x > 0 ? tap / taps_x : 0;
        b = taps_x > 0 ? tap % taps_x : 0;
    }

    __device__ __forceinline__ void fill(float* in_tile, float* filter_tile) {
        const Correlation& c = job.c;
        FillIn::run(in_tile, job.in.data, [&](int row, int) -> const float* {
            const RowPlace place = rows[row];
            const int y = place.first_y + a, x = place.first_x + b;
            const bool inside =
                place.pixel >= 0 && a < taps_y && unsigned(y) < unsigned(c.in_h) && unsigned(x) < unsigned(c.in_w);
            return inside ? job.in[place.image + y * c.in_w + x] + l : nullptr;
        });
        const int pitch = c.filter_pitch();
        FillFilter::run(filter_tile, job.filter, [&](int k, int column) -> const float* {
            const bool inside = done + k < depth && first_column + column < pitch;
            return inside ? filter + int64_t(done + k) * pitch + first_column + column : nullptr;
        });
        done += kTileDepth;
        for (l += kTileDepth; l >= c.in_c && a < taps_y;) {
            l -= c.in_c;
            if (++b == taps_x) b = 0, a++;
        }
    }
};

// The whole of a kernel but its name.
template <class T, Arithmetic kArithmetic, class Copy, int kWidth>
__device__ __forceinline__ void correlate(const CorrelationJob& job) {
    using Memory = TileMemory<T, Along::depth, Along::edge>;
    float* const memory = dynamic_shared<float>();
    RowPlace* const rows = reinterpret_cast<RowPlace*>(memory + Memory::kFloats);
    const BlockPlace place = block_place<T>(job);
    const Phase phase = phase_of(job.c, place.phase);
    for (int row = int(threadIdx.x); row < T::kRows; row += T::kThreads)
        rows[row] = row_place(job.c, phase, place.first_row + row);
    __syncthreads();
    const int tiles = (phase.depth(job.c) + kTileDepth - 1) / kTileDepth;
    const int first = place.slice * kSliceTiles,
              end = job.slices > 1 && first + kSliceTiles < tiles ? first + kSliceTiles : tiles;
    CorrelationSource<T, Copy, kWidth> source(job, phase, rows, place.first_column, first);
    multiply_tiles<T, Along::depth, Along::edge, kArithmetic>(source, first, end, memory);
    each_total<T, Along::depth, Along::edge>(memory, [&](int row, int column, float4 value) {
        column += place.first_column;
        const int pixel = rows[row].pixel;
        if (pixel < 0) return;
        if (job.slices == 1)
            finish_four(job.epilogue, value, pixel, column);
        else if (column < job.c.filter_pitch())
            store4(job.parts + (place.slice * job.c.pixels() + pixel) * job.c.filter_pitch() + column, value);
    });
}

}  // namespace

__global__ void __launch_bounds__(kPlainThreads) conv2d_direct(const CorrelationJob job) {
    const Correlation& c = job.c;
    const Phase phase = phase_of(c, int(blockIdx.y));
    const int64_t index = int64_t(blockIdx.x) * kPlainThreads + threadIdx.x;
    const int channel = int(index % c.out_c);
    const int64_t row = index / c.out_c;
    if (row >= phase.pixels(c)) return;
    const RowPlace place = row_place(c, phase, int(row));
    const float* f = job.filter + phase.filter + channel;
    float sum = 0;
    for (int a = 0; a < phase.taps_y; a++)
        for (int b = 0; b < phase.taps_x; b++) {
            const int y = place.first_y + a, x = place.first_x + b;
            if (unsigned(y) < unsigned(c.in_h) && unsigned(x) < unsigned(c.in_w)) {
                const float* from = job.in[place.image + y * c.in_w + x];
                for (int l = 0; l < c.in_c; l++) sum += from[l] * f[int64_t(l) * c.filter_pitch()];
            }
            f += int64_t(c.in_c) * c.filter_pitch();
        }
    finish_one(job.epilogue, sum, place.pixel, channel);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocksLarge) conv2d_tiled(const CorrelationJob job) {
    correlate<T, Arithmetic::fp32, CopyNow, kWidth>(job);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks) conv2d_pipelined(const CorrelationJob job) {
    correlate<T, Arithmetic::fp32, CopyLater, kWidth>(job);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocksLarge) conv2d_tf32x3(const CorrelationJob job) {
    correlate<T, Arithmetic::tf32x3, CopyLater, kWidth>(job);
}

template <class T, int kWidth>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks) conv2d_tf32(const CorrelationJob job) {
    correlate<T, Arithmetic::tf32, CopyLater, kWidth>(job);
}

__global__ void __launch_bounds__(kPlainThreads) conv2d_finish(const CorrelationJob job) {
    const int pitch = job.c.filter_pitch(), quads = pitch / kVector;
    const int64_t pixels = job.c.pixels(), index = int64_t(blockIdx.x) * kPlainThreads + threadIdx.x;
    if (index >= pixels * quads) return;
    const int64_t pixel = index / quads;
    const int channel = int(index % quads) * kVector;
    const float* part = job.parts + pixel * pitch + channel;
    float4 sum = load4(part);
    for (int slice = 1; slice < job.slices; slice++) {
        part += pixels * pitch;
        const float4 next = load4(part);
        sum = make_float4(sum.x + next.x, sum.y + next.y, sum.z + next.z, sum.w + next.w);
    }
    finish_four(job.epilogue, sum, pixel, channel);
}

// A block packs a tile of [in channels][out channels] of one tap. Filters of the gradient are transposed on the way, in
// shared memory, so that neighbouring threads both read and write neighbouring floats.
__global__ void __launch_bounds__(kPackTile* kPackRows)
    conv2d_pack(const Correlation c, const float* __restrict__ w, float* __restrict__ packed) {
    __shared__ float tile[kPackTile][kPackTile + 1];  // one more: columns are written
    const Phase phase = phase_of(c, int(blockIdx.y));
    const int pitch = c.filter_pitch(), across = int(threadIdx.x), down = int(threadIdx.y);
    const int in_tiles = (c.in_c + kPackTile - 1) / kPackTile, out_tiles = (pitch + kPackTile - 1) / kPackTile;
    const int first_m = int(blockIdx.x) % out_tiles * kPackTile,
              first_l = int(blockIdx.x) / out_tiles % in_tiles * kPackTile,
              tap = int(blockIdx.x) / out_tiles / in_tiles;
    if (tap >= phase.taps_y * phase.taps_x) return;
    const int a = tap / phase.taps_x, b = tap % phase.taps_x;
    const int r = c.forward ? a : (phase.taps_y - 1 - a) * c.phases_y + int(blockIdx.y) / c.phases_x;
    const int s = c.forward ? b : (phase.taps_x - 1 - b) * c.phases_x + int(blockIdx.y) % c.phases_x;
    const float* from = w + (int64_t(r) * c.filter_w + s) * c.in_c * c.out_c;
    for (int i = down; i < kPackTile; i += kPackRows) {
        const int l = c.forward ? i : across, m = c.forward ? across : i;
        const bool inside = first_l + l < c.in_c && first_m + m < c.out_c;
        const int64_t place =
            c.forward ? int64_t(first_l + l) * c.out_c + first_m + m : int64_t(first_m + m) * c.in_c + first_l + l;
        tile[l][m] = inside ? from[place] : 0.0f;
    }
    __syncthreads();
    float* to = packed + phase.filter + (int64_t(tap) * c.in_c + first_l) * pitch + first_m;
    for (int l = down; l < kPackTile && first_l + l < c.in_c; l += kPackRows)
        if (first_m + across < pitch) to[int64_t(l) * pitch + across] = tile[l][across];
}

namespace {

// The choice ---------------------------------------------------------------------------------------------------------

enum class TileKind { wide, middle, narrow };

struct Choice {
    Method method;
    TileKind tile = TileKind::middle;
    int slices = 1;  // blocks that share the depth of an output
};

// Bits follow from the method (and the depth) alone, so tile and slices may depend on the batch while the method may
// not. `best` is what the precision allows.
Choice choose(const Correlation& c, Method best) {
    if (best == Method::direct) return {best};
    // Up to four channels tensor cores would mostly multiply zeros.
    if (c.out_c <= NarrowTile::kColumns)
        return {best == Method::tiled ? Method::tiled : Method::pipelined, TileKind::narrow};
    const auto blocks = [&](int64_t rows, int64_t columns) {
        return divide_up(c.phase_pixels(), rows) * divide_up(c.out_c, columns) * c.phases();
    };
    if (c.out_c > MiddleTile::kColumns && blocks(WideTile::kRows, WideTile::kColumns) >= kEnoughBlocks)
        return {best, TileKind::wide};
    const int64_t slices = divide_up(c.phase_depth(), kSliceDepth);
    const bool split = c.phases() == 1 && slices > 1 && blocks(MiddleTile::kRows, MiddleTile::kColumns) < kEnoughBlocks;
    return {best, TileKind::middle, split ? int(slices) : 1};
}

// Host functions -----------------------------------------------------------------------------------------------------

template <class T, int kWidth>
auto tile_kernel(Method method) -> void (*)(CorrelationJob) {
    if constexpr (!std::is_same_v<T, NarrowTile>) {
        if (method == Method::tf32) return conv2d_tf32<T, kWidth>;
        if (method == Method::tf32x3) return conv2d_tf32x3<T, kWidth>;
    }
    return method == Method::tiled ? conv2d_tiled<T, kWidth> : conv2d_pipelined<T, kWidth>;
}

template <class T>
void launch_tiles(Stream& stream, Method method, CorrelationJob& job, bool vectors) {
    job.row_tiles = int(divide_up(job.c.phase_pixels(), T::kRows));
    job.column_tiles = int(divide_up(job.c.out_c, T::kColumns));
    const int64_t blocks = int64_t(job.row_tiles) * job.column_tiles * job.c.phases() * job.slices;
    using Memory = TileMemory<T, Along::depth, Along::edge>;
    launch(stream, vectors ? tile_kernel<T, kVector>(method) : tile_kernel<T, 1>(method), checked_int(blocks),
           T::kThreads, Memory::kFloats * sizeof(float) + T::kRows * sizeof(RowPlace), job);
}

void run(Stream& stream, const Correlation& c, const Choice& choice, ConstView in, const float* packed,
         const Epilogue& epilogue, Scratch scratch) {
    if (c.pixels() == 0) return;
    CorrelationJob job{c, in, packed, epilogue};
    job.slices = choice.slices;
    if (choice.slices > 1) job.parts = scratch.take<float>(choice.slices * c.pixels() * c.filter_pitch());
    const bool vectors = vectorizable(in);
    if (choice.method == Method::direct) {
        const int64_t blocks = divide_up(c.phase_pixels() * c.out_c, kPlainThreads);
        launch(stream, conv2d_direct, dim3(unsigned(blocks), unsigned(c.phases())), kPlainThreads, 0, job);
    } else if (choice.tile == TileKind::wide) {
        launch_tiles<WideTile>(stream, choice.method, job, vectors);
    } else if (choice.tile == TileKind::middle) {
        launch_tiles<MiddleTile>(stream, choice.method, job, vectors);
    } else {
        launch_tiles<NarrowTile>(stream, choice.method, job, vectors);
    }
    if (choice.slices > 1)
        launch(stream, conv2d_finish, unsigned(divide_up(c.pixels() * (c.filter_pitch() / kVector), kPlainThreads)),
               kPlainThreads, 0, job);
}

template <Method kBest>
std::string_view algorithm(const Conv2dShape& shape, Conv2dPass pass) {
    return to_string(choose(make_correlation(shape, pass), kBest).method);
}

int64_t packed_size(const Conv2dShape& shape, Conv2dPass pass) {
    const Correlation c = make_correlation(shape, pass);
    return int64_t(c.filter_h) * c.filter_w * c.in_c * c.filter_pitch();
}

void pack(Stream& stream, const Conv2dShape& shape, Conv2dPass pass, ConstView w, float* packed) {
    const Correlation c = make_correlation(shape, pass);
    const int64_t blocks = c.phase_taps() * divide_up(c.in_c, kPackTile) * divide_up(c.filter_pitch(), kPackTile);
    launch(stream, conv2d_pack, dim3(unsigned(checked_int(blocks)), unsigned(c.phases())), dim3(kPackTile, kPackRows),
           0, c, w.data, packed);
}

template <Method kBest>
size_t scratch(const Conv2dShape& shape, Conv2dPass pass, int) {
    const Correlation c = make_correlation(shape, pass);
    const Choice choice = choose(c, kBest);
    return choice.slices > 1 ? Scratch::scratch_bytes<float>(choice.slices * c.pixels() * c.filter_pitch()) : 0;
}

template <Method kBest>
void forward(Stream& stream, const Conv2dShape& shape, ConstView x, const float* packed, ConstView bias, bool relu,
             MutView y, Scratch scratch) {
    const Correlation c = make_correlation(shape, Conv2dPass::forward);
    run(stream, c, choose(c, kBest), x, packed, make_epilogue(bias, relu, {}, {}, y), scratch);
}

template <Method kBest>
void grad_input(Stream& stream, const Conv2dShape& shape, ConstView dy, const float* packed, ConstView add,
                ConstView mask, MutView dx, Scratch scratch) {
    const Correlation c = make_correlation(shape, Conv2dPass::grad_input);
    run(stream, c, choose(c, kBest), dy, packed, make_epilogue({}, false, add, mask, dx), scratch);
}

template <Method kBest>
Conv2dKernels table() {
    const Conv2dFilterKernels filter = conv2d_filter_kernels(kBest);
    return {algorithm<kBest>, packed_size,       pack,           scratch<kBest>,
            forward<kBest>,   grad_input<kBest>, filter.scratch, filter.grad_filter};
}

}  // namespace

Conv2dKernels conv2d_kernels(Method best) {
    return with_method(best, [](auto method) { return table<decltype(method)::value>(); });
}

void install(Conv2dKernels&);
void install(Conv2dKernels& table) { table = conv2d_kernels(best_method(Precision::fp32)); }

}  // namespace limpid::DEVICE_NS
