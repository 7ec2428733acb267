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

// One process per GPU: those that a launcher starts on one machine take its GPUs in turn.
TEST(Gpu, ProcessesOfALauncherShareTheGpus) {
    const TemporaryFolder folder;
    const auto run = [&](std::map<std::string, std::string> environment, const std::string& device,
                         const std::string& out = "b") {
        environment["LIMPID_EMULATED_GPUS"] = "2";
        return run_program(LIMPID_EMULATED,
                           {"batch", "gabor:0-3", "--net", "tiny", "--size", "24", "--steps", "0", "--no-sprites",
                            "--device", device, "-o", folder / out},
                           environment);
    };
    for (int rank = 0; rank < 4; rank++) {
        const std::string text = std::to_string(rank), gpu = "cuda:" + std::to_string(rank % 2);
        const Finished process =
            run({{"OMPI_COMM_WORLD_RANK", text}, {"OMPI_COMM_WORLD_LOCAL_RANK", text}, {"OMPI_COMM_WORLD_SIZE", "4"}},
                "auto");
        ASSERT_EQ(process.status, 0) << process.err;
        EXPECT_THAT(process.err, HasSubstr("Open MPI process " + std::to_string(rank + 1) + " of this machine takes " +
                                           gpu + " of 2 GPUs"));
        EXPECT_THAT(process.err, HasSubstr("on " + gpu));
    }
    // A second machine counts its own processes; a device that is named is taken.
    const Finished slurm = run({{"SLURM_PROCID", "3"}, {"SLURM_LOCALID", "1"}, {"SLURM_NTASKS", "4"}}, "auto", "slurm");
    EXPECT_THAT(slurm.err, HasSubstr("on cuda:1")) << slurm.err;
    const Finished named =
        run({{"SLURM_PROCID", "3"}, {"SLURM_LOCALID", "1"}, {"SLURM_NTASKS", "4"}}, "cuda:0", "named");
    EXPECT_THAT(named.err, HasSubstr("on cuda:0")) << named.err;
    // Without a launcher: the first.
    EXPECT_THAT(run({}, "auto", "alone").err, HasSubstr("on cuda:0"));
    const Finished devices = run_program(LIMPID_EMULATED, {"devices"}, {{"LIMPID_EMULATED_GPUS", "2"}});
    EXPECT_THAT(devices.out, HasSubstr("cuda:1"));
}

// Ten updates: recorded at the second of each size and replayed; the same bytes as one picture alone, in any batch and
// on any number of streams.
TEST(Gpu, BatchHasTheBytesOfRender) {
    const TemporaryFolder folder;
    const auto batch = [&](const std::string& name, const std::vector<std::string>& more) {
        std::vector<std::string> words{
            "batch",    "gabor:3-6", "--net", "tiny",        "--size",       "24",           "--steps",  "9",
            "--device", "cuda",      "-o",    folder / name, "--no-sprites", "--transforms", "jitter(2)"};
        words.insert(words.end(), more.begin(), more.end());
        const Finished run = run_program(LIMPID_EMULATED, words);
        EXPECT_EQ(run.status, 0) << run.err;
    };
    batch("a", {});
    batch("b", {"--batch", "1", "--streams", "3"});
    ASSERT_EQ(
        render(LIMPID_EMULATED, folder / "one.png", "9", {"--device", "cuda", "--transforms", "jitter(2)"}).status, 0);
    const std::string alone = read_text(folder / "one.png");
    EXPECT_FALSE(alone.empty());
    EXPECT_EQ(read_text(folder / "a/gabor-0004.png"), alone);
    for (const char* name : {"gabor-0003", "gabor-0004", "gabor-0005", "gabor-0006"})
        EXPECT_EQ(read_text(folder / ("a/" + std::string(name) + ".png")),
                  read_text(folder / ("b/" + std::string(name) + ".png")))
            << name;
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

// `tools/dev gpu` measures nothing where there is no GPU, says why, and fails.
TEST(Gpu, ReportsAreRefusedWithoutOne) {
    const std::string dev = LIMPID_SOURCE_DIR "/tools/dev";
    EXPECT_EQ(run_program(dev, {"gpu", "--check", LIMPID_EMULATED}).status, 0);
    EXPECT_EQ(run_program(dev, {"gpu", "--check", "/no/such/limpid"}).status, 1);
    for (const auto& device : nlohmann::json::parse(run_limpid({"devices", "--json"}).out))
        if (device.at("name") == "cuda:0" && device.at("available")) GTEST_SKIP() << "this machine has a GPU";
    const Finished without = run_program(dev, {"gpu", "--check", LIMPID_PROGRAM});
    EXPECT_EQ(without.status, 1);
    EXPECT_THAT(without.err, HasSubstr("there is no GPU to use, so nothing was run (no: "));
    EXPECT_THAT(without.err, HasSubstr("tools/dev gpu --emulate"));
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
