// Depthwise convolution against its oracle on every device, and the oracle against its own definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kernels/depthwise/depthwise_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

DepthwiseShape depthwise_shape(const ShapeRow& row) {
    return {row["n"],          row["h"],       row["w"],          row["c"],        row["r"],
            row["s"],          row["m"],       row["stride_y"],   row["stride_x"], row["dilation_y"],
            row["dilation_x"], row["pad_top"], row["pad_bottom"], row["pad_left"], row["pad_right"]};
}

struct DepthwiseCase {
    HostTensor x, w, dy;
    explicit DepthwiseCase(const DepthwiseShape& s)
        : x(random_tensor(s.input(), -1, 1, 1)),
          w(random_tensor(s.filter(), -1, 1, 2)),
          dy(random_tensor(s.output(), -1, 1, 3)) {}
};
HostArray<double> forward_oracle(const DepthwiseShape& s, const HostTensor& x, const HostTensor& w) {
    const HostArray<double> wide_x = widen(x), wide_w = widen(w);
    return oracle::depthwise_forward<double>(s, wide_x.view(), wide_w.view());
}
HostArray<double> grad_input_oracle(const DepthwiseShape& s, const HostTensor& dy, const HostTensor& w) {
    const HostArray<double> wide_dy = widen(dy), wide_w = widen(w);
    return oracle::depthwise_grad_input<double>(s, wide_dy.view(), wide_w.view());
}
HostArray<double> grad_filter_oracle(const DepthwiseShape& s, const HostTensor& x, const HostTensor& dy) {
    const HostArray<double> wide_x = widen(x), wide_dy = widen(dy);
    return oracle::depthwise_grad_filter<double>(s, wide_x.view(), wide_dy.view());
}

// Each on a device, from and to pixels `gap` further apart than they need be.
struct Gaps {
    int64_t x = 0, w = 0, y = 0;
};
HostTensor forward_on(Stream& stream, const DepthwiseShape& s, const DepthwiseCase& t, Gaps gap) {
    GuardedTensor x(stream, t.x, s.c + gap.x), w(stream, t.w, s.m + gap.w), y(stream, s.output(), s.c * s.m + gap.y);
    stream.backend().kernels.depthwise.forward(stream, s, x.view(), w.view(), y.view());
    return y.read();
}
HostTensor grad_input_on(Stream& stream, const DepthwiseShape& s, const DepthwiseCase& t, Gaps gap) {
    GuardedTensor dy(stream, t.dy, s.c * s.m + gap.y), w(stream, t.w, s.m + gap.w), dx(stream, s.input(), s.c + gap.x);
    stream.backend().kernels.depthwise.grad_input(stream, s, dy.view(), w.view(), dx.view());
    return dx.read();
}
HostTensor grad_filter_on(Stream& stream, const DepthwiseShape& s, const DepthwiseCase& t, Gaps gap) {
    const DepthwiseKernels& kernels = stream.backend().kernels.depthwise;
    GuardedTensor x(stream, t.x, s.c + gap.x), dy(stream, t.dy, s.c * s.m + gap.y), dw(stream, s.filter(), s.m + gap.w);
    GuardedScratch scratch(stream, kernels.grad_filter_scratch(s));
    kernels.grad_filter(stream, s, x.view(), dy.view(), dw.view(), scratch.scratch());
    scratch.check();
    return dw.read();
}

class DepthwiseRow : public ::testing::TestWithParam<ShapeRow> {
  protected:
    const DepthwiseShape s = depthwise_shape(GetParam());
    const DepthwiseCase t{s};
    // Channels in fours keep their alignment, as slices of a concatenation do; others are at odd places.
    const int64_t unit = s.c % 4 == 0 ? 4 : 1;
    // An empty batch is the only row whose results are empty or zero.
    Tolerance tolerance(int64_t terms) const {
        Tolerance result = sum_tolerance(terms);
        result.zeros_expected = s.n == 0;
        return result;
    }
};

TEST_P(DepthwiseRow, Forward) {
    const HostArray<double> expected = forward_oracle(s, t.x, t.w);
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        EXPECT_TRUE(matches(expected, forward_on(stream, s, t, {}), tolerance(s.r * s.s))) << to_string(device);
        EXPECT_TRUE(matches(expected, forward_on(stream, s, t, {3 * unit, 2, 5 * unit}), tolerance(s.r * s.s)))
            << to_string(device) << " pitched";
    }
}

TEST_P(DepthwiseRow, GradInput) {
    const HostArray<double> expected = grad_input_oracle(s, t.dy, t.w);
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        EXPECT_TRUE(matches(expected, grad_input_on(stream, s, t, {}), tolerance(s.r * s.s * s.m)))
            << to_string(device);
        EXPECT_TRUE(matches(expected, grad_input_on(stream, s, t, {3 * unit, 1, 5 * unit}), tolerance(s.r * s.s * s.m)))
            << to_string(device) << " pitched";
    }
}

TEST_P(DepthwiseRow, GradFilter) {
    const HostArray<double> expected = grad_filter_oracle(s, t.x, t.dy);
    const Tolerance allowed = tolerance(std::max<int64_t>(1, s.n * s.p() * s.q()));
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        EXPECT_TRUE(matches(expected, grad_filter_on(stream, s, t, {}), allowed)) << to_string(device);
        EXPECT_TRUE(matches(expected, grad_filter_on(stream, s, t, {3 * unit, 2, 5 * unit}), allowed))
            << to_string(device) << " pitched";
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DepthwiseRow, ::testing::ValuesIn(read_shapes("depthwise.txt")),
                         [](const auto& info) { return test_name(info.param.name); });

double dot(const HostArray<double>& a, const HostTensor& b) {
    double sum = 0;
    for (size_t i = 0; i < a.values.size(); i++) sum += a.values[i] * double(b.values[i]);
    return sum;
}

// <conv(x, w), dy> is linear in all three: the gradients are its other two forms.
TEST(DepthwiseOracle, GradientsAreAdjoint) {
    for (const ShapeRow& row : read_shapes("depthwise.txt")) {
        if (!row.name.starts_with("awkward/") || row["n"] == 0) continue;
        const DepthwiseShape s = depthwise_shape(row);
        const DepthwiseCase t(s);
        const double forward = dot(forward_oracle(s, t.x, t.w), t.dy);
        const double allowed = 1e-14 * double(s.multiply_adds());
        EXPECT_NEAR(forward, dot(grad_input_oracle(s, t.dy, t.w), t.x), allowed) << row.name;
        EXPECT_NEAR(forward, dot(grad_filter_oracle(s, t.x, t.dy), t.w), allowed) << row.name;
        EXPECT_NE(forward, 0) << row.name;
    }
}

// Written by hand, so that oracle and kernels cannot be wrong together: two channels of two filters each, stride 1 3,
// dilation 1 2, padding on the left alone.
TEST(Depthwise, SmallExample) {
    const DepthwiseShape s{1, 1, 5, 2, 1, 2, 2, 1, 3, 1, 2, 0, 0, 1, 0};
    ASSERT_EQ(s.output(), (Shape{1, 1, 2, 4}));
    DepthwiseCase t(s);
    t.x = HostTensor(s.input(), {1, 10, 2, 20, 3, 30, 4, 40, 5, 50});
    t.w = HostTensor(s.filter(), {1, 2, 3, 4, 5, 6, 7, 8});  // filter[s][c][j]
    t.dy = HostTensor(s.output(), {1, 2, 3, 4, 5, 6, 7, 8});
    // Output 0 reads columns -1 and 1, output 1 columns 2 and 4.
    const HostTensor y(s.output(), {5 * 2, 6 * 2, 7 * 20, 8 * 20, 3 + 25, 6 + 30, 90 + 350, 120 + 400});
    const HostTensor dx(s.input(), {0, 0, 5 + 12, 21 + 32, 5 + 12, 21 + 32, 0, 0, 25 + 36, 49 + 64});
    const HostTensor dw(s.filter(), {15, 18, 210, 240, 2 + 25, 4 + 30, 60 + 350, 80 + 400});
    EXPECT_TRUE(matches(forward_oracle(s, t.x, t.w), y, {}));
    EXPECT_TRUE(matches(grad_input_oracle(s, t.dy, t.w), dx, {}));
    EXPECT_TRUE(matches(grad_filter_oracle(s, t.x, t.dy), dw, {}));
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        EXPECT_TRUE(matches(y, forward_on(stream, s, t, {}), {})) << to_string(device);
        EXPECT_TRUE(matches(dx, grad_input_on(stream, s, t, {}), {})) << to_string(device);
        EXPECT_TRUE(matches(dw, grad_filter_on(stream, s, t, {}), {})) << to_string(device);
    }
}

// Shapes for the properties below: each way that the kernels go.
std::vector<DepthwiseShape> property_shapes() {
    return {{3, 14, 19, 76, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            {3, 15, 14, 67, 5, 5, 1, 2, 2, 1, 1, 1, 2, 1, 2},
            {3, 15, 14, 7, 4, 3, 2, 2, 1, 2, 2, 3, 2, 1, 2}};
}

// NaN and infinity reach the sums that they are in, and no others: padding is not multiplied.
TEST(Depthwise, NanStaysInItsSums) {
    for (const DepthwiseShape& s : property_shapes()) {
        DepthwiseCase t(s);
        t.x.at(1, 0, 2, 3) = std::numeric_limits<float>::quiet_NaN();
        t.w.at(0, 0, 5, 0) = std::numeric_limits<float>::infinity();
        t.dy.at(2, 0, 0, 1) = std::numeric_limits<float>::quiet_NaN();
        const HostArray<double> y = forward_oracle(s, t.x, t.w), dx = grad_input_oracle(s, t.dy, t.w),
                                dw = grad_filter_oracle(s, t.x, t.dy);
        for (const Device& device : devices_under_test()) {
            Stream stream(device, 1);
            EXPECT_TRUE(matches(y, forward_on(stream, s, t, {}), sum_tolerance(s.r * s.s))) << to_string(device);
            EXPECT_TRUE(matches(dx, grad_input_on(stream, s, t, {}), sum_tolerance(s.r * s.s * s.m)))
                << to_string(device);
            EXPECT_TRUE(matches(dw, grad_filter_on(stream, s, t, {}), sum_tolerance(s.n * s.p() * s.q())))
                << to_string(device);
        }
    }
}

// Three images by one to five threads, against each image alone; dw of all images is the same for any threads.
TEST(Depthwise, SameBitsForAnyThreadsAndBatch) {
    for (const DepthwiseShape& whole : property_shapes()) {
        const DepthwiseCase t(whole);
        for (const Device& device : devices_under_test()) {
            Stream stream(device, 1);
            const HostTensor y = forward_on(stream, whole, t, {}), dx = grad_input_on(stream, whole, t, {}),
                             dw = grad_filter_on(stream, whole, t, {});
            for (const int threads : {2, 5}) {
                Stream many(device, threads);
                EXPECT_TRUE(same_bits(y, forward_on(many, whole, t, {}))) << to_string(device);
                EXPECT_TRUE(same_bits(dx, grad_input_on(many, whole, t, {}))) << to_string(device);
                EXPECT_TRUE(same_bits(dw, grad_filter_on(many, whole, t, {}))) << to_string(device);
            }
            const auto image = [](const HostTensor& all, int64_t n) {
                Shape shape = all.shape;
                shape.n = 1;
                const auto first = all.values.begin() + n * shape.size();
                return HostTensor(shape, {first, first + shape.size()});
            };
            DepthwiseShape one = whole;
            one.n = 1;
            for (int64_t n = 0; n < whole.n; n++) {
                DepthwiseCase alone = t;
                alone.x = image(t.x, n), alone.dy = image(t.dy, n);
                EXPECT_TRUE(same_bits(image(y, n), forward_on(stream, one, alone, {})))
                    << to_string(device) << " image " << n;
                EXPECT_TRUE(same_bits(image(dx, n), grad_input_on(stream, one, alone, {})))
                    << to_string(device) << " image " << n;
            }
        }
    }
}

}  // namespace
}  // namespace limpid::testing
