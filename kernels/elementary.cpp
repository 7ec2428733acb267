// The series, in pairs of doubles where one would not do. Compiled without contraction (CMakeLists.txt): a multiply-add
// is fused where it says fma, and nowhere else.
#include "kernels/elementary.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

namespace limpid::elementary {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

// The sum of both, of which `low` is at most half a unit in the last place of `high`.
struct Pair {
    double high, low;
};

Pair exact_sum(double a, double b) {
    const double sum = a + b, part = sum - a;
    return {sum, (a - (sum - part)) + (b - part)};
}
Pair exact_product(double a, double b) {
    const double product = a * b;
    return {product, std::fma(a, b, -product)};
}
Pair product(Pair a, Pair b) {
    const Pair main = exact_product(a.high, b.high);
    return exact_sum(main.high, main.low + (a.high * b.low + a.low * b.high));
}

// ln(2) = high + low, where `high` ends in 21 zero bits: its products with exponents are exact.
constexpr Pair kLn2 = {0x1.62e42feep-1, 0x1.a39ef35793c76p-33};

// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1): log(m) = 2 * (s + s^3/3 + s^5/5 + ...).
// For 0 < x < infinity.
Pair log_of(double x) {
    int exponent = 0;
    double m = std::frexp(x, &exponent);
    if (m < std::numbers::sqrt2 / 2) m *= 2, exponent--;
    const Pair divisor = exact_sum(m, 1);
    const double f = m - 1, s = f / divisor.high;
    const double rest = (std::fma(-s, divisor.high, f) - s * divisor.low) / divisor.high;
    const double z = s * s;
    double series = 0;
    for (int k = 25; k >= 3; k -= 2) series = series * z + 2.0 / k;
    const Pair main = exact_sum(exponent * kLn2.high, 2 * s);
    return exact_sum(main.high, main.low + (2 * rest + s * z * series + exponent * kLn2.low));
}

// e^x = 2^n * e^r with |r| <= ln(2)/2.
double exp_of(Pair x) {
    if (x.high > 710) return kInfinity;
    if (x.high < -746) return 0;
    const double n = std::nearbyint(x.high * std::numbers::log2e);
    const Pair r = exact_sum(x.high - n * kLn2.high, x.low - n * kLn2.low);
    double series = 0;
    for (int k = 14; k >= 2; k--) series = (series * r.high + 1) / k;
    // series = (e^r - 1 - r) / r^2, and 1 + r + r^2 * series is added from the largest.
    const Pair main = exact_sum(1, r.high);
    return std::ldexp(main.high + (main.low + (r.high * r.high * series + r.low * main.high)), int(n));
}

double scaled_log(double x, Pair factor) {
    if (!(x > 0)) return x == 0 ? -kInfinity : kNan;
    if (x == kInfinity) return x;
    return product(log_of(x), factor).high;
}

// x = count * pi/2 + rest.
struct QuarterTurns {
    int count;
    double rest;
};

// The binary digits of 2/pi after the point.
constexpr uint64_t kTwoOverPi[] = {0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u,
                                   0xb7246e3a424dd2e0u, 0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u,
                                   0xe99c7026b45f7e41u, 0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu,
                                   0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u, 0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu,
                                   0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu};

// 64 digits of 2/pi from the first-th on, which is numbered 1.
uint64_t two_over_pi(int first) {
    const size_t word = size_t(first - 1) / 64;
    const int shift = (first - 1) % 64;
    return shift == 0 ? kTwoOverPi[word] : kTwoOverPi[word] << shift | kTwoOverPi[word + 1] >> (64 - shift);
}

// For 2^20 <= |x| < infinity (Payne and Hanek, Radian Reduction for Trigonometric Functions, 1983): x = m * 2^e with a
// whole m of 53 digits. Of 2/pi only 192 digits count: those before them give whole turns, those after 2^-137 at most.
QuarterTurns quarter_turns_of_large(double x) {
    int exponent = 0;
    const uint64_t m = uint64_t(std::ldexp(std::frexp(std::fabs(x), &exponent), 53));
    exponent -= 53;
    const int first = exponent > 2 ? exponent - 1 : 1;
    // The product, least word first, of which the last 191 + first - exponent digits are the fraction.
    uint64_t product[4] = {};
    unsigned __int128 carry = 0;
    for (int i = 0; i < 3; i++) {
        carry += static_cast<unsigned __int128>(m) * two_over_pi(first + 64 * (2 - i));
        product[i] = uint64_t(carry);
        carry >>= 64;
    }
    product[3] = uint64_t(carry);
    // Moved up until two digits stand before the point, which is then after the second digit of the highest word.
    const int up = 254 - (191 + first - exponent);
    for (int i = 3; i >= 0; i--) {
        const int from = i - up / 64, shift = up % 64;
        const uint64_t high = from >= 0 ? product[from] : 0, low = from >= 1 ? product[from - 1] : 0;
        product[i] = shift == 0 ? high : high << shift | low >> (64 - shift);
    }
    int count = int(product[3] >> 62);
    uint64_t high = product[3] << 2 | product[2] >> 62, middle = product[2] << 2 | product[1] >> 62,
             low = product[1] << 2 | product[0] >> 62;
    const bool above = high >> 63;  // the nearest multiple is the next one
    if (above) count++, high = ~high, middle = ~middle, low = ~low;
    const double fraction =
        std::ldexp(double(high), -64) + (std::ldexp(double(middle), -128) + std::ldexp(double(low), -192));
    double rest = fraction * (std::numbers::pi / 2);
    if (above) rest = -rest;
    return x < 0 ? QuarterTurns{-count & 3, -rest} : QuarterTurns{count & 3, rest};
}

QuarterTurns quarter_turns(double x) {
    if (!(std::fabs(x) < kInfinity)) return {0, kNan};
    if (std::fabs(x) >= 1 << 20) return quarter_turns_of_large(x);
    const double k = std::nearbyint(x * (2 / std::numbers::pi));
    const double rest = std::fma(-k, 0x1.921fb54442d18p+0, x);
    return {int(k) & 3, std::fma(-k, 0x1.1a62633145c07p-54, rest)};
}

double sine_of(QuarterTurns turns) {
    const double r = turns.rest, z = r * r;
    double series = 0, value;
    if (turns.count & 1) {
        for (int k = 18; k >= 4; k -= 2) series = (1 - series) * z / (k * (k - 1));
        // 1 - z/2 * (1 - series)
        const Pair main = exact_sum(1, -z / 2);
        value = main.high + (main.low + z / 2 * series);
    } else {
        for (int k = 19; k >= 3; k -= 2) series = (1 - series) * z / (k * (k - 1));
        value = r - r * series;
    }
    return turns.count & 2 ? -value : value;
}

// For 0 <= t <= 1: around 0, or around 1.
double atan_of(double t) {
    if (t > 0.42) return std::numbers::pi / 4 - atan_of((1 - t) / (1 + t));
    const double z = t * t;
    double series = 0;
    for (int k = 47; k >= 3; k -= 2) series = z * (1.0 / k - series);
    return t - t * series;
}

}  // namespace

double exp(double x) { return x == x ? exp_of({x, 0}) : x; }
double log(double x) { return scaled_log(x, {1, 0}); }
double log2(double x) { return scaled_log(x, {std::numbers::log2e, 0x1.777d0ffda0d24p-56}); }
double log10(double x) { return scaled_log(x, {std::numbers::log10e, 0x1.95355baaafad3p-57}); }

double pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (x != x || y != y) return kNan;
    const bool whole = std::floor(y) == y, odd = whole && std::fabs(std::fmod(y, 2)) == 1;
    if (x < 0 && !whole && x != -kInfinity) return y == kInfinity || y == -kInfinity ? pow(-x, y) : kNan;
    const double magnitude = std::fabs(x);
    double value;
    if (magnitude == 0 || magnitude == kInfinity) {
        value = (magnitude == 0) == (y > 0) ? 0 : kInfinity;
    } else if (std::fabs(y) > 0x1p64) {
        value = magnitude == 1 ? 1 : (magnitude > 1) == (y > 0) ? kInfinity : 0;
    } else {
        value = exp_of(product(log_of(magnitude), {y, 0}));
    }
    return odd && std::signbit(x) ? -value : value;
}

double sin(double x) { return x == 0 ? x : sine_of(quarter_turns(x)); }  // of -0 too
double cos(double x) {
    QuarterTurns turns = quarter_turns(x);
    turns.count = (turns.count + 1) & 3;
    return sine_of(turns);
}

double atan2(double y, double x) {
    if (x != x || y != y) return kNan;
    const double across = std::fabs(x), up = std::fabs(y);
    double angle = 0;
    if (up > across)
        angle = std::numbers::pi / 2 - atan_of(across / up);
    else if (across > 0)
        angle = up == kInfinity ? std::numbers::pi / 4 : atan_of(up / across);
    return std::copysign(std::signbit(x) ? std::numbers::pi - angle : angle, y);
}

}  // namespace limpid::elementary
