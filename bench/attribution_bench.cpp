// The building blocks of one photo, at 224 pixels: dictionary, channel attribution, positions to positions, groups, a
// grid, and the pieces that a report is made of.
//
// Argument of every benchmark: threads. Weights are random where the time does not depend on values; the number of
// iterations of a factorisation does, so it is fixed at the published photos' typical 84 (spread: 30 to 200).
// Every benchmark does all that a command does between loading weights and writing files: it makes graphs and plans and
// packs filters, each time.
#include <benchmark/benchmark.h>

#include <cmath>

#include "graph/vjp_overrides.h"
#include "nets/net.h"
#include "tests/harness/golden.h"
#include "tests/harness/random_net.h"
#include "viz/attribution/layer_shares.h"
#include "viz/dictionary/dictionary.h"
#include "viz/factor/groups.h"
#include "viz/grid/grid.h"

namespace limpid {
namespace {

const Net& random_net() {
    static const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    return net;
}

HostTensor photo() {
    HostTensor values = testing::he_uniform({1, 224, 224, 3}, 24, 1);  // within [-0.5, 0.5]
    for (float& v : values.values) v += 0.5f;
    return values;
}

// Wall time of two threads tells little on a shared machine: the CPU column is that of all threads.
void threads(benchmark::internal::Benchmark* bench) {
    bench->ArgName("threads")->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime()->Arg(1)->Arg(2);
}

void dictionary(benchmark::State& state) {
    Stream stream({DeviceKind::cpu, 0}, int(state.range(0)));
    const HostTensor image = photo();
    for (auto _ : state)
        benchmark::DoNotOptimize(make_dictionary(activations(random_net(), {"mixed4d"}, image, stream)[0], 4));
}
BENCHMARK(dictionary)->Apply(threads);

void channel_attribution(benchmark::State& state) {
    Stream stream({DeviceKind::cpu, 0}, int(state.range(0)));
    const HostTensor image = photo();
    const Target target = parse_target(random_net(), "class:7 - class:9");
    for (auto _ : state) {
        const HostTensor a = activations(random_net(), {"mixed4d"}, image, stream)[0];
        Section section(random_net(), "mixed4d", a.shape, random_net().logits, stream);
        benchmark::DoNotOptimize(sum_positions(linear_attribution(section, a, target)));
    }
}
BENCHMARK(channel_attribution)->Apply(threads);

// All 196 positions of mixed4d to all 196 of mixed4a.
void positions_to_positions(benchmark::State& state) {
    Stream stream({DeviceKind::cpu, 0}, int(state.range(0)));
    const HostTensor a = activations(random_net(), {"mixed4a"}, photo(), stream)[0];
    for (auto _ : state) {
        Section section(random_net(), "mixed4a", a.shape, "mixed4d", stream);
        benchmark::DoNotOptimize(position_attribution(section, a));
    }
}
BENCHMARK(positions_to_positions)->Apply(threads);

// Six groups of 14 x 14 positions of 528 channels; one thread.
void groups(benchmark::State& state) {
    HostTensor a = testing::he_uniform({1, 14, 14, 528}, 6, 1);
    for (float& v : a.values) v = std::max(v, 0.0f);
    for (auto _ : state)
        benchmark::DoNotOptimize(
            find_groups(a, 6, GroupOrder::centre, {.tolerance = 0, .most_iterations = state.range(0)}));
}
BENCHMARK(groups)->ArgName("iterations")->Unit(benchmark::kMillisecond)->Arg(84)->Arg(200);

// A grid of mixed4d, 257 updates of 64 of its 196 pictures; whatever its groups, they take the same time.
void grid(benchmark::State& state) {
    Stream stream({DeviceKind::cpu, 0}, int(state.range(0)));
    const HostTensor a = activations(random_net(), {"mixed4d"}, photo(), stream)[0];
    for (auto _ : state) benchmark::DoNotOptimize(activation_grid(random_net(), "mixed4d", a, {}, stream));
}
BENCHMARK(grid)->Apply(threads)->Iterations(1);

// 100 of the classes to every position and channel of four layers: a report asks for all.
void classes_to_layers(benchmark::State& state) {
    Stream stream({DeviceKind::cpu, 0}, int(state.range(0)));
    const std::vector<std::string> layers{"mixed3a", "mixed4a", "mixed4d", "mixed5a"};
    const HostTensor a = activations(random_net(), {"mixed3a"}, photo(), stream)[0];
    const auto write = [](int64_t i, MutView seed) { seed.at(0, 0, 0, i) = 1; };
    for (auto _ : state)
        benchmark::DoNotOptimize(layer_shares(random_net(), layers, a, random_net().logits, 100, write, stream,
                                              {.overrides = smoothed_and_blurred_max_pool()}));
}
BENCHMARK(classes_to_layers)->Apply(threads);

// Six groups of mixed4a that agree with six of mixed4d.
void aligned(benchmark::State& state) {
    Stream stream({DeviceKind::cpu, 0}, int(state.range(0)));
    const auto a = activations(random_net(), {"mixed4a", "mixed4d"}, photo(), stream);
    const Groups later = find_groups(a[1], 6);
    for (auto _ : state) {
        Section section(random_net(), "mixed4a", a[0].shape, "mixed4d", stream);
        benchmark::DoNotOptimize(
            aligned_groups(section, a[0], later, 6, GroupOrder::centre, {.tolerance = 0, .most_iterations = 84}));
    }
}
BENCHMARK(aligned)->Apply(threads);

}  // namespace
}  // namespace limpid

BENCHMARK_MAIN();
