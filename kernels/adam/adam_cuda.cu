// Adam on a GPU: one pass over the four arrays, limited by memory.
#include "kernels/adam/adam.h"
#include "kernels/device/channels.h"

namespace limpid::DEVICE_NS {

void install(AdamKernels&);

// Enough warps to hide memory.
inline constexpr int kAdamThreads = 256;

struct AdamCoefficients {
    float keep_m, add_m, keep_v, add_v, epsilon;
};

// Elements [first, count), kWidth per thread.
template <int kWidth>
__global__ void __launch_bounds__(kAdamThreads)
    adam_step(AdamCoefficients k, const float* rate, int64_t first, int64_t count, const float* g, float* theta,
              float* m, float* v) {
    const int64_t at = first + (int64_t(blockIdx.x) * kAdamThreads + threadIdx.x) * kWidth;
    if (at + kWidth > count) return;
    const float rate_now = *rate;
    const Channels<kWidth> g_i = load_channels<kWidth>(g + at);
    Channels<kWidth> theta_i = load_channels<kWidth>(theta + at), m_i = load_channels<kWidth>(m + at),
                     v_i = load_channels<kWidth>(v + at);
#pragma unroll
    for (int i = 0; i < kWidth; i++) {
        m_i[i] = k.keep_m * m_i[i] + k.add_m * g_i[i];
        v_i[i] = k.keep_v * v_i[i] + k.add_v * (g_i[i] * g_i[i]);
        theta_i[i] += rate_now * m_i[i] / (sqrtf(v_i[i]) + k.epsilon);
    }
    store_channels<kWidth>(theta + at, theta_i);
    store_channels<kWidth>(m + at, m_i);
    store_channels<kWidth>(v + at, v_i);
}

namespace {

void step(Stream& stream, const AdamParameters& parameters, const float* rate, int64_t count, const float* g,
          float* theta, float* m, float* v) {
    const AdamCoefficients k{float(parameters.beta1), float(1 - parameters.beta1), float(parameters.beta2),
                             float(1 - parameters.beta2), float(parameters.epsilon)};
    const auto aligned = [](const float* data) { return vectorizable(data, kVector, kVector); };
    const int64_t by_four = aligned(g) && aligned(theta) && aligned(m) && aligned(v) ? count / kVector : 0;
    const int64_t by_one = count - by_four * kVector;
    const auto blocks = [](int64_t threads) { return unsigned(divide_up(threads, kAdamThreads)); };
    launch(stream, adam_step<kVector>, blocks(by_four), kAdamThreads, 0, k, rate, int64_t(0), count, g, theta, m, v);
    launch(stream, adam_step<1>, blocks(by_one), kAdamThreads, 0, k, rate, by_four * kVector, count, g, theta, m, v);
}

}  // namespace

void install(AdamKernels& table) { table.step = step; }

}  // namespace limpid::DEVICE_NS
