// Whole updates: the network alone (forward, and gradient to the image), and a complete update of a render.
//
//   render_bench [--device cuda:0] [--precision tf32] [--benchmark_filter=render_update]
//
// Arguments of every benchmark: image size, batch, threads (which a GPU ignores). Weights are random: the time does not
// depend on their values. Counters: image-steps per second, and GFLOP/s of the direct algorithm (so Winograd can exceed
// the peak).
#include <benchmark/benchmark.h>

#include <cstdio>

#include "bench/device_option.h"
#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "kernels/captured_work.h"
#include "kernels/error.h"
#include "nets/net.h"
#include "tests/harness/random_net.h"
#include "viz/batch/batch_renderer.h"
#include "viz/render/render.h"

namespace limpid {
namespace {

Device device;  // --device

const Net& random_net() {
    static const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    return net;
}

void report(benchmark::State& state, int64_t batch, double operations) {
    state.counters["image-steps/s"] = benchmark::Counter(double(batch), benchmark::Counter::kIsIterationInvariantRate);
    if (operations > 0)
        state.counters["GFLOP/s"] = benchmark::Counter(operations / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

// Forward and gradient to the image of half the sum of squares of a layer: everything up to that layer is needed, both
// ways.
void network_step(benchmark::State& state, const std::string& layer_name) {
    const int64_t size = state.range(0), batch = state.range(1);
    Stream stream(device, int(state.range(2)));
    Graph graph;
    const NodeId image = graph.input("image", {batch, size, size, 3});
    const Layers layers = apply(random_net(), graph, image);
    const NodeId score =
        ops::reduce(graph, Reduce::sum_squares, {false, true, true, true}, layer(random_net(), layers, layer_name));
    const NodeId gradient = grad(graph, ops::affine(graph, score, 0.5f, 0), {image})[0];
    ConstantStore constants(stream);
    const Plan plan = make_plan(graph, {score, gradient}, constants);
    const DeviceTensor input(stream, HostTensor({batch, size, size, 3}, 0.5f)),
        value(stream.device(), {batch, 1, 1, 1});
    const DeviceTensor result(stream.device(), {batch, size, size, 3});
    const Buffer arena(stream.device(), plan.arena_bytes);
    const ConstView inputs[] = {input.view()};
    const MutView outputs[] = {value.view(), result.view()};
    // A GPU is given its work as a render gives it: recorded once, then replayed.
    run(plan, stream, inputs, outputs, arena.scratch());
    CapturedWork captured;
    if (CapturedWork::possible(stream))
        captured = CapturedWork(stream, [&] { run(plan, stream, inputs, outputs, arena.scratch()); });
    for (auto _ : state) {
        if (captured)
            captured.replay(stream);
        else
            run(plan, stream, inputs, outputs, arena.scratch());
        stream.synchronize();
    }
    report(state, batch, plan.cost().operations);
}

void render_update(benchmark::State& state, const std::string& unit) {
    RenderOptions options;
    options.param.height = options.param.width = state.range(0);
    options.batch = state.range(1);
    Stream stream(device, int(state.range(2)));
    Renderer renderer(random_net(), parse_objective(unit), options, stream);
    int64_t step = options.redirected_relu_updates;
    // Every plan twice, so that a GPU has recorded them all.
    if (device.kind == DeviceKind::cuda)
        for (int i = 0; i < 100; i++) renderer.update(step++);
    stream.synchronize();
    for (auto _ : state) {
        renderer.update(step++);
        stream.synchronize();
    }
    report(state, options.batch, renderer.typical_plan().cost().operations);
}

// Different units in one batch, as limpid batch renders them: whole updates, scores on the host after each.
void batch_update(benchmark::State& state, const std::string& layer_name) {
    const int64_t batch = state.range(1);
    Stream stream({DeviceKind::cpu, 0}, int(state.range(2)));
    std::vector<Job> jobs;
    for (int64_t i = 0; i < batch; i++) {
        Job job{concat(i), parse_objective(concat(layer_name, ":", i)), {}};
        job.options.param.height = job.options.param.width = state.range(0);
        job.options.steps = 10'000'000;
        jobs.push_back(std::move(job));
    }
    BatchRenderer renderer(random_net(), stream, batch);
    size_t next = 0;
    // Not timed: plans are made while the scales come round, and the first updates have another gradient.
    int64_t update = 0, warm = 40;
    renderer.run([&] { return next < jobs.size() ? &jobs[next++] : nullptr; },
                 [](FinishedJob&& finished) { CHECK(finished.error.empty(), finished.error); },
                 [&](int64_t images) {
                     CHECK(images == batch);
                     if (++update <= warm) return true;
                     return bool(state.KeepRunning());
                 });
    report(state, batch, 0);
}

void sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"px", "batch", "threads"})->Unit(benchmark::kMillisecond)->UseRealTime();
    for (const int64_t px : {128, 224})
        for (const int64_t batch : {1, 4, 16, 32})
            for (const int64_t threads : {1, 2})
                if (batch <= 4 || threads == 2) bench->Args({px, batch, threads});
}

BENCHMARK_CAPTURE(network_step, mixed4d, "mixed4d")->Apply(sizes);
BENCHMARK_CAPTURE(network_step, logits, "softmax2_pre_activation")->Apply(sizes);
BENCHMARK_CAPTURE(render_update, mixed4d_100, "mixed4d:100")->Apply(sizes);
BENCHMARK_CAPTURE(batch_update, mixed4d, "mixed4d")->Apply(sizes);

}  // namespace
}  // namespace limpid

int main(int argc, char** argv) {
    try {
        limpid::device = limpid::take_device(argc, argv);
        limpid::backend(limpid::device);  // fails before anything is timed
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
        benchmark::RunSpecifiedBenchmarks();
        return 0;
    } catch (const limpid::Error& error) {
        std::fprintf(stderr, "render_bench: %s\n", error.what());
        return 1;
    }
}
