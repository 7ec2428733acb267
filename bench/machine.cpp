// Measures processors; knows GPUs from their data sheets.
#include "bench/machine.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "kernels/backend.h"
#include "kernels/buffer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace limpid {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Independent multiply-adds, enough of them to hide the latency; what the compiler must not see through goes out by
// `sink`.
constexpr int kChains = 12, kRounds = 20000;
volatile float sink;

#if defined(__x86_64__)
__attribute__((target("avx512f"), noinline)) void multiply_adds_avx512() {
    __m512 sum[kChains], factor = _mm512_set1_ps(1.0f + sink), term = _mm512_set1_ps(sink);
    for (__m512& s : sum) s = term;
    for (int i = 0; i < kRounds; i++)
#pragma GCC unroll 12
        for (int c = 0; c < kChains; c++) sum[c] = _mm512_fmadd_ps(sum[c], factor, term);
    for (const __m512& s : sum) sink = sink + _mm512_cvtss_f32(s) * 0;
}
__attribute__((target("avx2,fma"), noinline)) void multiply_adds_avx2() {
    __m256 sum[kChains], factor = _mm256_set1_ps(1.0f + sink), term = _mm256_set1_ps(sink);
    for (__m256& s : sum) s = term;
    for (int i = 0; i < kRounds; i++)
#pragma GCC unroll 12
        for (int c = 0; c < kChains; c++) sum[c] = _mm256_fmadd_ps(sum[c], factor, term);
    for (const __m256& s : sum) sink = sink + _mm256_cvtss_f32(s) * 0;
}
#endif
typedef float Four __attribute__((vector_size(16)));
__attribute__((noinline)) void multiply_adds_portable() {
    Four sum[kChains], factor = (1.0f + sink) - Four{}, term = sink - Four{};
    for (Four& s : sum) s = term;
    for (int i = 0; i < kRounds; i++)
#pragma GCC unroll 12
        for (int c = 0; c < kChains; c++) sum[c] = sum[c] * factor + term;
    for (const Four& s : sum) sink = sink + s[0] * 0;
}

// GFLOP/s of one thread with the instructions of this device.
double measured_peak(const std::string& device) {
    void (*run)() = multiply_adds_portable;
    int lanes = 4;
#if defined(__x86_64__)
    if (device == "cpu:avx512") run = multiply_adds_avx512, lanes = 16;
    if (device == "cpu:avx2") run = multiply_adds_avx2, lanes = 8;
#endif
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 300; i++) {
        const auto start = Clock::now();
        run();
        best = std::min(best, seconds_since(start));
    }
    return 2.0 * kChains * kRounds * lanes / best / 1e9;
}

// Data sheets of NVIDIA: fp32 without tensor cores, TF32 dense, memory.
const Machine kGpus[] = {
    {"H100", 67e12, 495e12, 3.35e12},
    {"H200", 67e12, 495e12, 4.8e12},
    {"A100", 19.5e12, 156e12, 2.039e12},
    {"T4", 8.1e12, 0, 0.32e12},
};

double measured_bandwidth(Stream& stream) {
    const int64_t count = int64_t(32) << 20;  // floats: beyond every cache
    const DeviceTensor from(stream, HostTensor({1, 1, 1, count})), to(stream.device(), {1, 1, 1, count});
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 10; i++) {
        const auto start = Clock::now();
        stream.backend().kernels.elementwise.unary(stream, Unary::copy, 0, 0, from.view(), to.view());
        stream.synchronize();
        best = std::min(best, seconds_since(start));
    }
    return 2.0 * double(count) * sizeof(float) / best;
}

}  // namespace

double Machine::floor_seconds(double operations, double bytes, bool tf32) const {
    const double peak = tf32 && tf32_flops > 0 ? tf32_flops : flops;
    return std::max(peak > 0 ? operations / peak : 0, bandwidth > 0 ? bytes / bandwidth : 0);
}

std::span<const Machine> known_gpus() { return kGpus; }

Machine machine_of(Stream& stream) {
    Machine machine;
    const std::string& name = stream.backend().name;
    if (stream.device().kind == DeviceKind::cuda) {
        for (const Machine& gpu : kGpus)
            if (name.find(gpu.name) != std::string::npos) machine = gpu;
    } else {
        machine.flops = 1e9 * measured_peak(name) * stream.thread_count();
    }
    machine.name = name;
    machine.bandwidth = measured_bandwidth(stream);
    return machine;
}

}  // namespace limpid
