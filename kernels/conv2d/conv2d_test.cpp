// Convolution on every device against the oracle, over all rows of bench/shapes/conv2d.txt; and what the oracle itself
// must satisfy.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv2d/conv2d_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

Conv2dShape shape_of(const ShapeRow& row) {
    return {row["n"],          row["h"],        row["w"],        row["c"],        row["r"],
            row["s"],          row["k"],        row["stride_y"], row["stride_x"], row["pad_top"],
            row["pad_bottom"], row["pad_left"], row["pad_right"]};
}

// How much an algorithm amplifies rounding. Winograd F(m,r): with independent inputs of variance 1, product i of one
// dimension has variance |G_i|^2 |B_i|^2, and output p collects sum_i A_pi^2 |G_i|^2 |B_i|^2 of it, where the exact
// output has variance r. Two dimensions square the ratio, the standard deviation takes the root: the worst ratio over p
// is the amplification (31 for F(4x4,3x3)).
double amplification(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& g,
                     const std::vector<std::vector<double>>& b) {
    const auto square = [](const std::vector<double>& row) {
        double sum = 0;
        for (const double value : row) sum += value * value;
        return sum;
    };
    double worst = 0;
    for (const std::vector<double>& row : a) {
        double variance = 0;
        for (size_t i = 0; i < row.size(); i++) variance += row[i] * row[i] * square(g[i]) * square(b[i]);
        worst = std::max(worst, variance / double(g[0].size()));
    }
    return worst;
}

double amplification(std::string_view algorithm) {
    const std::vector<std::vector<double>> b4 = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
    const std::vector<std::vector<double>> b6 = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                                 {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
    // Rows of A^T for m outputs and of G for r taps, on the points 0, 1, -1, 2, -2, infinity.
    const auto a6 = [](int m) {
        std::vector<std::vector<double>> rows;
        for (int p = 0; p < m; p++)
            rows.push_back(
                {p == 0 ? 1.0 : 0.0, 1, std::pow(-1, p), std::pow(2, p), std::pow(-2, p), p == m - 1 ? 1.0 : 0.0});
        return rows;
    };
    const auto g6 = [](int r) {
        std::vector<std::vector<double>> rows(6, std::vector<double>(size_t(r), 0.0));
        rows[0][0] = 1.0 / 4, rows[5][size_t(r) - 1] = 1;
        for (int tap = 0; tap < r; tap++) {
            rows[1][size_t(tap)] = -1.0 / 6, rows[2][size_t(tap)] = -std::pow(-1, tap) / 6;
            rows[3][size_t(tap)] = std::pow(2, tap) / 24, rows[4][size_t(tap)] = std::pow(-2, tap) / 24;
        }
        return rows;
    };
    // Operands rounded to 11 bits instead of 24. Split in two they lack the product of the lower halves, 2^-22 of the
    // whole, four times the rounding of fp32.
    if (algorithm == "tf32") return 0x1p13;
    if (algorithm == "tf32x3") return 4;
    if (!algorithm.starts_with("winograd")) return 1;
    if (algorithm.starts_with("winograd_2x2_3x3"))
        return amplification({{1, 1, 1, 0}, {0, 1, -1, -1}}, {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}, b4);
    if (algorithm.starts_with("winograd_4x4_3x3")) return amplification(a6(4), g6(3), b6);
    if (algorithm.starts_with("winograd_3x3_4x4")) return amplification(a6(3), g6(4), b6);
    if (algorithm.starts_with("winograd_2x2_5x5")) return amplification(a6(2), g6(5), b6);
    ADD_FAILURE() << "no tolerance is known for " << algorithm;
    return 0;
}

// A sum over taps and channels; in Winograd's case over channels, amplified (its sums over taps are in the
// amplification). The bias or the second gradient is one term more.
Tolerance tolerance(const Conv2dShape& shape, std::string_view algorithm, int64_t channels) {
    const bool winograd = algorithm.starts_with("winograd");
    Tolerance result = sum_tolerance((winograd ? 1 : shape.r * shape.s) * channels + 1);
    result.relative *= amplification(algorithm);
    result.zeros_expected = shape.n == 0;
    return result;
}

// One device's convolution, called as the graph calls it: guarded arrays, packed filters, poisoned scratch.
struct Convolution {
    Stream stream;
    const Conv2dKernels& kernels;
    Conv2dShape shape;
    int64_t gap;  // floats between the channels of two pixels, in every view

    Convolution(const Device& device, const Conv2dShape& s, int64_t gap_ = 0, int threads = 2)
        : Convolution(device, backend(device).kernels, s, gap_, threads) {}
    // By a table of the device's staircase.
    Convolution(const Device& device, const KernelTable& table, const Conv2dShape& s, int64_t gap_, int threads = 2)
        : stream(device, threads), kernels(table.conv2d), shape(s), gap(gap_) {}

    Tolerance tolerance_of(Conv2dPass pass) const {
        return tolerance(shape, kernels.algorithm(shape, pass), pass == Conv2dPass::forward ? shape.c : shape.k);
    }
    HostTensor packed(Conv2dPass pass, const HostTensor& w) {
        const GuardedTensor filters(stream, w), result(stream, Shape{1, 1, 1, kernels.packed_size(shape, pass)});
        kernels.pack(stream, shape, pass, filters.view(), result.view().data);
        return result.read();
    }
    HostTensor forward(const HostTensor& x, const HostTensor& w, const HostTensor* bias, bool relu) {
        const GuardedTensor in(stream, x, shape.c + gap), filters(stream, packed(Conv2dPass::forward, w)),
            out(stream, shape.output(), shape.k + gap);
        const GuardedTensor bias_values(stream, bias ? *bias : HostTensor({1, 1, 1, 1}));
        const GuardedScratch scratch(stream, kernels.scratch(shape, Conv2dPass::forward, stream.thread_count()));
        kernels.forward(stream, shape, in.view(), filters.view().data, bias ? bias_values.view() : MutView(), relu,
                        out.view(), scratch.scratch());
        scratch.check();
        return out.read();
    }
    HostTensor grad_input(const HostTensor& dy, const HostTensor& w, const HostTensor* add, const HostTensor* mask,
                          bool in_place = false) {
        const GuardedTensor out(stream, dy, shape.k + gap), filters(stream, packed(Conv2dPass::grad_input, w));
        const GuardedTensor more(stream, add ? *add : HostTensor({1, 1, 1, 1}), (add ? shape.c : 1) + gap);
        const GuardedTensor gate(stream, mask ? *mask : HostTensor({1, 1, 1, 1}), (mask ? shape.c : 1) + gap);
        const GuardedTensor in(stream, shape.input(), shape.c + gap);
        const GuardedScratch scratch(stream, kernels.scratch(shape, Conv2dPass::grad_input, stream.thread_count()));
        kernels.grad_input(stream, shape, out.view(), filters.view().data, add ? more.view() : MutView(),
                           mask ? gate.view() : MutView(), in_place ? more.view() : in.view(), scratch.scratch());
        scratch.check();
        return in_place ? more.read() : in.read();
    }
    HostTensor grad_filter(const HostTensor& x, const HostTensor& dy) {
        const GuardedTensor in(stream, x, shape.c + gap), out(stream, dy, shape.k + gap), dw(stream, shape.filter());
        const GuardedScratch scratch(stream, kernels.grad_filter_scratch(shape, stream.thread_count()));
        kernels.grad_filter(stream, shape, in.view(), out.view(), dw.view(), scratch.scratch());
        scratch.check();
        return dw.read();
    }
};

// Elements of an array at `count` pseudo-random places (or all of them, in order, when they are few).
struct Sample {
    std::vector<int64_t> places;
    Sample(int64_t size, int64_t count) {
        for (int64_t i = 0; i < std::min(size, count); i++)
            places.push_back(size <= count ? i : int64_t(uint64_t(i) * 0x9e3779b97f4a7c15u % uint64_t(size)));
    }
    Shape shape() const { return {1, 1, 1, int64_t(places.size())}; }
    template <class T>
    HostArray<T> of(const HostArray<T>& array) const {
        HostArray<T> result(shape());
        for (size_t i = 0; i < places.size(); i++) result.values[i] = array.values[size_t(places[i])];
        return result;
    }
};

constexpr int64_t kWholeMultiplyAdds = 4'000'000;  // larger layers are compared at kSamples places
constexpr int64_t kSamples = 600;

class Conv2dRows : public ::testing::TestWithParam<ShapeRow> {
  protected:
    const Conv2dShape shape = shape_of(GetParam());
    const bool whole = shape.multiply_adds() <= kWholeMultiplyAdds;
    const HostTensor x = random_tensor(shape.input(), -1, 1, 1), w = random_tensor(shape.filter(), -1, 1, 2),
                     bias = random_tensor({1, 1, 1, shape.k}, -1, 1, 3), dy = random_tensor(shape.output(), -1, 1, 4),
                     add = random_tensor(shape.input(), -1, 1, 5), mask = random_mask(shape.input(), 6);
    const HostArray<double> wide_x = widen(x), wide_w = widen(w), wide_dy = widen(dy), wide_bias = widen(bias),
                            wide_add = widen(add), wide_mask = widen(mask);

    // Dense and pitched views take different paths; large rows alternate.
    std::vector<int64_t> gaps() const {
        return whole ? std::vector<int64_t>{0, 3} : std::vector<int64_t>{shape.k % 64 == 0 ? 0 : 16};
    }
};

TEST_P(Conv2dRows, Forward) {
    const Sample sample(shape.output().size(), whole ? shape.output().size() : kSamples);
    HostArray<double> expected(shape.output());
    if (whole) {
        oracle::conv2d_forward<double>(shape, wide_x.view(), wide_w.view(), wide_bias.values.data(), true,
                                       expected.view());
    } else {
        for (const int64_t i : sample.places) {
            const int64_t k = i % shape.k, q = i / shape.k % shape.q(), p = i / shape.k / shape.q() % shape.p(),
                          n = i / shape.k / shape.q() / shape.p();
            const double value = oracle::conv2d_forward_at<double>(shape, wide_x.view(), wide_w.view(), n, p, q, k) +
                                 wide_bias.values[size_t(k)];
            expected.values[size_t(i)] = std::max(0.0, value);
        }
    }
    for (const Device& device : devices_under_test())
        for (const int64_t gap : gaps()) {
            Convolution convolution(device, shape, gap);
            EXPECT_TRUE(matches(sample.of(expected), sample.of(convolution.forward(x, w, &bias, true)),
                                convolution.tolerance_of(Conv2dPass::forward)))
                << to_string(device) << " " << convolution.kernels.algorithm(shape, Conv2dPass::forward) << ", gap "
                << gap;
        }
}

TEST_P(Conv2dRows, GradInput) {
    const Sample sample(shape.input().size(), whole ? shape.input().size() : kSamples);
    HostArray<double> expected(shape.input());
    if (whole) {
        oracle::conv2d_grad_input<double>(shape, wide_dy.view(), wide_w.view(), wide_add.view(), wide_mask.view(),
                                          expected.view());
    } else {
        for (const int64_t i : sample.places) {
            const int64_t c = i % shape.c, column = i / shape.c % shape.w, h = i / shape.c / shape.w % shape.h,
                          n = i / shape.c / shape.w / shape.h;
            const double value =
                oracle::conv2d_grad_input_at<double>(shape, wide_dy.view(), wide_w.view(), n, h, column, c) +
                wide_add.values[size_t(i)];
            expected.values[size_t(i)] = wide_mask.values[size_t(i)] > 0 ? value : 0;
        }
    }
    for (const Device& device : devices_under_test())
        for (const int64_t gap : gaps()) {
            Convolution convolution(device, shape, gap);
            EXPECT_TRUE(matches(sample.of(expected), sample.of(convolution.grad_input(dy, w, &add, &mask)),
                                convolution.tolerance_of(Conv2dPass::grad_input)))
                << to_string(device) << " " << convolution.kernels.algorithm(shape, Conv2dPass::grad_input) << ", gap "
                << gap;
        }
}

TEST_P(Conv2dRows, GradFilter) {
    const Sample sample(shape.filter().size(), whole ? shape.filter().size() : kSamples / 10);
    HostArray<double> expected(shape.filter());
    if (whole) {
        oracle::conv2d_grad_filter<double>(shape, wide_x.view(), wide_dy.view(), expected.view());
    } else {
        for (const int64_t i : sample.places) {
            const int64_t k = i % shape.k, c = i / shape.k % shape.c, s = i / shape.k / shape.c % shape.s,
                          r = i / shape.k / shape.c / shape.s;
            expected.values[size_t(i)] =
                oracle::conv2d_grad_filter_at<double>(shape, wide_x.view(), wide_dy.view(), r, s, c, k);
        }
    }
    Tolerance allowed = sum_tolerance(shape.n * shape.p() * shape.q());
    allowed.zeros_expected = shape.n == 0;
    for (const Device& device : devices_under_test())
        for (const int64_t gap : gaps()) {
            Convolution convolution(device, shape, gap);
            EXPECT_TRUE(matches(sample.of(expected), sample.of(convolution.grad_filter(x, dy)), allowed))
                << to_string(device) << ", gap " << gap;
        }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dRows, ::testing::ValuesIn(read_shapes("conv2d.txt")),
                         [](const auto& row) { return test_name(row.param.name); });

// One shape per algorithm and per kind of reduction, small enough to try everything on.
const std::vector<Conv2dShape> kVariety = {
    {2, 7, 9, 20, 1, 1, 33},                      // direct
    {2, 9, 7, 18, 2, 3, 21, 1, 1, 1, 0, 1, 1},    // direct with taps
    {2, 18, 19, 17, 3, 3, 33, 1, 1, 1, 1, 1, 1},  // F(4x4,3x3)
    {2, 7, 7, 32, 3, 3, 20, 1, 1, 1, 1, 1, 1},    // F(2x2,3x3)
    {2, 15, 14, 16, 5, 5, 17, 1, 1, 2, 2, 2, 2},  // F(2x2,5x5)
    {2, 32, 36, 3, 7, 7, 18, 2, 2, 2, 3, 2, 3},   // phases
    {2, 11, 13, 5, 2, 1, 9, 3, 2, 0, 0, 0, 0},    // stride over filter
};

class Conv2dVariety : public ::testing::TestWithParam<Conv2dShape> {
  protected:
    const Conv2dShape shape = GetParam();
    const HostTensor x = random_tensor(shape.input(), -1, 1, 1), w = random_tensor(shape.filter(), -1, 1, 2),
                     bias = random_tensor({1, 1, 1, shape.k}, -1, 1, 3), dy = random_tensor(shape.output(), -1, 1, 4),
                     add = random_tensor(shape.input(), -1, 1, 5), mask = random_mask(shape.input(), 6);
};

TEST_P(Conv2dVariety, TheOracleIsAdjoint) {
    const HostArray<double> wide_x = widen(x), wide_w = widen(w), wide_dy = widen(dy);
    HostArray<double> y(shape.output()), dx(shape.input()), dw(shape.filter());
    oracle::conv2d_forward<double>(shape, wide_x.view(), wide_w.view(), nullptr, false, y.view());
    oracle::conv2d_grad_input<double>(shape, wide_dy.view(), wide_w.view(), {}, {}, dx.view());
    oracle::conv2d_grad_filter<double>(shape, wide_x.view(), wide_dy.view(), dw.view());
    double by_y = 0, by_x = 0, by_w = 0, size = 0;
    for (size_t i = 0; i < y.values.size(); i++)
        by_y += y.values[i] * wide_dy.values[i], size += std::fabs(y.values[i] * wide_dy.values[i]);
    for (size_t i = 0; i < dx.values.size(); i++) by_x += dx.values[i] * wide_x.values[i];
    for (size_t i = 0; i < dw.values.size(); i++) by_w += dw.values[i] * wide_w.values[i];
    EXPECT_NEAR(by_y, by_x, 1e-13 * size);
    EXPECT_NEAR(by_y, by_w, 1e-13 * size);
}

TEST_P(Conv2dVariety, TheOracleAtOnePointIsTheOracle) {
    const HostArray<double> wide_x = widen(x), wide_w = widen(w), wide_dy = widen(dy);
    HostArray<double> y(shape.output()), dx(shape.input()), dw(shape.filter());
    oracle::conv2d_forward<double>(shape, wide_x.view(), wide_w.view(), nullptr, false, y.view());
    oracle::conv2d_grad_input<double>(shape, wide_dy.view(), wide_w.view(), {}, {}, dx.view());
    oracle::conv2d_grad_filter<double>(shape, wide_x.view(), wide_dy.view(), dw.view());
    const auto near = [](double a, double b) { EXPECT_NEAR(a, b, 1e-11); };
    near(y.at(1, 2, 3, 4), oracle::conv2d_forward_at<double>(shape, wide_x.view(), wide_w.view(), 1, 2, 3, 4));
    near(dx.at(1, 2, 3, 2), oracle::conv2d_grad_input_at<double>(shape, wide_dy.view(), wide_w.view(), 1, 2, 3, 2));
    const int64_t r = shape.r - 1, s = shape.s / 2;
    near(dw.at(r, s, 2, 5), oracle::conv2d_grad_filter_at<double>(shape, wide_x.view(), wide_dy.view(), r, s, 2, 5));
}

// <conv x, dy> = <x, conv^T dy> = <w, dw> on the kernels themselves: catches a forward and a backward that disagree
// where no sample looks.
TEST_P(Conv2dVariety, Adjoint) {
    for (const Device& device : devices_under_test()) {
        Convolution convolution(device, shape);
        const HostTensor y = convolution.forward(x, w, nullptr, false),
                         dx = convolution.grad_input(dy, w, nullptr, nullptr), dw = convolution.grad_filter(x, dy);
        double by_y = 0, by_x = 0, by_w = 0, size = 0;
        for (size_t i = 0; i < y.values.size(); i++)
            by_y += double(y.values[i]) * dy.values[i], size += std::fabs(double(y.values[i]) * dy.values[i]);
        for (size_t i = 0; i < dx.values.size(); i++) by_x += double(dx.values[i]) * x.values[i];
        for (size_t i = 0; i < dw.values.size(); i++) by_w += double(dw.values[i]) * w.values[i];
        const double allowed = size * std::max(convolution.tolerance_of(Conv2dPass::forward).relative,
                                               convolution.tolerance_of(Conv2dPass::grad_input).relative);
        EXPECT_NEAR(by_y, by_x, allowed) << to_string(device);
        EXPECT_NEAR(by_y, by_w, allowed) << to_string(device);
    }
}

TEST_P(Conv2dVariety, BiasAndReluAreOptional) {
    const HostArray<double> wide_x = widen(x), wide_w = widen(w), wide_bias = widen(bias);
    for (const bool with_bias : {false, true})
        for (const bool relu : {false, true}) {
            HostArray<double> expected(shape.output());
            oracle::conv2d_forward<double>(shape, wide_x.view(), wide_w.view(),
                                           with_bias ? wide_bias.values.data() : nullptr, relu, expected.view());
            for (const Device& device : devices_under_test()) {
                Convolution convolution(device, shape, 1);
                EXPECT_TRUE(matches(expected, convolution.forward(x, w, with_bias ? &bias : nullptr, relu),
                                    convolution.tolerance_of(Conv2dPass::forward)))
                    << to_string(device) << " bias " << with_bias << " relu " << relu;
            }
        }
}

TEST_P(Conv2dVariety, AddAndMaskAreOptionalAndDxMayBeAdd) {
    const HostArray<double> wide_dy = widen(dy), wide_w = widen(w), wide_add = widen(add), wide_mask = widen(mask);
    for (const bool with_add : {false, true})
        for (const bool with_mask : {false, true}) {
            HostArray<double> expected(shape.input());
            oracle::conv2d_grad_input<double>(shape, wide_dy.view(), wide_w.view(),
                                              with_add ? View<const double>(wide_add.view()) : View<const double>(),
                                              with_mask ? View<const double>(wide_mask.view()) : View<const double>(),
                                              expected.view());
            for (const Device& device : devices_under_test()) {
                Convolution convolution(device, shape, 2);
                const HostTensor dx =
                    convolution.grad_input(dy, w, with_add ? &add : nullptr, with_mask ? &mask : nullptr);
                EXPECT_TRUE(matches(expected, dx, convolution.tolerance_of(Conv2dPass::grad_input)))
                    << to_string(device) << " add " << with_add << " mask " << with_mask;
                if (with_add) {
                    EXPECT_TRUE(same_bits(dx, convolution.grad_input(dy, w, &add, with_mask ? &mask : nullptr, true)))
                        << to_string(device);
                }
            }
        }
}

TEST_P(Conv2dVariety, SameBitsForAnyThreadCountAndBatch) {
    Conv2dShape one = shape;
    one.n = 1;
    // The second image alone.
    const auto second = [](const HostTensor& all) {
        const Shape image{1, all.shape.h, all.shape.w, all.shape.c};
        return HostTensor(image,
                          std::vector<float>(all.values.begin() + image.size(), all.values.begin() + 2 * image.size()));
    };
    const HostTensor x1 = second(x), dy1 = second(dy);
    for (const Device& device : devices_under_test()) {
        Convolution single(device, shape, 0, 1), dual(device, shape, 0, 2), triple(device, shape, 0, 3),
            alone(device, one, 0, 2);
        const HostTensor y = single.forward(x, w, &bias, true), dx = single.grad_input(dy, w, nullptr, nullptr),
                         dw = single.grad_filter(x, dy);
        for (Convolution* other : {&dual, &triple}) {
            EXPECT_TRUE(same_bits(y, other->forward(x, w, &bias, true))) << to_string(device);
            EXPECT_TRUE(same_bits(dx, other->grad_input(dy, w, nullptr, nullptr))) << to_string(device);
            EXPECT_TRUE(same_bits(dw, other->grad_filter(x, dy))) << to_string(device);
        }
        EXPECT_TRUE(same_bits(second(y), alone.forward(x1, w, &bias, true))) << to_string(device);
        EXPECT_TRUE(same_bits(second(dx), alone.grad_input(dy1, w, nullptr, nullptr))) << to_string(device);
    }
}

// A NaN reaches every output that reads it. (Winograd may spread it over its tile, but never over the next image.)
TEST_P(Conv2dVariety, NanPropagates) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    HostTensor bad_x = x, bad_dy = dy;
    bad_x.at(0, 3, 2, 1) = nan;
    bad_dy.at(0, 2, 2, 3) = nan;
    HostArray<double> y(shape.output()), dx(shape.input()), dw(shape.filter());
    oracle::conv2d_forward<double>(shape, widen(bad_x).view(), widen(w).view(), nullptr, true, y.view());
    oracle::conv2d_grad_input<double>(shape, widen(bad_dy).view(), widen(w).view(), {}, {}, dx.view());
    oracle::conv2d_grad_filter<double>(shape, widen(bad_x).view(), widen(dy).view(), dw.view());
    for (const Device& device : devices_under_test()) {
        Convolution convolution(device, shape);
        const HostTensor y_out = convolution.forward(bad_x, w, nullptr, true),
                         dx_out = convolution.grad_input(bad_dy, w, nullptr, nullptr),
                         dw_out = convolution.grad_filter(bad_x, dy);
        const auto check = [&](const HostArray<double>& expected, const HostTensor& actual, const char* what) {
            int64_t nans = 0;
            for (size_t i = 0; i < expected.values.size(); i++) {
                if (!std::isnan(expected.values[i])) continue;
                nans++;
                EXPECT_TRUE(std::isnan(actual.values[i])) << to_string(device) << " " << what << " element " << i;
            }
            EXPECT_GT(nans, 0) << what;
            for (size_t i = expected.values.size() / 2; i < expected.values.size() && expected.shape.n == 2; i++)
                ASSERT_FALSE(std::isnan(actual.values[i]))
                    << to_string(device) << " " << what << " second image, element " << i;
        };
        check(y, y_out, "y");
        check(dx, dx_out, "dx");
        for (size_t i = 0; i < dw.values.size(); i++)
            EXPECT_EQ(std::isnan(dw.values[i]), std::isnan(dw_out.values[i]))
                << to_string(device) << " dw element " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dVariety, ::testing::ValuesIn(kVariety), [](const auto& row) {
    return concat("r", row.param.r, "s", row.param.s, "h", row.param.h, "stride", row.param.stride_y);
});

// Shapes for the staircase of a GPU: besides the variety above, every size of tile, with and without shared depth.
std::vector<Conv2dShape> staircase_shapes() {
    std::vector<Conv2dShape> shapes = kVariety;
    shapes.push_back({3, 112, 112, 36, 1, 1, 72});                  // large tiles in all three products
    shapes.push_back({1, 14, 14, 72, 3, 3, 64, 1, 1, 1, 1, 1, 1});  // depth shared by blocks, 128-bit loads
    shapes.push_back({1, 24, 20, 4, 5, 5, 36, 2, 2, 1, 2, 1, 2});   // narrow tiles backward, phases
    return shapes;
}

class Conv2dStaircase : public Conv2dVariety {};

TEST_P(Conv2dStaircase, EveryStepMatchesTheOracle) {
    const HostArray<double> wide_x = widen(x), wide_w = widen(w), wide_bias = widen(bias), wide_dy = widen(dy),
                            wide_add = widen(add), wide_mask = widen(mask);
    HostArray<double> y(shape.output()), dx(shape.input()), dw(shape.filter());
    oracle::conv2d_forward<double>(shape, wide_x.view(), wide_w.view(), wide_bias.values.data(), true, y.view());
    oracle::conv2d_grad_input<double>(shape, wide_dy.view(), wide_w.view(), wide_add.view(), wide_mask.view(),
                                      dx.view());
    oracle::conv2d_grad_filter<double>(shape, wide_x.view(), wide_dy.view(), dw.view());
    for (const Device& device : devices_under_test())
        for (const auto& [name, table] : backend(device).staircase)
            for (const int64_t gap : {0, 3}) {
                SCOPED_TRACE(concat(to_string(device), " ", name, ", gap ", gap));
                Convolution convolution(device, table, shape, gap);
                EXPECT_TRUE(
                    matches(y, convolution.forward(x, w, &bias, true), convolution.tolerance_of(Conv2dPass::forward)));
                EXPECT_TRUE(matches(dx, convolution.grad_input(dy, w, &add, &mask),
                                    convolution.tolerance_of(Conv2dPass::grad_input)));
                Tolerance allowed = sum_tolerance(shape.n * shape.p() * shape.q());
                allowed.relative *= amplification(name);
                EXPECT_TRUE(matches(dw, convolution.grad_filter(x, dy), allowed));
            }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2dStaircase, ::testing::ValuesIn(staircase_shapes()), [](const auto& row) {
    return concat("r", row.param.r, "s", row.param.s, "h", row.param.h, "c", row.param.c);
});

// How tiles are filled, which is what a gap changes, does not depend on what is done with them: one with a gap will do.
// The direct method has no tiles.
std::vector<int64_t> gaps_of(std::string_view method) {
    if (method == "direct") return {};
    return method == "tf32" ? std::vector<int64_t>{0, 3} : std::vector<int64_t>{0};
}

// The largest tiles of a GPU, which need many blocks, at little work: here many pixels, below many filters.
TEST(Conv2d, WidestTilesMatchTheOracle) {
    const Conv2dShape shape{1, 131, 130, 36, 1, 1, 100};
    const HostTensor x = random_tensor(shape.input()), w = random_tensor(shape.filter(), -1, 1, 2);
    HostArray<double> y(shape.output());
    oracle::conv2d_forward<double>(shape, widen(x).view(), widen(w).view(), nullptr, true, y.view());
    for (const Device& device : devices_under_test())
        for (const auto& [name, table] : backend(device).staircase)
            for (const int64_t gap : gaps_of(name)) {
                SCOPED_TRACE(concat(to_string(device), " ", name, ", gap ", gap));
                Convolution convolution(device, table, shape, gap);
                EXPECT_TRUE(matches(y, convolution.forward(x, w, nullptr, true),
                                    convolution.tolerance_of(Conv2dPass::forward)));
            }
}

TEST(Conv2d, WidestTilesOfTheFilterMatchTheOracle) {
    const Conv2dShape shape{1, 5, 8, 2052, 1, 1, 1000};
    const HostTensor x = random_tensor(shape.input()), dy = random_tensor(shape.output(), -1, 1, 2);
    HostArray<double> dw(shape.filter());
    oracle::conv2d_grad_filter<double>(shape, widen(x).view(), widen(dy).view(), dw.view());
    for (const Device& device : devices_under_test())
        for (const auto& [name, table] : backend(device).staircase)
            for (const int64_t gap : gaps_of(name)) {
                SCOPED_TRACE(concat(to_string(device), " ", name, ", gap ", gap));
                Convolution convolution(device, table, shape, gap);
                Tolerance allowed = sum_tolerance(shape.p() * shape.q());
                allowed.relative *= amplification(name);
                EXPECT_TRUE(matches(dw, convolution.grad_filter(x, dy), allowed));
            }
}

// One image takes small tiles and shares its depth among blocks, many take large tiles and do not: same bits.
TEST(Conv2d, BitsDoNotDependOnTheTilesThatABatchTakes) {
    const Conv2dShape one{1, 28, 28, 260, 1, 1, 33}, many{44, 28, 28, 260, 1, 1, 33};
    const HostTensor image = random_tensor(one.input()), w = random_tensor(one.filter(), -1, 1, 2);
    HostTensor images(many.input());
    for (int64_t n = 0; n < many.n; n++)
        std::copy(image.values.begin(), image.values.end(), images.values.begin() + n * image.shape.size());
    for (const Device& device : devices_under_test())
        for (const auto& [name, table] : backend(device).staircase) {
            if (name != "pipelined" && name != "tf32") continue;
            SCOPED_TRACE(concat(to_string(device), " ", name));
            Convolution single(device, table, one, 0), batch(device, table, many, 0);
            EXPECT_GT(single.kernels.scratch(one, Conv2dPass::forward, 1), 0u) << "expected to share the depth";
            EXPECT_EQ(batch.kernels.scratch(many, Conv2dPass::forward, 1), 0u);
            const HostTensor y = single.forward(image, w, nullptr, false),
                             all = batch.forward(images, w, nullptr, false);
            const HostTensor last(one.output(), {all.values.end() - y.shape.size(), all.values.end()});
            EXPECT_TRUE(same_bits(y, last));
        }
}

TEST(Conv2d, SameAlgorithmSharesPackedFilters) {
    const HostTensor w = random_tensor({3, 3, 20, 24});
    for (const Device& device : devices_under_test())
        for (const Conv2dPass pass : {Conv2dPass::forward, Conv2dPass::grad_input})
            for (const int64_t stride : {1, 2}) {
                Convolution a(device, {1, 32, 32, 20, 3, 3, 24, stride, stride, 1, 1, 1, 1}),
                    b(device, {5, 41, 23, 20, 3, 3, 24, stride, stride, 0, 0, 0, 2});
                if (a.kernels.algorithm(a.shape, pass) != b.kernels.algorithm(b.shape, pass)) continue;
                EXPECT_TRUE(same_bits(a.packed(pass, w), b.packed(pass, w))) << to_string(device);
            }
}

TEST(Conv2d, AlgorithmDoesNotDependOnTheBatch) {
    for (const ShapeRow& row : read_shapes("conv2d.txt"))
        for (const Device& device : devices_under_test())
            for (const Conv2dPass pass : {Conv2dPass::forward, Conv2dPass::grad_input}) {
                Conv2dShape one = shape_of(row), many = one;
                one.n = 1, many.n = 64;
                const Conv2dKernels& kernels = backend(device).kernels.conv2d;
                EXPECT_EQ(kernels.algorithm(one, pass), kernels.algorithm(many, pass)) << row.name;
                EXPECT_EQ(kernels.packed_size(one, pass), kernels.packed_size(many, pass)) << row.name;
            }
}

TEST(Conv2d, SamePaddingIsTensorFlows) {
    int64_t before = -1, after = -1;
    same_padding(224, 7, 2, &before, &after);
    EXPECT_EQ(before, 2);
    EXPECT_EQ(after, 3);
    same_padding(7, 1, 2, &before, &after);  // window smaller than the stride
    EXPECT_EQ(before, 0);
    EXPECT_EQ(after, 0);
    same_padding(5, 5, 1, &before, &after);
    EXPECT_EQ(before, 2);
    EXPECT_EQ(after, 2);
}

}  // namespace
}  // namespace limpid::testing
