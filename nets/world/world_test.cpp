// The world: the same numbers make the same picture, masks tell the truth, patterns are what they are called.
#include "nets/world/world.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace limpid {
namespace {

struct Painted {
    HostTensor image{Shape{1, kWorldSize, kWorldSize, 3}}, mask{Shape{1, kWorldSize, kWorldSize, 1}};
    explicit Painted(uint32_t index, int pattern) { paint_pattern(7, index, pattern, image.view(), mask.view()); }
    double covered() const {
        return std::accumulate(mask.values.begin(), mask.values.end(), 0.0) / double(mask.values.size());
    }
};

TEST(World, APictureIsAFunctionOfSeedAndIndex) {
    for (int pattern = 0; pattern < kPatterns; pattern++) {
        const Painted a(3, pattern), again(3, pattern), other(4, pattern);
        EXPECT_EQ(a.image.values, again.image.values) << kPatternNames[size_t(pattern)];
        EXPECT_NE(a.image.values, other.image.values) << kPatternNames[size_t(pattern)];
        // The mask is a by-product: without it the picture is the same.
        HostTensor alone({1, kWorldSize, kWorldSize, 3});
        paint_pattern(7, 3, pattern, alone.view());
        EXPECT_EQ(a.image.values, alone.values) << kPatternNames[size_t(pattern)];
    }
}

TEST(World, ValuesAreColoursAndMasksAreNeverEmptyNorGreater) {
    for (int pattern = 0; pattern < kPatterns; pattern++) {
        double least = 1, mean = 0;
        for (uint32_t index = 0; index < 40; index++) {
            const Painted p(index, pattern);
            for (const float value : p.image.values) ASSERT_TRUE(value >= 0 && value <= 1);
            for (const float value : p.mask.values) ASSERT_TRUE(value == 0 || value == 1);
            least = std::min(least, p.covered());
            mean += p.covered() / 40;
        }
        EXPECT_GT(least, 0.005) << kPatternNames[size_t(pattern)];
        EXPECT_GT(mean, 0.05) << kPatternNames[size_t(pattern)];
    }
}

TEST(World, EveryPatternIsDrawnAboutAsOften) {
    std::vector<int> counts(static_cast<size_t>(kPatterns));
    for (uint32_t index = 0; index < 25000; index++) counts[size_t(pattern_of(1, index))]++;
    for (const int count : counts) EXPECT_NEAR(count, 1000, 150);  // five standard deviations
}

// The mean square of differences along an offset, over pixels of the mask: small along stripes, large across.
double variation(const Painted& p, int dx, int dy) {
    double sum = 0, count = 0;
    for (int64_t y = 3; y < kWorldSize - 3; y++)
        for (int64_t x = 3; x < kWorldSize - 3; x++) {
            if (p.mask.at(0, y, x, 0) == 0 || p.mask.at(0, y + dy, x + dx, 0) == 0) continue;
            for (int64_t c = 0; c < 3; c++)
                sum += std::pow(p.image.at(0, y, x, c) - p.image.at(0, y + dy, x + dx, c), 2);
            count++;
        }
    return sum / count;
}

TEST(World, StripesRunAsTheirNamesSay) {
    const int along[4][2] = {{3, 0}, {0, 3}, {2, -2}, {2, 2}};  // horizontal, vertical, rising, falling; y is down
    for (int pattern = 0; pattern < 4; pattern++) {
        double ratio = 0;
        for (uint32_t index = 0; index < 30; index++) {
            const Painted p(index, pattern);
            const int *a = along[pattern], *b = along[pattern ^ 1];
            ratio += std::log(variation(p, a[0], a[1]) / variation(p, b[0], b[1])) / 30;
        }
        EXPECT_LT(ratio, -0.7) << kPatternNames[size_t(pattern)];
    }
    EXPECT_EQ(mirrored_pattern(2), 3);
    EXPECT_EQ(mirrored_pattern(3), 2);
    EXPECT_EQ(mirrored_pattern(4), 4);
}

TEST(World, CompositesShowSeveralPatternsInPlacesOfTheirOwn) {
    for (const int patterns : {2, 3, 4}) {
        const Composite c = paint_composite(5, 9, patterns, 96);
        EXPECT_EQ(c.image.values, paint_composite(5, 9, patterns, 96).image.values);
        ASSERT_EQ(int(c.patterns.size()), patterns);
        ASSERT_EQ(int(c.masks.size()), patterns);
        for (size_t i = 0; i < c.patterns.size(); i++)
            for (size_t k = 0; k < i; k++) EXPECT_NE(c.patterns[i], c.patterns[k]);
        for (size_t pixel = 0; pixel < c.masks[0].values.size(); pixel++) {
            float sum = 0;
            for (const HostTensor& mask : c.masks) sum += mask.values[pixel];
            ASSERT_LE(sum, 1);
        }
    }
    EXPECT_THROW(paint_composite(5, 9, 5, 96), Error);
    EXPECT_THROW(paint_composite(5, 9, 2, 8), Error);
    HostTensor image({1, 16, 16, 3});
    EXPECT_THROW(paint_pattern(5, 9, kPatterns, image.view()), Error);
}

}  // namespace
}  // namespace limpid
