// What is installed is enough: the example builds against it, out of tree, by CMake and by pkg-config, and draws its
// picture; the Debian package holds the same.
#include <cstdlib>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

class Install : public ::testing::Test {
  protected:
    // Whether it succeeded; what it printed is in `log`.
    bool run(const std::string& command) { return std::system((command + " >> " + log + " 2>&1").c_str()) == 0; }
    void install() {
        ASSERT_TRUE(run("cmake --install " LIMPID_BINARY_DIR " --prefix " + (folder / "prefix"))) << read_text(log);
    }
    void expect_picture(const std::string& program) {
        ASSERT_TRUE(run(program + " " + (folder / "picture.png"))) << read_text(log);
        EXPECT_GT(std::filesystem::file_size(folder / "picture.png"), 1000u);
    }

    const TemporaryFolder folder;
    const std::string log = folder / "log";
};

TEST_F(Install, TheExampleBuildsAgainstTheCMakePackage) {
    install();
    ASSERT_TRUE(run("cmake -S " LIMPID_SOURCE_DIR "/examples/custom_objective -B " + (folder / "build") +
                    " -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=" + (folder / "prefix")))
        << read_text(log);
    ASSERT_TRUE(run("cmake --build " + (folder / "build"))) << read_text(log);
    expect_picture(folder / "build/custom_objective");
    EXPECT_TRUE(run((folder / "prefix/bin/limpid") + " --version")) << read_text(log);
    for (const char* file : {"man/man1/limpid.1", "bash-completion/completions/limpid", "zsh/site-functions/_limpid",
                             "fish/vendor_completions.d/limpid.fish"})
        EXPECT_GT(read_text(folder / "prefix/share/" + file).size(), 1000u) << file;
}

TEST_F(Install, TheExampleBuildsByPkgConfig) {
    install();
    ASSERT_TRUE(run("cd " LIMPID_SOURCE_DIR "/examples/custom_objective && g++ *.cpp -o " +
                    (folder / "custom_objective") + " $(PKG_CONFIG_PATH=" + (folder / "prefix/lib/pkgconfig") +
                    " pkg-config --cflags --libs limpid)"))
        << read_text(log);
    expect_picture(folder / "custom_objective");
}

TEST_F(Install, TheDebianPackageHoldsTheProgramTheLibraryAndThePage) {
    if (!run("command -v dpkg-shlibdeps")) GTEST_SKIP() << "dpkg-dev is not installed";
    ASSERT_TRUE(run("cpack --config " LIMPID_BINARY_DIR "/CPackConfig.cmake -B " + (folder / "package")))
        << read_text(log);
    ASSERT_TRUE(run("dpkg-deb -x " + (folder / "package/*.deb") + " " + (folder / "root"))) << read_text(log);
    for (const char* file : {"bin/limpid", "lib/liblimpid.a", "lib/pkgconfig/limpid.pc", "include/limpid/graph/grad.h",
                             "lib/cmake/limpid/limpid-config.cmake", "share/man/man1/limpid.1"})
        EXPECT_TRUE(std::filesystem::exists(folder / "root/usr/" + file)) << file;
    EXPECT_TRUE(run((folder / "root/usr/bin/limpid") + " --version")) << read_text(log);
    ASSERT_TRUE(run("{ dpkg-deb -f " + (folder / "package/*.deb") + " Depends > " + (folder / "depends") + "; }"));
    EXPECT_NE(read_text(folder / "depends").find("libhdf5"), std::string::npos);
}

}  // namespace
}  // namespace limpid::testing
