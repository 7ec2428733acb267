// Resampling on a GPU: a thread per output pixel and group of channels. The adjoints gather: a thread finds the output
// pixels that may read its own, asks each exactly which weight it gives, and adds them in the order of the output; so
// there are no atomics, and the weights are those of the forward function.
#include <cmath>

#include "kernels/device/channels.h"
#include "kernels/warp/warp.h"

namespace limpid::DEVICE_NS {

void install(WarpKernels&);

// Enough warps to hide memory.
inline constexpr int kWarpKernelThreads = 256;

// Height and width of the image that is read, or whose gradient arrives.
struct ImageSize {
    int h, w;
};
// in/out along each axis, in float as TensorFlow has it.
struct ResizeScale {
    float h, w;
};

namespace {

// Index i of an axis of the output reads (1 - weight) * x[first] + weight * x[second].
struct ResizeTap {
    int first, second;
    float weight;
};
__device__ __forceinline__ ResizeTap resize_tap(int i, int in, float scale) {
    // TensorFlow's float product. By way of double, so that no compiler fuses it with the subtraction below.
    const float src = float(double(i) * double(scale));
    const int first = min(int(src), in - 1);
    return {first, min(first + 1, in - 1), src - float(first)};
}

// Outputs along an axis that may read index i, with one to spare at each end.
struct OutputRange {
    int first, end;
};
__device__ __forceinline__ OutputRange resize_readers(int i, int out, float scale) {
    return {max(int(float(i - 1) / scale) - 1, 0), min(int(float(i + 1) / scale) + 2, out)};
}
// How much output tap gives to index i; 0 when it does not read it.
__device__ __forceinline__ float weight_for(const ResizeTap& tap, int i) {
    return (tap.first == i ? 1.0f - tap.weight : 0.0f) + (tap.second == i ? tap.weight : 0.0f);
}

// u and v along row p of the output: u = slope_u*q + start_u. Products of floats are exact in double.
struct AffineLine {
    double slope_u, start_u, slope_v, start_v;
    __device__ __forceinline__ double u(int q) const { return slope_u * double(q) + start_u; }
    __device__ __forceinline__ double v(int q) const { return slope_v * double(q) + start_v; }
};
__device__ __forceinline__ AffineLine affine_line(const float* m, int p) {
    return {double(m[0]), double(m[1]) * double(p) + double(m[2]), double(m[3]),
            double(m[4]) * double(p) + double(m[5])};
}

// Whether a coordinate is an index of an axis; it may be NaN or beyond every integer.
__device__ __forceinline__ bool inside(double coordinate, int size) {
    return coordinate >= 0.0 && coordinate <= double(size - 1);
}

// The share of index i in an interpolation at `coordinate`: nothing, or one of the two weights.
struct AffineShare {
    bool reads;
    float weight;
};
template <Interpolation kInterpolation>
__device__ __forceinline__ AffineShare affine_share(double coordinate, int i) {
    if constexpr (kInterpolation == Interpolation::nearest) {
        return {round(coordinate) == double(i), 1.0f};
    } else {
        const double below = floor(coordinate), part = coordinate - below;
        if (below == double(i)) return {true, float(1.0 - part)};
        return {below + 1.0 == double(i), float(part)};
    }
}

// Narrows [first, end) to the q with start + slope*q in [i - 1, i + 1], with half a pixel and one q to spare.
// Comparisons are such that NaN keeps everything.
__device__ __forceinline__ void narrow(OutputRange& range, double slope, double start, int i) {
    if (slope == 0.0) return;
    double low = (double(i) - 1.5 - start) / slope, high = (double(i) + 1.5 - start) / slope;
    if (slope < 0.0) {
        const double swap = low;
        low = high;
        high = swap;
    }
    if (low > double(range.first)) range.first = low < double(range.end) ? int(low) : range.end;
    if (high < double(range.end)) range.end = high >= 0.0 ? int(high) + 2 < range.end ? int(high) + 2 : range.end : 0;
}

// Rows p of the output that may read pixel (h, w): from the inverse map, where it exists and rounding is far below the
// row to spare at each end; else all of them.
__device__ __forceinline__ OutputRange affine_rows(const float* m, int h, int w, const ImageSize& out) {
    const double a = m[0], b = m[1], c = m[2], d = m[3], e = m[4], f = m[5];
    const double determinant = a * e - b * d;
    const double size = fabs(a) + fabs(b) + fabs(c) + fabs(d) + fabs(e) + fabs(f);
    const double numerator = fabs(a) * (double(h) + fabs(f)) + fabs(d) * (double(w) + fabs(c));
    const bool invertible = fabs(determinant) >= 1e-6 * (fabs(a * e) + fabs(b * d)) &&
                            numerator < 1e6 * fabs(determinant) && size * double(out.h + out.w) < 1e9;
    if (!invertible) return {0, out.h};
    const double middle = (a * (double(h) - f) - d * (double(w) - c)) / determinant;
    const double reach = (fabs(a) + fabs(d)) / fabs(determinant) + 1.0;
    return {int(max(middle - reach, 0.0)), int(min(middle + reach + 1.0, double(out.h)))};
}

template <int kWidth>
__device__ __forceinline__ void add_weighted(Channels<kWidth>& sum, float weight, const float* from) {
    const Channels<kWidth> v = load_channels<kWidth>(from);
#pragma unroll
    for (int i = 0; i < kWidth; i++) sum[i] += weight * v[i];
}

}  // namespace

template <int kWidth>
__global__ void __launch_bounds__(kWarpKernelThreads)
    resize_bilinear(ChannelGrid grid, ImageSize in, ResizeScale scale, ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kWarpKernelThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const ResizeTap row = resize_tap(at.h, in.h, scale.h), column = resize_tap(at.w, in.w, scale.w);
    const int64_t top = (int64_t(at.n) * in.h + row.first) * in.w, bottom = (int64_t(at.n) * in.h + row.second) * in.w;
    const Channels<kWidth> a = load_channels<kWidth>(x[top + column.first] + at.c),
                           b = load_channels<kWidth>(x[top + column.second] + at.c),
                           c = load_channels<kWidth>(x[bottom + column.first] + at.c),
                           d = load_channels<kWidth>(x[bottom + column.second] + at.c);
    Channels<kWidth> result;
#pragma unroll
    for (int i = 0; i < kWidth; i++) {
        const float left = a[i] + row.weight * (c[i] - a[i]), right = b[i] + row.weight * (d[i] - b[i]);
        result[i] = left + column.weight * (right - left);
    }
    store_channels<kWidth>(y[at.pixel] + at.c, result);
}

template <int kWidth>
__global__ void __launch_bounds__(kWarpKernelThreads)
    resize_grad_gather(ChannelGrid grid, ImageSize out, ResizeScale scale, ConstPixels dy, MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kWarpKernelThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const OutputRange rows = resize_readers(at.h, out.h, scale.h), columns = resize_readers(at.w, out.w, scale.w);
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int p = rows.first; p < rows.end; p++) {
        const ResizeTap row = resize_tap(p, int(grid.h), scale.h);
        if (row.first != at.h && row.second != at.h) continue;
#pragma unroll 1  // unrolled, it needs more registers than there are
        for (int q = columns.first; q < columns.end; q++) {
            const ResizeTap column = resize_tap(q, int(grid.w), scale.w);
            if (column.first != at.w && column.second != at.w) continue;
            add_weighted<kWidth>(sum, weight_for(row, at.h) * weight_for(column, at.w),
                                 dy[(int64_t(at.n) * out.h + p) * out.w + q] + at.c);
        }
    }
    store_channels<kWidth>(dx[at.pixel] + at.c, sum);
}

template <Interpolation kInterpolation, int kWidth>
__global__ void __launch_bounds__(kWarpKernelThreads)
    affine_gather(ChannelGrid grid, ImageSize in, bool shared_matrix, ConstPixels matrix, ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kWarpKernelThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const AffineLine line = affine_line(matrix[shared_matrix ? 0 : at.n], at.h);
    const double u = line.u(at.w), v = line.v(at.w);
    const int64_t image = int64_t(at.n) * in.h * in.w;
    Channels<kWidth> result = all_channels<kWidth>(0.0f);
    if constexpr (kInterpolation == Interpolation::nearest) {
        const double row = round(v), column = round(u);
        if (inside(row, in.h) && inside(column, in.w))
            result = load_channels<kWidth>(x[image + int64_t(row) * in.w + int64_t(column)] + at.c);
    } else {
        const double top = floor(v), left = floor(u);
        const float below = float(v - top), right = float(u - left);
#pragma unroll
        for (int tap = 0; tap < 4; tap++) {
            const double row = tap / 2 ? top + 1.0 : top, column = tap % 2 ? left + 1.0 : left;
            const float weight = (tap / 2 ? below : 1.0f - below) * (tap % 2 ? right : 1.0f - right);
            if (inside(row, in.h) && inside(column, in.w))
                add_weighted<kWidth>(result, weight, x[image + int64_t(row) * in.w + int64_t(column)] + at.c);
        }
    }
    store_channels<kWidth>(y[at.pixel] + at.c, result);
}

// The 1: on some GPUs ptxas would rather spill registers than run fewer blocks.
template <Interpolation kInterpolation, int kWidth>
__global__ void __launch_bounds__(kWarpKernelThreads, 1)
    affine_grad_gather(ChannelGrid grid, ImageSize out, bool shared_matrix, ConstPixels matrix, ConstPixels dy,
                       MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kWarpKernelThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const float* m = matrix[shared_matrix ? 0 : at.n];
    const OutputRange rows = affine_rows(m, at.h, at.w, out);
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int p = rows.first; p < rows.end; p++) {
        const AffineLine line = affine_line(m, p);
        OutputRange columns{0, out.w};
        narrow(columns, line.slope_u, line.start_u, at.w);
        narrow(columns, line.slope_v, line.start_v, at.h);
        for (int q = columns.first; q < columns.end; q++) {
            const AffineShare row = affine_share<kInterpolation>(line.v(q), at.h);
            const AffineShare column = affine_share<kInterpolation>(line.u(q), at.w);
            if (row.reads && column.reads)
                add_weighted<kWidth>(sum, row.weight * column.weight,
                                     dy[(int64_t(at.n) * out.h + p) * out.w + q] + at.c);
        }
    }
    store_channels<kWidth>(dx[at.pixel] + at.c, sum);
}

template <int kWidth>
__global__ void __launch_bounds__(kWarpKernelThreads)
    mix_pixels(ChannelGrid grid, unsigned outputs, unsigned inputs, const float* first, const float* pixel,
               const float* weight, ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kWarpKernelThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const unsigned i = at.pixel - unsigned(at.n) * outputs;
    const int64_t image = int64_t(at.n) * inputs;
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    const int end = int(first[i + 1]);
#pragma unroll 1  // few terms each
    for (int k = int(first[i]); k < end; k++) add_weighted<kWidth>(sum, weight[k], x[image + int(pixel[k])] + at.c);
    store_channels<kWidth>(y[at.pixel] + at.c, sum);
}

namespace {

ImageSize size_of(const Shape& s) { return {int(s.h), int(s.w)}; }
ResizeScale scale_of(const Shape& in, const Shape& out) {
    return {float(in.h) / float(out.h), float(in.w) / float(out.w)};
}

// A kernel for each width, for the pixels of `to`.
template <class Kernel, class... Arguments>
void launch_width(Stream& stream, const ConstView& from, const MutView& to, Kernel by_four, Kernel by_one,
                  const Arguments&... arguments) {
    const bool wide = vectorizable(from) && vectorizable(to);
    const ChannelGrid grid(to.shape, wide ? kVector : 1);
    launch(stream, wide ? by_four : by_one, grid.blocks(kWarpKernelThreads), kWarpKernelThreads, 0, grid, arguments...);
}

void resize(Stream& stream, ConstView x, MutView y) {
    launch_width(stream, x, y, resize_bilinear<kVector>, resize_bilinear<1>, size_of(x.shape),
                 scale_of(x.shape, y.shape), x, y);
}

void resize_grad(Stream& stream, ConstView dy, MutView dx) {
    launch_width(stream, dy, dx, resize_grad_gather<kVector>, resize_grad_gather<1>, size_of(dy.shape),
                 scale_of(dx.shape, dy.shape), dy, dx);
}

template <Interpolation kInterpolation>
void affine_with(Stream& stream, const ConstView& x, const ConstView& matrix, const MutView& y) {
    launch_width(stream, x, y, affine_gather<kInterpolation, kVector>, affine_gather<kInterpolation, 1>,
                 size_of(x.shape), matrix.shape.n == 1, matrix, x, y);
}
template <Interpolation kInterpolation>
void affine_grad_with(Stream& stream, const ConstView& dy, const ConstView& matrix, const MutView& dx) {
    launch_width(stream, dy, dx, affine_grad_gather<kInterpolation, kVector>, affine_grad_gather<kInterpolation, 1>,
                 size_of(dy.shape), matrix.shape.n == 1, matrix, dy, dx);
}

void affine(Stream& stream, Interpolation interpolation, ConstView x, ConstView matrix, MutView y) {
    if (interpolation == Interpolation::nearest) return affine_with<Interpolation::nearest>(stream, x, matrix, y);
    affine_with<Interpolation::bilinear>(stream, x, matrix, y);
}

void affine_grad(Stream& stream, Interpolation interpolation, ConstView dy, ConstView matrix, MutView dx) {
    if (interpolation == Interpolation::nearest)
        return affine_grad_with<Interpolation::nearest>(stream, dy, matrix, dx);
    affine_grad_with<Interpolation::bilinear>(stream, dy, matrix, dx);
}

void mix(Stream& stream, ConstView x, const PixelMixView& mixture, MutView y) {
    launch_width(stream, x, y, mix_pixels<kVector>, mix_pixels<1>, unsigned(y.shape.h * y.shape.w),
                 unsigned(x.shape.h * x.shape.w), mixture.first.data, mixture.pixel.data, mixture.weight.data, x, y);
}

}  // namespace

void install(WarpKernels& table) {
    table.resize = resize;
    table.resize_grad = resize_grad;
    table.affine = affine;
    table.affine_grad = affine_grad;
    table.mix = mix;
}

}  // namespace limpid::DEVICE_NS
