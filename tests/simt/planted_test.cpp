// The emulator reports every planted bug at its line, and nothing about the clean twins, in every order of execution.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>

#include "tests/simt/planted/planted.h"
#include "tests/simt/simt.h"

namespace {

using planted::Case;
using planted::Seen;

// The planted kernels' source, to find the line that ends with "BUG" in a kernel.
std::string line_of_bug(const std::string& kernel) {
    std::ifstream source(LIMPID_SOURCE_DIR "/tests/simt/planted/planted.cu");
    bool inside = false;
    int number = 0;
    for (std::string line; std::getline(source, line);) {
        number++;
        if (line.starts_with("__global__ void ")) inside = line.starts_with("__global__ void " + kernel + "(");
        if (inside && line.ends_with("// BUG")) return "planted.cu:" + std::to_string(number);
    }
    return "no line of " + kernel + " ends with // BUG";
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += "\n  " + line;
    return text;
}

// Runs one case and returns what was reported.
std::vector<std::string> reports_of(const Case& c) {
    float *x = nullptr, *y = nullptr;
    EXPECT_EQ(cudaMalloc(&x, planted::kFloats * sizeof(float)), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&y, planted::kFloats * sizeof(float)), cudaSuccess);
    std::vector<float> numbers(planted::kFloats);
    for (int i = 0; i < planted::kFloats; i++) numbers[size_t(i)] = float(i);
    EXPECT_EQ(cudaMemcpy(x, numbers.data(), numbers.size() * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(c.run(x, y), cudaSuccess);
    const cudaError_t result = cudaDeviceSynchronize();
    const std::vector<std::string> reports = simt::errors();
    EXPECT_EQ(result, reports.empty() ? cudaSuccess : cudaErrorLaunchFailure);
    simt::reset_errors();
    EXPECT_EQ(cudaFree(x), cudaSuccess);
    EXPECT_EQ(cudaFree(y), cudaSuccess);
    return reports;
}

}  // namespace

// For GoogleTest's messages.
namespace planted {
static void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
}  // namespace planted

namespace {

class Planted : public testing::TestWithParam<Case> {
    const simt::Options before_ = simt::options();

  protected:
    ~Planted() override { simt::options() = before_; }
};

TEST_P(Planted, IsReportedAtItsLine) {
    const Case& c = GetParam();
    if (c.seen == Seen::asan) GTEST_SKIP() << "an index outside of a static array: seen by simt_asan_test";
    if (c.seen != Seen::any_mode && !simt::options().check) GTEST_SKIP() << "needs --check on";
    for (const simt::Order order : {simt::Order::forward, simt::Order::reverse, simt::Order::random}) {
        for (const simt::Async async : {simt::Async::eager, simt::Async::lazy}) {
            simt::options().order = order;
            simt::options().async = async;
            SCOPED_TRACE(simt::describe_options());
            const std::vector<std::string> reports = reports_of(c);
            if (c.report.empty() || (c.seen == Seen::lazy_check && async == simt::Async::eager)) {
                EXPECT_TRUE(reports.empty()) << joined(reports);
                continue;
            }
            const std::string line = line_of_bug(c.name);
            bool found = false;
            for (const std::string& report : reports)
                found |= report.find(c.report) != report.npos && report.find(line) != report.npos;
            EXPECT_TRUE(found) << "expected \"" << c.report << "\" at " << line << ", reported:" << joined(reports);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Planted, testing::ValuesIn(planted::cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
