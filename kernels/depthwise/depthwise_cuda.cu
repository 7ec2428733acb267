// Depthwise convolution on a GPU. Gather: a thread per pixel and group of channels walks the taps of its output, for any
// filter. Strip: a thread owns four neighbours of a row, so that the cells and weights that they share are loaded once.
// dw: threads of a block share the pixels of a slice and all channels, and keep the sums of a row of taps; sums of
// threads are added in their order, then those of slices.
//
// Both ways add up the same products in the same order: results do not depend on which is taken.
#include <algorithm>

#include "kernels/depthwise/depthwise.h"
#include "kernels/device/channels.h"
#include "kernels/device/reduce.h"

namespace limpid::DEVICE_NS {

void install(DepthwiseKernels&);

inline constexpr int kDepthwiseThreads = 256;
// Outputs of a thread: for 3x3 taps, six cells of a row instead of twelve. Those of stride 2 share fewer cells, and four
// of them would take so many registers that few threads fit.
template <int kStride>
inline constexpr int kStripOutputs = kStride == 1 ? 4 : 2;
// Slices of dw: at most so many, which fill a large GPU in layers of few channels; of so many pixels at least, a few for
// each thread.
inline constexpr int kMostSlices = 256, kLeastSlicePixels = 32;
// Channels that the threads of a block of dw have next to each other at most.
inline constexpr int kMostLanes = 32;

// DepthwiseShape as kernels index it.
struct DepthwiseSizes {
    int h, w, c, r, s, m, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left, p, q;

    explicit DepthwiseSizes(const DepthwiseShape& shape)
        : h(int(shape.h)),
          w(int(shape.w)),
          c(int(shape.c)),
          r(int(shape.r)),
          s(int(shape.s)),
          m(int(shape.m)),
          stride_y(int(shape.stride_y)),
          stride_x(int(shape.stride_x)),
          dilation_y(int(shape.dilation_y)),
          dilation_x(int(shape.dilation_x)),
          pad_top(int(shape.pad_top)),
          pad_left(int(shape.pad_left)),
          p(int(shape.p())),
          q(int(shape.q())) {}
};

// How the pixels of dy are dealt to blocks of dw, and the threads of a block to channels.
struct DepthwiseSlices {
    unsigned pixels, slice_pixels, lanes;
};

namespace {

__device__ __forceinline__ bool within(int i, int size) { return unsigned(i) < unsigned(size); }

template <int kWidth>
__device__ __forceinline__ void multiply_add(Channels<kWidth>& sum, const Channels<kWidth>& a,
                                             const Channels<kWidth>& b) {
#pragma unroll
    for (int i = 0; i < kWidth; i++) sum[i] = fmaf(a[i], b[i], sum[i]);
}

// The output along one axis that tap t takes cell `i` to; -1: none.
__device__ __forceinline__ int output_of(int i, int t, int stride, int dilation, int pad, int outputs) {
    const int reach = i + pad - t * dilation;
    if (reach < 0) return -1;
    const int output = reach / stride;
    return output * stride == reach && output < outputs ? output : -1;
}

// One row of taps: cells first, first + 1, ... of `row`, of which kWhole says that all lie inside; weights of `taps`,
// `tap_pitch` apart. Backwards the last tap meets the first cell.
template <int kTaps, int kStride, bool kBackward, bool kWhole>
__device__ __forceinline__ void add_strip_row(const float* row, int64_t pitch, int first, int size, const float* taps,
                                              int tap_pitch, Channels<kVector> (&sums)[kStripOutputs<kStride>]) {
    constexpr int kOutputs = kStripOutputs<kStride>, kCells = (kOutputs - 1) * kStride + kTaps;
    Channels<kVector> cells[kCells];
#pragma unroll
    for (int i = 0; i < kCells; i++)
        if (kWhole || within(first + i, size)) cells[i] = load_channels<kVector>(row + (first + i) * pitch);
#pragma unroll
    for (int t = 0; t < kTaps; t++) {
        const Channels<kVector> weight = load_channels<kVector>(taps + t * tap_pitch);
#pragma unroll
        for (int o = 0; o < kOutputs; o++) {
            const int i = o * kStride + (kBackward ? kTaps - 1 - t : t);
            if (kWhole || within(first + i, size)) multiply_add(sums[o], cells[i], weight);
        }
    }
}

}  // namespace

template <int kWidth>
__global__ void __launch_bounds__(kDepthwiseThreads, 1)
    depthwise_forward_gather(ChannelGrid grid, DepthwiseSizes s, ConstPixels x, ConstPixels w, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kDepthwiseThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const int c = at.c / s.m, j = at.c - c * s.m;
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int r = 0; r < s.r; r++) {
        const int row = at.h * s.stride_y + r * s.dilation_y - s.pad_top;
        if (!within(row, s.h)) continue;
        for (int t = 0; t < s.s; t++) {
            const int column = at.w * s.stride_x + t * s.dilation_x - s.pad_left;
            if (!within(column, s.w)) continue;
            multiply_add(sum, load_channels<kWidth>(x[(int64_t(at.n) * s.h + row) * s.w + column] + c),
                         load_channels<kWidth>(w[int64_t(r * s.s + t) * s.c + c] + j));
        }
    }
    store_channels<kWidth>(y[at.pixel] + at.c, sum);
}

template <int kWidth>
__global__ void __launch_bounds__(kDepthwiseThreads, 1)
    depthwise_grad_input_gather(ChannelGrid grid, DepthwiseSizes s, ConstPixels dy, ConstPixels w, MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kDepthwiseThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const int m = kWidth == 1 ? s.m : 1;  // wide only where channels have one filter each
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int r = 0; r < s.r; r++) {
        const int p = output_of(at.h, r, s.stride_y, s.dilation_y, s.pad_top, s.p);
        if (p < 0) continue;
        for (int t = 0; t < s.s; t++) {
            const int q = output_of(at.w, t, s.stride_x, s.dilation_x, s.pad_left, s.q);
            if (q < 0) continue;
            const float* up = dy[(int64_t(at.n) * s.p + p) * s.q + q] + int64_t(at.c) * s.m;
            const float* weight = w[int64_t(r * s.s + t) * s.c + at.c];
#pragma unroll 1
            for (int j = 0; j < m; j++)
                multiply_add(sum, load_channels<kWidth>(up + j), load_channels<kWidth>(weight + j));
        }
    }
    store_channels<kWidth>(dx[at.pixel] + at.c, sum);
}

// Square filters without dilation, one for each channel. grid: strips, of y from x, or backwards of dx from dy, where
// the stride is 1.
template <int kTaps, int kStride, bool kBackward>
__global__ void __launch_bounds__(kDepthwiseThreads, 1)
    depthwise_strip(ChannelGrid grid, DepthwiseSizes s, ConstPixels in, ConstPixels w, MutPixels out) {
    const unsigned thread = blockIdx.x * unsigned(kDepthwiseThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kVector>(thread);
    const int height = kBackward ? s.p : s.h, width = kBackward ? s.q : s.w, columns = kBackward ? s.w : s.q;
    constexpr int kOutputs = kStripOutputs<kStride>;
    const int own = at.w * kOutputs;  // first column of the strip
    const int first = kBackward ? own + s.pad_left - (kTaps - 1) : own * kStride - s.pad_left;
    const bool whole = first >= 0 && first + (kOutputs - 1) * kStride + kTaps <= width;
    Channels<kVector> sums[kOutputs];
#pragma unroll
    for (int o = 0; o < kOutputs; o++) sums[o] = all_channels<kVector>(0.0f);
#pragma unroll 1  // registers: a row is work enough for what it has to wait
    for (int r = 0; r < kTaps; r++) {
        const int row = kBackward ? at.h + s.pad_top - r : at.h * kStride + r - s.pad_top;
        if (!within(row, height)) continue;
        const float* from = in[(int64_t(at.n) * height + row) * width] + at.c;
        const float* taps = w[int64_t(r * kTaps) * s.c + at.c];
        if (whole) {
            add_strip_row<kTaps, kStride, kBackward, true>(from, in.pitch, first, width, taps, s.c, sums);
        } else {
            add_strip_row<kTaps, kStride, kBackward, false>(from, in.pitch, first, width, taps, s.c, sums);
        }
    }
    float* to = out[(int64_t(at.n) * int(grid.h) + at.h) * columns + own] + at.c;
#pragma unroll
    for (int o = 0; o < kOutputs; o++)
        if (own + o < columns) store_channels<kVector>(to + o * out.pitch, sums[o]);
}

// parts[slice][tap][output channel]: taps z % pieces * kTaps ... of filter row z / pieces, where pieces of kTaps taps
// make up a row. Blocks: groups of lanes, slices, pieces of the filter.
template <int kWidth, int kTaps>
__global__ void __launch_bounds__(kDepthwiseThreads)
    depthwise_grad_filter_slices(DepthwiseSizes s, DepthwiseSlices slices, ConstPixels x, ConstPixels dy,
                                 float* parts) {
    constexpr int kValues = kTaps * kWidth;
    __shared__ float values[kValues * kDepthwiseThreads];
    const int channels = s.c * s.m, pieces = (s.s + kTaps - 1) / kTaps;
    const int r = int(blockIdx.z) / pieces, first = (int(blockIdx.z) - r * pieces) * kTaps;
    const unsigned walker = threadIdx.x / slices.lanes, lane = threadIdx.x - walker * slices.lanes;
    const unsigned walkers = unsigned(kDepthwiseThreads) / slices.lanes;
    const int k = int(blockIdx.x * slices.lanes + lane) * kWidth;
    const unsigned begin = blockIdx.y * slices.slice_pixels, end = min(begin + slices.slice_pixels, slices.pixels);
    Channels<kWidth> sums[kTaps];
#pragma unroll
    for (int t = 0; t < kTaps; t++) sums[t] = all_channels<kWidth>(0.0f);
    if (k < channels) {
        const int c = k / s.m;
        for (unsigned pixel = begin + walker; pixel < end; pixel += walkers) {
            const unsigned line = pixel / unsigned(s.q), n = line / unsigned(s.p);
            const int q = int(pixel - line * unsigned(s.q)), p = int(line - n * unsigned(s.p));
            const int row = p * s.stride_y + r * s.dilation_y - s.pad_top;
            if (!within(row, s.h)) continue;
            const Channels<kWidth> up = load_channels<kWidth>(dy[pixel] + k);
            const float* cells = x[(int64_t(n) * s.h + row) * s.w] + c;
#pragma unroll
            for (int t = 0; t < kTaps; t++) {
                const int column = q * s.stride_x + (first + t) * s.dilation_x - s.pad_left;
                if (first + t < s.s && within(column, s.w))
                    multiply_add(sums[t], load_channels<kWidth>(cells + column * x.pitch), up);
            }
        }
    }
#pragma unroll
    for (int t = 0; t < kTaps; t++)
#pragma unroll
        for (int i = 0; i < kWidth; i++) values[(t * kWidth + i) * kDepthwiseThreads + threadIdx.x] = sums[t][i];
    __syncthreads();
    const int lanes = int(slices.lanes), of_block = int(blockIdx.x) * lanes * kWidth;
    for (int e = int(threadIdx.x); e < lanes * kValues; e += kDepthwiseThreads) {
        const int t = e / (lanes * kWidth), offset = e - t * lanes * kWidth, owner = offset / kWidth;
        if (first + t >= s.s || of_block + offset >= channels) continue;
        const float* column = values + (t * kWidth + offset - owner * kWidth) * kDepthwiseThreads + owner;
        float sum = 0.0f;
        for (unsigned i = 0; i < walkers; i++) sum += column[i * slices.lanes];
        parts[(int64_t(blockIdx.y) * s.r * s.s + r * s.s + first + t) * channels + of_block + offset] = sum;
    }
}

// dw = the sum of `count` slices. The warps of a block take slices in turn, its lanes neighbouring filters.
__global__ void __launch_bounds__(kDepthwiseThreads)
    depthwise_add_slices(unsigned filters, int m, int count, const float* parts, MutPixels dw) {
    constexpr int kWarps = kDepthwiseThreads / kWarp;
    __shared__ float values[kWarps][kWarp];
    const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, filter = blockIdx.x * kWarp + lane;
    float sum = 0.0f;
    if (filter < filters)
        for (int slice = int(warp); slice < count; slice += kWarps) sum += parts[int64_t(slice) * filters + filter];
    values[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || filter >= filters) return;
    for (int i = 1; i < kWarps; i++) sum += values[i][lane];
    const unsigned channel = filter / unsigned(m);
    dw[channel][filter - channel * unsigned(m)] = sum;
}

namespace {

void check_sizes(const DepthwiseShape& s) {
    CHECK(s.r * s.s <= 65535, "a filter of ", s.r, "x", s.s, " has too many taps for one kernel");
    CHECK(std::max({s.h + s.pad_top + s.pad_bottom + s.dilation_y * s.r,
                    s.w + s.pad_left + s.pad_right + s.dilation_x * s.s, s.c * s.m * s.r * s.s}) <= INT32_MAX);
}

// Whether four neighbouring channels have four neighbouring weights.
bool filters_vectorizable(const DepthwiseShape& s, const ConstView& w) {
    return s.m == 1 && w.pitch == 1 && vectorizable(w.data, s.c, s.c);
}

using DepthwiseKernel = void (*)(ChannelGrid, DepthwiseSizes, ConstPixels, ConstPixels, MutPixels);

// Of strips; null: gather.
DepthwiseKernel strip_kernel(const DepthwiseShape& s, bool backward) {
    const int64_t stride = s.stride_y;
    if (s.r != s.s || stride != s.stride_x || s.dilation_y != 1 || s.dilation_x != 1) return nullptr;
    if (s.r == 3 && stride == 1) return backward ? depthwise_strip<3, 1, true> : depthwise_strip<3, 1, false>;
    if (s.r == 5 && stride == 1) return backward ? depthwise_strip<5, 1, true> : depthwise_strip<5, 1, false>;
    if (s.r == 3 && stride == 2 && !backward) return depthwise_strip<3, 2, false>;
    if (s.r == 5 && stride == 2 && !backward) return depthwise_strip<5, 2, false>;
    return nullptr;
}

void launch_sums(Stream& stream, const DepthwiseShape& s, bool backward, ConstView in, ConstView w, MutView out) {
    check_sizes(s);
    const bool wide = filters_vectorizable(s, w) && vectorizable(in) && vectorizable(out);
    DepthwiseKernel kernel = wide ? strip_kernel(s, backward) : nullptr;
    Shape shape = backward ? s.input() : s.output();
    if (kernel) {
        shape.w = divide_up(shape.w, s.stride_x == 1 ? kStripOutputs<1> : kStripOutputs<2>);
    } else if (backward) {
        kernel = wide ? depthwise_grad_input_gather<kVector> : depthwise_grad_input_gather<1>;
    } else {
        kernel = wide ? depthwise_forward_gather<kVector> : depthwise_forward_gather<1>;
    }
    const ChannelGrid grid(shape, wide ? kVector : 1);
    launch(stream, kernel, grid.blocks(kDepthwiseThreads), kDepthwiseThreads, 0, grid, DepthwiseSizes(s), in, w, out);
}

void forward(Stream& stream, const DepthwiseShape& s, ConstView x, ConstView w, MutView y) {
    launch_sums(stream, s, false, x, w, y);
}

void grad_input(Stream& stream, const DepthwiseShape& s, ConstView dy, ConstView w, MutView dx) {
    launch_sums(stream, s, true, dy, w, dx);
}

int64_t slice_pixels(const DepthwiseShape& s) {
    return std::max<int64_t>(kLeastSlicePixels, divide_up(s.output().pixels(), kMostSlices));
}

size_t grad_filter_scratch(const DepthwiseShape& s) {
    return Scratch::scratch_bytes<float>(divide_up(s.output().pixels(), slice_pixels(s)) * s.filter().size());
}

using SliceKernel = void (*)(DepthwiseSizes, DepthwiseSlices, ConstPixels, ConstPixels, float*);

// A row of three or five taps at a time, one of other rows.
template <int kWidth>
SliceKernel slice_kernel(int64_t taps) {
    return taps == 3   ? depthwise_grad_filter_slices<kWidth, 3>
           : taps == 5 ? depthwise_grad_filter_slices<kWidth, 5>
                       : depthwise_grad_filter_slices<kWidth, 1>;
}

void grad_filter(Stream& stream, const DepthwiseShape& s, ConstView x, ConstView dy, MutView dw, Scratch scratch) {
    check_sizes(s);
    const int64_t pixels = s.output().pixels(), of_slice = slice_pixels(s), count = divide_up(pixels, of_slice);
    CHECK(pixels <= INT32_MAX, s.output(), " has too many pixels for one kernel");
    const bool wide = s.m == 1 && vectorizable(x) && vectorizable(dy);
    const int64_t groups = s.c * s.m / (wide ? kVector : 1), taps = s.s == 3 || s.s == 5 ? s.s : 1;
    int64_t lanes = 1;
    while (lanes < groups && lanes < kMostLanes) lanes *= 2;
    float* parts = scratch.take<float>(count * s.filter().size());
    launch(stream, wide ? slice_kernel<kVector>(s.s) : slice_kernel<1>(s.s),
           dim3(unsigned(divide_up(groups, lanes)), unsigned(count), unsigned(s.r * divide_up(s.s, taps))),
           kDepthwiseThreads, 0, DepthwiseSizes(s),
           DepthwiseSlices{unsigned(pixels), unsigned(of_slice), unsigned(lanes)}, x, dy, parts);
    const int64_t filters = s.filter().size();
    launch(stream, depthwise_add_slices, unsigned(divide_up(filters, kWarp)), kDepthwiseThreads, 0, unsigned(filters),
           int(s.m), int(count), parts, dw);
}

}  // namespace

void install(DepthwiseKernels& table) { table = {forward, grad_input, grad_filter_scratch, grad_filter}; }

}  // namespace limpid::DEVICE_NS
