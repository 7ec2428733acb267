// Times kernels over the rows of bench/shapes, beside the roofline of the machine, the device's own simpler methods,
// and libraries: oneDNN, cuDNN, cuBLAS.
//
//   kernels_bench --benchmark_filter='googlenet224/.*3x3/forward' [--device cuda:0] [--precision tf32] [--threads 2]
//   kernels_bench --model        no measurement: what each kernel of a GPU must do, and the least time on known GPUs
//
// Names are ROW/WHAT/METHOD; a GPU has several methods ("direct" to "tf32", see kernels/device/method.h), the last of
// them chosen by --precision and named "chosen". Operations are those of the direct algorithm, so Winograd may exceed
// 100 percent. Caches are warm, as they are between the layers of a network. The results of a GPU and of libraries are
// first compared with the CPU's.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <set>

#include "bench/case.h"
#include "bench/device_option.h"
#include "bench/machine.h"
#include "bench/model.h"
#include "bench/or_error.h"
#include "kernels/buffer.h"
#include "kernels/event.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

int failures = 0;  // makes the program fail

double largest(const HostTensor& tensor) {
    double most = 0;
    for (const float value : tensor.values) most = std::max(most, std::fabs(double(value)));
    return most;
}

// The result against that of the CPU: a fast wrong kernel must not be reported. Rounding of TF32: 2^-11 per operand.
bool agrees_with_cpu(const Case& one, Stream& stream, const Prepared& prepared) {
    Stream cpu({DeviceKind::cpu, kCpuBest});
    const Prepared expected = one.prepare(cpu, cpu.backend().kernels);
    expected.run();
    prepared.run();
    const HostTensor want = download(cpu, expected.result), have = download(stream, prepared.result);
    const double allowed = 4e-3 * largest(want);
    for (size_t i = 0; i < want.values.size(); i++)
        if (!(std::fabs(double(want.values[i]) - double(have.values[i])) <= allowed)) return false;
    return true;
}

// One line of the results. precision: of the products of this method.
struct Contender {
    const Case& one;
    Precision precision;
    bool peer;
    const KernelTable* modelled;  // kernels of ours for a GPU, whose partial sums the model counts; or null
    std::function<Prepared()> prepare;
};

void measure(benchmark::State& state, const Contender& contender, Stream& stream, const Machine& machine) {
    const auto& [one, precision, peer, modelled, prepare] = contender;
    const Prepared prepared = prepare();
    if (!prepared.run) return state.SkipWithError(prepared.label.c_str());
    const bool gpu = stream.device().kind == DeviceKind::cuda;
    // Once: Google Benchmark comes several times, with more and more iterations.
    static std::set<const Contender*> agreed;
    if ((gpu || peer) && !agreed.contains(&contender)) {
        if (!agrees_with_cpu(one, stream, prepared)) {
            failures++;
            return state.SkipWithError("wrong result");
        }
        agreed.insert(&contender);
    }
    prepared.run();  // warms up
    stream.synchronize();
    Event start(stream.device()), end(stream.device());
    // A GPU is given several calls at once, so that it need not wait for the next.
    const int calls = gpu ? 20 : 1;
    double best = std::numeric_limits<double>::infinity();
    for (auto _ : state) {
        start.record(stream);
        for (int i = 0; i < calls; i++) prepared.run();
        end.record(stream);
        stream.synchronize();
        const double seconds = end.seconds_since(start) / calls;
        state.SetIterationTime(seconds);
        best = std::min(best, seconds);
    }
    state.counters["best_us"] = best * 1e6;
    if (one.operations > 0) state.counters["best_gflops"] = one.operations / best / 1e9;
    state.counters["gbytes_per_s"] = one.bytes / best / 1e9;
    state.counters["percent_of_roofline"] = 100 * machine.floor_seconds(one.operations, one.bytes, precision) / best;
    if (modelled) state.counters["model_us"] = 1e6 * model_seconds(one, *modelled, machine, precision);
    state.SetLabel(prepared.label);
}

void run_all(const Device& device, int threads) {
    static Stream stream(device, threads);
    static const Machine machine = machine_of(stream);
    const Backend& backend = stream.backend();
    std::fprintf(stderr, "%s: %.0f GFLOP/s, copies at %.0f GB/s\n", machine.name.c_str(), machine.flops / 1e9,
                 machine.bandwidth / 1e9);
    static std::vector<Case> cases;
    add_products(cases, device.precision);
    add_memory_bound(cases);
    const auto add = [&](const std::string& method, const Contender& contender) {
        benchmark::RegisterBenchmark((contender.one.name + "/" + method).c_str(),
                                     [contender](benchmark::State& state) {
                                         or_error(state, failures, [&] { measure(state, contender, stream, machine); });
                                     })
            ->Unit(benchmark::kMicrosecond)
            ->MinTime(0.05)
            ->UseManualTime();
    };
    for (const Case& one : cases) {
        const auto ours = [&](const KernelTable& table, Precision precision) {
            return Contender{one, precision, false, device.kind == DeviceKind::cuda ? &table : nullptr,
                             [&one, &table] { return one.prepare(stream, table); }};
        };
        add("chosen", ours(backend.kernels, device.precision));
        if (one.has_methods)
            for (const auto& [name, table] : backend.staircase)
                add(name, ours(table, name.starts_with("tf32") ? parse_precision(name) : Precision::fp32));
        for (const PeerCase& peer : one.peers)
            if (peer.kind == device.kind)
                // Nobody else splits numbers in two.
                add(peer.name, {one, device.precision == Precision::tf32 ? Precision::tf32 : Precision::fp32, true,
                                nullptr, [&peer] { return peer.prepare(stream); }});
    }
    benchmark::RunSpecifiedBenchmarks();
}

}  // namespace
}  // namespace limpid

int main(int argc, char** argv) {
    try {
        if (limpid::take_flag(argc, argv, "--model")) {
            limpid::print_model();
            return 0;
        }
        const limpid::Device device = limpid::take_device(argc, argv);
        const std::string threads = limpid::take_option(argc, argv, "--threads");
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
        limpid::run_all(device, threads.empty() ? 1 : std::stoi(threads));
        return limpid::failures == 0 ? 0 : 1;
    } catch (const limpid::Error& error) {
        std::fprintf(stderr, "kernels_bench: %s\n", error.what());
        return 1;
    }
}
