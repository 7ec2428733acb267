// The comparator is tested by wrong answers that it must refuse.
#include "tests/harness/compare.h"

#include <cmath>
#include <limits>

namespace limpid::testing {
namespace {

HostArray<double> expected() { return HostArray<double>({1, 1, 2, 2}, std::vector<double>{1, -2, 3, 0}); }
HostTensor actual(std::vector<float> values) { return HostTensor({1, 1, 2, 2}, std::move(values)); }
const float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

TEST(Compare, AcceptsEqualAndNearlyEqual) {
    EXPECT_TRUE(matches(expected(), actual({1, -2, 3, 0}), {0}));
    EXPECT_TRUE(matches(expected(), actual({1.0000001f, -2, 3, 0}), sum_tolerance(1)));
}

TEST(Compare, RefusesOneBadElement) {
    const auto result = matches(expected(), actual({1, -2, 3.01f, 0}), sum_tolerance(100));
    EXPECT_FALSE(result);
    EXPECT_NE(std::string(result.message()).find("[0,0,1,0]"), std::string::npos) << result.message();
}

TEST(Compare, RefusesNanAndInfinity) {
    EXPECT_FALSE(matches(expected(), actual({1, -2, kNan, 0}), {1e9}));
    EXPECT_FALSE(matches(expected(), actual({1, -2, kInfinity, 0}), {1e9}));
    HostArray<double> infinite = expected();
    infinite.values[0] = kInfinity;
    EXPECT_FALSE(matches(infinite, actual({1, -2, 3, 0}), {1e9}));
    EXPECT_TRUE(matches(infinite, actual({kInfinity, -2, 3, 0}), {0}));
}

TEST(Compare, RefusesOtherShapes) { EXPECT_FALSE(matches(expected(), HostTensor({1, 2, 1, 2}, {1, -2, 3, 0}), {1})); }

TEST(Compare, RefusesReferencesThatTestNothing) {
    const HostArray<double> zeros(Shape{1, 1, 1, 3}), empty(Shape{0, 1, 1, 3});
    EXPECT_FALSE(matches(zeros, HostTensor({1, 1, 1, 3}), {1}));
    EXPECT_FALSE(matches(empty, HostTensor({0, 1, 1, 3}), {1}));
    EXPECT_TRUE(matches(zeros, HostTensor({1, 1, 1, 3}), {.relative = 0, .zeros_expected = true}));
    EXPECT_FALSE(matches(zeros, HostTensor({1, 1, 1, 3}, {0, 1e-30f, 0}), {.relative = 1e9, .zeros_expected = true}));
    EXPECT_TRUE(matches(empty, HostTensor({0, 1, 1, 3}), {.relative = 0, .zeros_expected = true}));
}

TEST(Compare, SameBitsSeesTheSignOfZero) {
    EXPECT_TRUE(same_bits(actual({1, kNan, 3, 0}), actual({1, kNan, 3, 0})));
    EXPECT_FALSE(same_bits(actual({1, 2, 3, 0.0f}), actual({1, 2, 3, -0.0f})));
}

}  // namespace
}  // namespace limpid::testing
