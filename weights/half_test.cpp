// Half precision: every number there and back, rounding, and files of it.
#include "weights/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "tests/harness/compare.h"
#include "weights/readers.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

TEST(Half, EveryNumberComesBack) {
    for (uint32_t half = 0; half < 65536; half++) {
        const float value = from_half(uint16_t(half));
        if (std::isnan(value))
            EXPECT_TRUE(std::isnan(from_half(to_half(value)))) << half;
        else
            ASSERT_EQ(to_half(value), half);
    }
    EXPECT_EQ(from_half(0x3c00), 1.0f);
    EXPECT_EQ(from_half(0xc500), -5.0f);
    EXPECT_EQ(from_half(0x0001), 0x1p-24f);
    EXPECT_EQ(from_half(0x7bff), 65504.0f);
}

TEST(Half, RoundsToTheNearestTiesToEven) {
    for (uint32_t half = 0; half < 0x7bff; half++) {  // between neighbours, normal and not
        const float low = from_half(uint16_t(half)), high = from_half(uint16_t(half + 1)),
                    middle = low + (high - low) / 2;
        ASSERT_EQ(to_half(middle), half + (half & 1)) << half;
        ASSERT_EQ(to_half(std::nextafter(middle, 0.0f)), half) << half;
        ASSERT_EQ(to_half(std::nextafter(middle, 1e9f)), half + 1) << half;
        ASSERT_EQ(to_half(-middle), (half + (half & 1)) | 0x8000) << half;
    }
    EXPECT_EQ(to_half(65519.0f), 0x7bff);
    EXPECT_EQ(to_half(65520.0f), 0x7c00);
    EXPECT_EQ(to_half(std::numeric_limits<float>::infinity()), 0x7c00);
    EXPECT_EQ(to_half(1e-9f), 0);
}

TEST(Half, FilesOfItGiveBackTheRoundedWeightsInHalfTheSpace) {
    Weights original = small_weights();
    HostTensor& thirds = original.tensors.emplace("thirds", HostTensor({1, 1, 64, 64})).first->second;
    for (size_t i = 0; i < thirds.values.size(); i++) thirds.values[i] = (float(i) - 2000) / 3e3f;
    original.checksum = checksum_of(original.tensors);
    const Weights weights = stored(original, Storage::float16);
    EXPECT_NE(original.checksum, weights.checksum);
    const std::vector<std::byte> file = write_hdf5(weights, Storage::float16);
    const Weights read = read_hdf5(file);
    EXPECT_EQ(read.checksum, weights.checksum);
    for (const auto& [name, tensor] : weights.tensors) {
        EXPECT_TRUE(same_bits(tensor, read.tensors.at(name))) << name;
        for (size_t i = 0; i < tensor.values.size(); i++)
            EXPECT_NEAR(tensor.values[i], original.tensors.at(name).values[i],
                        std::fabs(tensor.values[i]) * 0x1p-11f + 0x1p-25f);
    }
    EXPECT_LT(file.size() + 8000, write_hdf5(weights).size());
    EXPECT_THROW(write_hdf5(original, Storage::float16), Error) << "values are lost";
    Weights large = original;
    large.tensors.begin()->second.values[0] = 1e6f;
    EXPECT_THROW(stored(large, Storage::float16), Error);
}

}  // namespace
}  // namespace limpid::testing
