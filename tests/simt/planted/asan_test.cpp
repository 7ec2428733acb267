// What the sanitized build finds and the check mode cannot: an index that leaves a static array but not its memory.
#include <gtest/gtest.h>

#include "tests/simt/planted/device_array.h"
#include "tests/simt/planted/planted.h"
#include "tests/simt/simt.h"

namespace planted {
namespace {

void run(const Case& c) {
    std::vector<float> numbers(kFloats);
    for (int i = 0; i < kFloats; i++) numbers[size_t(i)] = float(i);
    const DeviceArray<float> x(numbers), y(kFloats);
    EXPECT_EQ(c.run(x.data(), y.data()), cudaSuccess);
    cudaDeviceSynchronize();
}

const Case& named(const std::string& name) {
    for (const Case& c : cases())
        if (c.name == name) return c;
    throw std::invalid_argument(name);
}

TEST(SimtAsanDeathTest, SeesIndicesOutsideOfStaticArrays) {
    EXPECT_DEATH(run(named("beyond_static_shared")), "index 8 out of bounds for type 'float \\[8\\]'");
}

TEST(SimtAsanDeathTest, SeesAccessesOutsideOfAllocations) {
    EXPECT_DEATH(run(named("reads_beyond_the_end")), "heap-buffer-overflow");
    EXPECT_DEATH(run(named("writes_beyond_the_end")), "heap-buffer-overflow");
}

TEST(SimtAsan, SaysNothingAboutCleanTwins) {
    int clean = 0;
    for (const Case& c : cases()) {
        if (!c.report.empty()) continue;
        run(c);
        EXPECT_TRUE(simt::errors().empty()) << c.name << ": " << simt::errors()[0];
        clean++;
    }
    EXPECT_GE(clean, 10);
}

}  // namespace
}  // namespace planted
