// Times convolutions over the rows of bench/shapes/conv2d.txt, beside the multiply-add peak of this machine.
//
//   conv2d_bench --benchmark_filter='googlenet224/.*3x3/forward/threads:1' [--device cpu:avx2]
//
// best_gflops counts the multiply-adds of the direct algorithm and the fastest call: other work on the machine only
// ever slows a call down. percent_of_peak is best_gflops against the peak measured at the start; Winograd may exceed
// 100.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>

#include "kernels/backend.h"
#include "kernels/buffer.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Conv2dShape shape_of(const testing::ShapeRow& row) {
    return {row["n"],          row["h"],        row["w"],        row["c"],        row["r"],
            row["s"],          row["k"],        row["stride_y"], row["stride_x"], row["pad_top"],
            row["pad_bottom"], row["pad_left"], row["pad_right"]};
}

enum class What { forward, grad_input, grad_filter };
constexpr const char* kWhatNames[] = {"forward", "grad_input", "grad_filter"};

// The call as a render makes it: bias and ReLU forward, a mask backward.
void time_row(benchmark::State& state, const Device& device, double peak, const Conv2dShape& shape, What what,
              int threads) {
    Stream stream(device, threads);
    const Conv2dKernels& kernels = stream.backend().kernels.conv2d;
    const Conv2dPass pass = what == What::forward ? Conv2dPass::forward : Conv2dPass::grad_input;
    const DeviceTensor x(stream, testing::random_tensor(shape.input(), -1, 1, 1)),
        y(stream, testing::random_tensor(shape.output(), -1, 1, 2)),
        w(stream, testing::random_tensor(shape.filter(), -1, 1, 3)),
        bias(stream, testing::random_tensor({1, 1, 1, shape.k}, -1, 1, 4)), dx(device, shape.input()),
        dw(device, shape.filter());
    const Buffer packed(device, size_t(kernels.packed_size(shape, pass)) * sizeof(float));
    kernels.pack(stream, shape, pass, w.view(), packed.floats());
    const size_t scratch_bytes =
        what == What::grad_filter ? kernels.grad_filter_scratch(shape, threads) : kernels.scratch(shape, pass, threads);
    const Buffer scratch(device, scratch_bytes);
    double best = std::numeric_limits<double>::infinity();
    for (auto _ : state) {
        const auto start = Clock::now();
        if (what == What::forward)
            kernels.forward(stream, shape, x.view(), packed.floats(), bias.view(), true, y.view(), scratch.scratch());
        if (what == What::grad_input)
            kernels.grad_input(stream, shape, y.view(), packed.floats(), {}, x.view(), dx.view(), scratch.scratch());
        if (what == What::grad_filter)
            kernels.grad_filter(stream, shape, x.view(), y.view(), dw.view(), scratch.scratch());
        stream.synchronize();
        best = std::min(best, seconds_since(start));
    }
    const double gflops = 2.0 * double(shape.multiply_adds()) / best / 1e9;
    state.counters["best_us"] = best * 1e6;
    state.counters["best_gflops"] = gflops;
    state.counters["percent_of_peak"] = 100 * gflops / (peak * threads);
    if (what != What::grad_filter) state.SetLabel(std::string(kernels.algorithm(shape, pass)));
}

// All convolutions of a network in order, then their input gradients in reverse: filters come from where a render step
// finds them, which is not L2. Branches stay separate here (the planner merges sibling 1x1 convolutions).
void time_network(benchmark::State& state, const Device& device, double peak, const std::vector<Conv2dShape>& shapes,
                  int threads) {
    struct Layer {
        Conv2dShape shape;
        DeviceTensor x, y, bias, dx;
        Buffer forward, grad_input;
    };
    Stream stream(device, threads);
    const Conv2dKernels& kernels = stream.backend().kernels.conv2d;
    std::vector<Layer> layers;
    size_t scratch_bytes = 0;
    double multiply_adds = 0;
    for (const Conv2dShape& shape : shapes) {
        Layer layer{shape,
                    DeviceTensor(stream, testing::random_tensor(shape.input())),
                    DeviceTensor(stream, testing::random_tensor(shape.output())),
                    DeviceTensor(stream, testing::random_tensor({1, 1, 1, shape.k})),
                    DeviceTensor(device, shape.input()),
                    Buffer(device, size_t(kernels.packed_size(shape, Conv2dPass::forward)) * sizeof(float)),
                    Buffer(device, size_t(kernels.packed_size(shape, Conv2dPass::grad_input)) * sizeof(float))};
        const DeviceTensor w(stream, testing::random_tensor(shape.filter()));
        kernels.pack(stream, shape, Conv2dPass::forward, w.view(), layer.forward.floats());
        kernels.pack(stream, shape, Conv2dPass::grad_input, w.view(), layer.grad_input.floats());
        for (const Conv2dPass pass : {Conv2dPass::forward, Conv2dPass::grad_input})
            scratch_bytes = std::max(scratch_bytes, kernels.scratch(shape, pass, threads));
        multiply_adds += 2 * double(shape.multiply_adds());
        layers.push_back(std::move(layer));
    }
    const Buffer scratch(device, scratch_bytes);
    double best = std::numeric_limits<double>::infinity();
    for (auto _ : state) {
        const auto start = Clock::now();
        for (const Layer& l : layers)
            kernels.forward(stream, l.shape, l.x.view(), l.forward.floats(), l.bias.view(), true, l.y.view(),
                            scratch.scratch());
        for (size_t i = layers.size(); i-- > 0;)
            kernels.grad_input(stream, layers[i].shape, layers[i].y.view(), layers[i].grad_input.floats(), {},
                               layers[i].x.view(), layers[i].dx.view(), scratch.scratch());
        stream.synchronize();
        best = std::min(best, seconds_since(start));
    }
    state.counters["best_us"] = best * 1e6;
    state.counters["best_gflops"] = 2 * multiply_adds / best / 1e9;
    state.counters["percent_of_peak"] = 200 * multiply_adds / best / 1e9 / (peak * threads);
}

}  // namespace
}  // namespace limpid

int main(int argc, char** argv) {
    using namespace limpid;
    namespace testing = limpid::testing;
    std::string device_name = "cpu";
    for (int i = 1; i + 1 < argc; i++)
        if (std::strcmp(argv[i], "--device") == 0) {
            device_name = argv[i + 1];
            for (int rest = i; rest + 2 <= argc; rest++) argv[rest] = argv[rest + 2];
            argc -= 2;
        }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    const Device device = parse_device(device_name);
    Stream one_thread(device, 1);
    const double peak = measure_roofline(one_thread).flops / 1e9;
    std::fprintf(stderr, "%s, multiply-add peak of one thread: %.1f GFLOP/s\n", backend(device).name.c_str(), peak);
    for (const testing::ShapeRow& row : testing::read_shapes("conv2d.txt")) {
        const Conv2dShape shape = shape_of(row);
        if (shape.n == 0) continue;
        for (const What what : {What::forward, What::grad_input, What::grad_filter})
            for (const int threads : {1, 2}) {
                const std::string name = concat(row.name, "/", kWhatNames[int(what)], "/threads:", threads);
                benchmark::RegisterBenchmark(
                    name.c_str(), [=](benchmark::State& state) { time_row(state, device, peak, shape, what, threads); })
                    ->Unit(benchmark::kMicrosecond)
                    ->MinTime(0.05)
                    ->UseRealTime();
            }
    }
    for (const std::string network : {"googlenet224", "googlenet128"})
        for (const int64_t batch : {1, 8})
            for (const int threads : {1, 2}) {
                std::vector<Conv2dShape> shapes;
                for (const testing::ShapeRow& row : testing::read_shapes("conv2d.txt")) {
                    if (row.name == network + "/mixed4e_1x1") break;
                    if (!row.name.starts_with(network + "/")) continue;
                    shapes.push_back(shape_of(row));
                    shapes.back().n = batch;
                }
                const std::string name = concat(network, "/to_mixed4d/batch:", batch, "/threads:", threads);
                benchmark::RegisterBenchmark(
                    name.c_str(), [=](benchmark::State& state) { time_network(state, device, peak, shapes, threads); })
                    ->Unit(benchmark::kMicrosecond)
                    ->MinTime(0.5)
                    ->UseRealTime();
            }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
