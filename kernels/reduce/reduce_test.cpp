// Reductions against their oracle: every kind, every set of axes, every device.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/reduce/reduce_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

constexpr Reduce kKinds[] = {Reduce::sum,    Reduce::mean,        Reduce::max,
                             Reduce::argmax, Reduce::sum_squares, Reduce::max_abs};

Axes axes_of(int bits) { return {(bits & 8) != 0, (bits & 4) != 0, (bits & 2) != 0, (bits & 1) != 0}; }
std::string label(Reduce kind, Axes a, const Device& device) {
    return concat(name(kind), " over ", a.n ? "n" : "", a.h ? "h" : "", a.w ? "w" : "", a.c ? "c" : "", " on ",
                  to_string(device));
}

HostTensor run(Stream& stream, Reduce kind, Axes axes, const HostTensor& x, int64_t gap) {
    const ReduceKernels& kernels = stream.backend().kernels.reduce;
    GuardedTensor in(stream, x, x.shape.c + gap), out(stream, axes.reduced(x.shape), axes.reduced(x.shape).c + gap);
    GuardedScratch scratch(stream, kernels.scratch(kind, axes, x.shape, stream.thread_count()));
    kernels.reduce(stream, kind, axes, in.view(), out.view(), scratch.scratch());
    scratch.check();
    return out.read();
}

// Maxima are exact. Sums: the reduced count; the scale is that of the result, so give the terms one sign (0.25..1),
// else a sum near zero would be judged by a scale that it cancelled.
void expect_oracle(const Shape& shape, int64_t gap) {
    const HostTensor positive = random_tensor(shape, 0.25f, 1, 1), negative = random_tensor(shape, -2, -0.125f, 2);
    for (int bits = 0; bits < 16; bits++) {
        const Axes axes = axes_of(bits);
        const int64_t results = axes.reduced(shape).size(), terms = results > 0 ? shape.size() / results : 0;
        for (const Reduce kind : kKinds) {
            const bool picks = kind == Reduce::max || kind == Reduce::argmax || kind == Reduce::max_abs;
            if (terms == 0 && results > 0 && (kind == Reduce::mean || kind == Reduce::max || kind == Reduce::argmax))
                continue;
            const HostTensor& x = picks ? negative : positive;
            const HostArray<double> wide = widen(x), expected = oracle::reduce(kind, axes, wide.view());
            Tolerance tolerance = picks ? Tolerance{} : sum_tolerance(terms);
            tolerance.zeros_expected = results == 0 || terms == 0 || (kind == Reduce::argmax);
            for (const Device& device : devices_under_test()) {
                Stream stream(device, 2);
                EXPECT_TRUE(matches(expected, run(stream, kind, axes, x, gap), tolerance))
                    << label(kind, axes, device) << " of " << shape;
            }
        }
    }
}

TEST(Reduce, MatchesOracleDense) {
    for (const Shape& shape : {Shape{3, 5, 7, 37}, Shape{2, 1, 3, 5}, Shape{1, 1, 1, 1}, Shape{2, 3, 1, 16}})
        expect_oracle(shape, 0);
}
TEST(Reduce, MatchesOraclePitched) {
    for (const Shape& shape : {Shape{3, 5, 7, 37}, Shape{2, 6, 5, 3}}) expect_oracle(shape, 3);
}
// More than one part of each kind: over 256 pixels, and over 1024 elements with a tail.
TEST(Reduce, MatchesOracleInParts) {
    for (const Shape& shape : {Shape{2, 19, 31, 21}, Shape{2, 3, 2, 1030}}) expect_oracle(shape, 0);
    expect_oracle({2, 19, 31, 3}, 2);
    expect_oracle({1, 2, 1, 2100}, 5);
}
TEST(Reduce, NothingIsZero) {
    expect_oracle({0, 2, 3, 5}, 0);
    expect_oracle({2, 0, 3, 5}, 1);
}

// Written by hand, so that oracle and kernels cannot be wrong together.
TEST(Reduce, FollowsTheDefinition) {
    const HostTensor x({1, 2, 1, 3}, {1, -7, 4, 4, 2, -1});
    struct Row {
        Reduce kind;
        Axes axes;
        HostTensor expected;
    };
    const Axes all{true, true, true, true}, space{false, true, true, false}, channels{false, false, false, true};
    const std::vector<Row> rows = {
        {Reduce::sum, all, HostTensor({1, 1, 1, 1}, {3})},
        {Reduce::mean, space, HostTensor({1, 1, 1, 3}, {2.5f, -2.5f, 1.5f})},
        {Reduce::max, channels, HostTensor({1, 2, 1, 1}, {4, 4})},
        {Reduce::argmax, channels, HostTensor({1, 2, 1, 1}, {2, 0})},
        {Reduce::argmax, all, HostTensor({1, 1, 1, 1}, {2})},  // the first of two maxima
        {Reduce::argmax, space, HostTensor({1, 1, 1, 3}, {1, 1, 0})},
        {Reduce::sum_squares, channels, HostTensor({1, 2, 1, 1}, {66, 21})},
        {Reduce::max_abs, all, HostTensor({1, 1, 1, 1}, {7})},
    };
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    for (const Device& device : devices) {
        Stream stream(device, 1);
        for (const Row& row : rows)
            EXPECT_TRUE(matches(row.expected, run(stream, row.kind, row.axes, x, 0), {}))
                << label(row.kind, row.axes, device);
    }
}

// Wherever it is: in a lane of the tail, in a later part, beside numbers that are larger.
TEST(Reduce, NanReachesItsResultAndNoOther) {
    for (const Shape& shape : {Shape{2, 2, 2, 21}, Shape{2, 17, 19, 5}, Shape{2, 1, 1, 1040}})
        for (const int64_t offset : {int64_t(0), int64_t(1), shape.size() / 4, shape.size() / 2 - 1}) {
            HostTensor x = random_tensor(shape);
            x.values[size_t(offset)] = std::numeric_limits<float>::quiet_NaN();
            for (const Reduce kind : {Reduce::sum, Reduce::max, Reduce::max_abs, Reduce::argmax})
                for (const Axes axes :
                     {Axes{false, true, true, true}, Axes{false, true, true, false}, Axes{false, false, false, true}}) {
                    const HostArray<double> wide = widen(x), expected = oracle::reduce(kind, axes, wide.view());
                    for (const Device& device : devices_under_test()) {
                        Stream stream(device, 1);
                        const HostTensor actual = run(stream, kind, axes, x, 0);
                        for (size_t i = 0; i < actual.values.size(); i++) {
                            EXPECT_EQ(std::isnan(expected.values[i]), std::isnan(actual.values[i]))
                                << label(kind, axes, device);
                            if (kind == Reduce::argmax) {
                                EXPECT_EQ(float(expected.values[i]), actual.values[i]) << label(kind, axes, device);
                            }
                        }
                    }
                }
        }
}

// 2^24 ones and more: a single running sum would stop counting there.
TEST(Reduce, LongSumsDoNotStall) {
    const HostTensor x({1, 4100, 4100, 1}, std::vector<float>(4100 * 4100, 1.0f));
    Stream stream(Device{DeviceKind::cpu, kCpuBest}, 2);
    const Axes all{true, true, true, true}, space{false, true, true, false};
    EXPECT_EQ(run(stream, Reduce::sum, all, x, 0).values[0], 4100.0f * 4100.0f);
    EXPECT_EQ(run(stream, Reduce::sum, space, x, 0).values[0], 4100.0f * 4100.0f);
}

TEST(Reduce, SameBitsForAnyThreadsBatchAndPitch) {
    const Shape shape{3, 41, 43, 19};
    const HostTensor x = random_tensor(shape);
    const int64_t size = shape.size() / 3;
    const HostTensor second({1, 41, 43, 19}, {x.values.begin() + size, x.values.begin() + 2 * size});
    for (const Device& device : devices_under_test())
        for (const Reduce kind : {Reduce::sum, Reduce::mean, Reduce::sum_squares})
            for (const int bits : {1, 2, 3, 4, 5, 6, 7}) {  // n is kept
                const Axes axes = axes_of(bits);
                Stream one(device, 1), many(device, 5);
                const HostTensor expected = run(one, kind, axes, x, 0);
                EXPECT_TRUE(same_bits(expected, run(many, kind, axes, x, 0))) << label(kind, axes, device);
                EXPECT_TRUE(same_bits(expected, run(many, kind, axes, x, 5)))
                    << label(kind, axes, device) << ", pitched";
                const HostTensor alone = run(many, kind, axes, second, 0);
                const int64_t part = expected.shape.size() / 3;
                EXPECT_TRUE(same_bits(
                    HostTensor(alone.shape, {expected.values.begin() + part, expected.values.begin() + 2 * part}),
                    alone))
                    << label(kind, axes, device) << ", alone";
            }
}

}  // namespace
}  // namespace limpid::testing
