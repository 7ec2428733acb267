// Pooling on a GPU: a thread per output pixel and group of channels. The gradients gather: a thread asks every window
// that its cell belongs to, so no two threads add to one cell and the order of addition is that of the windows.
//
// Whether a cell won its window is asked of the window's maximum y, instead of storing an index in the forward pass: it
// did when it equals y (or both are NaN) and no cell before it does. Equal cells are rare but for the zeros of a ReLU,
// and a window's cells are in the cache.
#include <algorithm>

#include "kernels/device/channels.h"
#include "kernels/pool/pool.h"

namespace limpid::DEVICE_NS {

void install(PoolKernels&);

// Enough warps to hide memory; more would not help, a block has nothing in common.
inline constexpr int kPoolThreads = 256;

// PoolShape as kernels index it.
struct PoolSizes {
    int h, w, r, s, stride_y, stride_x, pad_top, pad_left, p, q;

    explicit PoolSizes(const PoolShape& shape)
        : h(int(shape.h)),
          w(int(shape.w)),
          r(int(shape.r)),
          s(int(shape.s)),
          stride_y(int(shape.stride_y)),
          stride_x(int(shape.stride_x)),
          pad_top(int(shape.pad_top)),
          pad_left(int(shape.pad_left)),
          p(int(shape.p)),
          q(int(shape.q)) {}
};

namespace {

// The valid cells of a window: rows [top, bottom), columns [left, right).
struct PoolWindow {
    int top, bottom, left, right;
};
__device__ __forceinline__ PoolWindow window_of(const PoolSizes& s, int p, int q) {
    const int top = p * s.stride_y - s.pad_top, left = q * s.stride_x - s.pad_left;
    return {max(top, 0), min(top + s.r, s.h), max(left, 0), min(left + s.s, s.w)};
}
__device__ __forceinline__ float cells_of(const PoolWindow& window) {
    return float((window.bottom - window.top) * (window.right - window.left));
}

// The windows along one axis that hold cell `i`: [first, end).
struct WindowRange {
    int first, end;
};
__device__ __forceinline__ WindowRange windows_with(int i, int size, int stride, int pad, int count) {
    const int reach = i + pad;  // window k holds cells [k*stride, k*stride + size) of the padded axis
    return {reach < size ? 0 : (reach - size) / stride + 1, min(reach / stride + 1, count)};
}

__device__ __forceinline__ bool wins(float x, float y) { return x == y || (x != x && y != y); }

// dx = mask(add + sum), at element `offset` of each view's pixel.
template <int kWidth>
__device__ __forceinline__ void store_gradient(Channels<kWidth> sum, const ChannelPlace& at, const ConstPixels& add,
                                               const ConstPixels& mask, const MutPixels& dx) {
    if (add) {
        const Channels<kWidth> more = load_channels<kWidth>(add[at.pixel] + at.c);
#pragma unroll
        for (int i = 0; i < kWidth; i++) sum[i] = more[i] + sum[i];
    }
    if (mask) {
        const Channels<kWidth> gate = load_channels<kWidth>(mask[at.pixel] + at.c);
#pragma unroll
        for (int i = 0; i < kWidth; i++) sum[i] = gate[i] > 0.0f ? sum[i] : 0.0f;
    }
    store_channels<kWidth>(dx[at.pixel] + at.c, sum);
}

}  // namespace

template <int kWidth>
__global__ void __launch_bounds__(kPoolThreads)
    max_pool_forward(ChannelGrid grid, PoolSizes s, ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kPoolThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const PoolWindow window = window_of(s, at.h, at.w);
    Channels<kWidth> best = all_channels<kWidth>(-INFINITY);
    for (int h = window.top; h < window.bottom; h++)
        for (int w = window.left; w < window.right; w++) {
            const Channels<kWidth> v = load_channels<kWidth>(x[(int64_t(at.n) * s.h + h) * s.w + w] + at.c);
#pragma unroll
            for (int i = 0; i < kWidth; i++) best[i] = v[i] > best[i] || v[i] != v[i] ? v[i] : best[i];
        }
    store_channels<kWidth>(y[at.pixel] + at.c, best);
}

template <int kWidth>
__global__ void __launch_bounds__(kPoolThreads)
    max_pool_grad_gather(ChannelGrid grid, PoolSizes s, ConstPixels x, ConstPixels y, ConstPixels dy, ConstPixels add,
                         ConstPixels mask, MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kPoolThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const Channels<kWidth> own = load_channels<kWidth>(x[at.pixel] + at.c);
    const WindowRange rows = windows_with(at.h, s.r, s.stride_y, s.pad_top, s.p);
    const WindowRange columns = windows_with(at.w, s.s, s.stride_x, s.pad_left, s.q);
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int p = rows.first; p < rows.end; p++)
        for (int q = columns.first; q < columns.end; q++) {
            const int64_t output = (int64_t(at.n) * s.p + p) * s.q + q;
            const Channels<kWidth> largest = load_channels<kWidth>(y[output] + at.c);
            bool winner[kWidth], any = false;
#pragma unroll
            for (int i = 0; i < kWidth; i++) any |= winner[i] = wins(own[i], largest[i]);
            // Loses to an equal cell before it in row-major order.
            const PoolWindow window = window_of(s, p, q);
            for (int h = window.top; any && h <= at.h; h++) {
                const int right = h == at.h ? at.w : window.right;
                for (int w = window.left; any && w < right; w++) {
                    const Channels<kWidth> v = load_channels<kWidth>(x[(int64_t(at.n) * s.h + h) * s.w + w] + at.c);
                    any = false;
#pragma unroll
                    for (int i = 0; i < kWidth; i++) any |= winner[i] = winner[i] && !wins(v[i], largest[i]);
                }
            }
            if (!any) continue;
            const Channels<kWidth> up = load_channels<kWidth>(dy[output] + at.c);
#pragma unroll
            for (int i = 0; i < kWidth; i++) sum[i] = winner[i] ? sum[i] + up[i] : sum[i];
        }
    store_gradient<kWidth>(sum, at, add, mask, dx);
}

template <int kWidth>
__global__ void __launch_bounds__(kPoolThreads)
    max_pool_select(ChannelGrid grid, PoolSizes s, ConstPixels x, ConstPixels y, ConstPixels u, MutPixels y2) {
    const unsigned thread = blockIdx.x * unsigned(kPoolThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const Channels<kWidth> largest = load_channels<kWidth>(y[at.pixel] + at.c);
    const PoolWindow window = window_of(s, at.h, at.w);
    Channels<kWidth> chosen = all_channels<kWidth>(0.0f);
    bool found[kWidth] = {}, all = false;
    for (int h = window.top; !all && h < window.bottom; h++)
        for (int w = window.left; !all && w < window.right; w++) {
            const int64_t pixel = (int64_t(at.n) * s.h + h) * s.w + w;
            const Channels<kWidth> v = load_channels<kWidth>(x[pixel] + at.c);
            all = true;
#pragma unroll
            for (int i = 0; i < kWidth; i++) {
                if (!found[i] && wins(v[i], largest[i])) chosen[i] = u[pixel][at.c + i], found[i] = true;
                all = all && found[i];
            }
        }
    store_channels<kWidth>(y2[at.pixel] + at.c, chosen);
}

template <int kWidth>
__global__ void __launch_bounds__(kPoolThreads)
    average_pool_forward(ChannelGrid grid, PoolSizes s, ConstPixels x, MutPixels y) {
    const unsigned thread = blockIdx.x * unsigned(kPoolThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const PoolWindow window = window_of(s, at.h, at.w);
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int h = window.top; h < window.bottom; h++)
        for (int w = window.left; w < window.right; w++) {
            const Channels<kWidth> v = load_channels<kWidth>(x[(int64_t(at.n) * s.h + h) * s.w + w] + at.c);
#pragma unroll
            for (int i = 0; i < kWidth; i++) sum[i] += v[i];
        }
    const float cells = cells_of(window);
#pragma unroll
    for (int i = 0; i < kWidth; i++) sum[i] /= cells;
    store_channels<kWidth>(y[at.pixel] + at.c, sum);
}

template <int kWidth>
__global__ void __launch_bounds__(kPoolThreads)
    average_pool_grad_gather(ChannelGrid grid, PoolSizes s, ConstPixels dy, ConstPixels add, ConstPixels mask,
                             MutPixels dx) {
    const unsigned thread = blockIdx.x * unsigned(kPoolThreads) + threadIdx.x;
    if (thread >= grid.threads) return;
    const ChannelPlace at = grid.place<kWidth>(thread);
    const WindowRange rows = windows_with(at.h, s.r, s.stride_y, s.pad_top, s.p);
    const WindowRange columns = windows_with(at.w, s.s, s.stride_x, s.pad_left, s.q);
    Channels<kWidth> sum = all_channels<kWidth>(0.0f);
    for (int p = rows.first; p < rows.end; p++)
        for (int q = columns.first; q < columns.end; q++) {
            const Channels<kWidth> up = load_channels<kWidth>(dy[(int64_t(at.n) * s.p + p) * s.q + q] + at.c);
            const float share = 1.0f / cells_of(window_of(s, p, q));
#pragma unroll
            for (int i = 0; i < kWidth; i++) sum[i] += up[i] * share;
        }
    store_gradient<kWidth>(sum, at, add, mask, dx);
}

namespace {

// Whether all views that are present can be read four channels at a time.
template <class... Views>
bool all_vectorizable(const Views&... views) {
    return ((!views || vectorizable(views)) && ...);
}

// A kernel for each width, and the arguments after the grid.
template <class Kernel, class... Arguments>
void launch_pool(Stream& stream, bool wide, const Shape& shape, Kernel by_four, Kernel by_one, const PoolShape& s,
                 const Arguments&... arguments) {
    CHECK(std::max({s.r + s.h + s.pad_top, s.s + s.w + s.pad_left, s.p * s.stride_y, s.q * s.stride_x}) <= INT32_MAX);
    const ChannelGrid grid(shape, wide ? kVector : 1);
    launch(stream, wide ? by_four : by_one, grid.blocks(kPoolThreads), kPoolThreads, 0, grid, PoolSizes(s),
           arguments...);
}

void max_forward(Stream& stream, const PoolShape& s, ConstView x, MutView y) {
    launch_pool(stream, all_vectorizable(x, y), s.output(), max_pool_forward<kVector>, max_pool_forward<1>, s, x, y);
}

void max_grad_input(Stream& stream, const PoolShape& s, ConstView x, ConstView y, ConstView dy, ConstView add,
                    ConstView mask, MutView dx) {
    launch_pool(stream, all_vectorizable(x, y, dy, add, mask, dx), s.input(), max_pool_grad_gather<kVector>,
                max_pool_grad_gather<1>, s, x, y, dy, add, mask, dx);
}

void max_select(Stream& stream, const PoolShape& s, ConstView x, ConstView y, ConstView u, MutView y2) {
    launch_pool(stream, all_vectorizable(x, y, u, y2), s.output(), max_pool_select<kVector>, max_pool_select<1>, s, x,
                y, u, y2);
}

void average_forward(Stream& stream, const PoolShape& s, ConstView x, MutView y) {
    launch_pool(stream, all_vectorizable(x, y), s.output(), average_pool_forward<kVector>, average_pool_forward<1>, s,
                x, y);
}

void average_grad_input(Stream& stream, const PoolShape& s, ConstView dy, ConstView add, ConstView mask, MutView dx) {
    launch_pool(stream, all_vectorizable(dy, add, mask, dx), s.input(), average_pool_grad_gather<kVector>,
                average_pool_grad_gather<1>, s, dy, add, mask, dx);
}

}  // namespace

void install(PoolKernels& table) {
    table.max_forward = max_forward;
    table.max_grad_input = max_grad_input;
    table.max_select = max_select;
    table.average_forward = average_forward;
    table.average_grad_input = average_grad_input;
}

}  // namespace limpid::DEVICE_NS
