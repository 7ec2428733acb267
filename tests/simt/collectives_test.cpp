// What a warp and a block do together, against the rules written out; and the order in which threads take turns.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/simt/planted/device_array.h"
#include "tests/simt/planted/small_kernels.h"
#include "tests/simt/simt.h"

namespace {

using planted::DeviceArray;

std::vector<float> counting(int n) {
    std::vector<float> values(static_cast<size_t>(n));
    std::iota(values.begin(), values.end(), 0.0f);
    return values;
}

TEST(SimtWarp, FunctionsFollowTheirDefinition) {
    const DeviceArray<float> x(counting(32)), y(32 * small::kWarpResults);
    ASSERT_EQ(small::warp_functions(x.data(), y.data()), cudaSuccess);
    const std::vector<float> result = y.read();
    for (int lane = 0; lane < 32; lane++) {
        const int segment = lane / 8 * 8, inside = lane % 8;
        // CUDA programming guide, "Warp shuffle functions": lanes whose source lies outside keep their value.
        const int expected[small::kWarpResults] = {
            5,
            segment + (lane + 1) % 8,
            lane ^ 3,
            (lane ^ 8) < lane ? lane ^ 8 : lane,  // sources in a later segment are outside, earlier ones are not
            lane + 4 < 32 ? lane + 4 : lane,
            inside + 4 < 8 ? lane + 4 : lane,
            lane >= 4 ? lane - 4 : lane,
            inside >= 4 ? lane - 4 : lane,
            11,
            1,
            0,
            lane < 16 ? lane ^ 1 : lane ^ 2,
        };
        for (int i = 0; i < small::kWarpResults; i++)
            EXPECT_EQ(result[size_t(lane * small::kWarpResults + i)], float(expected[i]))
                << "lane " << lane << ", function " << i;
    }
}

TEST(SimtBlock, BarriersCount) {
    // 80 threads: the last warp is half empty.
    for (const int positive : {0, 1, 37, 80}) {
        std::vector<float> values(80, -1.0f);
        for (int i = 0; i < positive; i++) values[size_t(i * 7 % 80)] = 1;
        const DeviceArray<float> x(values), y(240);
        ASSERT_EQ(small::block_functions(80, x.data(), y.data()), cudaSuccess);
        const std::vector<float> result = y.read();
        for (size_t thread = 0; thread < 80; thread++) {
            EXPECT_EQ(result[thread * 3], float(positive));
            EXPECT_EQ(result[thread * 3 + 1], float(positive > 0));
            EXPECT_EQ(result[thread * 3 + 2], float(positive == 80));
        }
    }
}

TEST(SimtAtomics, NothingIsLost) {
    std::vector<int> values(256);
    for (int i = 0; i < 256; i++) values[size_t(i)] = (i * 37) % 256 - 100;
    const DeviceArray<int> x(values), y(std::vector<int>{0, 1000, -1000, 0, 0});
    ASSERT_EQ(small::atomics(x.data(), y.data()), cudaSuccess);
    EXPECT_EQ(y.read(), (std::vector<int>{255 * 128 - 100 * 256, -100, 155, 1, 1}));
}

std::vector<int> order_of_arrival(simt::Order order, uint32_t seed) {
    const simt::Options before = simt::options();
    simt::options().order = order;
    simt::options().seed = seed;
    const DeviceArray<int> counter(std::vector<int>{0}), arrived(128);
    EXPECT_EQ(small::arrival(4, 32, counter.data(), arrived.data()), cudaSuccess);
    const std::vector<int> result = arrived.read();
    simt::options() = before;
    return result;
}

TEST(SimtSchedule, IsWhatWasAskedFor) {
    std::vector<int> forward(128);
    std::iota(forward.begin(), forward.end(), 0);
    EXPECT_EQ(order_of_arrival(simt::Order::forward, 1), forward);
    EXPECT_EQ(order_of_arrival(simt::Order::reverse, 1), std::vector<int>(forward.rbegin(), forward.rend()));
    std::vector<int> random = order_of_arrival(simt::Order::random, 1);
    EXPECT_NE(random, forward);
    EXPECT_NE(random, order_of_arrival(simt::Order::random, 2));
    std::sort(random.begin(), random.end());
    EXPECT_EQ(random, forward) << "every thread runs exactly once";
}

TEST(SimtOptions, AreParsedAndPrinted) {
    const simt::Options before = simt::options();
    EXPECT_TRUE(simt::parse_option("--schedule", "random:7"));
    EXPECT_TRUE(simt::parse_option("--async", "lazy"));
    EXPECT_EQ(simt::options().seed, 7u);
    EXPECT_EQ(simt::describe_options().find("--schedule random:7 --async lazy"), 0u);
    EXPECT_FALSE(simt::parse_option("--no-such-option", "on"));
    EXPECT_THROW(simt::parse_option("--schedule", "backwards"), std::invalid_argument);
    EXPECT_THROW(simt::parse_option("--schedule", "random:x"), std::invalid_argument);
    simt::options() = before;
}

}  // namespace
