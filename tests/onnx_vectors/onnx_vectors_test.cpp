// Independent test vectors of ONNX models: each in scope passes, or is expected not to, with a reason. With
// --write FILE, writes the table of docs/onnx.md instead.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/harness/golden.h"
#include "tests/onnx_vectors/scoreboard.h"

namespace limpid::testing {
namespace {

// Whose bits are the same on every machine.
const Device kDocumented{DeviceKind::cpu, kCpuPortable};

std::vector<Family> scores_on(const Device& device) {
    static const VectorArchives archives;
    Stream stream(device);
    return run_all(archives, stream);
}

const std::vector<Family>& documented_scores() {
    static const std::vector<Family> families = scores_on(kDocumented);
    return families;
}

void expect_known_misses(const std::vector<Family>& families) {
    std::map<std::string, std::string> misses = expected_misses();
    for (const Family& family : families)
        for (const Score& score : family.scores) {
            const auto miss = misses.find(score.vector.name);
            if (miss == misses.end())
                EXPECT_TRUE(score.result.passed) << score.vector.name << ": " << score.result.why;
            else
                EXPECT_FALSE(score.result.passed)
                    << score.vector.name << " passes now: take it out of misses.txt (" << miss->second << ")";
            if (miss != misses.end()) misses.erase(miss);
        }
    for (const auto& [name, reason] : misses) ADD_FAILURE() << name << ": is in misses.txt and not in scope";
}

TEST(OnnxVectors, PassOrAreKnownNotTo) {
    SKIP_WITHOUT_SHARED();
    expect_known_misses(documented_scores());
}

// The widest kernels of this processor.
TEST(OnnxVectors, PassOnThisProcessor) {
    SKIP_WITHOUT_SHARED();
    expect_known_misses(scores_on(Device{DeviceKind::cpu, kCpuBest}));
}

TEST(OnnxVectors, DocumentIsWhatIsMeasured) {
    SKIP_WITHOUT_SHARED();
    std::ifstream file(concat(LIMPID_SOURCE_DIR, "/docs/onnx.md"));
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), document_of(documented_scores(), expected_misses())) << "tools/dev onnx writes it anew";
}

int write_document(const char* path) {
    if (shared_file("").empty()) {
        std::cerr << "LIMPID_SHARED is not set: no test vectors\n";
        return 1;
    }
    std::ofstream(path) << document_of(documented_scores(), expected_misses());
    return 0;
}

}  // namespace
}  // namespace limpid::testing

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    if (argc == 3 && std::strcmp(argv[1], "--write") == 0) return limpid::testing::write_document(argv[2]);
    return RUN_ALL_TESTS();
}
