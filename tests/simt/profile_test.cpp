// The profile counts what the programming guide says a request costs.
#include "tests/simt/profile.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "tests/simt/planted/device_array.h"
#include "tests/simt/planted/small_kernels.h"
#include "tests/simt/simt.h"

namespace {

using planted::DeviceArray;

// The line that ends with "PROFILED" in a kernel.
std::string profiled_line(const std::string& kernel) {
    std::ifstream source(LIMPID_SOURCE_DIR "/tests/simt/planted/small_kernels.cu");
    bool inside = false;
    int number = 0;
    for (std::string line; std::getline(source, line);) {
        number++;
        if (line.starts_with("__global__ void ")) inside = line.find(kernel + "(") != line.npos;
        if (inside && line.ends_with("// PROFILED")) return "small_kernels.cu:" + std::to_string(number);
    }
    return "?";
}

// The row of the one read of shared (global) memory in the kernel's profiled line.
simt::ProfileRow profile(const std::string& kernel, bool shared, const std::function<cudaError_t()>& run) {
    const simt::Options before = simt::options();
    simt::options().profile = true;
    EXPECT_EQ(run(), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    simt::options() = before;
    const std::string line = profiled_line(kernel);
    for (const simt::ProfileRow& row : simt::take_profile())
        if (row.where == line && row.shared == shared && !row.writes) return row;
    ADD_FAILURE() << "no read at " << line;
    return {};
}

class SimtProfile : public testing::Test {
  protected:
    void SetUp() override {
        if (!simt::options().check) GTEST_SKIP() << "needs --check on";
    }
    const DeviceArray<float> x_{std::vector<float>(1024)}, y_{1024};
};

TEST_F(SimtProfile, CountsBankConflicts) {
    // Lanes at distance 1 use 32 banks; 2 share a bank at distance 2; all 32 at distance 32; an odd distance never.
    for (const auto& [stride, phases] :
         std::vector<std::pair<int, int>>{{1, 1}, {2, 2}, {3, 1}, {8, 8}, {31, 1}, {0, 1}}) {
        const simt::ProfileRow row = profile(
            "strided_shared_kernel", true, [&, s = stride] { return small::strided_shared(x_.data(), y_.data(), s); });
        EXPECT_EQ(row.requests, 1u) << stride;
        EXPECT_EQ(row.cost, uint64_t(phases)) << stride;
        EXPECT_EQ(row.ideal, 1u) << stride;
    }
}

TEST_F(SimtProfile, CountsSectors) {
    // 32 floats next to each other are four sectors of 32 bytes; at distance 8 each has its own.
    for (const auto& [stride, sectors] : std::vector<std::pair<int, int>>{{1, 4}, {2, 8}, {8, 32}, {0, 1}}) {
        const simt::ProfileRow row = profile(
            "strided_global_kernel", false, [&, s = stride] { return small::strided_global(x_.data(), y_.data(), s); });
        EXPECT_EQ(row.requests, 1u) << stride;
        EXPECT_EQ(row.cost, uint64_t(sectors)) << stride;
    }
}

TEST_F(SimtProfile, AVectorIsOneRequestInFourPhases) {
    const simt::ProfileRow row =
        profile("vector_shared_kernel", true, [&] { return small::vector_shared(x_.data(), y_.data()); });
    EXPECT_EQ(row.bytes, 16);
    EXPECT_EQ(row.requests, 1u);
    EXPECT_EQ(row.cost, 4u);
    EXPECT_EQ(row.ideal, 4u);
}

}  // namespace
