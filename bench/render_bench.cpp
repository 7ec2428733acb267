// Whole updates: the network alone (forward, and gradient to the image), and a complete update of a render.
//
//   render_bench [--device cuda:0] [--precision tf32] [--iterations 60] [--benchmark_filter=render_update]
//
// --iterations: so many of each, instead of as many as a time takes, for which all would be set up several times.
// Arguments of every benchmark: image size, batch, threads (which a GPU ignores: there it is always 1). Weights are
// random: the time does not depend on their values. Counters: image-steps per second, and GFLOP/s of the direct
// algorithm (so Winograd can exceed the peak). render_update also runs, in turns with the updates, the network alone
// (score and gradient to the view, at the size that the update's transforms gave): outside_% is the share of an update
// that this does not explain.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <map>

#include "bench/device_option.h"
#include "bench/or_error.h"
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

Device device;           // --device
int64_t iterations = 0;  // --iterations; 0: Google Benchmark decides
int failures = 0;        // makes the program fail

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
    const DeviceTensor input(stream, HostTensor({batch, size, size, 3}, 0.5f));
    DeviceTensor value(stream.device(), {batch, 1, 1, 1}), result(stream.device(), {batch, size, size, 3});
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

// Score and gradient to the view for each of the sizes that the transforms of a render produce.
class NetworkAlone {
  public:
    NetworkAlone(const Objective& objective, const RenderOptions& options, Stream& stream)
        : stream_(stream), constants_(stream) {
        const Shape image = options.param.image(options.batch);
        size_t arena_bytes = 0;
        int64_t most = 0;
        for (const std::vector<int>& scales : all_scales(options.transforms, image.h, image.w)) {
            Graph sizes, graph;
            const Transformed view = transform(sizes, options.transforms, scales, sizes.input("image", image));
            const NodeId input = graph.input("view", sizes.shape(view.image));
            Layers layers = apply(random_net(), graph, input);
            layers["input"] = input;
            const NodeId value = score(graph, objective, random_net(), layers);
            const NodeId gradient = grad(graph, value, {input})[0];
            const Plan& plan = plans_.emplace(scales, make_plan(graph, {value, gradient}, constants_)).first->second;
            arena_bytes = std::max(arena_bytes, plan.arena_bytes);
            most = std::max(most, plan.inputs[0].shape.size());
        }
        view_ = DeviceTensor(stream, HostTensor({1, 1, 1, most}, 0.5f));
        gradient_ = DeviceTensor(stream.device(), {1, 1, 1, most});
        score_ = DeviceTensor(stream.device(), {options.batch, 1, 1, 1});
        arena_ = Buffer(stream.device(), arena_bytes);
    }

    void run(const std::vector<int>& scales) {
        const Plan& plan = plans_.at(scales);
        const auto work = [&] {
            const ConstView inputs[] = {{view_.buffer.floats(), plan.inputs[0].shape}};
            const MutView outputs[] = {score_.view(), {gradient_.buffer.floats(), plan.inputs[0].shape}};
            limpid::run(plan, stream_, inputs, outputs, arena_.scratch());
        };
        CapturedWork& captured = captured_[&plan];
        if (captured) return captured.replay(stream_);
        // As it is: a kernel's first launch may load it, which a recording does not allow.
        work();
        if (CapturedWork::possible(stream_)) captured = CapturedWork(stream_, work);
    }

  private:
    Stream& stream_;
    ConstantStore constants_;
    std::map<std::vector<int>, Plan> plans_;
    DeviceTensor view_, gradient_, score_;
    Buffer arena_;
    std::map<const Plan*, CapturedWork> captured_;
};

void render_update(benchmark::State& state, const std::string& unit) {
    RenderOptions options;
    options.param.height = options.param.width = state.range(0);
    options.batch = state.range(1);
    Stream stream(device, int(state.range(2)));
    Renderer renderer(random_net(), parse_objective(unit), options, stream);
    NetworkAlone network(parse_objective(unit), options, stream);
    TransformSample draw;
    const auto network_step = [&](int64_t step) {
        sample(options.transforms, options.param.height, options.param.width, options.seed, uint32_t(step), draw);
        network.run(draw.scales);
    };
    const auto seconds_of = [&](const auto& work) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        stream.synchronize();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    int64_t step = options.redirected_relu_updates;
    // Every plan twice, so that a GPU has recorded them all.
    if (device.kind == DeviceKind::cuda)
        for (int i = 0; i < 100; i++, step++) {
            renderer.update(step);
            network_step(step);
        }
    renderer.update(step);
    network_step(step);
    stream.synchronize();
    double updates_s = 0, network_s = 0;
    for (auto _ : state) {
        const double update_s = seconds_of([&] { renderer.update(step); });
        state.SetIterationTime(update_s);
        updates_s += update_s;
        network_s += seconds_of([&] { network_step(step); });
        step++;
    }
    report(state, options.batch, renderer.typical_plan().cost().operations);
    state.counters["outside_%"] = 100 * (1 - network_s / updates_s);
}

// Different units in one batch, as limpid batch renders them: whole updates, scores on the host after each.
void batch_update(benchmark::State& state, const std::string& layer_name) {
    const int64_t batch = state.range(1);
    Stream stream(device, int(state.range(2)));
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

// Sizes, batches and threads that are worth a measurement on this kind of device.
void sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"px", "batch", "threads"})->Unit(benchmark::kMillisecond);
    if (iterations > 0) bench->Iterations(iterations);
    const bool gpu = device.kind == DeviceKind::cuda;
    for (const int64_t px : {128, 224}) {
        if (gpu)
            for (const int64_t batch : {1, 16, 64}) bench->Args({px, batch, 1});
        else
            for (const int64_t batch : {1, 4, 16, 32})
                for (const int64_t threads : {1, 2})
                    if (batch <= 4 || threads == 2) bench->Args({px, batch, threads});
    }
}

// Known only when --device is.
void register_benchmarks() {
    const auto add = [](const std::string& name, void (*run)(benchmark::State&, const std::string&),
                        const std::string& layer) {
        return benchmark::RegisterBenchmark(
                   name.c_str(),
                   [run, layer](benchmark::State& state) { or_error(state, failures, [&] { run(state, layer); }); })
            ->Apply(sizes);
    };
    add("network_step/mixed4d", network_step, "mixed4d")->UseRealTime();
    add("network_step/logits", network_step, "softmax2_pre_activation")->UseRealTime();
    add("render_update/mixed4d_100", render_update, "mixed4d:100")->UseManualTime();
    add("batch_update/mixed4d", batch_update, "mixed4d")->UseRealTime();
}

}  // namespace
}  // namespace limpid

int main(int argc, char** argv) {
    try {
        limpid::device = limpid::take_device(argc, argv);
        const std::string iterations = limpid::take_option(argc, argv, "--iterations");
        if (!iterations.empty()) limpid::iterations = std::stoll(iterations);
        limpid::backend(limpid::device);  // fails before anything is timed
        limpid::register_benchmarks();
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
        benchmark::RunSpecifiedBenchmarks();
        return limpid::failures == 0 ? 0 : 1;
    } catch (const limpid::Error& error) {
        std::fprintf(stderr, "render_bench: %s\n", error.what());
        return 1;
    }
}
