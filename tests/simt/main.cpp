// Test programs on the emulator: takes its options from the command line, and fails a test that it has reports about.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "tests/simt/simt.h"

namespace {

// Ends of tests are announced to the newest listener first, so the printer sees these failures.
class Reports : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo& info) override {
        for (const std::string& error : simt::errors()) ADD_FAILURE() << info.name() << ": " << error;
        simt::reset_errors();
    }
};

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    try {
        for (int i = 1; i < argc; i += 2) {
            if (i + 1 >= argc || !simt::parse_option(argv[i], argv[i + 1]))
                throw std::invalid_argument(std::string("unknown option ") + argv[i]);
        }
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    std::printf("emulated GPU: %s\n", simt::describe_options().c_str());
    testing::UnitTest::GetInstance()->listeners().Append(new Reports);
    return RUN_ALL_TESTS();
}
