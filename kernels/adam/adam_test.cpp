// Adam on every device: against the oracle, over several steps, and its published properties.
#include <cmath>

#include "kernels/adam/adam_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// The reference device is the oracle in the coat of a kernel; the coat is tested here too.
std::vector<Device> devices_and_reference() {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    return devices;
}

struct State {
    HostTensor theta, m, v;
};

State run_step(Stream& stream, const AdamParameters& parameters, int64_t t, const HostTensor& g, const State& before) {
    const GuardedTensor rate(stream, HostTensor({1, 1, 1, 1}, float(adam_rate(parameters, t))));
    const GuardedTensor in(stream, g), theta(stream, before.theta), m(stream, before.m), v(stream, before.v);
    stream.backend().kernels.adam.step(stream, parameters, rate.view().data, g.shape.size(), in.view().data,
                                       theta.view().data, m.view().data, v.view().data);
    return {theta.read(), m.read(), v.read()};
}

State random_state(Shape shape) {
    return {random_tensor(shape, -1, 1, 1), random_tensor(shape, -1, 1, 2), random_tensor(shape, 0.01f, 1, 3)};
}

TEST(Adam, RateFollowsTheFormula) {
    const AdamParameters parameters;
    EXPECT_NEAR(adam_rate(parameters, 1), 0.05 * std::sqrt(0.001) / 0.1, 1e-15);
    EXPECT_NEAR(adam_rate(parameters, 2), 0.05 * std::sqrt(1 - 0.999 * 0.999) / (1 - 0.81), 1e-15);
    EXPECT_NEAR(adam_rate(parameters, 1000000), 0.05, 1e-15);
    EXPECT_NEAR(adam_rate({.ascend = false}, 1000000), -0.05, 1e-15);
}

TEST(Adam, MatchesOracle) {
    for (const int64_t count : {0, 1, 15, 17, 508, 50001})
        for (const bool ascend : {true, false})
            for (const int64_t t : {1, 2, 512}) {
                const AdamParameters parameters{
                    .rate = 0.03, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-3, .ascend = ascend};
                const Shape shape{1, 1, 1, count};
                const HostTensor g = random_tensor(shape, -1, 1);
                const State before = random_state(shape);
                HostArray<double> theta = widen(before.theta), m = widen(before.m), v = widen(before.v);
                oracle::adam_step(parameters, adam_rate(parameters, t), count, widen(g).values.data(),
                                  theta.values.data(), m.values.data(), v.values.data());
                for (const Device& device : devices_and_reference()) {
                    Stream stream(device);
                    const State after = run_step(stream, parameters, t, g, before);
                    // A sum of two terms each; the coefficients are rounded to float.
                    const Tolerance tolerance{sum_tolerance(2).relative, count == 0};
                    EXPECT_TRUE(matches(m, after.m, tolerance)) << count << " " << to_string(device);
                    EXPECT_TRUE(matches(v, after.v, tolerance)) << count << " " << to_string(device);
                    EXPECT_TRUE(matches(theta, after.theta, tolerance)) << count << " " << to_string(device);
                }
            }
}

// From rest, the first step has the length of the rate whatever the gradient's scale, down to where epsilon is felt.
TEST(Adam, FirstStepHasTheLengthOfTheRate) {
    const HostTensor zeros({1, 1, 1, 4});
    const HostTensor g(zeros.shape, std::vector<float>{1e4f, -1.0f, 1e-2f, -1e-4f});
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        const State after = run_step(stream, {}, 1, g, {zeros, zeros, zeros});
        // epsilon (1e-8) against sqrt(v) = 3e-6 for the smallest gradient: 0.3 %.
        for (size_t i = 0; i < 4; i++)
            EXPECT_NEAR(after.theta.values[i], g.values[i] > 0 ? 0.05f : -0.05f, 0.05 * 4e-3);
    }
}

// Twenty steps towards the top of -(theta - 3)^2.
TEST(Adam, ClimbsAParabola) {
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        const HostTensor zeros({1, 1, 1, 33});
        State state{zeros, zeros, zeros};
        float before = 9;
        for (int64_t t = 1; t <= 20; t++) {
            HostTensor g(zeros.shape);
            for (size_t i = 0; i < g.values.size(); i++) g.values[i] = -2 * (state.theta.values[i] - 3);
            state = run_step(stream, {}, t, g, state);
            const float distance = 3 - state.theta.values[32];
            EXPECT_LT(distance * distance, before) << "step " << t;
            before = distance * distance;
        }
    }
}

TEST(Adam, BitsDoNotDependOnThreads) {
    const Shape shape{1, 1, 1, 50001};
    const HostTensor g = random_tensor(shape, -1, 1);
    const State before = random_state(shape);
    for (const Device& device : devices_under_test()) {
        Stream single(device, 1), pair(device, 2);
        const State a = run_step(single, {}, 3, g, before), b = run_step(pair, {}, 3, g, before);
        EXPECT_TRUE(same_bits(a.theta, b.theta));
        EXPECT_TRUE(same_bits(a.m, b.m));
        EXPECT_TRUE(same_bits(a.v, b.v));
    }
}

}  // namespace
}  // namespace limpid::testing
