// What `tools/dev gpu` takes to a machine with a GPU, with programs that hang, crash and break off: each step ends by
// its own limit, the others run, and the page says which was which, also when the run itself is killed.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr const char* kOneGpu = R"([{"name": "cuda:0", "available": true, "note": "A GPU"}])";

// A packed folder whose programs are the given shell scripts. An emulated one does not ask for NVIDIA's tools.
class FakePack {
  public:
    explicit FakePack(const std::map<std::string, std::string>& programs, bool emulated = true) {
        for (const char* name : {"run", "command.py", "readers.py", "report.py", "steps.py"})
            fs::copy(fs::path(LIMPID_SOURCE_DIR "/tools/gpu") / name, folder_ / name);
        fs::create_directories(folder_ / "bin");
        fs::create_directories(folder_ / "lib");
        write_text(
            folder_ / "pack.json",
            nlohmann::json{{"commit", "abc"}, {"built", "a test"}, {"emulated", emulated}, {"weights", ""}}.dump());
        for (const char* name : {"limpid", "kernels_test", "gpu_test", "kernels_bench", "render_bench"}) {
            const auto script = programs.find(name);
            write_program(name, script == programs.end() ? "exit 3" : script->second);
        }
    }
    void write_program(const std::string& name, const std::string& script) const {
        write_text(folder_ / ("bin/" + name), "#!/bin/sh\n" + script + "\n");
        fs::permissions(folder_ / ("bin/" + name), fs::perms::owner_all);
    }
    std::string path(const std::string& name) const { return folder_ / name; }
    // With the folder's programs before the machine's, and a folder "site" of Python modules.
    Finished run(const std::vector<std::string>& words = {}) const {
        std::vector<std::string> all{"--out", folder_ / "results"};
        all.insert(all.end(), words.begin(), words.end());
        EXPECT_EQ(
            run_program("/bin/sh", {"-c", "cd " + folder_.path() + " && tar -cJf programs.tar.xz bin lib"}).status, 0);
        return run_program(folder_ / "run", all,
                           {{"PATH", folder_ / "bin:" + std::getenv("PATH")},
                            {"PYTHONPATH", folder_ / "site"},
                            {"TMPDIR", folder_.path()}});  // one that is killed leaves its temporary folder
    }
    std::string result(const std::string& name) const { return read_text(folder_ / ("results/" + name)); }
    nlohmann::json step(const std::string& name) const {
        const nlohmann::json report = nlohmann::json::parse(result("report.json"));
        for (const auto& step : report.at("steps"))
            if (step.at("name") == name) return step;
        ADD_FAILURE() << "no step " << name << " in the report";
        return {};
    }

  private:
    TemporaryFolder folder_;
};

std::string finds_a_gpu() { return std::string("echo '") + kOneGpu + "'"; }

TEST(GpuReport, HangingCrashingAndFailingStepsAreReportedAndTheOthersRun) {
    const std::string a_test_passed =
        "echo '[==========] Running 1 test from 1 test suite.'; echo '[       OK ] A.B (1 ms)';"
        "echo '[==========] 1 test from 1 test suite ran. (1 ms total)'";
    const FakePack pack({
        {"limpid",
         std::string("case \"$1 $*\" in devices*) echo '") + kOneGpu +
             "';; *--shadow*) echo before it hangs; sleep 600 & wait;; batch*) kill -SEGV $$;; *) echo what;; "
             "esac"},
        {"kernels_test", a_test_passed},
        {"gpu_test", "echo '[==========] Running 2 tests from 1 test suite.'; echo '[       OK ] A.B (1 ms)'; exit 1"},
        {"render_bench",
         R"(echo '{"benchmarks": [ {"name": "r/1", "real_time": 2, "time_unit": "ms"}, {"name": "r/2", "re'; sleep 600)"},
        {"kernels_bench",
         R"(case "$*" in *--model*) echo 'a/b/forward   1  2.0';; *fp32*) echo '{"benchmarks": [)"
         R"({"name": "googlenet224/a/forward/chosen/min_time:0.050/manual_time", "best_us": 3, "model_us": 2, "percent_of_roofline": 66},)"
         R"({"name": "googlenet224/a/forward/cudnn/min_time:0.050/manual_time", "best_us": 6},)"
         R"({"name": "googlenet224/b/forward/cudnn/min_time:0.050/manual_time", "error_occurred": true, "error_message": "no cuDNN"}]}';;)"
         R"(*) echo '{"benchmarks": [ {"name": "x", "error_occurred": true, "error_message": "wrong result"}]}';; esac)"},
    });
    const auto begin = std::chrono::steady_clock::now();
    const Finished run = pack.run({"--limits", "0.05"});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
    EXPECT_EQ(run.status, 1) << run.err;

    EXPECT_EQ(pack.step("devices").at("status"), "passed");
    EXPECT_EQ(pack.step("tests").at("status"), "passed") << pack.step("tests");
    EXPECT_EQ(pack.step("program").at("status"), "failed");
    EXPECT_THAT(std::string(pack.step("program").at("summary")),
                HasSubstr("1 of 1 processes did not finish; 1 passed"));
    EXPECT_EQ(pack.step("shadow").at("status"), "timed out");
    EXPECT_THAT(pack.result("output.txt"), HasSubstr("before it hangs"));
    EXPECT_EQ(pack.step("batch").at("status"), "failed");
    EXPECT_THAT(std::string(pack.step("batch").at("summary")), HasSubstr("ended by SIGSEGV"));
    EXPECT_EQ(pack.step("scores").at("status"), "failed");  // exits with 0 and writes nothing
    EXPECT_EQ(pack.step("render-fp32").at("status"), "cut short");
    EXPECT_EQ(pack.step("render-fp32").at("result").at("runs").size(), 1u);
    EXPECT_EQ(pack.step("kernels-fp32").at("status"), "passed") << "what cuDNN cannot do is no failure";
    EXPECT_THAT(std::string(pack.step("kernels-fp32").at("summary")),
                HasSubstr("1 not: googlenet224/b/forward/cudnn: no cuDNN"));
    EXPECT_EQ(pack.step("kernels-tf32").at("status"), "failed");
    for (const char* name : {"driver", "memcheck", "profiler"}) EXPECT_EQ(pack.step(name).at("status"), "skipped");

    const nlohmann::json report = nlohmann::json::parse(pack.result("report.json"));
    std::map<std::string, int> counted;
    for (const auto& step : report.at("steps")) counted[step.at("status")]++;
    const std::string counts = std::to_string(counted["passed"]) + " passed, " +
                               std::to_string(counted["failed"] + counted["timed out"]) + " failed, " +
                               std::to_string(counted["skipped"]) + " skipped, " +
                               std::to_string(counted["cut short"]) + " cut short";
    EXPECT_EQ(report.at("counts"), counts);
    EXPECT_THAT(run.out, HasSubstr(counts));
    EXPECT_DOUBLE_EQ(report.at("model_error").at("kernels-fp32").at("median"), 1.5);
    const std::string page = pack.result("report.md");
    EXPECT_THAT(page, HasSubstr("median 2.00"));  // cuDNN's time over ours
    EXPECT_THAT(page, HasSubstr("**" + counts + ".**"));
}

// A machine may keep its counters to itself: that is said, and is no failure of ours.
TEST(GpuReport, ToolsThatRefuseAreSkippedWithTheirReason) {
    const FakePack pack({{"limpid", finds_a_gpu()}}, false);
    pack.write_program("ncu", "echo '==ERROR== ERR_NVGPUCTRPERM - The user does not have permission'; exit 1");
    pack.write_program("compute-sanitizer", "echo '========= Error: Device not supported. Please'; exit 1");
    pack.write_program("nvidia-smi", "echo 'Driver Version : 580.1'");
    pack.run();
    EXPECT_EQ(pack.step("driver").at("summary"), "Driver Version 580.1");
    EXPECT_EQ(pack.step("profiler").at("status"), "skipped");
    EXPECT_THAT(std::string(pack.step("profiler").at("summary")), HasSubstr("refused: ERR_NVGPUCTRPERM"));
    EXPECT_EQ(pack.step("racecheck").at("status"), "skipped");
    EXPECT_THAT(std::string(pack.step("racecheck").at("summary")), HasSubstr("Device not supported"));
}

// A PyTorch for processors alone, one without a compiler; and one that is too slow.
TEST(GpuReport, APyTorchThatCannotIsSkippedWithItsReason) {
    const FakePack pack({{"limpid", finds_a_gpu()}}, false);
    fs::create_directories(pack.path("site/torch"));
    write_text(pack.path("site/torch/__init__.py"), "");
    fs::create_directories(pack.path("source/bench/pytorch"));
    write_text(pack.path("source/bench/pytorch/step.py"), R"(
import sys, time
form = sys.argv[sys.argv.index("--form") + 1]
if form == "eager":
    print('{"ms": 1.5, "size": 224, "batch": 16}', flush=True)
    time.sleep(600)
if form == "compiled-tf32":
    sys.exit("RuntimeError: Failed to find C compiler.")
raise AssertionError("Torch not compiled with CUDA enabled")
)");
    pack.run({"--limits", "0.25"});
    EXPECT_EQ(pack.step("pytorch-eager").at("status"), "cut short");
    EXPECT_EQ(pack.step("pytorch-bf16-graph").at("status"), "skipped");
    EXPECT_EQ(pack.step("pytorch-compiled-tf32").at("status"), "skipped");
    const std::string page = pack.result("report.md");
    EXPECT_THAT(page, HasSubstr("| network_step/mixed4d/px:224/batch:16 | 1.500 |"));
    EXPECT_THAT(page, HasSubstr("* no pytorch-bf16-graph: skipped, refused: AssertionError: Torch not compiled"));
    EXPECT_THAT(page, HasSubstr("* no pytorch-compiled-tf32: skipped, refused: RuntimeError: Failed to find C"));
    EXPECT_THAT(page, HasSubstr("* no render-fp32: failed, exit status 3"));
}

// What was finished is kept, the page says what is missing, and the next run makes that and nothing else.
TEST(GpuReport, AKilledRunLeavesItsPageAndIsGoneOnWith) {
    const FakePack pack({{"limpid", finds_a_gpu()}});
    const std::string calls = pack.path("calls"), hanging = pack.path("hanging");
    pack.write_program("kernels_test", "echo 'a first output'; echo >>" + calls);
    pack.write_program("gpu_test", "echo $$ >" + hanging + "; kill -KILL $PPID; exec sleep 600");
    EXPECT_EQ(pack.run().status, 128 + SIGKILL);
    const std::string called = read_text(calls);
    EXPECT_FALSE(called.empty());
    EXPECT_EQ(pack.step("tests").at("status"), "failed");  // no test ran: an end like another
    EXPECT_EQ(pack.step("program").at("status"), "missing");
    EXPECT_EQ(pack.step("program").at("summary"), "begun, and not finished");
    EXPECT_EQ(pack.step("shadow").at("summary"), "not begun");
    EXPECT_THAT(pack.result("report.md"), HasSubstr("missing.**"));
    EXPECT_THAT(pack.result("report.md"), HasSubstr("| shadow | missing |"));
    EXPECT_THAT(pack.result("report.md"), HasSubstr("* no kernels-fp32: missing, not begun"));
    // Its step went with it: the next run is not measured beside that.
    const pid_t left = pid_t(std::stoi(read_text(hanging)));
    for (int waited_ms = 0; kill(left, 0) == 0 && waited_ms < 10000; waited_ms += 10) usleep(10000);
    EXPECT_NE(kill(left, 0), 0);

    const Finished again = pack.run();
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.err, HasSubstr("has the results of an earlier run: --resume goes on with it"));
    pack.write_program("gpu_test", "kill -TERM $PPID; exec sleep 600");
    const Finished told = pack.run({"--resume"});
    EXPECT_EQ(told.status, 3) << told.err;
    EXPECT_THAT(told.err, HasSubstr("ended by SIGTERM"));
    EXPECT_EQ(pack.step("program").at("status"), "missing");
    EXPECT_EQ(pack.step("shadow").at("status"), "missing");

    pack.write_program("gpu_test", "exit 0");
    EXPECT_EQ(pack.run({"--resume"}).status, 1);
    EXPECT_EQ(pack.step("program").at("status"), "failed");
    EXPECT_EQ(pack.step("shadow").at("status"), "failed");
    EXPECT_EQ(read_text(calls), called) << "a step that was finished was run again";
    EXPECT_THAT(pack.result("output.txt"), HasSubstr("a first output"));
    EXPECT_THAT(pack.result("report.md"), Not(HasSubstr("missing")));

    write_text(pack.path("pack.json"), R"({"commit": "def", "built": "a test", "emulated": true, "weights": ""})");
    EXPECT_THAT(pack.run({"--resume"}).err, HasSubstr("results of another pack"));
}

TEST(GpuReport, AllStepsTogetherHaveALimit) {
    const FakePack pack({{"limpid", finds_a_gpu()}, {"gpu_test", "sleep 600"}});
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(pack.run({"--most", "6"}).status, 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    EXPECT_EQ(pack.step("kernels-tf32").at("status"), "missing");
    EXPECT_EQ(pack.step("kernels-tf32").at("summary"), "not begun: the 6 s of all steps were over");
}

// A unit that does not answer to the first picture has a score of 0 on every device.
TEST(GpuReport, ScoresOfZeroAreNoComparison) {
    const auto writes = [](const std::string& scores) {
        return "for last; do :; done; case $1 in render) echo '{\"scores\": " + scores +
               "}' >${last%.png}.json;; esac; " + finds_a_gpu();
    };
    const FakePack some({{"limpid", writes("[0.5, 1]")}}), none({{"limpid", writes("[0, 1]")}});
    some.run();
    none.run();
    EXPECT_EQ(some.step("scores").at("status"), "passed") << some.step("scores");
    EXPECT_EQ(none.step("scores").at("status"), "failed");
    EXPECT_EQ(none.step("scores").at("summary"), "the first score is 0 on the CPU: it tells nothing");
}

TEST(GpuReport, ProgramsThatCannotBeUnpackedAreSaid) {
    const FakePack pack({{"limpid", finds_a_gpu()}});
    fs::permissions(pack.path("bin/kernels_bench"), fs::perms::owner_read | fs::perms::owner_write);
    const Finished run = pack.run();
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(pack.step("unpack").at("status"), "failed");
    EXPECT_THAT(std::string(pack.step("unpack").at("summary")),
                HasSubstr("kernels_bench may not be run there; set TMPDIR"));
    EXPECT_EQ(pack.step("devices").at("status"), "skipped");
    EXPECT_THAT(run.err, HasSubstr("the programs could not be unpacked, so nothing else was run"));
}

TEST(GpuReport, WithoutAGpuNothingElseIsRun) {
    const FakePack pack(std::map<std::string, std::string>{
        {"limpid", R"(echo '[{"name": "cuda:0", "available": false, "note": "no driver"}]')"}});
    const Finished run = pack.run();
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.err, HasSubstr("no GPU, so nothing else was run (devices: no driver)"));
    EXPECT_EQ(pack.step("tests").at("status"), "skipped");
    // `tools/dev gpu` does not even build.
    if (fs::exists("/dev/nvidiactl") || fs::exists("/dev/dxg")) GTEST_SKIP() << "this machine may have a GPU";
    const Finished dev = run_program(LIMPID_SOURCE_DIR "/tools/dev", {"gpu"});
    EXPECT_EQ(dev.status, 1);
    EXPECT_THAT(dev.err, HasSubstr("there is no GPU to use here, so nothing was built"));
}

// The limits of a real pack, all together: machines are lent for ten minutes.
TEST(GpuReport, AllStepsTogetherTakeLessThanNineMinutes) {
    const FakePack pack({}, false);
    const Finished run = pack.run({"--list"});
    EXPECT_EQ(run.status, 0) << run.err;
    const size_t at = run.out.find("at most");
    ASSERT_NE(at, std::string::npos) << run.out;
    EXPECT_LT(std::stod(run.out.substr(at + 7)), 9 * 60 - 5);
}

}  // namespace
}  // namespace limpid::testing
