// Every device has every kernel of every family: a null entry would be found by a user.
#include "kernels/backend.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

// A family's table holds nothing but function pointers.
template <class Family>
int missing(const Family& family) {
    void (*entries[sizeof(Family) / sizeof(void (*)())])();
    std::memcpy(entries, &family, sizeof family);
    int count = 0;
    for (const auto& entry : entries) count += entry == nullptr;
    return count;
}

TEST(Backend, EveryDeviceHasEveryKernel) {
    std::vector<Device> devices = testing::devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    for (const Device& device : devices) {
        const KernelTable& table = backend(device).kernels;
#define LIMPID_CHECK(Type, member) EXPECT_EQ(missing(table.member), 0) << to_string(device) << " " #member;
        LIMPID_KERNEL_FAMILIES(LIMPID_CHECK)
#undef LIMPID_CHECK
    }
}

// A family that nobody tests fails here: its suite must exist in this program.
TEST(Backend, EveryFamilyIsTested) {
    const auto tested = [](std::string family) {
        family[0] = char(std::toupper(static_cast<unsigned char>(family[0])));
        const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
        for (int i = 0; i < all.total_test_suite_count(); i++)
            if (std::string(all.GetTestSuite(i)->name()).find(family) != std::string::npos) return true;
        return false;
    };
#define LIMPID_CHECK(Type, member) EXPECT_TRUE(tested(#member)) << #member;
    LIMPID_KERNEL_FAMILIES(LIMPID_CHECK)
#undef LIMPID_CHECK
}

TEST(Backend, DevicesParseAndPrint) {
    for (const char* name : {"cpu", "cpu:avx512", "cpu:avx2", "cpu:portable", "reference"})
        EXPECT_EQ(to_string(parse_device(name)), name);
    EXPECT_EQ(parse_device("cuda:3"), (Device{DeviceKind::cuda, 3}));
    for (const char* name : {"", "gpu", "cuda:", "cuda:-1", "cuda:1x", "cpu:sse"})
        EXPECT_THROW(parse_device(name), UsageError) << name;
}

TEST(Backend, OnlyGpusHavePrecisions) {
    for (const Precision precision : {Precision::fp32, Precision::tf32x3, Precision::tf32})
        EXPECT_EQ(parse_precision(to_string(precision)), precision);
    EXPECT_THROW(parse_precision("fp16"), UsageError);
    const Conv2dShape shape{1, 14, 14, 64, 3, 3, 64, 1, 1, 1, 1, 1, 1};
    for (Device device : testing::devices_under_test()) {
        device.precision = Precision::tf32;
        if (device.kind != DeviceKind::cuda) {
            EXPECT_THROW(backend(device), UsageError) << to_string(device);
            continue;
        }
        EXPECT_EQ(to_string(device), "cuda:0 tf32");
        EXPECT_EQ(backend(device).kernels.conv2d.algorithm(shape, Conv2dPass::forward), "tf32");
        device.precision = Precision::fp32;
        EXPECT_EQ(backend(device).kernels.conv2d.algorithm(shape, Conv2dPass::forward), "pipelined");
    }
}

}  // namespace
}  // namespace limpid
