// Colours, limits and layout of maps.
#include "viz/image/heat.h"

#include <gtest/gtest.h>

#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

TEST(Heat, ColoursSignsOverAGreyPhoto) {
    const HostTensor photo({1, 1, 3, 3}, {1, 1, 1, 1, 1, 1, 0.5f, 0, 0});
    const HostTensor picture = heat_over(photo.view(), HostTensor({1, 1, 3, 1}, {2, -2, 0}), 2);
    const float orange[] = {1, 0.5f, 0}, blue[] = {0, 0.5f, 1};
    for (int64_t c = 0; c < 3; c++) {
        EXPECT_FLOAT_EQ(picture.at(0, 0, 0, c), orange[c]);
        EXPECT_FLOAT_EQ(picture.at(0, 0, 1, c), blue[c]);
        EXPECT_FLOAT_EQ(picture.at(0, 0, 2, c), 0.5f * 0.2126f * 0.5f);
    }
    // Half as large is half as opaque; a map of nothing leaves the photo.
    const HostTensor half = heat_over(photo.view(), HostTensor({1, 1, 3, 1}, {1, 1, 1}), 2);
    EXPECT_FLOAT_EQ(half.at(0, 0, 0, 0), 0.75f);
    EXPECT_FLOAT_EQ(half.at(0, 0, 0, 2), 0.25f);
    EXPECT_FLOAT_EQ(heat_over(photo.view(), HostTensor({1, 1, 3, 1})).at(0, 0, 0, 1), 0.5f);
    // Maps of layers are resampled.
    EXPECT_EQ(heat_over(HostTensor({1, 12, 10, 3}).view(), HostTensor({1, 3, 2, 1}, 1)).shape, (Shape{1, 12, 10, 3}));
}

TEST(Heat, HuesAreThoseOfTheirNumbers) {
    HostTensor maps({1, 1, 3, 3});
    for (int64_t i = 0; i < 3; i++) maps.at(0, 0, i, i) = 7;
    const HostTensor picture = hues_over(HostTensor({1, 1, 3, 3}).view(), maps);
    for (int64_t i = 0; i < 3; i++)
        for (int64_t c = 0; c < 3; c++) EXPECT_FLOAT_EQ(picture.at(0, 0, i, c), i == c) << "red, green, blue";
}

TEST(Heat, PercentilesAndSprites) {
    const HostTensor map({1, 1, 5, 1}, {-9, 1, 2, -3, 4});
    EXPECT_EQ(percentile_of_size(map, 0), 1.0f);
    EXPECT_EQ(percentile_of_size(map, 50), 3.0f);
    EXPECT_EQ(percentile_of_size(map, 100), 9.0f);
    const HostTensor sprites = grey_sprites(HostTensor({3, 1, 2, 1}, {0, 4, -1, 2, 1, 3}), 2);
    ASSERT_EQ(sprites.shape, (Shape{1, 2, 4, 1}));
    EXPECT_EQ(sprites.values, (std::vector<float>{0, 1, 0, 0.5f, 0.25f, 0.75f, 0, 0}));
}

}  // namespace
}  // namespace limpid
