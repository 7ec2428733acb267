// Pictures of the procedural world: what training waits for, and composites.
#include <benchmark/benchmark.h>

#include "kernels/error.h"
#include "nets/world/world.h"

namespace limpid {
namespace {

// Argument: pixels. Picture after picture, every pattern as likely; the CPU time is that of one thread.
void world(benchmark::State& state) {
    HostTensor image({1, state.range(0), state.range(0), 3});
    uint32_t index = 0;
    for (auto _ : state) {
        paint_world(1, index++, image.view());
        benchmark::DoNotOptimize(image.values.data());
    }
    for (const float value : image.values) CHECK(value >= 0 && value <= 1);
    state.counters["pictures/s"] = benchmark::Counter(double(index), benchmark::Counter::kIsRate);
}
BENCHMARK(world)->ArgName("px")->Arg(32)->Arg(kWorldSize)->Unit(benchmark::kMicrosecond);

// Argument: patterns in a composite of 96 pixels, with their masks.
void composite(benchmark::State& state) {
    uint32_t index = 0;
    for (auto _ : state) benchmark::DoNotOptimize(paint_composite(1, index++, int(state.range(0)), 96));
    state.counters["pictures/s"] = benchmark::Counter(double(index), benchmark::Counter::kIsRate);
}
BENCHMARK(composite)->ArgName("patterns")->Arg(2)->Arg(4)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace limpid

BENCHMARK_MAIN();
