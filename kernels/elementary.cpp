// The series, in pairs of doubles where one would not do. Compiled without contraction (CMakeLists.txt): a multiply-add
// is fused where it says fma, and nowhere else.
#include "kernels/elementary.h"

#include <cmath>
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

QuarterTurns quarter_turns(double x) {
    constexpr double kMost = 1 << 20;
    if (!(std::fabs(x) < kMost)) x = std::remainder(x, 2 * std::numbers::pi);
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
