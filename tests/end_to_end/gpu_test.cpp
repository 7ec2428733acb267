// The program on a GPU: the same program, built on the emulated CUDA runtime, with kernels, streams and recorded
// updates as they are on a real one.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

// `steps` is Lucid's: one update more is made. Without transforms there is one plan, which is recorded and replayed.
Finished render(const std::string& program, const std::string& out, const std::string& steps,
                const std::vector<std::string>& more) {
    std::vector<std::string> words{"render", "gabor:4", "--net", "tiny", "--size", "24", "--steps", steps, "-o", out};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(program, words);
}

nlohmann::json record(const std::string& path) { return nlohmann::json::parse(read_text(path)); }

TEST(Gpu, RendersWhatTheCpuRenders) {
    // Twenty updates: more than a GPU is given at once.
    const TemporaryFolder folder;
    const Finished gpu =
        render(LIMPID_EMULATED, folder / "gpu.png", "19", {"--device", "cuda", "--transforms", "none"});
    ASSERT_EQ(gpu.status, 0) << gpu.err;
    EXPECT_THAT(gpu.err, HasSubstr("on cuda:0"));
    ASSERT_EQ(render(LIMPID_EMULATED, folder / "cpu.png", "19", {"--device", "cpu", "--transforms", "none"}).status, 0);
    const nlohmann::json on_gpu = record(folder / "gpu.json"), on_cpu = record(folder / "cpu.json");
    EXPECT_THAT(std::string(on_gpu.at("device")), HasSubstr("cuda:0"));
    ASSERT_EQ(on_gpu.at("scores").size(), 20u);
    for (size_t i = 0; i < 20; i++) {
        const double expected = on_cpu.at("scores")[i], actual = on_gpu.at("scores")[i];
        // Different orders of summation; twenty updates let them grow.
        EXPECT_NEAR(actual, expected, 1e-3 * std::fabs(expected)) << "update " << i;
    }
    EXPECT_GT(on_gpu.at("scores")[19], 3 * std::fabs(double(on_gpu.at("scores")[0])));
}

TEST(Gpu, SameBytesAgainAndInAnyBatch) {
    const TemporaryFolder folder;
    ASSERT_EQ(render(LIMPID_EMULATED, folder / "two.png", "5", {"--device", "cuda", "--batch", "2"}).status, 0);
    ASSERT_EQ(render(LIMPID_EMULATED, folder / "one.png", "5", {"--device", "cuda", "--job", "1"}).status, 0);
    EXPECT_EQ(read_text(folder / "two-1.png"), read_text(folder / "one.png"));
    EXPECT_NE(read_text(folder / "two-0.png"), read_text(folder / "one.png"));
}

TEST(Gpu, AutoTakesItAndSaysSo) {
    const TemporaryFolder folder;
    const Finished run = render(LIMPID_EMULATED, folder / "a.png", "0", {});
    EXPECT_EQ(run.status, 0);
    EXPECT_THAT(run.err, HasSubstr("on cuda:0"));
}

TEST(Gpu, PrecisionIsAnArgument) {
    const TemporaryFolder folder;
    ASSERT_EQ(render(LIMPID_EMULATED, folder / "fp32.png", "0", {}).status, 0);
    const double exact = record(folder / "fp32.json").at("scores")[0];
    for (const char* precision : {"tf32x3", "tf32"}) {
        const Finished run = render(LIMPID_EMULATED, folder / "a.png", "0", {"--precision", precision});
        ASSERT_EQ(run.status, 0) << run.err;
        EXPECT_THAT(run.err, HasSubstr(precision));
        const nlohmann::json made = record(folder / "a.json");
        EXPECT_THAT(std::string(made.at("command")), HasSubstr(precision));
        const double score = made.at("scores")[0];
        EXPECT_NE(score, exact) << precision << " computes the same bits as fp32";
        EXPECT_NEAR(score, exact, (std::string(precision) == "tf32" ? 1e-2 : 1e-4) * std::fabs(exact)) << precision;
    }
    EXPECT_TRUE(fails_with(2, "precision",
                           render(LIMPID_EMULATED, folder / "b.png", "0", {"--device", "cpu", "--precision", "tf32"})));
    EXPECT_TRUE(fails_with(2, "tf32x3", render(LIMPID_EMULATED, folder / "b.png", "0", {"--precision", "half"})));
}

TEST(Gpu, OneThatIsNotThereIsAnErrorAndNoFallback) {
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(1, "cuda:7", render(LIMPID_EMULATED, folder / "a.png", "0", {"--device", "cuda:7"})));
    for (const auto& device : nlohmann::json::parse(run_limpid({"devices", "--json"}).out))
        if (device.at("name") == "cuda:0" && device.at("available")) GTEST_SKIP() << "this machine has a GPU";
    EXPECT_TRUE(fails_with(1, "cuda", render(LIMPID_PROGRAM, folder / "a.png", "0", {"--device", "cuda"})));
    EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace limpid::testing
