// Softmax against its oracle on every device, and the oracle against its definition.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/softmax/softmax_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

const float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

// The classifier, a map of logits, tails of every length that matters, one channel, nothing.
std::vector<Shape> shapes() {
    return {{1, 1, 1, 1008}, {2, 7, 5, 37}, {3, 1, 1, 5}, {2, 3, 2, 16}, {1, 2, 2, 1}, {1, 1, 3, 1023}, {0, 1, 1, 8}};
}

// Each exponential is right to a few units in the last place, but its argument x - max carries the rounding of x - max:
// a relative error of eps/2 * |x - max|. Inputs here lie in [-8, 8].
Tolerance tolerance_of(const Shape& shape) {
    Tolerance tolerance = sum_tolerance(shape.c);
    tolerance.relative += 16 * double(std::numeric_limits<float>::epsilon());
    tolerance.zeros_expected = shape.n == 0;
    return tolerance;
}

TEST(Softmax, MatchesOracle) {
    for (const Shape& shape : shapes()) {
        const HostTensor x = random_tensor(shape, -8, 8);
        const HostArray<double> wide = widen(x), y = oracle::softmax(wide.view()),
                                total = oracle::log_sum_exp(wide.view());
        Tolerance tolerance = tolerance_of(shape);
        for (const Device& device : devices_under_test()) {
            Stream stream(device, 2);
            const SoftmaxKernels& kernels = stream.backend().kernels.softmax;
            GuardedTensor from(stream, x, shape.c + 3), to(stream, shape, shape.c + 5),
                sum(stream, {shape.n, shape.h, shape.w, 1}, 4);
            kernels.forward(stream, from.view(), to.view());
            EXPECT_TRUE(matches(y, to.read(), tolerance)) << shape << " on " << to_string(device);
            kernels.log_sum_exp(stream, from.view(), sum.view());
            EXPECT_TRUE(matches(total, sum.read(), tolerance)) << shape << " on " << to_string(device);
        }
    }
}

TEST(Softmax, GradientMatchesOracle) {
    for (const Shape& shape : shapes()) {
        if (shape.c == 1) continue;  // the gradient is zero
        const HostTensor y = random_tensor(shape, 0, 1.0f / float(shape.c), 1), dy = random_tensor(shape, -1, 1, 2);
        const HostArray<double> wide_y = widen(y), wide_dy = widen(dy),
                                dx = oracle::softmax_grad_input(wide_y.view(), wide_dy.view());
        for (const Device& device : devices_under_test()) {
            Stream stream(device, 2);
            GuardedTensor from(stream, y, shape.c + 3), up(stream, dy, shape.c + 1), to(stream, shape, shape.c + 5);
            stream.backend().kernels.softmax.grad_input(stream, from.view(), up.view(), to.view());
            EXPECT_TRUE(matches(dx, to.read(), tolerance_of(shape))) << shape << " on " << to_string(device);
        }
    }
}

TEST(SoftmaxOracle, FollowsTheDefinition) {
    const HostArray<double> x({1, 1, 1, 3}, {0, std::log(2.0), std::log(5.0)});
    const HostArray<double> y = oracle::softmax(x.view());
    EXPECT_NEAR(y.values[0], 0.125, 1e-15);
    EXPECT_NEAR(y.values[1], 0.25, 1e-15);
    EXPECT_NEAR(y.values[2], 0.625, 1e-15);
    EXPECT_NEAR(oracle::log_sum_exp(x.view()).values[0], std::log(8.0), 1e-15);
}

TEST(SoftmaxOracle, GradientsAreTheDerivatives) {
    const Shape shape{2, 1, 3, 7};
    const HostArray<double> x = widen(random_tensor(shape, -2, 2, 1)), dy = widen(random_tensor(shape, -1, 1, 2));
    const HostArray<double> direction = widen(random_tensor(shape, -1, 1, 3));
    const auto moved = [&](double step) {
        HostArray<double> result = x;
        for (size_t i = 0; i < result.values.size(); i++) result.values[i] += step * direction.values[i];
        return result;
    };
    const HostArray<double> y = oracle::softmax(x.view()), dx = oracle::softmax_grad_input(y.view(), dy.view());
    const HostArray<double> ahead = moved(1e-5), behind = moved(-1e-5);
    const HostArray<double> y_ahead = oracle::softmax(View<const double>(ahead.values.data(), shape));
    const HostArray<double> y_behind = oracle::softmax(View<const double>(behind.values.data(), shape));
    double difference = 0, expected = 0;
    for (size_t i = 0; i < dx.values.size(); i++) {
        difference += dy.values[i] * (y_ahead.values[i] - y_behind.values[i]) / 2e-5;
        expected += dx.values[i] * direction.values[i];
    }
    EXPECT_NEAR(difference, expected, 1e-9);
    EXPECT_GT(std::fabs(expected), 1e-3);
}

// Logits far beyond the range of exp, alone and together; minus infinity is a probability of zero; NaN spoils its pixel
// only.
TEST(Softmax, IsStable) {
    const Shape shape{1, 1, 5, 3};
    const HostTensor x(
        shape, {1000, 999, -1000, -1e30f, -1e30f, -1e30f, -kInfinity, 0, -kInfinity, 3e38f, -3e38f, 0, kNan, 5, 1});
    const float a = float(1 / (1 + std::exp(-1.0))), third = 1.0f / 3;
    const HostTensor expected(shape, {a, 1 - a, 0, third, third, third, 0, 1, 0, 1, 0, 0, kNan, kNan, kNan});
    const HostTensor total({1, 1, 5, 1}, {float(1000 + std::log1p(std::exp(-1.0))), -1e30f, 0, 3e38f, kNan});
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    for (const Device& device : devices) {
        Stream stream(device, 1);
        GuardedTensor from(stream, x), to(stream, shape), sum(stream, {1, 1, 5, 1});
        stream.backend().kernels.softmax.forward(stream, from.view(), to.view());
        stream.backend().kernels.softmax.log_sum_exp(stream, from.view(), sum.view());
        EXPECT_TRUE(matches(expected, to.read(), sum_tolerance(3))) << to_string(device);
        const HostTensor actual = sum.read();
        for (size_t i = 0; i < 5; i++) {
            if (std::isnan(total.values[i])) {
                EXPECT_TRUE(std::isnan(actual.values[i])) << to_string(device);
            } else {
                EXPECT_FLOAT_EQ(total.values[i], actual.values[i]) << to_string(device) << " pixel " << i;
            }
        }
    }
}

TEST(Softmax, SameBitsForAnyThreadsAndBatch) {
    const Shape shape{3, 9, 11, 61};
    const HostTensor x = random_tensor(shape, -8, 8, 1), dy = random_tensor(shape, -1, 1, 2);
    for (const Device& device : devices_under_test()) {
        HostTensor y[3], dx[3];
        for (const int threads : {1, 2, 5}) {
            Stream stream(device, threads);
            const SoftmaxKernels& kernels = stream.backend().kernels.softmax;
            GuardedTensor from(stream, x), up(stream, dy), to(stream, shape), down(stream, shape),
                alone(stream, {1, 9, 11, 61});
            kernels.forward(stream, from.view(), to.view());
            kernels.grad_input(stream, to.view(), up.view(), down.view());
            const int i = threads / 2;
            y[i] = to.read(), dx[i] = down.read();
            EXPECT_TRUE(same_bits(y[0], y[i]) && same_bits(dx[0], dx[i]))
                << to_string(device) << " with " << threads << " threads";
            kernels.forward(stream, from.view().image(2), alone.view());
            const HostTensor last({1, 9, 11, 61}, {y[0].values.end() - 9 * 11 * 61, y[0].values.end()});
            EXPECT_TRUE(same_bits(last, alone.read())) << to_string(device);
        }
    }
}

}  // namespace
}  // namespace limpid::testing
