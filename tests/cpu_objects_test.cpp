// The gate behind the rule at the top of kernels/cpu/simd.h: before the program has asked the processor, nothing of an
// object that was compiled for more than the least can run. Such an object has one table of kernels, which is a
// constant, and no code that runs at the start; what else it defines is invisible to the rest of the program.
//
// And the gate behind kernels/elementary.h: nothing calls those functions of the C library of which it has several, to
// be chosen by the processor, with different bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "kernels/error.h"

namespace limpid::testing {
namespace {

std::vector<std::string> lines_of(const std::string& command) {
    std::vector<std::string> lines;
    std::FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) return lines;
    std::string line;
    for (int letter = std::fgetc(pipe); letter != EOF; letter = std::fgetc(pipe)) {
        if (letter != '\n') {
            line += char(letter);
            continue;
        }
        lines.push_back(line);
        line.clear();
    }
    EXPECT_EQ(pclose(pipe), 0) << command;
    return lines;
}

// Lines of nm look like "0000000000000000 D name". Capital letters are visible to the linker; u (unique) too. U, w and
// v are references. W, V and u are definitions of which the linker keeps one.
struct Symbols {
    std::vector<std::string> constants, merged, others;
};

Symbols exported(const std::vector<std::string>& lines) {
    constexpr size_t kLetter = 17, kName = 19;
    Symbols symbols;
    for (const std::string& line : lines) {
        if (line.size() <= kName || line[0] == ' ') continue;
        const char letter = line[kLetter];
        const std::string name = line.substr(kName);
        if (std::string("WVu").find(letter) != std::string::npos) {
            symbols.merged.push_back(name);
        } else if (std::string("DR").find(letter) != std::string::npos && name.ends_with("_kernels")) {
            symbols.constants.push_back(name);
        } else if (std::isupper(static_cast<unsigned char>(letter))) {
            symbols.others.push_back(name);
        }
    }
    return symbols;
}

// Sections of functions that run before main.
std::vector<std::string> initialisers(const std::vector<std::string>& sections) {
    std::vector<std::string> found;
    for (const std::string& line : sections)
        for (const char* name : {".init_array", ".preinit_array", ".ctors", ".text.startup"})
            if (line.find(name) != std::string::npos) found.push_back(line);
    return found;
}

Symbols symbols_of(const std::string& object) { return exported(lines_of(concat("nm -C '", object, "'"))); }
std::vector<std::string> initialisers_of(const std::string& object) {
    return initialisers(lines_of(concat("objdump -h '", object, "'")));
}

TEST(CpuObjects, WhatIsExportedIsRecognised) {
    const Symbols symbols = exported({
        "0000000000000000 W limpid::View<float>::pixel(long, long, long) const",
        "0000000000000000 t limpid::cpu_avx2::(anonymous namespace)::unary(limpid::Stream&)",
        "0000000000000000 D limpid::cpu_avx2::lrn_kernels",
        "0000000000000000 T limpid::cpu_avx2::install(limpid::LrnKernels&)",
        "0000000000000000 B limpid::cpu_avx2::counter",
        "                 U std::terminate()",
        "                 w __gmon_start__",
        "0000000000000000 u std::string::_Rep::_S_empty",
    });
    EXPECT_EQ(symbols.constants.size(), 1u);
    EXPECT_EQ(symbols.merged.size(), 2u);
    EXPECT_EQ(symbols.others.size(), 2u);
    EXPECT_EQ(initialisers({"  4 .init_array   00000008", "  5 .rodata  00000010"}).size(), 1u);
}

// The C library's functions that differ between processors. Of those of floats, logf and exp2f came out equal for all
// numbers from 2^-30 to 2^20. sinf and cosf did not, but for all 2^24 angles of random normal numbers (philox.h), which
// alone may call them.
std::vector<std::string> calls_that_differ(const std::vector<std::string>& lines) {
    static const std::set<std::string> differ = {"exp",  "log",  "log2", "log10",  "pow",   "sin",  "cos",
                                                 "tan",  "asin", "acos", "atan",   "atan2", "tanh", "sinh",
                                                 "cosh", "powf", "expf", "sincos", "tanf",  "exp2", "exp10"};
    constexpr size_t kLetter = 17, kName = 19;
    std::vector<std::string> found;
    for (const std::string& line : lines)
        if (line.size() > kName && line[kLetter] == 'U' && differ.contains(line.substr(kName)))
            found.push_back(line.substr(kName));
    return found;
}

TEST(ElementaryFunctions, OneThatDiffersIsRecognised) {
    const std::vector<std::string> found =
        calls_that_differ({"                 U exp", "                 U sqrt", "0000000000000000 T pow",
                           "                 U powf", "                 U limpid::elementary::exp(double)"});
    EXPECT_THAT(found, ::testing::ElementsAre("exp", "powf"));
}

// All objects of the library and of the program. The oracle keeps the C library's functions, being there to be
// independent of ours; it rounds them to float. stb has powf for formats that we do not read.
TEST(ElementaryFunctions, AreOurOwn) {
    const std::filesystem::path objects = concat(LIMPID_BINARY_DIR, "/CMakeFiles");
    int looked_at = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(objects)) {
        const std::string path = entry.path().string();
        if (entry.path().extension() != ".o" || path.find("limpid_") == std::string::npos ||
            path.find("_reference") != std::string::npos || path.ends_with("/stb.cpp.o"))
            continue;
        looked_at++;
        EXPECT_THAT(calls_that_differ(lines_of(concat("nm '", path, "'"))), ::testing::IsEmpty()) << path;
    }
    EXPECT_GT(looked_at, 30);
}

// LIMPID_BINARY_DIR is the build that this program belongs to; `tools/dev test` also passes a debug build.
std::vector<std::string> build_folders() {
    std::vector<std::string> folders = {LIMPID_BINARY_DIR};
    if (const char* more = std::getenv("LIMPID_DEBUG_BUILD")) folders.push_back(more);
    return folders;
}

TEST(CpuObjects, ExportNothingButTheirTables) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers add code that runs at the start";
#elif !defined(__x86_64__)
    GTEST_SKIP() << "no instruction set beyond the portable one is compiled for this processor";
#endif
    for (const std::string& folder : build_folders())
        for (const std::string level : {"avx512", "avx2", "portable"}) {
            const std::string own = concat("limpid::cpu_", level, "::");
            int objects = 0;
            for (const auto& entry : std::filesystem::recursive_directory_iterator(
                     concat(folder, "/CMakeFiles/limpid_cpu_", level, ".dir"))) {
                if (entry.path().extension() != ".o") continue;
                objects++;
                const std::string object = entry.path().string();
                const Symbols symbols = symbols_of(object);
                ASSERT_EQ(symbols.constants.size(), 1u) << object;
                EXPECT_TRUE(symbols.constants[0].starts_with(own)) << symbols.constants[0];
                EXPECT_THAT(symbols.others, ::testing::IsEmpty()) << object;
                EXPECT_THAT(initialisers_of(object), ::testing::IsEmpty()) << object;
            }
            EXPECT_GT(objects, 0) << folder;
            // What the linker sees: inline functions of shared headers have become the object's own.
            const std::string joined = concat(folder, "/cpu_", level, ".o");
            const Symbols symbols = symbols_of(joined);
            EXPECT_EQ(int(symbols.constants.size()), objects) << joined;
            EXPECT_THAT(symbols.merged, ::testing::IsEmpty()) << joined;
            EXPECT_THAT(symbols.others, ::testing::IsEmpty()) << joined;
            EXPECT_THAT(initialisers_of(joined), ::testing::IsEmpty()) << joined;
        }
}

}  // namespace
}  // namespace limpid::testing
