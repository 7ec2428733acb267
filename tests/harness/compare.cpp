// The comparison asks !(error <= allowed), so that a NaN fails instead of passing.
#include "tests/harness/compare.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace limpid::testing {

namespace {

std::string coordinates(const Shape& s, int64_t i) {
    return concat("[", i / (s.c * s.w * s.h), ",", i / (s.c * s.w) % s.h, ",", i / s.c % s.w, ",", i % s.c, "]");
}

template <class Expected, class Actual>
::testing::AssertionResult compare(const HostArray<Expected>& expected, const HostArray<Actual>& actual,
                                   Tolerance tolerance) {
    if (!(expected.shape == actual.shape))
        return ::testing::AssertionFailure() << "shape " << actual.shape << ", expected " << expected.shape;
    const int64_t count = expected.shape.size();
    double scale = 0;
    for (const Expected& value : expected.values)
        if (std::isfinite(double(value))) scale = std::max(scale, std::fabs(double(value)));
    if (!tolerance.zeros_expected && count == 0)
        return ::testing::AssertionFailure() << "the reference is empty: nothing was tested";
    if (!tolerance.zeros_expected && scale == 0)
        return ::testing::AssertionFailure() << "the reference is all zeros: nothing was tested";

    int64_t bad = 0, worst = -1;
    double worst_excess = -1;
    for (int64_t i = 0; i < count; i++) {
        const double e = double(expected.values[size_t(i)]), a = double(actual.values[size_t(i)]);
        if (std::isnan(e) && std::isnan(a)) continue;
        if (std::isinf(e) && e == a) continue;
        const double error = std::fabs(a - e), allowed = tolerance.relative * (std::fabs(e) + scale);
        if (std::isfinite(e) && error <= allowed) continue;
        bad++;
        const double excess = std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
        if (worst < 0 || excess > worst_excess) worst = i, worst_excess = excess;
    }
    if (bad == 0) return ::testing::AssertionSuccess();
    const double e = double(expected.values[size_t(worst)]), a = double(actual.values[size_t(worst)]);
    return ::testing::AssertionFailure() << bad << " of " << count << " elements differ; worst at "
                                         << coordinates(expected.shape, worst) << ": " << a << ", expected " << e
                                         << " (error " << std::fabs(a - e) << ", allowed "
                                         << tolerance.relative * (std::fabs(e) + scale) << ", largest expected "
                                         << scale << ")";
}

}  // namespace

Tolerance sum_tolerance(int64_t terms) {
    return {4 * double(std::numeric_limits<float>::epsilon()) * std::sqrt(double(terms < 1 ? 1 : terms))};
}

::testing::AssertionResult matches(const HostArray<double>& expected, const HostTensor& actual, Tolerance tolerance) {
    return compare(expected, actual, tolerance);
}
::testing::AssertionResult matches(const HostTensor& expected, const HostTensor& actual, Tolerance tolerance) {
    return compare(expected, actual, tolerance);
}
::testing::AssertionResult matches(const HostArray<double>& expected, const HostArray<double>& actual,
                                   Tolerance tolerance) {
    return compare(expected, actual, tolerance);
}

::testing::AssertionResult same_bits(const HostTensor& expected, const HostTensor& actual) {
    if (!(expected.shape == actual.shape))
        return ::testing::AssertionFailure() << "shape " << actual.shape << ", expected " << expected.shape;
    for (size_t i = 0; i < expected.values.size(); i++)
        if (std::memcmp(&expected.values[i], &actual.values[i], sizeof(float)) != 0)
            return ::testing::AssertionFailure() << "first difference at " << coordinates(expected.shape, int64_t(i))
                                                 << ": " << actual.values[i] << ", expected " << expected.values[i];
    return ::testing::AssertionSuccess();
}

}  // namespace limpid::testing
