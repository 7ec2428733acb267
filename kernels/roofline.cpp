// The processor's peaks, measured where it runs: clocks, cores and memory of a rented machine are nobody's datasheet.
#include "kernels/roofline.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "kernels/backend.h"
#include "kernels/buffer.h"
#include "kernels/cpu/thread_pool.h"

namespace limpid {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Best of several, since what disturbs a measurement only ever slows it down.
constexpr int kTrials = 15;

double measured_flops(ThreadPool& threads, const RooflineKernels& kernels) {
    constexpr int64_t kRounds = 200000;
    struct alignas(64) Sink {
        float value = 0;
    };
    std::vector<Sink> sinks(size_t(threads.size()));
    double best = 0;
    for (int trial = 0; trial < kTrials; trial++) {
        double operations = 0;
        const auto start = Clock::now();
        threads.run(threads.size(), [&](int64_t i, int) {
            const double each = kernels.multiply_adds(kRounds, &sinks[size_t(i)].value);
            if (i == 0) operations = each;
        });
        best = std::max(best, operations * double(kRounds) * threads.size() / seconds_since(start));
    }
    return best;
}

// Adds a constant to an array larger than the caches: one read and one write of each element.
double measured_bandwidth(Stream& stream) {
    constexpr int64_t kCount = int64_t(16) << 20;
    const Buffer buffer(stream.device(), size_t(kCount) * sizeof(float));
    float* data = buffer.floats();
    double best = 0;
    for (int trial = 0; trial < kTrials; trial++) {
        const auto start = Clock::now();
        stream.threads().for_ranges(kCount, 4096, [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; i++) data[i] = trial == 0 ? 0.0f : data[i] + 1.0f;
        });
        // The first pass writes only, and meets pages that are not there yet.
        if (trial > 0) best = std::max(best, 2.0 * sizeof(float) * double(kCount) / seconds_since(start));
    }
    return best;
}

}  // namespace

Roofline measure_roofline(Stream& stream) {
    const Backend& backend = stream.backend();
    if (backend.roofline) return backend.roofline(stream.device().index);
    if (!backend.roofline_kernels.multiply_adds) return {};
    return {measured_flops(stream.threads(), backend.roofline_kernels), measured_bandwidth(stream)};
}

}  // namespace limpid
