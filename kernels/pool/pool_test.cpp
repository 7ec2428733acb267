// Pooling against its oracle on every device, and the oracle against its own definition.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/pool/pool_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

PoolShape pool_shape(const ShapeRow& row) {
    return {row["n"],        row["h"],        row["w"],       row["c"],        row["r"], row["s"],
            row["stride_y"], row["stride_x"], row["pad_top"], row["pad_left"], row["p"], row["q"]};
}

View<const double> view_of(const HostArray<double>& x) { return x.view(); }
HostArray<double> max_oracle(const PoolShape& s, const HostTensor& x) { return oracle::max_pool(s, view_of(widen(x))); }
HostTensor narrow(const HostArray<double>& x) {
    return {x.shape, std::vector<float>(x.values.begin(), x.values.end())};
}
double dot(const HostArray<double>& a, const HostArray<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.values.size(); i++) sum += a.values[i] * b.values[i];
    return sum;
}

// What a ReLU leaves, on a coarse grid: half zeros, many ties.
HostTensor with_ties(Shape shape, uint32_t salt) {
    HostTensor x = random_tensor(shape, -1.0f, 1.0f, salt);
    for (float& value : x.values) value = value > 0 ? std::round(value * 8.0f) / 8.0f : 0.0f;
    return x;
}

// The most windows that one cell belongs to: the terms of a sum in the gradient.
int64_t windows_of_cell(const PoolShape& s) {
    return ((s.r + s.stride_y - 1) / s.stride_y) * ((s.s + s.stride_x - 1) / s.stride_x);
}

struct MaxGradient {
    HostTensor x, dy, add, mask;
};
MaxGradient max_gradient_case(const PoolShape& s) {
    return {with_ties(s.input(), 1), random_tensor(s.output(), -1, 1, 2), random_tensor(s.input(), -1, 1, 3),
            random_mask(s.input(), 4)};
}
HostArray<double> oracle_of(const PoolShape& s, const MaxGradient& g, bool add, bool mask) {
    const HostArray<double> x = widen(g.x), dy = widen(g.dy), wide_add = widen(g.add), wide_mask = widen(g.mask);
    return oracle::max_pool_grad_input(s, x.view(), dy.view(), add ? wide_add.view() : View<const double>(),
                                       mask ? wide_mask.view() : View<const double>());
}

class PoolRow : public ::testing::TestWithParam<ShapeRow> {
  protected:
    const PoolShape s = pool_shape(GetParam());
    // Channels in fours keep their alignment, as slices of a concatenation do; others are at odd places.
    int64_t pitch(int64_t gap) const { return s.c + (s.c % 4 == 0 ? 4 * gap : gap); }
    // An empty batch is the only row whose results are empty.
    Tolerance tolerance(int64_t terms) const {
        Tolerance result = sum_tolerance(terms);
        result.zeros_expected = s.n == 0;
        return result;
    }
};

TEST_P(PoolRow, MaxForward) {
    const HostTensor x = random_tensor(s.input());
    const HostArray<double> expected = max_oracle(s, x);
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        GuardedTensor in(stream, x, pitch(3)), out(stream, s.output(), pitch(5));
        stream.backend().kernels.pool.max_forward(stream, s, in.view(), out.view());
        Tolerance exact;
        exact.zeros_expected = s.n == 0;
        EXPECT_TRUE(matches(expected, out.read(), exact)) << to_string(device);
    }
}

TEST_P(PoolRow, MaxGradInput) {
    const MaxGradient g = max_gradient_case(s);
    const HostTensor y = narrow(max_oracle(s, g.x));
    const HostArray<double> plain = oracle_of(s, g, false, false), masked = oracle_of(s, g, true, true);
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        GuardedTensor x(stream, g.x, pitch(1)), out(stream, y), dy(stream, g.dy, pitch(2)),
            mask(stream, g.mask, pitch(4));
        GuardedTensor dx(stream, s.input(), pitch(3)), in_place(stream, g.add, pitch(7));
        const PoolKernels& kernels = stream.backend().kernels.pool;
        kernels.max_grad_input(stream, s, x.view(), out.view(), dy.view(), {}, {}, dx.view());
        EXPECT_TRUE(matches(plain, dx.read(), tolerance(windows_of_cell(s)))) << to_string(device);
        kernels.max_grad_input(stream, s, x.view(), out.view(), dy.view(), in_place.view(), mask.view(),
                               in_place.view());
        EXPECT_TRUE(matches(masked, in_place.read(), tolerance(windows_of_cell(s) + 1)))
            << to_string(device) << " in place";
    }
}

TEST_P(PoolRow, MaxSelect) {
    const MaxGradient g = max_gradient_case(s);
    const HostTensor y = narrow(max_oracle(s, g.x)), u = random_tensor(s.input(), -1, 1, 9);
    const HostArray<double> wide_x = widen(g.x), wide_u = widen(u);
    const HostArray<double> expected = oracle::max_pool_select(s, view_of(wide_x), view_of(wide_u));
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        GuardedTensor x(stream, g.x, pitch(1)), out(stream, y), from(stream, u, pitch(2)),
            chosen(stream, s.output(), pitch(3));
        stream.backend().kernels.pool.max_select(stream, s, x.view(), out.view(), from.view(), chosen.view());
        EXPECT_TRUE(matches(expected, chosen.read(), {.relative = 0, .zeros_expected = s.n == 0})) << to_string(device);
    }
}

TEST_P(PoolRow, AverageForward) {
    const HostTensor x = random_tensor(s.input());
    const HostArray<double> expected = oracle::average_pool(s, view_of(widen(x)));
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        GuardedTensor in(stream, x, pitch(3)), out(stream, s.output(), pitch(5));
        stream.backend().kernels.pool.average_forward(stream, s, in.view(), out.view());
        EXPECT_TRUE(matches(expected, out.read(), tolerance(s.r * s.s))) << to_string(device);
    }
}

TEST_P(PoolRow, AverageGradInput) {
    const MaxGradient g = max_gradient_case(s);
    const HostArray<double> dy = widen(g.dy), add = widen(g.add), mask = widen(g.mask);
    const HostArray<double> plain = oracle::average_pool_grad_input(s, view_of(dy), {}, {});
    const HostArray<double> masked = oracle::average_pool_grad_input(s, view_of(dy), view_of(add), view_of(mask));
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        GuardedTensor up(stream, g.dy, pitch(2)), gate(stream, g.mask, pitch(4)), dx(stream, s.input(), pitch(3)),
            in_place(stream, g.add, pitch(7));
        const PoolKernels& kernels = stream.backend().kernels.pool;
        kernels.average_grad_input(stream, s, up.view(), {}, {}, dx.view());
        EXPECT_TRUE(matches(plain, dx.read(), tolerance(windows_of_cell(s)))) << to_string(device);
        kernels.average_grad_input(stream, s, up.view(), in_place.view(), gate.view(), in_place.view());
        EXPECT_TRUE(matches(masked, in_place.read(), tolerance(windows_of_cell(s) + 1)))
            << to_string(device) << " in place";
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PoolRow, ::testing::ValuesIn(read_shapes("pool.txt")),
                         [](const auto& info) { return test_name(info.param.name); });

// Shapes for the properties below: overlapping and gapped windows, asymmetric padding, odd channels.
std::vector<PoolShape> property_shapes() {
    return {{2, 11, 9, 5, 3, 3, 1, 1, 1, 1, 11, 9},
            {2, 10, 9, 21, 3, 3, 2, 2, 0, 1, 5, 5},
            {1, 11, 12, 3, 2, 2, 5, 5, 0, 0, 3, 3}};
}

TEST(PoolOracle, AverageGradientIsAdjoint) {
    for (const PoolShape& s : property_shapes()) {
        const HostArray<double> x = widen(random_tensor(s.input(), -1, 1, 1)),
                                dy = widen(random_tensor(s.output(), -1, 1, 2));
        const double forward = dot(oracle::average_pool(s, view_of(x)), dy);
        EXPECT_NEAR(forward, dot(x, oracle::average_pool_grad_input(s, view_of(dy), {}, {})), 1e-12 * x.shape.size());
        EXPECT_NE(forward, 0);
    }
}

TEST(PoolOracle, MaxGradientIsTheDerivative) {
    for (const PoolShape& s : property_shapes()) {
        // A permutation: all values differ by at least 1, so a step of 1e-3 changes no winner and the difference is
        // exact to rounding.
        HostArray<double> x(s.input());
        const int64_t count = x.shape.size();
        for (int64_t i = 0; i < count; i++) x.values[size_t(i)] = double(i * 7919 % count);
        const HostArray<double> dy = widen(random_tensor(s.output(), -1, 1, 2)),
                                direction = widen(random_tensor(s.input(), -1, 1, 3));
        const auto along = [&](double step) {
            HostArray<double> moved = x;
            for (size_t i = 0; i < moved.values.size(); i++) moved.values[i] += step * direction.values[i];
            return dot(oracle::max_pool(s, view_of(moved)), dy);
        };
        const double derivative = (along(1e-3) - along(-1e-3)) / 2e-3;
        EXPECT_NEAR(derivative, dot(direction, oracle::max_pool_grad_input(s, view_of(x), view_of(dy), {}, {})), 1e-6);
        EXPECT_NE(derivative, 0);
    }
}

// Written by hand, so that oracle and kernels cannot be wrong together.
TEST(Pool, TiesGoToTheFirstInRowMajorOrder) {
    const PoolShape s{1, 2, 3, 1, 2, 2, 1, 1, 0, 0, 1, 2};
    const HostTensor x({1, 2, 3, 1}, {-0.0f, 2, 2, 0.0f, 2, 2}), dy({1, 1, 2, 1}, {10, 1});
    const HostTensor expected({1, 2, 3, 1}, {0, 11, 0, 0, 0, 0});
    EXPECT_TRUE(
        matches(expected, narrow(oracle::max_pool_grad_input(s, view_of(widen(x)), view_of(widen(dy)), {}, {})), {}));
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        GuardedTensor in(stream, x), y(stream, s.output()), up(stream, dy), dx(stream, s.input());
        stream.backend().kernels.pool.max_forward(stream, s, in.view(), y.view());
        stream.backend().kernels.pool.max_grad_input(stream, s, in.view(), y.view(), up.view(), {}, {}, dx.view());
        EXPECT_TRUE(matches(expected, dx.read(), {})) << to_string(device);
    }
}

// Negative zero ties with zero; padding loses against minus infinity; NaN wins, and the first NaN takes the gradient.
TEST(Pool, SpecialValues) {
    const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> specials = {nan, -nan, infinity, -infinity, -0.0f, 0.0f, 1.0f, -infinity, -infinity};
    for (PoolShape s : property_shapes()) {
        HostTensor x = random_tensor(s.input(), -2, 2, 1);
        const HostTensor choice = random_tensor(s.input(), 0, 1, 5);
        for (size_t i = 0; i < x.values.size(); i++)
            if (choice.values[i] < 0.4f) x.values[i] = specials[size_t(choice.values[i] * 22) % specials.size()];
        for (int64_t h = 0; h < 3; h++)  // a corner where every valid cell of a padded window is -infinity
            for (int64_t w = 0; w < 3; w++) x.at(0, h, w, 0) = -infinity;
        const HostTensor dy = random_tensor(s.output(), -1, 1, 2);
        const HostArray<double> y = max_oracle(s, x);
        const HostArray<double> dx = oracle::max_pool_grad_input(s, view_of(widen(x)), view_of(widen(dy)), {}, {});
        for (const Device& device : devices_under_test()) {
            Stream stream(device, 1);
            GuardedTensor in(stream, x), out(stream, s.output()), up(stream, dy), gradient(stream, s.input());
            stream.backend().kernels.pool.max_forward(stream, s, in.view(), out.view());
            EXPECT_TRUE(matches(y, out.read(), {})) << to_string(device);
            stream.backend().kernels.pool.max_grad_input(stream, s, in.view(), out.view(), up.view(), {}, {},
                                                         gradient.view());
            EXPECT_TRUE(matches(dx, gradient.read(), sum_tolerance(windows_of_cell(s)))) << to_string(device);
        }
    }
}

TEST(Pool, GradientOfNanStaysInItsWindow) {
    const PoolShape s{1, 8, 8, 3, 3, 3, 2, 2, 0, 0, 4, 4};
    const HostTensor x = random_tensor(s.input());
    HostTensor dy = random_tensor(s.output(), -1, 1, 2);
    dy.at(0, 1, 1, 1) = std::numeric_limits<float>::quiet_NaN();
    const HostArray<double> expected = oracle::max_pool_grad_input(s, view_of(widen(x)), view_of(widen(dy)), {}, {});
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        GuardedTensor in(stream, x), y(stream, narrow(max_oracle(s, x))), up(stream, dy), dx(stream, s.input());
        stream.backend().kernels.pool.max_grad_input(stream, s, in.view(), y.view(), up.view(), {}, {}, dx.view());
        EXPECT_TRUE(matches(expected, dx.read(), sum_tolerance(4))) << to_string(device);
    }
}

// Three images by one to five threads, against each image alone.
TEST(Pool, SameBitsForAnyThreadsAndBatch) {
    for (const PoolShape& whole :
         {PoolShape{3, 28, 28, 130, 3, 3, 1, 1, 1, 1, 28, 28}, PoolShape{3, 31, 28, 67, 3, 3, 2, 2, 1, 0, 16, 14},
          PoolShape{3, 28, 27, 67, 5, 4, 2, 1, 2, 1, 14, 26}}) {
        const MaxGradient g = max_gradient_case(whole);
        const HostTensor y = narrow(max_oracle(whole, g.x));
        for (const Device& device : devices_under_test()) {
            const auto run = [&](int threads, int64_t first, int64_t images, HostTensor results[4]) {
                PoolShape s = whole;
                s.n = images;
                const auto part = [&](const HostTensor& t) {
                    const int64_t size = t.shape.size() / t.shape.n;
                    Shape shape = t.shape;
                    shape.n = images;
                    return HostTensor(shape,
                                      {t.values.begin() + first * size, t.values.begin() + (first + images) * size});
                };
                Stream stream(device, threads);
                GuardedTensor x(stream, part(g.x)), out(stream, part(y)), dy(stream, part(g.dy)),
                    add(stream, part(g.add)), mask(stream, part(g.mask)), down(stream, s.output()),
                    up(stream, s.input());
                const PoolKernels& kernels = stream.backend().kernels.pool;
                kernels.max_forward(stream, s, x.view(), down.view());
                results[0] = down.read();
                kernels.average_forward(stream, s, x.view(), down.view());
                results[1] = down.read();
                kernels.max_grad_input(stream, s, x.view(), out.view(), dy.view(), add.view(), mask.view(), up.view());
                results[2] = up.read();
                kernels.average_grad_input(stream, s, dy.view(), add.view(), mask.view(), up.view());
                results[3] = up.read();
            };
            HostTensor one[4], many[4], alone[4];
            run(1, 0, 3, one);
            for (const int threads : {2, 5}) {
                run(threads, 0, 3, many);
                for (int i = 0; i < 4; i++)
                    EXPECT_TRUE(same_bits(one[i], many[i])) << to_string(device) << " result " << i;
            }
            for (int64_t n = 0; n < 3; n++) {
                run(2, n, 1, alone);
                for (int i = 0; i < 4; i++) {
                    const size_t size = alone[i].values.size();
                    const HostTensor of_batch(alone[i].shape, {one[i].values.begin() + int64_t(size) * n,
                                                               one[i].values.begin() + int64_t(size) * (n + 1)});
                    EXPECT_TRUE(same_bits(of_batch, alone[i]))
                        << to_string(device) << " result " << i << " image " << n;
                }
            }
        }
    }
}

}  // namespace
}  // namespace limpid::testing
