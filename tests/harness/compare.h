// The only comparator of arrays in the tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kernels/tensor.h"

namespace limpid::testing {

// |actual - expected| <= relative * (|expected| + scale) for every element, where scale is the largest |expected| of
// the array. relative = 0 asks for equality. Derive it: sum_tolerance(K) for a sum of K terms.
struct Tolerance {
    double relative = 0;
    bool zeros_expected = false;  // the reference may be all zeros, or empty
};

// c * epsilon * sqrt(K): the rounding of a float sum of K terms whose errors are independent. c = 4 covers the
// products, the final rounding and unlucky order.
Tolerance sum_tolerance(int64_t terms);

// Fails (with the worst element, its coordinates, both values, and the count of bad elements) on: different shapes, an
// empty or all-zero reference (unless declared), any NaN or infinity that the reference lacks, any element beyond the
// tolerance.
::testing::AssertionResult matches(const HostArray<double>& expected, const HostTensor& actual, Tolerance tolerance);
::testing::AssertionResult matches(const HostTensor& expected, const HostTensor& actual, Tolerance tolerance);
::testing::AssertionResult matches(const HostArray<double>& expected, const HostArray<double>& actual,
                                   Tolerance tolerance);

// Bit for bit the same (so 0 and -0 differ, equal NaNs do not).
::testing::AssertionResult same_bits(const HostTensor& expected, const HostTensor& actual);

}  // namespace limpid::testing
