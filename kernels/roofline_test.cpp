// The measured peaks bound what the kernels reach on the same machine.
#include "kernels/roofline.h"

#include <gtest/gtest.h>

#include "kernels/backend.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

TEST(Roofline, EveryProcessorDeviceHasOne) {
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        const Roofline roofline = measure_roofline(stream);
        // No machine that runs this does less than 0.1 GFLOP/s on vectors, or more than 10 TFLOP/s per thread.
        EXPECT_GT(roofline.flops, 1e8) << to_string(device);
        EXPECT_LT(roofline.flops, device.kind == DeviceKind::cpu ? 1e13 : 1e16) << to_string(device);
        EXPECT_GT(roofline.bandwidth, 1e8) << to_string(device);
    }
}

// A peak that a wider instruction set does not raise would be the compiler's work, not the processor's.
TEST(Roofline, WiderVectorsDoMore) {
    double portable = 0, widest = 0;
    for (const Device& device : devices_under_test()) {
        if (device.kind != DeviceKind::cpu) continue;
        Stream stream(device, 1);
        const double flops = measure_roofline(stream).flops;
        widest = std::max(widest, flops);
        if (device.index == kCpuPortable) portable = flops;
    }
    if (portable == widest) GTEST_SKIP() << "this processor has no wider vectors";
    EXPECT_GT(widest, 1.5 * portable);
}

TEST(Roofline, OfTheOraclesIsUnknown) {
    Stream stream({DeviceKind::reference, 0}, 1);
    EXPECT_EQ(measure_roofline(stream).flops, 0);
}

}  // namespace
}  // namespace limpid::testing
