// Softmax and log-sum-exp on a GPU: a warp per pixel where channels are few, a block where they are many. A pixel is
// read again for each pass over it: it is in the cache.
#include <cmath>

#include "kernels/device/launch.h"
#include "kernels/device/reduce.h"
#include "kernels/device/vector.h"
#include "kernels/softmax/softmax.h"

namespace limpid::DEVICE_NS {

void install(SoftmaxKernels&);

// A warp goes round 16 times at most; beyond, a block of 8 warps waits less for memory than it loses at its barriers.
inline constexpr int kWarpChannels = 512, kBlockThreads = 256;

namespace {

// The largest channel of a pixel (NaN if there is one) and the sum of exp(x - largest), in every thread.
struct Exponentials {
    float largest, sum;
};
template <int kThreads>
__device__ __forceinline__ Exponentials exponentials_of(const float* x, int channels) {
    float largest = -INFINITY;
    for (int c = int(threadIdx.x); c < channels; c += kThreads) largest = Larger()(x[c], largest);
    largest = block_reduce<kThreads>(largest, Larger());
    float sum = 0.0f;
    for (int c = int(threadIdx.x); c < channels; c += kThreads) sum += expf(x[c] - largest);
    return {largest, block_reduce<kThreads>(sum, Add())};
}

}  // namespace

template <int kThreads>
__global__ void __launch_bounds__(kThreads) softmax_forward(int channels, ConstPixels x, MutPixels y) {
    const float* from = x[blockIdx.x];
    float* to = y[blockIdx.x];
    const Exponentials e = exponentials_of<kThreads>(from, channels);
    for (int c = int(threadIdx.x); c < channels; c += kThreads) to[c] = expf(from[c] - e.largest) / e.sum;
}

template <int kThreads>
__global__ void __launch_bounds__(kThreads) softmax_log_sum_exp(int channels, ConstPixels x, MutPixels y) {
    const Exponentials e = exponentials_of<kThreads>(x[blockIdx.x], channels);
    if (threadIdx.x == 0) *y[blockIdx.x] = e.largest + logf(e.sum);
}

template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    softmax_grad_input(int channels, ConstPixels y, ConstPixels dy, MutPixels dx) {
    const float *probability = y[blockIdx.x], *up = dy[blockIdx.x];
    float* to = dx[blockIdx.x];
    float dot = 0.0f;
    for (int c = int(threadIdx.x); c < channels; c += kThreads) dot += up[c] * probability[c];
    dot = block_reduce<kThreads>(dot, Add());
    for (int c = int(threadIdx.x); c < channels; c += kThreads) to[c] = probability[c] * (up[c] - dot);
}

namespace {

template <class Kernel, class... Arguments>
void launch_pixels(Stream& stream, const Shape& s, Kernel by_warp, Kernel by_block, const Arguments&... arguments) {
    CHECK(s.pixels() <= INT32_MAX && s.c <= INT32_MAX, s, " has too many elements for one kernel");
    const bool few = s.c <= kWarpChannels;
    launch(stream, few ? by_warp : by_block, unsigned(s.pixels()), unsigned(few ? kWarp : kBlockThreads), 0, int(s.c),
           arguments...);
}

void forward(Stream& stream, ConstView x, MutView y) {
    launch_pixels(stream, x.shape, softmax_forward<kWarp>, softmax_forward<kBlockThreads>, x, y);
}

void grad_input(Stream& stream, ConstView y, ConstView dy, MutView dx) {
    launch_pixels(stream, y.shape, softmax_grad_input<kWarp>, softmax_grad_input<kBlockThreads>, y, dy, dx);
}

void log_sum_exp(Stream& stream, ConstView x, MutView y) {
    launch_pixels(stream, x.shape, softmax_log_sum_exp<kWarp>, softmax_log_sum_exp<kBlockThreads>, x, y);
}

}  // namespace

void install(SoftmaxKernels& table) {
    table.forward = forward;
    table.grad_input = grad_input;
    table.log_sum_exp = log_sum_exp;
}

}  // namespace limpid::DEVICE_NS
