// The program on a GPU. Where there is none, the same program built on the emulated CUDA runtime, with kernels, streams
// and recorded updates as they are on a real one.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

// How many GPUs the program finds.
int gpu_count(const std::string& program, const std::map<std::string, std::string>& environment = {}) {
    const Finished run = run_program(program, {"devices", "--json"}, environment);
    EXPECT_EQ(run.status, 0) << run.err;
    int count = 0;
    for (const auto& device : nlohmann::json::parse(run.out))
        if (std::string(device.at("name")).starts_with("cuda") && device.at("available")) count++;
    return count;
}

// LIMPID_PROGRAM of the environment: the one that was taken along with these tests to a machine with a GPU.
std::string built_program() {
    const char* taken_along = std::getenv("LIMPID_PROGRAM");
    return taken_along ? taken_along : LIMPID_PROGRAM;
}
const std::string& gpu_program() {
    static const std::string program = gpu_count(built_program()) > 0 ? built_program() : LIMPID_EMULATED;
    return program;
}

// `steps` is Lucid's: one update more is made. Without transforms there is one plan, which is recorded and replayed.
Finished render(const std::string& out, const std::string& steps, const std::vector<std::string>& more,
                const std::string& program = gpu_program()) {
    std::vector<std::string> words{"render", "gabor:4", "--net", "tiny", "--size", "24", "--steps", steps, "-o", out};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(program, words);
}

nlohmann::json record(const std::string& path) { return nlohmann::json::parse(read_text(path)); }

TEST(Gpu, RendersWhatTheCpuRenders) {
    // Twenty updates: more than a GPU is given at once.
    const TemporaryFolder folder;
    const Finished gpu = render(folder / "gpu.png", "19", {"--device", "cuda", "--transforms", "none"});
    ASSERT_EQ(gpu.status, 0) << gpu.err;
    EXPECT_THAT(gpu.err, HasSubstr("on cuda:0"));
    ASSERT_EQ(render(folder / "cpu.png", "19", {"--device", "cpu", "--transforms", "none"}).status, 0);
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

// Every node of an update on the GPU against the oracle's, which gets the same inputs.
TEST(Gpu, ShadowOfTheReferenceAgrees) {
    const TemporaryFolder folder;
    for (const auto& [precision, allowed] : {std::pair{"fp32", 1e-5}, {"tf32x3", 1e-4}}) {
        const Finished run =
            render(folder / "a.png", "0", {"--device", "cuda", "--precision", precision, "--shadow", "reference"});
        ASSERT_EQ(run.status, 0) << run.err;
        const std::string words = "shadow reference: worst difference ";
        const size_t at = run.err.find(words);
        ASSERT_NE(at, std::string::npos) << run.err;
        const double worst = std::stod(run.err.substr(at + words.size()));
        EXPECT_GT(worst, 0) << "nothing was compared, or the GPU sums as the oracle does";
        EXPECT_LT(worst, allowed) << precision << ": " << run.err;
    }
}

TEST(Gpu, SameBytesAgainAndInAnyBatch) {
    const TemporaryFolder folder;
    ASSERT_EQ(render(folder / "two.png", "5", {"--device", "cuda", "--batch", "2"}).status, 0);
    ASSERT_EQ(render(folder / "one.png", "5", {"--device", "cuda", "--job", "1"}).status, 0);
    EXPECT_EQ(read_text(folder / "two-1.png"), read_text(folder / "one.png"));
    EXPECT_NE(read_text(folder / "two-0.png"), read_text(folder / "one.png"));
}

TEST(Gpu, AutoTakesItAndSaysSo) {
    const TemporaryFolder folder;
    const Finished run = render(folder / "a.png", "0", {});
    EXPECT_EQ(run.status, 0);
    EXPECT_THAT(run.err, HasSubstr("on cuda:0"));
}

// One process per GPU: those that a launcher starts on one machine take its GPUs in turn.
TEST(Gpu, ProcessesOfALauncherShareTheGpus) {
    const std::map<std::string, std::string> two_gpus{{"LIMPID_EMULATED_GPUS", "2"}, {"CUDA_VISIBLE_DEVICES", "0,1"}};
    if (gpu_count(gpu_program(), two_gpus) < 2) GTEST_SKIP() << "this machine has one GPU";
    const TemporaryFolder folder;
    const auto run = [&](std::map<std::string, std::string> environment, const std::string& device,
                         const std::string& out = "b") {
        environment.insert(two_gpus.begin(), two_gpus.end());
        return run_program(gpu_program(),
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
    const Finished devices = run_program(gpu_program(), {"devices"}, two_gpus);
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
        const Finished run = run_program(gpu_program(), words);
        EXPECT_EQ(run.status, 0) << run.err;
    };
    batch("a", {});
    batch("b", {"--batch", "1", "--streams", "3"});
    ASSERT_EQ(render(folder / "one.png", "9", {"--device", "cuda", "--transforms", "jitter(2)"}).status, 0);
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
    ASSERT_EQ(render(folder / "fp32.png", "0", {}).status, 0);
    const double exact = record(folder / "fp32.json").at("scores")[0];
    for (const char* precision : {"tf32x3", "tf32"}) {
        const Finished run = render(folder / "a.png", "0", {"--precision", precision});
        ASSERT_EQ(run.status, 0) << run.err;
        EXPECT_THAT(run.err, HasSubstr(precision));
        const nlohmann::json made = record(folder / "a.json");
        EXPECT_THAT(std::string(made.at("command")), HasSubstr(precision));
        const double score = made.at("scores")[0];
        EXPECT_NE(score, exact) << precision << " computes the same bits as fp32";
        EXPECT_NEAR(score, exact, (std::string(precision) == "tf32" ? 1e-2 : 1e-4) * std::fabs(exact)) << precision;
    }
    EXPECT_TRUE(fails_with(2, "precision", render(folder / "b.png", "0", {"--device", "cpu", "--precision", "tf32"})));
    EXPECT_TRUE(fails_with(2, "tf32x3", render(folder / "b.png", "0", {"--precision", "half"})));
}

TEST(Gpu, OneThatIsNotThereIsAnErrorAndNoFallback) {
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(1, "cuda:7", render(folder / "a.png", "0", {"--device", "cuda:7"})));
    if (gpu_program() == built_program()) GTEST_SKIP() << "this machine has a GPU";
    EXPECT_TRUE(fails_with(1, "cuda", render(folder / "a.png", "0", {"--device", "cuda"}, built_program())));
    EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace limpid::testing
