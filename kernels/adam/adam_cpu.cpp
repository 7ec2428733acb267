// Adam on the CPU: one pass over the four arrays, limited by memory.
#include "kernels/adam/adam.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/thread_pool.h"

namespace limpid::CPU_NS {

namespace {

struct Coefficients {
    float keep_m, add_m, keep_v, add_v, rate, epsilon;
};

inline void update(const Coefficients& k, Floats g, Floats& theta, Floats& m, Floats& v) {
    m = k.keep_m * m + k.add_m * g;
    v = k.keep_v * v + k.add_v * (g * g);
    theta = theta + k.rate * m / (sqrt(v) + k.epsilon);
}

void step(Stream& stream, const AdamParameters& parameters, const float* rate, int64_t count, const float* g,
          float* theta, float* m, float* v) {
    const Coefficients k{float(parameters.beta1),
                         float(1 - parameters.beta1),
                         float(parameters.beta2),
                         float(1 - parameters.beta2),
                         *rate,
                         float(parameters.epsilon)};
    constexpr int64_t kGrain = 16384;  // elements: two microseconds, twice what handing them over costs
    stream.threads().for_ranges(count, kGrain, [=](int64_t begin, int64_t end, int) {
        int64_t i = begin;
        for (; i + kLanes <= end; i += kLanes) {
            Floats theta_i = load(theta + i), m_i = load(m + i), v_i = load(v + i);
            update(k, load(g + i), theta_i, m_i, v_i);
            store(theta + i, theta_i);
            store(m + i, m_i);
            store(v + i, v_i);
        }
        if (const int64_t rest = end - i; rest > 0) {
            Floats theta_i = load_first(theta + i, rest), m_i = load_first(m + i, rest), v_i = load_first(v + i, rest);
            update(k, load_first(g + i, rest), theta_i, m_i, v_i);
            store_first(theta + i, theta_i, rest);
            store_first(m + i, m_i, rest);
            store_first(v + i, v_i, rest);
        }
    });
}

}  // namespace

extern constinit const AdamKernels adam_kernels{.step = step};

}  // namespace limpid::CPU_NS
