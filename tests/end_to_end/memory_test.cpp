// Every command under limits of memory and of threads: it says what it needs, or does its work with less.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

struct Hungry {
    const char* name;
    std::vector<std::string> words;  // PHOTO, OUT: replaced
    int status = 1;
};

const std::vector<Hungry> kHungry{
    {"render", {"render", "class:stars", "--net", "patterns", "--steps", "2", "-o", "OUT.png"}},
    {"recipe", {"recipe", "cppn", "class:stars", "--net", "patterns", "--steps", "2", "-o", "OUT.png"}},
    {"batch", {"batch", "class:stars", "--net", "patterns", "--steps", "2", "--quiet", "-o", "OUT"}, 3},
    {"appendix", {"appendix", "OUT", "--net", "tiny", "--layers", "gabor", "--steps", "1", "--quiet"}, 3},
    {"grid", {"grid", "PHOTO", "--net", "patterns", "--steps", "2", "-o", "OUT.png"}},
    {"groups", {"groups", "PHOTO", "--net", "patterns", "--icon-steps", "2", "-o", "OUT.png"}},
    {"report", {"report", "PHOTO", "--net", "patterns", "--no-cache", "--figures", "dictionary", "-o", "OUT.html"}},
    {"judge", {"judge", "--count", "1", "--method", "linear", "--part", "methods"}},
    {"train", {"train", "world", "--steps", "2", "--evaluate", "9", "-o", "OUT.h5", "--quiet"}},
    {"attribute", {"attribute", "PHOTO", "--to", "class:stars", "--net", "patterns", "-o", "OUT.png"}},
    {"occlusion",
     {"attribute", "PHOTO", "--to", "class:stars", "--method", "occlusion", "--net", "patterns", "-o", "OUT.png"}},
    {"positions", {"attribute", "PHOTO", "--from", "mixed3a", "--to", "mixed4a", "--net", "patterns", "-o", "OUT.png"}},
    {"activations", {"activations", "PHOTO", "--layer", "mixed4a", "--net", "patterns", "-o", "OUT.npy"}},
    {"dictionary", {"dictionary", "PHOTO", "--net", "patterns", "-o", "OUT.png"}},
    {"classify", {"classify", "PHOTO", "--net", "patterns"}},
    {"gradcheck", {"gradcheck", "class:stars", "--net", "patterns", "--device", "cpu", "--directions", "1"}},
    {"world", {"world", "-n", "10", "-o", "OUT.png"}},
    {"sheet", {"sheet", "PHOTO", "PHOTO", "-o", "OUT.png"}},
};

void PrintTo(const Hungry& hungry, std::ostream* out) { *out << hungry.name; }

class Memory : public ::testing::TestWithParam<Hungry> {
  protected:
    std::vector<std::string> words() {
        EXPECT_EQ(run_limpid({"world", "-n", "1", "--size", "96", "-o", photo_ / "photo.png"}).status, 0);
        std::vector<std::string> result;
        for (const std::string& word : GetParam().words)
            result.push_back(word == "PHOTO"           ? photo_ / "photo.png"
                             : word.starts_with("OUT") ? (folder_ / "out") + word.substr(3)
                                                       : word);
        return result;
    }
    TemporaryFolder folder_, photo_;
};

TEST_P(Memory, WhatNeedsMoreThanIsAllowedIsRefused) {
    std::vector<std::string> limited = words();
    limited.insert(limited.end(), {"--max-memory", "64KiB"});
    const Finished run = run_limpid(limited);
    EXPECT_EQ(run.status, GetParam().status) << run.err;
    EXPECT_TRUE(run.err.find("of memory, 64 KiB are free or allowed by --max-memory") != std::string::npos ||
                run.err.find("more than the 65536 allowed") != std::string::npos)
        << run.err;
    if (GetParam().status == 1) {
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
        EXPECT_TRUE(folder_.names().empty());
    }
}

// From where the program itself cannot be loaded to where all have enough: never a signal, a half file or a long story.
TEST_P(Memory, RunningOutOfAddressesIsAnError) {
    std::string command = "exec " LIMPID_PROGRAM;
    for (const std::string& word : words()) command += " '" + word + "'";
    command += " --threads 2";
    if (GetParam().words[0] == "world" || GetParam().words[0] == "sheet") command.resize(command.rfind(" --threads"));
    for (const int mebibytes : {60, 80, 100, 130, 170, 240}) {
        const Finished run =
            run_program("/bin/sh", {"-c", "ulimit -v " + std::to_string(mebibytes * 1024) + "; " + command});
        if (run.status == 127) continue;  // the loader's word
        EXPECT_LT(run.status, 128) << mebibytes << " MiB: " << run.err;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
            EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
        if (run.status == 1 && run.out.find("DIFFERS") == std::string::npos) {
            EXPECT_THAT(run.err, HasSubstr("memory")) << mebibytes;
        }
        if (run.status == 0) break;
    }
}

INSTANTIATE_TEST_SUITE_P(Commands, Memory, ::testing::ValuesIn(kHungry),
                         [](const auto& info) { return std::string(info.param.name); });

// A plan is arithmetic, and does not take what it speaks of.
TEST(Plan, IsPrintedOfWhatWouldBeRefused) {
    const Finished run = run_limpid({"render", "class:stars", "--net", "patterns", "--size", "512", "--batch", "64",
                                     "--plan", "--max-memory", "1MiB"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("device memory: "));
}

// A stack of each thread that no address space has room for: no thread starts but the first.
TEST(Threads, ThoseThatCannotStartAreDoneWithout) {
    const TemporaryFolder folder;
    const auto render = [&](const std::string& limits, const std::string& out, const std::string& more) {
        return run_program("/bin/sh", {"-c", limits + "exec " LIMPID_PROGRAM " " + more + " -o " + (folder / out)});
    };
    const std::string none = "ulimit -s 4000000; ulimit -v 3000000; ";
    const std::string words = "render class:stars --net patterns --steps 3 --quiet --threads ";
    ASSERT_EQ(render("", "a.png", words + "3").status, 0);
    const Finished run = render(none, "b.png", words + "4");
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("1 of 4 threads could be started"));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(read_text(folder / "a.png"), read_text(folder / "b.png"));
    const Finished batch = render(none, "b", "batch class:stars class:eyes --net patterns --steps 3 --streams 3");
    EXPECT_EQ(batch.status, 0) << batch.err;
    EXPECT_THAT(batch.err, HasSubstr("1 of 3 streams could be started"));
}

}  // namespace
}  // namespace limpid::testing
