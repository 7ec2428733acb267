// batch as a user runs it: the bits of render whatever the batch, order, share and interruption; every failure said and
// survived.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "kernels/error.h"
#include "tests/end_to_end/program.h"
#include "viz/image/image.h"
#include "weights/npy.h"

namespace limpid::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// A batch of the built-in network: 24 pixels and 7 updates where `more` says nothing else.
std::vector<std::string> quick_batch(const std::vector<std::string>& jobs, const std::string& out,
                                     const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"batch", "-o", out, "--net", "tiny"};
    words.insert(words.end(), jobs.begin(), jobs.end());
    words.insert(words.end(), more.begin(), more.end());
    for (const auto& [option, value] : std::map<std::string, std::string>{{"--steps", "6"}, {"--size", "24"}})
        if (std::find(more.begin(), more.end(), option) == more.end()) words.insert(words.end(), {option, value});
    return words;
}

// The lines of all manifests of a folder that stand for a picture.
std::vector<json> finished_lines(const std::string& folder) {
    std::vector<json> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (!entry.path().filename().string().starts_with("manifest")) continue;
        std::istringstream text(read_text(entry.path()));
        for (std::string line; std::getline(text, line);) {
            const json record = json::parse(line, nullptr, false);
            if (record.is_object() && record.value("status", "") == "done") result.push_back(record);
        }
    }
    return result;
}

// Pictures and sheets of a folder: name -> bytes.
std::map<std::string, std::string> pictures(const std::string& folder) {
    std::map<std::string, std::string> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".png")
            result[std::filesystem::relative(entry.path(), folder)] = read_text(entry.path());
    return result;
}

TEST(Batch, HasTheBitsOfRender) {
    const TemporaryFolder folder;
    const Finished batch = run_limpid(quick_batch({"gabor:3-5", "texture:1"}, folder / "b"));
    ASSERT_EQ(batch.status, 0) << batch.err;
    for (const auto& [unit, file] :
         std::map<std::string, std::string>{{"gabor:4", "gabor-0004"}, {"texture:1", "texture-0001"}}) {
        ASSERT_EQ(run_limpid({"render", unit, "--net", "tiny", "--steps", "6", "--size", "24", "-o", folder / "r.png"})
                      .status,
                  0);
        EXPECT_EQ(read_text(folder / "r.png"), read_text(folder / ("b/" + file + ".png"))) << unit;
    }
}

TEST(Batch, BitsDependNeitherOnBatchNorOrderNorThreadsNorShares) {
    const TemporaryFolder folder;
    // Jobs of two forms, two sizes, several lengths and seeds: pictures come and go at different updates.
    std::string forward, backward;
    for (int i = 0; i < 12; i++) {
        std::ostringstream line;
        line << R"({"objective": ")" << (i % 3 ? "gabor:" : "texture:") << i % 9 << R"(", "steps": )" << 2 + 3 * (i % 4)
             << R"(, "seed": )" << i / 4 << R"(, "size": )" << (i % 5 ? 24 : 20) << R"(, "name": "p)" << i << "\"}\n";
        forward += line.str();
        backward = line.str() + backward;
    }
    write_text(folder / "forward.jsonl", forward);
    write_text(folder / "backward.jsonl", backward);
    const Finished one = run_limpid(
        quick_batch({folder / "forward.jsonl"}, folder / "one", {"--batch", "1", "--threads", "1", "--no-sprites"}));
    ASSERT_EQ(one.status, 0) << one.err;
    const auto expected = pictures(folder / "one");
    ASSERT_EQ(expected.size(), 12u);
    ASSERT_EQ(run_limpid(quick_batch({folder / "backward.jsonl"}, folder / "five",
                                     {"--batch", "5", "--threads", "2", "--no-sprites"}))
                  .status,
              0);
    EXPECT_EQ(pictures(folder / "five"), expected);
    for (const char* shard : {"2/3", "3/3", "1/3"})
        ASSERT_EQ(run_limpid(quick_batch({folder / "forward.jsonl"}, folder / "shares",
                                         {"--shard", shard, "--batch", "3", "--no-sprites"}))
                      .status,
                  0);
    EXPECT_EQ(pictures(folder / "shares"), expected);
    EXPECT_EQ(finished_lines(folder / "shares").size(), 12u);
}

TEST(Batch, DrawsSpritesWithAnIndex) {
    const TemporaryFolder folder;
    const Finished run = run_limpid(quick_batch({"gabor:*"}, folder / "b", {"--cell", "20", "--raw"}));
    ASSERT_EQ(run.status, 0) << run.err;
    const json index = json::parse(read_text(folder / "b/sprites/gabor.json"));
    const int64_t channels = int64_t(index.at("channels").size()), columns = index.at("columns");
    EXPECT_EQ(load_image(folder / "b/sprites/gabor.png").rgb.shape,
              (Shape{1, (channels + columns - 1) / columns * 20, columns * 20, 3}));
    EXPECT_EQ(index.at("channels").at("7").at("column"), 7 % columns);
    EXPECT_TRUE(std::filesystem::exists(folder / "b/gabor-0007.png"));
    EXPECT_THAT(read_text(folder / "b/gabor-0007.h5").substr(0, 8), HasSubstr("HDF"));
    const std::vector<json> lines = finished_lines(folder / "b");
    ASSERT_EQ(int64_t(lines.size()), channels);
    for (const char* field : {"identity", "objective", "parameters", "seed", "version", "commit", "device", "score",
                              "seconds", "file", "sha256", "raw"})
        EXPECT_TRUE(lines[0].contains(field)) << field;
}

TEST(Batch, WhatIsThereIsKeptAndNothingIsRenderedTwice) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-3"}, folder / "b")).status, 0);
    const Finished again = run_limpid(quick_batch({"gabor:0-3"}, folder / "b"));
    EXPECT_TRUE(fails_with(2, "--resume", again));
    const Finished more = run_limpid(quick_batch({"gabor:0-5"}, folder / "b", {"--resume"}));
    ASSERT_EQ(more.status, 0) << more.err;
    EXPECT_THAT(more.err, HasSubstr("4 are there, 2 to render"));
    EXPECT_EQ(finished_lines(folder / "b").size(), 6u);
    // A picture that was damaged or deleted is made again.
    const std::string good = read_text(folder / "b/gabor-0001.png");
    write_text(folder / "b/gabor-0001.png", "damaged");
    std::filesystem::remove(folder / "b/gabor-0002.png");
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-5"}, folder / "b", {"--resume"})).status, 0);
    EXPECT_EQ(read_text(folder / "b/gabor-0001.png"), good);
    EXPECT_TRUE(std::filesystem::exists(folder / "b/gabor-0002.png"));
}

// The same name, other parameters: what is finished stays, and is not rendered again by those whose it is.
TEST(Batch, NeverWritesOverThePictureOfAnotherJob) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-1"}, folder / "b", {"--raw"})).status, 0);
    const std::string picture = read_text(folder / "b/gabor-0000.png"), raw = read_text(folder / "b/gabor-0000.h5");
    const Finished other = run_limpid(quick_batch({"gabor:0-2"}, folder / "b", {"--resume", "--steps", "8", "--raw"}));
    EXPECT_EQ(other.status, 3) << other.err;
    EXPECT_THAT(other.err, HasSubstr("limpid batch: gabor-0000: " + (folder / "b/gabor-0000.png") +
                                     " belongs to another job (steps 6, now 8); name another folder"));
    EXPECT_EQ(read_text(folder / "b/gabor-0000.png"), picture);
    EXPECT_TRUE(std::filesystem::exists(folder / "b/gabor-0002.png")) << "the others go on";
    const Finished again = run_limpid(quick_batch({"gabor:0-1"}, folder / "b", {"--resume", "--raw"}));
    EXPECT_THAT(again.err, HasSubstr("2 are there, 0 to render"));
    // Removed by hand, the picture makes room; its floats, which are there still, do not.
    std::filesystem::remove(folder / "b/gabor-0000.png");
    const Finished half = run_limpid(quick_batch({"gabor:0"}, folder / "b", {"--resume", "--steps", "8", "--raw"}));
    EXPECT_EQ(half.status, 3);
    EXPECT_THAT(half.err, HasSubstr("gabor-0000.h5 belongs to another job"));
    EXPECT_EQ(read_text(folder / "b/gabor-0000.h5"), raw);
    EXPECT_EQ(run_limpid(quick_batch({"gabor:0"}, folder / "b", {"--resume", "--steps", "8"})).status, 0);
    // By name.
    write_text(folder / "one.jsonl", R"({"objective": "gabor:1", "name": "a"})");
    write_text(folder / "two.jsonl", R"({"objective": "gabor:2", "name": "a"})");
    ASSERT_EQ(run_limpid(quick_batch({folder / "one.jsonl"}, folder / "c")).status, 0);
    EXPECT_THAT(run_limpid(quick_batch({folder / "two.jsonl"}, folder / "c", {"--resume"})).err,
                HasSubstr("(objective gabor:1, now gabor:2)"));
}

TEST(Batch, ResumeMakesMissingAndDamagedFloatsAgain) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-1"}, folder / "b")).status, 0);
    const std::vector<std::string> more{"--resume", "--raw"};
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-1"}, folder / "b", more)).status, 0);
    const std::string first = read_text(folder / "b/gabor-0000.h5"), second = read_text(folder / "b/gabor-0001.h5");
    ASSERT_FALSE(first.empty() || second.empty());
    std::filesystem::remove(folder / "b/gabor-0000.h5");
    write_text(folder / "b/gabor-0001.h5", second + "x");
    // Nobody asks for them: said, and the pictures are kept.
    const Finished pictures_only = run_limpid(quick_batch({"gabor:0-1"}, folder / "b", {"--resume"}));
    EXPECT_THAT(pictures_only.err, HasSubstr("2 are there, 0 to render"));
    EXPECT_THAT(pictures_only.err, HasSubstr("2 raw files of the manifest are missing or changed: --raw"));
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-1"}, folder / "b", more)).status, 0);
    EXPECT_EQ(read_text(folder / "b/gabor-0000.h5"), first);
    EXPECT_EQ(read_text(folder / "b/gabor-0001.h5"), second);
    EXPECT_THAT(run_limpid(quick_batch({"gabor:0-1"}, folder / "b", more)).err, HasSubstr("2 are there, 0 to render"));
}

TEST(Batch, SheetsHoldAllThatTheFolderHasOfALayer) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_batch({"gabor:0-1"}, folder / "b")).status, 0);
    write_text(folder / "other.jsonl", R"({"objective": "gabor:5", "steps": 3})");
    ASSERT_EQ(run_limpid(quick_batch({folder / "other.jsonl"}, folder / "b", {"--resume", "--no-sprites"})).status, 0);
    ASSERT_EQ(run_limpid(quick_batch({"gabor:2-3"}, folder / "b", {"--resume"})).status, 0);
    const json channels = json::parse(read_text(folder / "b/sprites/gabor.json")).at("channels");
    EXPECT_EQ(channels.size(), 4u) << channels;  // not 5, whose settings are others
    for (const char* channel : {"0", "1", "2", "3"}) EXPECT_TRUE(channels.contains(channel)) << channel;
}

TEST(Batch, AFolderThatCannotBeMadeIsOneLine) {
    const TemporaryFolder folder;
    write_text(folder / "file", "");
    for (const std::string& out : {folder / "file", std::string("/dev/null"), std::string(), folder / "file/b"}) {
        EXPECT_TRUE(fails_with(1, "the folder cannot be made", run_limpid(quick_batch({"gabor:0"}, out)))) << out;
        EXPECT_TRUE(fails_with(1, "the folder cannot be made",
                               run_limpid({"appendix", out, "--net", "tiny", "--layers", "gabor"})))
            << out;
    }
}

TEST(Batch, SurvivesBeingKilledAtAnyMoment) {
    const TemporaryFolder folder;
    const std::vector<std::string> jobs{"gabor:*", "texture:*"};
    const std::vector<std::string> slower{"--steps", "40", "--batch", "4", "--threads", "1", "--no-sprites"};
    ASSERT_EQ(run_limpid(quick_batch(jobs, folder / "whole", slower)).status, 0);
    const auto expected = pictures(folder / "whole");
    std::mt19937 random(::testing::UnitTest::GetInstance()->random_seed());
    std::vector<std::string> resumed = slower;
    resumed.push_back("--resume");
    Finished run;
    int kills = 0;
    do {
        // Longer and longer, so that a loaded machine gets somewhere too.
        const int after_ms = int(20 + random() % unsigned(300 + 100 * kills));
        run = run_limpid(quick_batch(jobs, folder / "killed", resumed), {}, 120, "", {SIGKILL, after_ms});
        kills += run.status == 128 + SIGKILL;
        ASSERT_LT(kills, 100);
    } while (run.status == 128 + SIGKILL);
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_GT(kills, 0) << "the program was never hit";
    EXPECT_EQ(pictures(folder / "killed"), expected);
    std::map<std::string, int> lines;
    for (const json& line : finished_lines(folder / "killed")) lines[line.at("identity")]++;
    EXPECT_EQ(lines.size(), expected.size());
    for (const auto& [id, count] : lines) EXPECT_EQ(count, 1) << id << " was rendered again";
}

TEST(Batch, ProgressIsJsonLinesWithRateAndTimeLeft) {
    const TemporaryFolder folder;
    const Finished run = run_limpid(quick_batch({"gabor:0-7"}, folder / "b", {"--batch", "2"}));
    ASSERT_EQ(run.status, 0) << run.err;
    std::istringstream lines(run.err);
    json first, last;
    for (std::string line; std::getline(lines, line);) {
        const json record = json::parse(line, nullptr, false);
        if (!record.is_object() || !record.contains("progress")) continue;
        (first.is_null() ? first : last) = record;
    }
    ASSERT_TRUE(first.is_object() && last.is_object()) << run.err;
    EXPECT_EQ(first.at("total"), 8 * 7);
    // 8 pictures at the speed so far: what is done took elapsed_s, the rest takes left_s.
    const double done = first.at("done"), elapsed_s = first.at("elapsed_s"), left_s = first.at("left_s");
    EXPECT_NEAR(left_s, elapsed_s * (56 - done) / done, 0.001 * 56 / done + 0.001);
    EXPECT_GT(first.at("images_per_hour").get<double>(), 0);
    EXPECT_EQ(last.at("left_s"), 0);
}

TEST(Batch, WhatIsNoProgressBeginsWithItsName) {
    const TemporaryFolder folder;
    const Finished run = run_limpid(quick_batch({"gabor:0-3", "class:nosuch"}, folder / "b"));
    ASSERT_EQ(run.status, 3);
    std::istringstream lines(run.err);
    json last;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("limpid ")) continue;
        last = json::parse(line, nullptr, false);
        ASSERT_TRUE(last.is_object()) << line;
    }
    EXPECT_EQ(last.at("done"), 4 * 7) << "what failed is not waited for";
    EXPECT_EQ(last.at("total"), 4 * 7);
    EXPECT_EQ(last.at("note"), "4 of 5 pictures, 1 failed");
}

// On a terminal (that of script, of util-linux), where the bar is drawn over.
TEST(Batch, MessagesStandBesideTheBar) {
    if (std::system("command -v script >/dev/null 2>&1") != 0) GTEST_SKIP() << "no script here (Debian: bsdutils)";
    const TemporaryFolder folder;
    const std::string command =
        concat(LIMPID_PROGRAM, " batch gabor:0 class:nosuch gabor:1 --net tiny --steps 3 --size 24 ",
               "--batch 1 --no-sprites -o ", folder / "b");
    ASSERT_EQ(
        std::system(
            ("TERM=dumb script -qec '" + command + "' /dev/null >" + (folder / "log") + " 2>&1 </dev/null").c_str()) >>
            8,
        3);
    std::istringstream lines(read_text(folder / "log"));
    int messages = 0;
    for (std::string line; std::getline(lines, line);) {
        const size_t at = line.find("limpid batch: ");
        if (at == std::string::npos) continue;
        messages++;
        EXPECT_TRUE(at == 0 || line.substr(0, at).ends_with("\r\033[K")) << line;
    }
    EXPECT_EQ(messages, 3) << "what is to do, what failed, what was done: " << read_text(folder / "log");
}

TEST(Batch, StopsOnATermSignalAndResumes) {
    const TemporaryFolder folder;
    const std::vector<std::string> slow{"--steps", "400", "--batch", "2"};
    const Finished run = run_limpid(quick_batch({"gabor:*"}, folder / "b", slow), {}, 120, "", {SIGTERM});
    EXPECT_EQ(run.status, 3) << run.err;
    EXPECT_THAT(run.err, HasSubstr("--resume renders the rest"));
}

TEST(Batch, SaysWhatIsWrongAndRendersTheRest) {
    const TemporaryFolder folder;
    write_text(folder / "jobs.jsonl",
               "{\"objective\": \"gabor:1\"}\n{\"objective\": \"gabr:1\"}\nnot json\n{\"objective\": \"gabor:2\", "
               "\"sise\": 3}\n"
               "{\"objective\": \"gabor:100000\"}\n{\"objective\": \"gabor:1\"}\n{\"objective\": \"texture:2\"}\n");
    const Finished run = run_limpid(quick_batch({folder / "jobs.jsonl"}, folder / "b", {"--quiet"}));
    EXPECT_EQ(run.status, 3) << run.err;
    for (const char* words :
         {"jobs.jsonl:2: ", "gabor", "jobs.jsonl:3: not a JSON object", "\"sise\" is not known; nearest: size",
          "jobs.jsonl:5: ", "jobs.jsonl:6: ", "is there already"})
        EXPECT_THAT(run.err, HasSubstr(words));
    EXPECT_EQ(finished_lines(folder / "b").size(), 2u);
    EXPECT_TRUE(fails_with(1, "nothing.txt", run_limpid(quick_batch({folder / "nothing.txt"}, folder / "c"))));
}

TEST(Batch, AFileOfJobsThatCannotBeReadDoesNotStopTheOthers) {
    const TemporaryFolder folder;
    const Finished run =
        run_limpid(quick_batch({folder / "nothing.csv", "gabor_pre_relu/conv:*"}, folder / "b", {"--quiet"}));
    EXPECT_EQ(run.status, 3) << run.err;
    EXPECT_THAT(run.err, HasSubstr("nothing.csv: cannot be opened"));
    // A '/' in a layer's name is none in those of files.
    EXPECT_TRUE(std::filesystem::exists(folder / "b/gabor_pre_relu-conv-0000.png"));
    EXPECT_TRUE(std::filesystem::exists(folder / "b/sprites/gabor_pre_relu-conv.png")) << run.err;
    EXPECT_THAT(run.out, HasSubstr("sprites/gabor_pre_relu-conv.png"));
}

TEST(Batch, AChangedFileOfAnObjectiveIsNoticed) {
    const TemporaryFolder folder;
    const std::string objective = "direction(gabor, file=" + (folder / "direction.npy") + ")";
    const auto run = [&] { return run_limpid(quick_batch({objective}, folder / "b", {"--resume"})); };
    write_npy(folder / "direction.npy", HostTensor({1, 1, 1, 24}, 1.0f));
    ASSERT_EQ(run().status, 0) << run().err;
    EXPECT_THAT(run().err, HasSubstr("1 are there, 0 to render"));
    write_npy(folder / "direction.npy", HostTensor({1, 1, 1, 24}, -1.0f));
    const Finished other = run();
    EXPECT_EQ(other.status, 3);
    EXPECT_THAT(other.err, HasSubstr("belongs to another job (files {"));
}

TEST(Batch, ReadsCsvAndLists) {
    const TemporaryFolder folder;
    write_text(folder / "jobs.csv",
               "objective,seed,name,optimiser,param\ngabor:1,5,\"first, of all\",,\ngabor:2,,,,\n"
               "gabor:3,,ascent,ascent(rate=100),pixel; rgb; centred\n");
    write_text(folder / "jobs.txt", "# three\ngabor:4-5  # two\ntexture:0\n");
    const Finished run = run_limpid(quick_batch({folder / "jobs.csv", folder / "jobs.txt"}, folder / "b"));
    ASSERT_EQ(run.status, 0) << run.err;
    for (const char* name :
         {"first, of all.png", "ascent.png", "gabor-0002.png", "gabor-0004.png", "gabor-0005.png", "texture-0000.png"})
        EXPECT_TRUE(std::filesystem::exists(folder / (std::string("b/") + name))) << name;
}

TEST(Batch, TakesItsShareFromTheLauncher) {
    const TemporaryFolder folder;
    const auto plan = [&](const std::map<std::string, std::string>& environment, const std::string& shard = "auto") {
        return run_limpid(quick_batch({"gabor:0-9"}, folder / "b", {"--plan", "--shard", shard}), environment);
    };
    EXPECT_THAT(plan({}).err, ::testing::Not(HasSubstr("share")));
    EXPECT_THAT(plan({{"SLURM_ARRAY_TASK_ID", "7"}, {"SLURM_ARRAY_TASK_MIN", "5"}, {"SLURM_ARRAY_TASK_MAX", "8"}}).err,
                HasSubstr("share 3/4"));
    EXPECT_THAT(
        plan(
            {{"SLURM_ARRAY_TASK_ID", "1"}, {"SLURM_ARRAY_TASK_MAX", "1"}, {"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "3"}})
            .err,
        HasSubstr("share 6/6"));
    EXPECT_THAT(plan({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}}).err, HasSubstr("share 1/2"));
    EXPECT_THAT(plan({{"JOB_COMPLETION_INDEX", "4"}}, "auto/5").err, HasSubstr("share 5/5"));
    EXPECT_TRUE(
        fails_with(2, "say --shard auto/N, N being the completions of the Job", plan({{"JOB_COMPLETION_INDEX", "4"}})));
    EXPECT_TRUE(fails_with(2, "evenly spaced",
                           plan({{"SLURM_ARRAY_TASK_ID", "9"},
                                 {"SLURM_ARRAY_TASK_MIN", "0"},
                                 {"SLURM_ARRAY_TASK_MAX", "9"},
                                 {"SLURM_ARRAY_TASK_COUNT", "3"}})));
    EXPECT_TRUE(fails_with(2, "1..4", plan({}, "5/4")));
    EXPECT_TRUE(fails_with(2, "not a number", plan({}, "1/x")));
    EXPECT_TRUE(fails_with(2, "a number", plan({{"SLURM_ARRAY_TASK_ID", "x"}})));
}

TEST(Batch, RunsUnderMpi) {
    if (std::system("command -v mpirun >/dev/null 2>&1") != 0) GTEST_SKIP() << "no mpirun here (Debian: openmpi-bin)";
    const TemporaryFolder folder;
    const std::string command = "mpirun --allow-run-as-root --oversubscribe -n 2 " LIMPID_PROGRAM
                                " batch 'gabor:*' --net tiny --steps 3 --size 24 --quiet -o " +
                                (folder / "b") + " >" + (folder / "log") + " 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << read_text(folder / "log");
    const std::vector<json> lines = finished_lines(folder / "b");
    EXPECT_TRUE(std::filesystem::exists(folder / "b/manifest-1-of-2.jsonl"));
    EXPECT_TRUE(std::filesystem::exists(folder / "b/manifest-2-of-2.jsonl"));
    EXPECT_TRUE(std::filesystem::exists(folder / "b/sprites/gabor.png"));
    EXPECT_EQ(lines.size(), pictures(folder / "b").size() - 1);
}

TEST(Batch, TwoProcessesCannotTakeTheSameShare) {
    const TemporaryFolder folder;
    const std::vector<std::string> slow{"--steps", "100000", "--resume"};
    const pid_t first = fork();
    if (first == 0) {
        run_limpid(quick_batch({"gabor:0"}, folder / "b", slow), {}, 4);
        _exit(0);
    }
    for (int i = 0; i < 300 && !std::filesystem::exists(folder / "b/manifest.jsonl"); i++) usleep(10000);
    usleep(100000);
    const Finished second = run_limpid(quick_batch({"gabor:0"}, folder / "b", {"--resume", "--quiet"}));
    EXPECT_TRUE(fails_with(1, "another process", second));
    kill(first, SIGKILL);
    waitpid(first, nullptr, 0);
    std::system(("pkill -KILL -f -- '-o " + (folder / "b") + "'").c_str());
}

TEST(Batch, AFullDiskIsSaidAndNothingIsHalfWritten) {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "small");
    if (mount("tmpfs", (folder / "small").c_str(), "tmpfs", 0, "size=32k") != 0)
        GTEST_SKIP() << "a small file system cannot be mounted here (needs root)";
    const Finished run = run_limpid(quick_batch({"gabor:*"}, folder / "small/b", {"--size", "64", "--quiet"}));
    EXPECT_EQ(run.status, 3) << run.err;
    EXPECT_THAT(run.err, HasSubstr("No space left"));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << "it goes on: " << run.err;
    for (const json& line : finished_lines(folder / "small/b"))
        EXPECT_NO_THROW(load_image((folder / "small/b/") + line.at("file").get<std::string>()));
    EXPECT_EQ(umount((folder / "small").c_str()), 0);
}

// A limit on the size of files stands for a full disk: the first picture that cannot be written ends it.
TEST(Batch, StopsWhereNothingCanBeWritten) {
    const TemporaryFolder folder;
    const auto limited = [&](const std::string& more) {
        return run_program("/bin/sh", {"-c", "ulimit -f 8; exec \"$@\" " + more, "sh", LIMPID_PROGRAM, "batch",
                                       "gabor:*", "--net", "tiny", "--size", "128", "--steps", "400", "--batch", "1",
                                       "--threads", "1", "--quiet", "-o", folder / "b"});
    };
    const Finished run = limited("");
    EXPECT_TRUE(fails_with(1, "cannot be written (File too large)", run)) << "all pictures take minutes";
    EXPECT_TRUE(pictures(folder / "b").empty());
    for (const auto& entry : std::filesystem::directory_iterator(folder / "b"))
        EXPECT_EQ(entry.path().filename(), "manifest.jsonl");
}

TEST(Batch, SaysWhenPicturesAreOfSeveralDevices) {
    const TemporaryFolder folder;
    const auto batch = [&](const std::string& jobs, const std::string& device, std::vector<std::string> more = {}) {
        more.insert(more.end(), {"--device", device, "--quiet", "--resume"});
        const Finished run = run_limpid(quick_batch({jobs}, folder / "b", more));
        EXPECT_EQ(run.status, 0) << run.err;
        return run.err;
    };
    EXPECT_EQ(batch("gabor:0-2", "cpu:portable"), "");
    EXPECT_EQ(batch("gabor:0-3", "cpu:portable"), "");
    EXPECT_EQ(batch("gabor:0-4", "reference"),
              "limpid batch: the pictures of " + (folder / "b") +
                  " are not all of one device, and so not of the same bits: 4 on cpu:portable, the rest on reference; "
                  "--device cpu:portable renders the rest like them\n");
    const json index = json::parse(read_text(folder / "b/sprites/gabor.json"));
    EXPECT_EQ(index.at("devices"), json({"cpu:portable", "reference"}));
    // Nothing left to do: what is there is said all the same.
    EXPECT_THAT(batch("gabor:0-4", "cpu:portable"), HasSubstr("4 on cpu:portable, 1 on reference; for equal bits"));
}

TEST(Batch, ResumesPositionsOfFormerVersions) {
    const TemporaryFolder folder;
    const Finished first = run_limpid(quick_batch({"neuron(gabor, 1, row=2, column=3)"}, folder / "b"));
    ASSERT_EQ(first.status, 0) << first.err;
    const Finished again = run_limpid(quick_batch({"neuron(gabor, 1, x=2, y=3)"}, folder / "b", {"--resume"}));
    EXPECT_THAT(again.err, HasSubstr("limpid batch: neuron is read with x= as row=, y= as column=, and written "
                                     "neuron(gabor, 1, row=2, column=3) now\n"));
    EXPECT_THAT(again.err, HasSubstr("1 are there, 0 to render"));
}

TEST(Batch, HasNoPlanToTrace) {
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(2, "--trace", run_limpid(quick_batch({"gabor:0"}, folder / "b", {"--trace"}))));
    EXPECT_EQ(run_limpid(quick_batch({"gabor:0"}, folder / "b", {"--check", "--quiet"})).status, 0);
}

TEST(Batch, TheBatchFollowsTheMemory) {
    const TemporaryFolder folder;
    const auto at_once = [&](const std::string& memory) {
        return run_limpid(quick_batch({"gabor:0-9"}, folder / "b", {"--plan", "--batch", "8", "--max-memory", memory}));
    };
    EXPECT_THAT(at_once("4GiB").err, HasSubstr("8 at once"));
    const Finished none = at_once("10K");
    EXPECT_EQ(none.status, 3);
    EXPECT_THAT(none.err, HasSubstr("gabor-0009: takes "));
    EXPECT_TRUE(fails_with(2, "no amount of memory", at_once("many")));
    EXPECT_FALSE(std::filesystem::exists(folder / "b")) << "a plan writes nothing";
}

// Bytes for as many pictures at once, by the name of a job of each kind.
std::map<std::string, std::pair<int64_t, int64_t>> planned(const std::string& out) {
    std::map<std::string, std::pair<int64_t, int64_t>> result;
    std::istringstream lines(out);
    std::string word, name;
    for (int64_t bytes, pictures, jobs;
         lines >> bytes >> word >> word >> pictures >> word >> word >> word >> jobs >> word >> name;)
        result[name] = {bytes, pictures};
    return result;
}

TEST(Batch, AJobThatDoesNotFitFailsByItselfAndEachKindHasItsBatch) {
    const TemporaryFolder folder;
    std::string jobs =
        "{\"objective\": \"gabor:0\", \"name\": \"large\", \"size\": 256}\n"
        "{\"objective\": \"gabor:1-4\"}\n{\"objective\": \"class:nosuch\"}\n";
    for (int i = 0; i < 4; i++)
        jobs += concat("{\"size\": 48, \"objective\": \"texture:", i, "\", \"name\": \"middle", i, "\"}\n");
    write_text(folder / "jobs.jsonl", jobs);
    const Finished plan = run_limpid(quick_batch({folder / "jobs.jsonl"}, folder / "b", {"--plan", "--batch", "4"}));
    EXPECT_EQ(plan.status, 3) << plan.err;
    auto kinds = planned(plan.out);
    ASSERT_EQ(kinds.size(), 3u) << plan.out;
    EXPECT_EQ(kinds.at("gabor-0001").second, 4);
    EXPECT_LT(kinds.at("gabor-0001").first, kinds.at("middle0").first);
    EXPECT_LT(kinds.at("middle0").first, kinds.at("large").first);
    // Room for a batch of the small ones, and not for that of the others.
    const std::vector<std::string> limited{"--max-memory", std::to_string(kinds.at("gabor-0001").first * 11 / 10),
                                           "--batch", "4"};
    std::vector<std::string> plan_limited = limited;
    plan_limited.push_back("--plan");
    kinds = planned(run_limpid(quick_batch({folder / "jobs.jsonl"}, folder / "b", plan_limited)).out);
    ASSERT_EQ(kinds.size(), 2u);
    EXPECT_EQ(kinds.at("gabor-0001").second, 4);
    EXPECT_LT(kinds.at("middle0").second, 4);
    const Finished run = run_limpid(quick_batch({folder / "jobs.jsonl"}, folder / "b", limited));
    EXPECT_EQ(run.status, 3) << run.err;
    EXPECT_THAT(run.err, HasSubstr("limpid batch: large: takes "));
    EXPECT_THAT(run.err, HasSubstr("class-nosuch: "));
    EXPECT_EQ(finished_lines(folder / "b").size(), 8u);
}

std::vector<std::string> quick_appendix(const std::string& out, const std::string& layers,
                                        const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"appendix", "--layers", layers, out,      "--net",
                                   "tiny",     "--steps",  "2",    "--size", "24"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

json page_of(const std::string& folder) {
    const std::string script = read_text(folder + "/units.js"), begin = "const APPENDIX = ";
    EXPECT_TRUE(script.starts_with(begin) && script.ends_with(";\n")) << script;
    return json::parse(script.substr(begin.size(), script.size() - begin.size() - 2));
}

TEST(Appendix, HoldsWhatWasRenderedBefore) {
    const TemporaryFolder folder;
    const std::vector<std::string> alone{"--no-negative", "--no-diversity", "--resume"};
    ASSERT_EQ(run_limpid(quick_appendix(folder / "a", "texture", alone)).status, 0);
    ASSERT_EQ(run_limpid(quick_appendix(folder / "a", "gabor", alone)).status, 0);
    const json layers = page_of(folder / "a").at("layers");
    ASSERT_EQ(layers.size(), 2u);
    EXPECT_EQ(layers[0].at("name"), "gabor") << "in the order of the network";
    EXPECT_EQ(layers[1].at("name"), "texture");
    EXPECT_TRUE(layers[1].at("units")[0].at("picture").is_string());
    // Of other settings nothing is listed.
    std::vector<std::string> other = alone;
    other.insert(other.end(), {"--seed", "7"});
    run_limpid(quick_appendix(folder / "a", "gabor", other));
    EXPECT_EQ(page_of(folder / "a").at("layers").size(), 1u);
}

TEST(Appendix, PicturesAreLazyBeforeTheyHaveAnAddress) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_appendix(folder / "a", "gabor", {"--no-negative", "--no-diversity"})).status, 0);
    const std::string page = read_text(folder / "a/index.html");
    EXPECT_LT(page.find("loading: \"lazy\""), page.find("src: file"));
}

TEST(Appendix, HasEveryChannelItsNegativeAndFourDifferentPictures) {
    const TemporaryFolder folder;
    const Finished run = run_limpid(quick_appendix(folder / "a", "gabor,gabor"));
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.err, Not(HasSubstr("is there already")));
    EXPECT_THAT(run.out, HasSubstr("a/index.html"));
    EXPECT_THAT(read_text(folder / "a/index.html"), HasSubstr("<script src=\"units.js\"></script>"));
    const json page = page_of(folder / "a");
    ASSERT_EQ(page.at("layers").size(), 1u);
    for (const json& unit : page.at("layers")[0].at("units"))
        for (const char* kind : {"picture", "negative", "diversity"})
            EXPECT_TRUE(std::filesystem::exists(folder / ("a/" + unit.at(kind).get<std::string>()))) << unit;
    const json first = page.at("layers")[0].at("units")[0];
    EXPECT_EQ(load_image(folder / ("a/" + first.at("diversity").get<std::string>())).rgb.shape, (Shape{1, 24, 96, 3}));
    EXPECT_THAT(first.at("command"), HasSubstr("limpid render gabor:0"));
}

// Behind its ReLU a unit cannot be inhibited: there the picture would stay the noise that it starts from.
TEST(Appendix, NegativesGoBelowZero) {
    const TemporaryFolder folder;
    const Finished run = run_limpid({"appendix", folder / "a", "--layers", "texture", "--steps", "24", "--size", "24",
                                     "--net", "tiny", "--no-diversity"});
    ASSERT_EQ(run.status, 0) << run.err;
    int negatives = 0, below_zero = 0;
    for (const json& line : finished_lines(folder / "a")) {
        if (!line.at("name").get<std::string>().ends_with("-negative")) continue;
        negatives++;
        below_zero += line.at("score") > 0;
        EXPECT_NE(line.at("score"), 0) << line;
    }
    EXPECT_GT(2 * below_zero, negatives);
}

// What the page says of a picture, typed again, makes the same picture.
TEST(Appendix, ItsCommandsNameTheWeights) {
    const TemporaryFolder folder;
    const std::string weights = LIMPID_SOURCE_DIR "/nets/patterns/patterns.h5";
    const Finished run =
        run_limpid({"appendix", folder / "a", "--weights", weights, "--layers", "mixed3a_1x1_pre_relu/conv",
                    "--no-negative", "--no-diversity", "--steps", "2", "--size", "24"});
    ASSERT_EQ(run.status, 0) << run.err;
    const json page = page_of(folder / "a");
    const json unit = page.at("layers")[0].at("units")[0];
    const std::string command = unit.at("command"), program = "limpid";
    ASSERT_TRUE(command.starts_with(program + " ")) << command;
    const Finished again = run_program(
        "/bin/sh", {"-c", concat(LIMPID_PROGRAM, command.substr(program.size()), " -o ", folder / "again.png")});
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(read_text(folder / "again.png"), read_text(folder / ("a/" + unit.at("picture").get<std::string>())));
}

}  // namespace
}  // namespace limpid::testing
