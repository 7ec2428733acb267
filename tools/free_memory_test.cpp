// A machine of files: what is available, and who allows less.
#include "tools/free_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

class FreeMemory : public ::testing::Test {
  protected:
    void put(const std::string& path, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(root_ / path).parent_path());
        write_text(root_ / path, text);
    }
    size_t free() const { return free_memory(root_.path()); }

    TemporaryFolder root_;
    static constexpr size_t kAvailable = size_t(4000000) * 1024;
    void SetUp() override { put("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable:    4000000 kB\n"); }
};

TEST_F(FreeMemory, IsWhatTheSystemSaysIsAvailable) { EXPECT_EQ(free(), kAvailable); }

TEST_F(FreeMemory, IsWithinEveryGroupOfVersion2) {
    put("proc/self/cgroup", "0::/outer/inner\n");
    put("sys/fs/cgroup/outer/inner/memory.max", "max\n");
    put("sys/fs/cgroup/outer/inner/memory.current", "100\n");
    EXPECT_EQ(free(), kAvailable);
    put("sys/fs/cgroup/outer/memory.max", "1000000\n");
    put("sys/fs/cgroup/outer/memory.current", "400000\n");
    EXPECT_EQ(free(), 600000u);
    put("sys/fs/cgroup/outer/memory.stat", "anon 5\ninactive_file 150000\n");
    EXPECT_EQ(free(), 750000u) << "cached files give way";
    put("sys/fs/cgroup/outer/inner/memory.max", "90\n");
    EXPECT_EQ(free(), 0u);
}

TEST_F(FreeMemory, IsWithinTheGroupOfVersion1) {
    put("proc/self/cgroup", "12:cpu,cpuacct:/a\n9:memory:/docker/x\n0::/\n");
    // As a container sees it: its own group is the root.
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
    EXPECT_EQ(free(), 1500000u);
    put("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 100000\n");
    EXPECT_EQ(free(), 1600000u);
}

TEST_F(FreeMemory, IsWithoutLimitWhereNothingSaysAnything) {
    const TemporaryFolder nothing;
    EXPECT_GT(free_memory(nothing.path()), size_t(1) << 50);
}

TEST_F(FreeMemory, IsKnownHere) {
    EXPECT_GT(free_memory(), size_t(1) << 20);
    EXPECT_LT(free_memory(), size_t(1) << 50);
}

}  // namespace
}  // namespace limpid::testing
