// Local response normalisation against its oracle on every device, and the oracle's gradient against finite
// differences.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/lrn/lrn_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

Shape lrn_shape(const ShapeRow& row) { return {row["n"], row["h"], row["w"], row["c"]}; }
LrnParameters lrn_parameters(const ShapeRow& row) {
    return {row["radius"], float(row["bias_e3"]) * 1e-3f, float(row["alpha_e7"]) * 1e-7f,
            float(row["beta_e3"]) * 1e-3f};
}

// d is a sum of 2*radius + 1 positive terms and a bias, so its relative error is that of the sum; powers of it and the
// few products of the gradient's terms are within the constant of sum_tolerance. The sum over the window adds as many
// terms again.
Tolerance tolerance(const LrnParameters& p, const Shape& shape) {
    Tolerance result = sum_tolerance(2 * (2 * std::min(p.radius, shape.c) + 1));
    result.zeros_expected = shape.n == 0;
    return result;
}

struct LrnCase {
    HostTensor x, dy, mask;
    explicit LrnCase(const Shape& shape)
        : x(random_tensor(shape, -4, 4, 1)), dy(random_tensor(shape, -1, 1, 2)), mask(random_mask(shape, 3)) {}
};

class LrnRow : public ::testing::TestWithParam<ShapeRow> {};

TEST_P(LrnRow, MatchesOracle) {
    const Shape shape = lrn_shape(GetParam());
    const LrnParameters p = lrn_parameters(GetParam());
    const LrnCase test(shape);
    const HostArray<double> x = widen(test.x), dy = widen(test.dy), mask = widen(test.mask);
    const View<const double> in = x.view(), up = dy.view(), gate = mask.view();
    const HostArray<double> y = oracle::lrn(p, in), dx = oracle::lrn_grad_input(p, in, up, {});
    const HostArray<double> masked = oracle::lrn_grad_input(p, in, up, gate);
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        const LrnKernels& kernels = stream.backend().kernels.lrn;
        GuardedTensor from(stream, test.x, shape.c + 3), arriving(stream, test.dy, shape.c + 5),
            relu(stream, test.mask, shape.c + 1);
        GuardedTensor to(stream, shape, shape.c + 2), plain_out(stream, shape), masked_out(stream, shape, shape.c + 7);
        kernels.forward(stream, p, from.view(), to.view());
        EXPECT_TRUE(matches(y, to.read(), tolerance(p, shape))) << to_string(device) << " forward";
        kernels.grad_input(stream, p, from.view(), arriving.view(), {}, plain_out.view());
        EXPECT_TRUE(matches(dx, plain_out.read(), tolerance(p, shape))) << to_string(device) << " gradient";
        kernels.grad_input(stream, p, from.view(), arriving.view(), relu.view(), masked_out.view());
        EXPECT_TRUE(matches(masked, masked_out.read(), tolerance(p, shape))) << to_string(device) << " masked gradient";
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LrnRow, ::testing::ValuesIn(read_shapes("lrn.txt")),
                         [](const auto& info) { return test_name(info.param.name); });

// Written by hand: two channels that see each other, d = 2 + 0.5*(9 + 16) = 14.5.
TEST(LrnOracle, FollowsTheFormula) {
    const HostArray<double> x({1, 1, 1, 2}, {3, 4});
    const HostArray<double> y = oracle::lrn({1, 2.0f, 0.5f, 0.5f}, x.view());
    EXPECT_NEAR(y.values[0], 3 / std::sqrt(14.5), 1e-14);
    EXPECT_NEAR(y.values[1], 4 / std::sqrt(14.5), 1e-14);
    const HostArray<double> alone = oracle::lrn({0, 2.0f, 0.5f, 1.0f}, x.view());
    EXPECT_NEAR(alone.values[0], 3 / 6.5, 1e-14);
    EXPECT_NEAR(alone.values[1], 4 / 10.0, 1e-14);
}

TEST(LrnOracle, GradientIsTheDerivative) {
    for (const LrnParameters& p : {LrnParameters{5, 2.0f, 0.1f, 0.5f}, LrnParameters{2, 1.0f, 0.1f, 0.75f},
                                   LrnParameters{1, 0.5f, 0.3f, 1.3f}}) {
        const Shape shape{1, 2, 3, 13};
        const HostArray<double> x = widen(random_tensor(shape, -4, 4, 1)), dy = widen(random_tensor(shape, -1, 1, 2));
        const HostArray<double> direction = widen(random_tensor(shape, -1, 1, 3));
        const auto along = [&](double step) {
            HostArray<double> moved = x;
            for (size_t i = 0; i < moved.values.size(); i++) moved.values[i] += step * direction.values[i];
            const HostArray<double> y = oracle::lrn(p, std::as_const(moved).view());
            double sum = 0;
            for (size_t i = 0; i < y.values.size(); i++) sum += y.values[i] * dy.values[i];
            return sum;
        };
        const HostArray<double> dx = oracle::lrn_grad_input(p, x.view(), dy.view(), {});
        double expected = 0;
        for (size_t i = 0; i < dx.values.size(); i++) expected += dx.values[i] * direction.values[i];
        // Central difference: error of order step^2 = 1e-10, rounding 1e-16/1e-5.
        EXPECT_NEAR((along(1e-5) - along(-1e-5)) / 2e-5, expected, 1e-8);
        EXPECT_GT(std::fabs(expected), 1e-3);
    }
}

// A NaN reaches exactly the channels whose window holds it.
TEST(Lrn, NanStaysInItsWindow) {
    const Shape shape{1, 1, 2, 40};
    HostTensor x = random_tensor(shape, -4, 4);
    x.at(0, 0, 0, 20) = std::numeric_limits<float>::quiet_NaN();
    const HostTensor dy = random_tensor(shape, -1, 1, 2);
    for (const LrnParameters& p :
         {LrnParameters{5, 2.0f, 0.1f, 0.5f}, LrnParameters{2, 1.0f, 0.1f, 0.75f}, LrnParameters{3, 1.0f, 0.1f, 0.6f}})
        for (const Device& device : devices_under_test()) {
            Stream stream(device, 1);
            GuardedTensor from(stream, x), up(stream, dy), y(stream, shape), dx(stream, shape);
            stream.backend().kernels.lrn.forward(stream, p, from.view(), y.view());
            stream.backend().kernels.lrn.grad_input(stream, p, from.view(), up.view(), {}, dx.view());
            const HostTensor forward = y.read(), backward = dx.read();
            for (int64_t c = 0; c < shape.c; c++) {
                EXPECT_EQ(std::isnan(forward.at(0, 0, 0, c)), std::abs(c - 20) <= p.radius)
                    << to_string(device) << " channel " << c;
                EXPECT_EQ(std::isnan(backward.at(0, 0, 0, c)), std::abs(c - 20) <= 2 * p.radius)
                    << to_string(device) << " channel " << c;
                EXPECT_FALSE(std::isnan(forward.at(0, 0, 1, c)) || std::isnan(backward.at(0, 0, 1, c)));
            }
        }
}

TEST(Lrn, SameBitsForAnyThreadsAndBatch) {
    const Shape shape{3, 14, 15, 67};
    const LrnCase test(shape);
    const LrnParameters p{5, 2.0f, 0.1f, 0.5f};
    for (const Device& device : devices_under_test()) {
        HostTensor y[3], dx[3];
        for (const int threads : {1, 2, 5}) {
            Stream stream(device, threads);
            const LrnKernels& kernels = stream.backend().kernels.lrn;
            GuardedTensor from(stream, test.x), up(stream, test.dy), gate(stream, test.mask), to(stream, shape),
                down(stream, shape);
            const int i = threads / 2;
            kernels.forward(stream, p, from.view(), to.view());
            kernels.grad_input(stream, p, from.view(), up.view(), gate.view(), down.view());
            y[i] = to.read(), dx[i] = down.read();
            EXPECT_TRUE(same_bits(y[0], y[i])) << to_string(device) << " " << threads << " threads";
            EXPECT_TRUE(same_bits(dx[0], dx[i])) << to_string(device) << " " << threads << " threads";

            GuardedTensor one_y(stream, {1, 14, 15, 67}), one_dx(stream, {1, 14, 15, 67});
            kernels.forward(stream, p, ConstView(from.view()).image(1), one_y.view());
            kernels.grad_input(stream, p, ConstView(from.view()).image(1), ConstView(up.view()).image(1),
                               ConstView(gate.view()).image(1), one_dx.view());
            const auto image = [&](const HostTensor& t) {
                const int64_t size = t.shape.size() / 3;
                return HostTensor({1, 14, 15, 67}, {t.values.begin() + size, t.values.begin() + 2 * size});
            };
            EXPECT_TRUE(same_bits(image(y[0]), one_y.read())) << to_string(device);
            EXPECT_TRUE(same_bits(image(dx[0]), one_dx.read())) << to_string(device);
        }
    }
}

}  // namespace
}  // namespace limpid::testing
