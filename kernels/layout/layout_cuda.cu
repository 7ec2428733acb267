// Layout kernels on a GPU. Copies between boxes are strided walks; padding and windows compute where each element comes
// from; their gradients gather, so that no two threads add to one element. A transposition that moves the channels goes
// through tiles in shared memory, because one of its sides would otherwise touch a line of memory per element.
#include <array>

#include "kernels/device/channels.h"
#include "kernels/device/strided_walk.h"
#include "kernels/layout/layout.h"

namespace limpid::DEVICE_NS {

void install(LayoutKernels&);

// Enough warps to hide memory.
inline constexpr int kLayoutThreads = 256;
// Rows of 32 floats are whole lines on both sides of a transposition; eight warps carry a tile, four rows each.
inline constexpr int kTransposeTile = 32, kTransposeRows = 8;

// How each axis of a padded array reads the axis that it was made from.
struct PadAxes {
    int size[4];    // of x
    int padded[4];  // of y
    int before[4];
};

// Sizes and strides of a transposition, seen from y: its innermost axis, that which was innermost in x, the other two.
struct TransposePlan {
    int across = 1, down = 1, outer = 1, inner = 1;
    int64_t x_across = 0, x_outer = 0, x_inner = 0;  // x_down = 1
    int64_t y_down = 0, y_outer = 0, y_inner = 0;    // y_across = 1
};

namespace {

// Where index k of an axis of `size` is read when it lies outside; -1 for the constant.
template <PadMode mode>
__device__ __forceinline__ int pad_source(int k, int size) {
    if (k >= 0 && k < size) return k;
    if constexpr (mode == PadMode::constant) return -1;
    if constexpr (mode == PadMode::reflect) return k < 0 ? -k : 2 * (size - 1) - k;
    return k < 0 ? -1 - k : 2 * size - 1 - k;
}

// The places of the padded axis that read index j: its own (image 0), and the mirrors at both ends (1, 2); -1 when
// there is no such place. The inverse of pad_source.
template <PadMode mode>
__device__ __forceinline__ int pad_reader(int image, int j, int size, int padded, int before) {
    int k = j;
    if constexpr (mode == PadMode::constant) {
        if (image > 0) return -1;
    } else {
        constexpr int kEdge = mode == PadMode::reflect ? 1 : 0;  // an edge that is not repeated has no mirror
        if (image == 1) {
            if (j < kEdge) return -1;
            k = kEdge - 1 - j;
        }
        if (image == 2) {
            if (j >= size - kEdge) return -1;
            k = 2 * size - 1 - kEdge - j;
        }
    }
    const int place = k + before;
    return place < padded ? place : -1;
}

// The rounded corner of an image's window.
struct Corner {
    int h, w;
};
__device__ __forceinline__ Corner window_corner(const ConstPixels& offsets, bool shared, int n, int most_h,
                                                int most_w) {
    const float* pair = offsets[shared ? 0 : n];
    const float h = roundf(pair[0]), w = roundf(pair[1]);
    // The CHECK of this device: a window that leaves the image stops the stream.
    if (!(h >= 0.0f && h <= float(most_h) && w >= 0.0f && w <= float(most_w))) __trap();
    return {int(h), int(w)};
}

}  // namespace

template <int kWidth>
__global__ void __launch_bounds__(kLayoutThreads) copy_strided(StridedWalk<2> walk, const float* x, float* y) {
    const unsigned index = blockIdx.x * unsigned(kLayoutThreads) + threadIdx.x;
    if (index >= walk.groups) return;
    const StridedGroup<2> group = walk.group<kWidth>(index);
    const float* from = x + group.offset[0];
    float* to = y + group.offset[1];
    if (kWidth == kVector && group.count == kVector) {
        store4(to, load4(from));
    } else {
        for (int i = 0; i < group.count; i++) to[i * walk.stride[1][0]] = from[i * walk.stride[0][0]];
    }
}

template <int kWidth>
__global__ void __launch_bounds__(kLayoutThreads) fill_strided(StridedWalk<1> walk, float value, float* y) {
    const unsigned index = blockIdx.x * unsigned(kLayoutThreads) + threadIdx.x;
    if (index >= walk.groups) return;
    const StridedGroup<1> group = walk.group<kWidth>(index);
    float* to = y + group.offset[0];
    if (kWidth == kVector && group.count == kVector) {
        store4(to, make_float4(value, value, value, value));
    } else {
        for (int i = 0; i < group.count; i++) to[i * walk.stride[0][0]] = value;
    }
}

template <PadMode mode, int kWidth>
__global__ void __launch_bounds__(kLayoutThreads)
    pad_gather(ChannelGrid grid, PadAxes axes, float value, ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kLayoutThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const int n = pad_source<mode>(at.n - axes.before[0], axes.size[0]);
    const int h = pad_source<mode>(at.h - axes.before[1], axes.size[1]);
    const int w = pad_source<mode>(at.w - axes.before[2], axes.size[2]);
    const int c = kWidth == 1 ? pad_source<mode>(at.c - axes.before[3], axes.size[3]) : at.c;
    Channels<kWidth> result = all_channels<kWidth>(value);
    if (n >= 0 && h >= 0 && w >= 0 && c >= 0)
        result = load_channels<kWidth>(x[(int64_t(n) * axes.size[1] + h) * axes.size[2] + w] + c);
    store_channels<kWidth>(y[at.pixel] + at.c, result);
}

// The sum over all places that show an element of x, in a fixed order; most elements are shown once.
template <PadMode mode, int kWidth>
__global__ void __launch_bounds__(kLayoutThreads)
    pad_grad_gather(ChannelGrid grid, PadAxes axes, ConstPixels dy, MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kLayoutThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    constexpr int kImages = mode == PadMode::constant ? 1 : 3;
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int i = 0; i < kImages; i++) {
        const int n = pad_reader<mode>(i, at.n, axes.size[0], axes.padded[0], axes.before[0]);
        if (n < 0) continue;
        for (int j = 0; j < kImages; j++) {
            const int h = pad_reader<mode>(j, at.h, axes.size[1], axes.padded[1], axes.before[1]);
            if (h < 0) continue;
            for (int k = 0; k < kImages; k++) {
                const int w = pad_reader<mode>(k, at.w, axes.size[2], axes.padded[2], axes.before[2]);
                if (w < 0) continue;
                const float* from = dy[(int64_t(n) * axes.padded[1] + h) * axes.padded[2] + w];
                if constexpr (kWidth == kVector) {
                    const Channels<kWidth> term = load_channels<kWidth>(from + at.c);
#pragma unroll
                    for (int lane = 0; lane < kWidth; lane++) sum[lane] += term[lane];
                } else {
                    for (int l = 0; l < kImages; l++) {
                        const int c = pad_reader<mode>(l, at.c, axes.size[3], axes.padded[3], axes.before[3]);
                        if (c >= 0) sum[0] += from[c];
                    }
                }
            }
        }
    }
    store_channels<kWidth>(dx[at.pixel] + at.c, sum);
}

template <int kWidth>
__global__ void __launch_bounds__(kLayoutThreads)
    shift_crop_gather(ChannelGrid grid, int image_h, int image_w, bool shared_offsets, ConstPixels offsets,
                      ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kLayoutThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const Corner corner = window_corner(offsets, shared_offsets, at.n, image_h - int(grid.h), image_w - int(grid.w));
    const int64_t source = (int64_t(at.n) * image_h + at.h + corner.h) * image_w + at.w + corner.w;
    store_channels<kWidth>(y[at.pixel] + at.c, load_channels<kWidth>(x[source] + at.c));
}

template <int kWidth>
__global__ void __launch_bounds__(kLayoutThreads)
    shift_crop_grad_gather(ChannelGrid grid, int window_h, int window_w, bool shared_offsets, ConstPixels offsets,
                           ConstPixels dy, MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kLayoutThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const Corner corner = window_corner(offsets, shared_offsets, at.n, int(grid.h) - window_h, int(grid.w) - window_w);
    const int h = at.h - corner.h, w = at.w - corner.w;
    Channels<kWidth> result = all_channels<kWidth>(0.0f);
    if (h >= 0 && h < window_h && w >= 0 && w < window_w)
        result = load_channels<kWidth>(dy[(int64_t(at.n) * window_h + h) * window_w + w] + at.c);
    store_channels<kWidth>(dx[at.pixel] + at.c, result);
}

// Tile by tile: rows along x's channels are read, rows along y's innermost axis are written.
__global__ void __launch_bounds__(kTransposeTile* kTransposeRows)
    transpose_tiled(TransposePlan plan, const float* x, float* y) {
    // One float more per row: a column is then read from 32 different banks.
    __shared__ float tile[kTransposeTile][kTransposeTile + 1];
    const int first_down = int(blockIdx.x) * kTransposeTile, first_across = int(blockIdx.y) * kTransposeTile;
    const int lane = int(threadIdx.x), row = int(threadIdx.y);
    for (int batch = int(blockIdx.z); batch < plan.outer * plan.inner; batch += int(gridDim.z)) {
        const int outer = batch / plan.inner, inner = batch - outer * plan.inner;
        const float* from = x + outer * plan.x_outer + inner * plan.x_inner;
        float* to = y + outer * plan.y_outer + inner * plan.y_inner;
        for (int i = row; i < kTransposeTile; i += kTransposeRows)
            if (first_across + i < plan.across && first_down + lane < plan.down)
                tile[i][lane] = from[(first_across + i) * plan.x_across + first_down + lane];
        __syncthreads();
        for (int i = row; i < kTransposeTile; i += kTransposeRows)
            if (first_down + i < plan.down && first_across + lane < plan.across)
                to[(first_down + i) * plan.y_down + first_across + lane] = tile[lane][i];
        __syncthreads();
    }
}

namespace {

PadAxes pad_axes(const Padding& padding, const Shape& x, const Shape& y) {
    PadAxes axes;
    for (int axis = 0; axis < 4; axis++) {
        axes.size[axis] = int(x[axis]);
        axes.padded[axis] = int(y[axis]);
        axes.before[axis] = int(padding.before[size_t(axis)]);
    }
    return axes;
}

bool pads_channels(const Padding& padding) { return padding.before[3] != 0 || padding.after[3] != 0; }

void copy_walk(Stream& stream, const Shape& shape, const float* x, const Strides& x_strides, float* y,
               const Strides& y_strides) {
    if (shape.size() == 0) return;
    StridedWalk<2> walk(shape, {x_strides, y_strides});
    walk.widen({x, y});
    launch(stream, walk.width == 1 ? copy_strided<1> : copy_strided<kVector>,
           unsigned(divide_up(walk.groups, kLayoutThreads)), kLayoutThreads, 0, walk, x, y);
}

void copy_box(Stream& stream, Shape extent, std::array<int64_t, 4> x_first, std::array<int64_t, 4> y_first, ConstView x,
              MutView y) {
    if (extent.size() == 0) return;
    copy_walk(stream, extent, &x.at(x_first[0], x_first[1], x_first[2], x_first[3]), strides_of(x),
              &y.at(y_first[0], y_first[1], y_first[2], y_first[3]), strides_of(y));
}

void fill(Stream& stream, float value, MutView y) {
    if (y.shape.size() == 0) return;
    StridedWalk<1> walk(y.shape, {strides_of(y)});
    walk.widen({y.data});
    launch(stream, walk.width == 1 ? fill_strided<1> : fill_strided<kVector>,
           unsigned(divide_up(walk.groups, kLayoutThreads)), kLayoutThreads, 0, walk, value, y.data);
}

template <PadMode mode>
void pad_mode(Stream& stream, const Padding& padding, float value, const ConstView& x, const MutView& y) {
    const bool wide = vectorizable(x) && vectorizable(y) && !pads_channels(padding);
    const ChannelGrid grid(y.shape, wide ? kVector : 1);
    launch(stream, wide ? pad_gather<mode, kVector> : pad_gather<mode, 1>, grid.blocks(kLayoutThreads), kLayoutThreads,
           0, grid, pad_axes(padding, x.shape, y.shape), value, x, y);
}

template <PadMode mode>
void pad_grad_mode(Stream& stream, const Padding& padding, const ConstView& dy, const MutView& dx) {
    const bool wide = vectorizable(dy) && vectorizable(dx) && !pads_channels(padding);
    const ChannelGrid grid(dx.shape, wide ? kVector : 1);
    launch(stream, wide ? pad_grad_gather<mode, kVector> : pad_grad_gather<mode, 1>, grid.blocks(kLayoutThreads),
           kLayoutThreads, 0, grid, pad_axes(padding, dx.shape, dy.shape), dy, dx);
}

void pad(Stream& stream, PadMode mode, const Padding& padding, float value, ConstView x, MutView y) {
    check_padding(mode, padding, x.shape);
    CHECK(padding.padded(x.shape) == y.shape, "padding ", x.shape, " gives ", padding.padded(x.shape), ", not ",
          y.shape);
    switch (mode) {
        case PadMode::constant:
            return pad_mode<PadMode::constant>(stream, padding, value, x, y);
        case PadMode::reflect:
            return pad_mode<PadMode::reflect>(stream, padding, value, x, y);
        case PadMode::symmetric:
            return pad_mode<PadMode::symmetric>(stream, padding, value, x, y);
    }
}

void pad_grad(Stream& stream, PadMode mode, const Padding& padding, ConstView dy, MutView dx) {
    check_padding(mode, padding, dx.shape);
    CHECK(padding.padded(dx.shape) == dy.shape, "padding ", dx.shape, " gives ", padding.padded(dx.shape), ", not ",
          dy.shape);
    switch (mode) {
        case PadMode::constant:
            return pad_grad_mode<PadMode::constant>(stream, padding, dy, dx);
        case PadMode::reflect:
            return pad_grad_mode<PadMode::reflect>(stream, padding, dy, dx);
        case PadMode::symmetric:
            return pad_grad_mode<PadMode::symmetric>(stream, padding, dy, dx);
    }
}

void check_window(const Shape& image, const Shape& window, const ConstView& offsets) {
    CHECK(offsets.shape.c == 2 && (offsets.shape.n == 1 || offsets.shape.n == image.n), "offsets ", offsets.shape,
          " of windows ", window, " in ", image);
    CHECK(window.n == image.n && window.c == image.c && window.h <= image.h && window.w <= image.w, "window ", window,
          " in ", image);
}

void shift_crop(Stream& stream, ConstView x, ConstView offsets, MutView y) {
    check_window(x.shape, y.shape, offsets);
    const bool wide = vectorizable(x) && vectorizable(y);
    const ChannelGrid grid(y.shape, wide ? kVector : 1);
    launch(stream, wide ? shift_crop_gather<kVector> : shift_crop_gather<1>, grid.blocks(kLayoutThreads),
           kLayoutThreads, 0, grid, int(x.shape.h), int(x.shape.w), offsets.shape.n == 1, offsets, x, y);
}

void shift_crop_grad(Stream& stream, ConstView dy, ConstView offsets, MutView dx) {
    check_window(dx.shape, dy.shape, offsets);
    const bool wide = vectorizable(dy) && vectorizable(dx);
    const ChannelGrid grid(dx.shape, wide ? kVector : 1);
    launch(stream, wide ? shift_crop_grad_gather<kVector> : shift_crop_grad_gather<1>, grid.blocks(kLayoutThreads),
           kLayoutThreads, 0, grid, int(dy.shape.h), int(dy.shape.w), offsets.shape.n == 1, offsets, dy, dx);
}

void transpose(Stream& stream, std::array<int, 4> order, ConstView x, MutView y) {
    if (y.shape.size() == 0) return;
    const Strides x_strides = strides_of(x), y_strides = strides_of(y);
    Strides turned;  // of x, along the axes of y
    for (size_t axis = 0; axis < 4; axis++) turned.stride[axis] = x_strides.stride[order[axis]];
    if (order[3] == 3 || y.shape.c == 1 || x.shape.c == 1)
        return copy_walk(stream, y.shape, x.data, turned, y.data, y_strides);
    int down = 0;  // the axis of y that holds x's channels
    while (order[size_t(down)] != 3) down++;
    const int outer = down == 0 ? 1 : 0, inner = 3 - down - outer;
    TransposePlan plan;
    plan.across = int(y.shape.c), plan.down = int(y.shape[down]);
    plan.outer = int(y.shape[outer]), plan.inner = int(y.shape[inner]);
    plan.x_across = turned.stride[3], plan.x_outer = turned.stride[outer], plan.x_inner = turned.stride[inner];
    plan.y_down = y_strides.stride[down], plan.y_outer = y_strides.stride[outer],
    plan.y_inner = y_strides.stride[inner];
    constexpr int64_t kMostBlocks = 65535;  // of a grid, along y and z
    CHECK(divide_up(plan.across, kTransposeTile) <= kMostBlocks, "transposing ", x.shape, ": too long an axis");
    const dim3 grid(unsigned(divide_up(plan.down, kTransposeTile)), unsigned(divide_up(plan.across, kTransposeTile)),
                    unsigned(std::min(int64_t(plan.outer) * plan.inner, kMostBlocks)));
    launch(stream, transpose_tiled, grid, dim3(kTransposeTile, kTransposeRows), 0, plan, x.data, y.data);
}

}  // namespace

void install(LayoutKernels& table) {
    table.copy_box = copy_box;
    table.fill = fill;
    table.pad = pad;
    table.pad_grad = pad_grad;
    table.shift_crop = shift_crop;
    table.shift_crop_grad = shift_crop_grad;
    table.transpose = transpose;
}

}  // namespace limpid::DEVICE_NS
