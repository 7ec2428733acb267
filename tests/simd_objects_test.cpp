// The gate behind the rule at the top of kernels/cpu/simd.h: files compiled for wide instruction sets export no shared
// inline function.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
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

// Lines of nm look like "0000000000000000 W name". W, V and u are definitions of which the linker keeps one; lower-case
// w and v are undefined references.
std::vector<std::string> leaks(const std::vector<std::string>& symbols, const std::string& own_namespace) {
    constexpr size_t kLetter = 17, kName = 19;
    std::vector<std::string> found;
    for (const std::string& line : symbols) {
        if (line.size() <= kName || std::string("WVu").find(line[kLetter]) == std::string::npos) continue;
        const std::string name = line.substr(kName);
        if (name.find(own_namespace) == std::string::npos) found.push_back(name);
    }
    return found;
}

TEST(SimdObjects, LeaksAreRecognised) {
    const std::vector<std::string> symbols = {
        "0000000000000000 W limpid::View<float>::pixel(long, long, long) const",
        "0000000000000000 t limpid::cpu_avx2::(anonymous namespace)::unary(limpid::Stream&)",
        "0000000000000000 W void limpid::ThreadPool::run<limpid::cpu_avx2::Body>(long, limpid::cpu_avx2::Body&&)",
        "                 U std::terminate()",
        "                 w __gmon_start__",
        "0000000000000000 u std::string::_Rep::_S_empty",
    };
    EXPECT_EQ(leaks(symbols, "limpid::cpu_avx2").size(), 2u);
    EXPECT_EQ(leaks(symbols, "limpid::cpu_avx512").size(), 3u);
}

TEST(SimdObjects, ShareNoInlineFunctions) {
#if !defined(NDEBUG) || !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "trivial inline functions are inlined in optimised builds without sanitizers only";
#elif !defined(__x86_64__)
    GTEST_SKIP() << "no instruction set beyond the portable one is compiled for this processor";
#endif
    for (const std::string level : {"avx512", "avx2"}) {
        const std::string folder = concat(LIMPID_BINARY_DIR, "/CMakeFiles/limpid_cpu_", level, ".dir");
        int objects = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (entry.path().extension() != ".o") continue;
            objects++;
            const std::vector<std::string> symbols = lines_of(concat("nm -C '", entry.path().string(), "'"));
            EXPECT_FALSE(symbols.empty()) << entry.path() << ": nm lists no symbols";
            for (const std::string& name : leaks(symbols, "limpid::cpu_" + level))
                ADD_FAILURE() << entry.path().filename().string() << " (" << level << ") exports " << name
                              << "; mark it always_inline, move its body into a .cpp, or write the loop by hand";
        }
        EXPECT_GT(objects, 0) << "no objects under " << folder;
    }
}

}  // namespace
}  // namespace limpid::testing
