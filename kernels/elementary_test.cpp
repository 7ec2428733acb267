#include "kernels/elementary.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>

namespace limpid {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Against the C library's long double, which has eleven bits more here (and more on ARM).
double error_in_ulps(double found, long double truth) {
    const double near = std::fabs(double(truth)), ulp = std::nextafter(near, kInfinity) - near;
    return double(std::fabs(found - truth)) / ulp;
}

template <class Function, class Truth>
double largest_error(double low, double high, Function&& function, Truth&& truth) {
    std::mt19937_64 random(1);
    double worst = 0;
    for (int i = 0; i < 20000; i++) {
        const double x = low + (high - low) * double(random() >> 11) * 0x1p-53;
        worst = std::max(worst, error_in_ulps(function(x), truth(static_cast<long double>(x))));
    }
    return worst;
}

#define LARGEST_ERROR(name, low, high) \
    largest_error(low, high, elementary::name, [](long double x) { return std::name(x); })

TEST(Elementary, IsAccurate) {
    EXPECT_LT(LARGEST_ERROR(exp, -1, 1), 0.6);
    EXPECT_LT(LARGEST_ERROR(exp, -700, 700), 0.6);
    EXPECT_LT(LARGEST_ERROR(log, 0.5, 2), 0.6);
    EXPECT_LT(LARGEST_ERROR(log, 0, 1e9), 0.6);
    EXPECT_LT(LARGEST_ERROR(log2, 0, 1e9), 0.6);
    EXPECT_LT(LARGEST_ERROR(log10, 0, 1e9), 0.6);
    EXPECT_LT(LARGEST_ERROR(sin, -1, 1), 1.5);
    EXPECT_LT(LARGEST_ERROR(cos, -1, 1), 1.5);
    EXPECT_LT(LARGEST_ERROR(sin, -1000, 1000), 1.5);
    EXPECT_LT(LARGEST_ERROR(cos, -1000, 1000), 1.5);
    for (const double large : {0x1p21, 1e9, 1e15, 1e22, 1e38, 1e300}) {
        EXPECT_LT(LARGEST_ERROR(sin, -large, large), 3.5) << large;
        EXPECT_LT(LARGEST_ERROR(cos, -large, large), 3.5) << large;
    }
    for (const double y : {-3.0, -0.75, 0.5, 2.4, 30.0})
        EXPECT_LT(largest_error(
                      1e-3, 100, [y](double x) { return elementary::pow(x, y); },
                      [y](long double x) { return std::pow(x, static_cast<long double>(y)); }),
                  1.2)
            << y;
    for (const double x : {-2.0, -0.1, 0.3, 5.0})
        EXPECT_LT(largest_error(
                      -10, 10, [x](double y) { return elementary::atan2(y, x); },
                      [x](long double y) { return std::atan2(y, static_cast<long double>(x)); }),
                  2.5)
            << x;
}

TEST(Elementary, IsExactWhereTheAnswerIs) {
    for (int k = -20; k <= 22; k++) {
        EXPECT_EQ(elementary::pow(2, k), std::ldexp(1, k));
        EXPECT_EQ(elementary::log2(std::ldexp(1, k)), k);
        if (k < 0) continue;
        const double power = std::stod("1e" + std::to_string(k));
        EXPECT_EQ(elementary::pow(10, k), power);
        EXPECT_EQ(elementary::log10(power), k);
    }
    EXPECT_EQ(elementary::exp(0), 1);
    EXPECT_EQ(elementary::log(1), 0);
    EXPECT_EQ(elementary::sin(0), 0);
    EXPECT_EQ(elementary::cos(0), 1);
    EXPECT_EQ(elementary::atan2(0, -1), std::numbers::pi);
    EXPECT_EQ(elementary::atan2(-1, 0), -std::numbers::pi / 2);
}

// What the C library says of all pairs of these, infinities, zeros and signs included.
TEST(Elementary, EndsAreThoseOfTheCLibrary) {
    const std::array values = {
        0.0,  -0.0,  1.0,    -1.0,   0.5,     -0.5,   2.0,       -2.0,       3.0,
        -3.0, 1e300, -1e300, 1e-300, -1e-300, 5e-324, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()};
    const auto same = [](double found, double truth) {
        if (truth != truth) return found != found;
        return std::signbit(found) == std::signbit(truth) &&
               (found == truth || error_in_ulps(found, static_cast<long double>(truth)) < 2.5);
    };
    for (const double x : values) {
        EXPECT_PRED2(same, elementary::exp(x), std::exp(x)) << x;
        EXPECT_PRED2(same, elementary::log(x), std::log(x)) << x;
        EXPECT_PRED2(same, elementary::log2(x), std::log2(x)) << x;
        EXPECT_PRED2(same, elementary::log10(x), std::log10(x)) << x;
        EXPECT_PRED2(same, elementary::sin(x), std::sin(x)) << x;
        EXPECT_PRED2(same, elementary::cos(x), std::cos(x)) << x;
        for (const double y : values) {
            EXPECT_PRED2(same, elementary::pow(x, y), std::pow(x, y)) << x << " " << y;
            if (!std::isinf(x) || !std::isinf(y)) {
                EXPECT_PRED2(same, elementary::atan2(y, x), std::atan2(y, x)) << y << " " << x;
            }
        }
    }
}

}  // namespace
}  // namespace limpid
