// Test programs on the emulator: takes its options from the command line, and fails a test that it has reports about.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/simt/profile.h"
#include "tests/simt/simt.h"

namespace {

constexpr int kSkipped = 77;  // what CTest is told to take for "skipped"

// Ends of tests are announced to the newest listener first, so the printer sees these failures.
class Reports : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo& info) override {
        for (const std::string& error : simt::errors()) ADD_FAILURE() << info.name() << ": " << error;
        simt::reset_errors();
    }
};

// The kernels of the PTX in a folder that no test has launched: how many, named one a line. A kernel nobody runs is a
// kernel nobody has tested.
int print_unlaunched_kernels(const std::string& folder) {
    const std::set<std::string> launched = simt::launched_kernels();
    const std::regex entry(R"(\.entry\s+(\w+))");
    int known = 0, missing = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (file.path().extension() != ".ptx") continue;
        std::ifstream lines(file.path());
        for (std::string line; std::getline(lines, line);) {
            std::smatch match;
            if (!std::regex_search(line, match, entry)) continue;
            known++;
            if (launched.contains(match[1])) continue;
            missing++;
            std::printf("no test launches %s\n", match[1].str().c_str());
        }
    }
    std::printf("%d of %d kernels launched\n", known - missing, known);
    return known == 0 ? 1 : missing;
}

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    bool wants_ptx = false;
    std::string cover;  // --cover DIR: every kernel of the PTX files there must be launched by some test
    try {
        for (int i = 1; i < argc; i += 2) {
            if (i + 1 < argc && std::string_view(argv[i]) == "--cover") {
                cover = argv[i + 1];
                continue;
            }
            if (i + 1 < argc && std::string_view(argv[i]) == "--ptx") {
                wants_ptx = true;
                if (!std::filesystem::exists(argv[i + 1])) continue;
            }
            if (i + 1 >= argc || !simt::parse_option(argv[i], argv[i + 1]))
                throw std::invalid_argument(std::string("unknown option ") + argv[i]);
        }
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    if (wants_ptx && simt::options().ptx_files.empty()) {
        std::printf("skipped: this build has no nvcc, so there is no PTX to interpret\n");
        return kSkipped;
    }
    std::printf("emulated GPU: %s\n", simt::describe_options().c_str());
    testing::UnitTest::GetInstance()->listeners().Append(new Reports);
    const int failed = RUN_ALL_TESTS();
    if (simt::options().profile) simt::print_profile(simt::take_profile());
    return failed || cover.empty() ? failed : print_unlaunched_kernels(cover) != 0;
}
