// Local response normalisation on a GPU: a block keeps the squares of a few pixels' channels in shared memory, between
// margins as wide as the window (zeros where there is no channel), so that every window sum reads neighbours only. The
// gradient keeps dy*y/d there as well.
#include <algorithm>

#include "kernels/device/launch.h"
#include "kernels/device/vector.h"
#include "kernels/lrn/lrn.h"

namespace limpid::DEVICE_NS {

void install(LrnKernels&);

// Channels of a pixel that a block works on, one per thread: GoogLeNet has 64 and 192. Four pixels fill 8 warps.
inline constexpr int kLrnChannels = 64, kLrnPixels = 4;
// Wider windows go to the plain kernels, a thread per element without shared memory: nobody uses them. Lucid's radius
// is 5, Caffe's 2.
inline constexpr int kMostRadius = 16;

// d^-beta for Lucid's and Caffe's exponents, and for any.
enum class LrnBeta { half, three_quarters, any };

struct LrnPlan {
    int channels, tiles, pixels;
    int radius;
    float bias, alpha, beta;
};

namespace {

template <LrnBeta kBeta>
__device__ __forceinline__ float power_of(float d, float beta) {
    if constexpr (kBeta == LrnBeta::half) {
        return 1.0f / sqrtf(d);
    } else if constexpr (kBeta == LrnBeta::three_quarters) {
        const float root = 1.0f / sqrtf(sqrtf(d));
        return root * root * root;
    } else {
        return powf(d, -beta);
    }
}

// The pixel and the first channel of a thread's block.
struct LrnPlace {
    int64_t pixel;
    int first;
    bool exists;
};
__device__ __forceinline__ LrnPlace lrn_place(const LrnPlan& plan) {
    const int group = int(blockIdx.x) / plan.tiles, tile = int(blockIdx.x) - group * plan.tiles;
    const int64_t pixel = int64_t(group) * kLrnPixels + threadIdx.y;
    return {pixel, tile * kLrnChannels, pixel < plan.pixels};
}

// Squares of the channels [first - margin, first + kLrnChannels + margin), by the threads of the pixel.
__device__ __forceinline__ void fill_squares(const LrnPlan& plan, const LrnPlace& at, int margin, const ConstPixels& x,
                                             float* squares) {
    for (int i = int(threadIdx.x); i < kLrnChannels + 2 * margin; i += kLrnChannels) {
        const int c = at.first - margin + i;
        const float v = at.exists && c >= 0 && c < plan.channels ? x[at.pixel][c] : 0.0f;
        squares[i] = v * v;
    }
}

// The sum of a window that begins at `from`.
__device__ __forceinline__ float window_sum(const float* from, int radius) {
    float sum = from[0];
    for (int j = 1; j <= 2 * radius; j++) sum += from[j];
    return sum;
}

// d[c], read from memory.
__device__ __forceinline__ float plain_denominator(const LrnPlan& plan, const float* x, int c) {
    float sum = 0.0f;
    for (int j = max(c - plan.radius, 0); j <= min(c + plan.radius, plan.channels - 1); j++) sum += x[j] * x[j];
    return plan.bias + plan.alpha * sum;
}

}  // namespace

template <LrnBeta kBeta>
__global__ void __launch_bounds__(kLrnChannels* kLrnPixels) lrn_forward(LrnPlan plan, ConstPixels x, MutPixels y) {
    __shared__ float squares[kLrnPixels][kLrnChannels + 2 * kMostRadius];
    const LrnPlace at = lrn_place(plan);
    fill_squares(plan, at, plan.radius, x, squares[threadIdx.y]);
    __syncthreads();
    const int c = at.first + int(threadIdx.x);
    if (!at.exists || c >= plan.channels) return;
    const float d = plan.bias + plan.alpha * window_sum(&squares[threadIdx.y][threadIdx.x], plan.radius);
    y[at.pixel][c] = x[at.pixel][c] * power_of<kBeta>(d, plan.beta);
}

// The 1: on some GPUs ptxas would rather spill registers than run fewer blocks.
template <LrnBeta kBeta>
__global__ void __launch_bounds__(kLrnChannels* kLrnPixels, 1)
    lrn_grad_input(LrnPlan plan, ConstPixels x, ConstPixels dy, ConstPixels mask, MutPixels dx) {
    __shared__ float squares[kLrnPixels][kLrnChannels + 4 * kMostRadius];
    __shared__ float direct[kLrnPixels][kLrnChannels + 2 * kMostRadius];  // dy*d^-beta
    __shared__ float q[kLrnPixels][kLrnChannels + 2 * kMostRadius];       // dy*y/d
    const LrnPlace at = lrn_place(plan);
    const int row = int(threadIdx.y), lane = int(threadIdx.x);
    fill_squares(plan, at, 2 * plan.radius, x, squares[row]);
    __syncthreads();
    for (int i = lane; i < kLrnChannels + 2 * plan.radius; i += kLrnChannels) {
        const int c = at.first - plan.radius + i;
        const bool inside = at.exists && c >= 0 && c < plan.channels;
        const float d = plan.bias + plan.alpha * window_sum(&squares[row][i], plan.radius);
        const float scaled = inside ? dy[at.pixel][c] * power_of<kBeta>(d, plan.beta) : 0.0f;
        direct[row][i] = scaled;
        q[row][i] = inside ? scaled * x[at.pixel][c] / d : 0.0f;
    }
    __syncthreads();
    const int k = at.first + lane;
    if (!at.exists || k >= plan.channels) return;
    const float sum = window_sum(&q[row][lane], plan.radius);
    float v = direct[row][lane + plan.radius] - 2.0f * plan.alpha * plan.beta * x[at.pixel][k] * sum;
    if (mask) v = mask[at.pixel][k] > 0.0f ? v : 0.0f;
    dx[at.pixel][k] = v;
}

__global__ void __launch_bounds__(kLrnChannels* kLrnPixels)
    lrn_forward_plain(LrnPlan plan, ConstPixels x, MutPixels y) {
    const LrnPlace at = lrn_place(plan);
    const int c = at.first + int(threadIdx.x);
    if (!at.exists || c >= plan.channels) return;
    const float* from = x[at.pixel];
    y[at.pixel][c] = from[c] * powf(plain_denominator(plan, from, c), -plan.beta);
}

__global__ void __launch_bounds__(kLrnChannels* kLrnPixels)
    lrn_grad_input_plain(LrnPlan plan, ConstPixels x, ConstPixels dy, ConstPixels mask, MutPixels dx) {
    const LrnPlace at = lrn_place(plan);
    const int k = at.first + int(threadIdx.x);
    if (!at.exists || k >= plan.channels) return;
    const float *from = x[at.pixel], *up = dy[at.pixel];
    float sum = 0.0f;
    for (int c = max(k - plan.radius, 0); c <= min(k + plan.radius, plan.channels - 1); c++)
        sum += up[c] * from[c] * powf(plain_denominator(plan, from, c), -plan.beta - 1.0f);
    float v =
        up[k] * powf(plain_denominator(plan, from, k), -plan.beta) - 2.0f * plan.alpha * plan.beta * from[k] * sum;
    if (mask) v = mask[at.pixel][k] > 0.0f ? v : 0.0f;
    dx[at.pixel][k] = v;
}

namespace {

LrnPlan plan_of(const LrnParameters& p, const Shape& s) {
    const int64_t tiles = divide_up(s.c, kLrnChannels);
    CHECK(s.pixels() <= INT32_MAX && s.c <= INT32_MAX && divide_up(s.pixels(), kLrnPixels) * tiles <= INT32_MAX, s,
          " has too many elements for one kernel");
    return {int(s.c), int(tiles), int(s.pixels()), int(std::min(p.radius, s.c)), p.bias, p.alpha, p.beta};
}

// Lucid's exponent, Caffe's, any; wide windows.
template <class Kernel>
Kernel choose(const LrnParameters& p, const LrnPlan& plan, Kernel half, Kernel three_quarters, Kernel any,
              Kernel plain) {
    return plan.radius > kMostRadius ? plain : p.beta == 0.5f ? half : p.beta == 0.75f ? three_quarters : any;
}

template <class Kernel, class... Arguments>
void launch_pixels(Stream& stream, Kernel kernel, const LrnPlan& plan, const Arguments&... arguments) {
    launch(stream, kernel, unsigned(divide_up(plan.pixels, kLrnPixels) * plan.tiles), dim3(kLrnChannels, kLrnPixels), 0,
           plan, arguments...);
}

void forward(Stream& stream, const LrnParameters& p, ConstView x, MutView y) {
    const LrnPlan plan = plan_of(p, x.shape);
    launch_pixels(stream,
                  choose(p, plan, lrn_forward<LrnBeta::half>, lrn_forward<LrnBeta::three_quarters>,
                         lrn_forward<LrnBeta::any>, lrn_forward_plain),
                  plan, x, y);
}

void grad_input(Stream& stream, const LrnParameters& p, ConstView x, ConstView dy, ConstView mask, MutView dx) {
    const LrnPlan plan = plan_of(p, x.shape);
    launch_pixels(stream,
                  choose(p, plan, lrn_grad_input<LrnBeta::half>, lrn_grad_input<LrnBeta::three_quarters>,
                         lrn_grad_input<LrnBeta::any>, lrn_grad_input_plain),
                  plan, x, dy, mask, dx);
}

}  // namespace

void install(LrnKernels& table) {
    table.forward = forward;
    table.grad_input = grad_input;
}

}  // namespace limpid::DEVICE_NS
