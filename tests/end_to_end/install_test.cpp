// What is installed is enough: the example builds against it, out of tree, and draws its picture.
#include <cstdlib>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

TEST(Install, TheExampleBuildsAgainstTheInstalledPackage) {
    const TemporaryFolder folder;
    const std::string log = folder / "log";
    const auto run = [&](const std::string& command) {
        return std::system((command + " >> " + log + " 2>&1").c_str());
    };
    ASSERT_EQ(run("cmake --install " LIMPID_BINARY_DIR " --prefix " + (folder / "prefix")), 0) << read_text(log);
    ASSERT_EQ(run("cmake -S " LIMPID_SOURCE_DIR "/examples/custom_objective -B " + (folder / "build") +
                  " -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=" + (folder / "prefix")),
              0)
        << read_text(log);
    ASSERT_EQ(run("cmake --build " + (folder / "build")), 0) << read_text(log);
    ASSERT_EQ(run((folder / "build/custom_objective") + " " + (folder / "picture.png")), 0) << read_text(log);
    EXPECT_GT(std::filesystem::file_size(folder / "picture.png"), 1000u);
    EXPECT_EQ(run((folder / "prefix/bin/limpid") + " --version"), 0) << read_text(log);
}

}  // namespace
}  // namespace limpid::testing
