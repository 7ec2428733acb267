// Every command, in the middle of work that would take minutes, ends soon after a signal: with status 3, and without
// anything half-written.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

// On a machine that does nothing else it is a fraction of a second.
constexpr double kSoon_s = 10;

struct LongJob {
    const char* name;
    std::vector<std::string> words;  // PHOTO, SMALL, OUT, FOLDER: replaced
    bool reports = true;             // progress, by which one sees that it is at work
    std::vector<std::string> keeps = {};
};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

const std::vector<std::string> kNet{"--net", "patterns"};
const std::vector<std::string> kSlowly{"--net", "patterns", "--whole", "--device", "reference"};

std::vector<std::string> attribute(const std::string& method, const std::vector<std::string>& more) {
    return with(with({"attribute", "PHOTO", "--to", "class:stars", "--method", method, "-o", "OUT.png"}, kNet), more);
}

const std::vector<LongJob> kJobs{
    {"render",
     {"render", "class:stars", "--net", "patterns", "--steps", "1000000", "-o", "OUT.png"},
     true,
     {"OUT.png"}},
    {"recipe", {"recipe", "cppn", "class:stars", "--net", "patterns", "--steps", "1000000", "-o", "OUT.png"}},
    {"batch", {"batch", "class:stars", "class:eyes", "--net", "patterns", "--steps", "100000", "-o", "FOLDER"}},
    {"appendix", {"appendix", "FOLDER", "--net", "tiny", "--steps", "100000"}},
    {"grid", with({"grid", "PHOTO", "--steps", "100000", "-o", "OUT.png"}, kNet), true, {"OUT.png"}},
    {"groups", with({"groups", "PHOTO", "--icon-steps", "1000000", "-o", "OUT.png"}, kNet), true, {"OUT.png"}},
    {"factorisation", with({"groups", "PHOTO", "--whole", "-n", "100", "-o", "OUT.png"}, kNet), false},
    {"report", with({"report", "PHOTO", "--steps", "100000", "--no-cache", "-o", "OUT.html"}, kNet)},
    {"judge", {"judge", "--count", "1000"}},
    {"visualisations", {"judge", "--part", "visualisations", "--samples", "100000"}, false},
    {"train", {"train", "world", "--steps", "1000000", "-o", "OUT.h5"}, true, {"OUT.checkpoint.h5"}},
    {"path", attribute("path", {"--steps", "1000000"}), false},
    {"stochastic path", attribute("stochastic-path", {"--steps", "1000000"}), false},
    {"integrated gradients", attribute("integrated-gradients", {"--steps", "1000000"}), false},
    {"SmoothGrad", attribute("smoothgrad", {"--steps", "1000000"}), false},
    {"occlusion", attribute("occlusion", {"--whole", "--stride", "1"})},
    {"prediction difference", attribute("prediction-difference", {"--whole", "--stride", "1"})},
    {"its model", attribute("prediction-difference", {"--whole", "--window", "40"}), false},
    {"LIME", attribute("lime", {"--steps", "1000000"})},
    {"linear", attribute("linear", {"--whole", "--device", "reference"}), false},
    {"positions",
     with({"attribute", "SMALL", "--whole", "--from", "mixed4a", "--to", "mixed4b", "-o", "OUT.png"}, kNet)},
    {"activations", with({"activations", "PHOTO", "--layer", "mixed4a", "-o", "OUT.npy"}, kSlowly), false},
    {"dictionary", with({"dictionary", "PHOTO", "-o", "OUT.png"}, kSlowly), false},
    {"classify", with({"classify", "PHOTO"}, kSlowly), false},
    {"gradcheck", with({"gradcheck", "class:stars", "--size", "1024"}, kNet), false},
    {"world", {"world", "-n", "1000000", "-o", "FOLDER"}, false, {"FOLDER/labels.json"}},
    {"sheet", {"sheet", "PHOTOS", "--cell", "96", "-o", "OUT.png"}, false},
};

void PrintTo(const LongJob& job, std::ostream* out) { *out << job.name; }

class Interruption : public ::testing::TestWithParam<LongJob> {};

TEST_P(Interruption, EndsSoonWithStatus3) {
    const LongJob& job = GetParam();
    const TemporaryFolder folder, photos;
    for (const auto& [name, size] : {std::pair{"photo.png", "1024"}, {"small.png", "512"}})
        ASSERT_EQ(run_limpid({"world", "-n", "1", "--composite", "4", "--size", size, "-o", photos / name}).status, 0);
    const auto named = [&](std::string word) {
        for (const auto& [name, path] : {std::pair{"OUT", folder / "out"}, {"FOLDER", folder / "folder"}})
            if (word.starts_with(name)) return path + word.substr(std::string(name).size());
        return word == "PHOTO" ? photos / "photo.png" : word == "SMALL" ? photos / "small.png" : word;
    };
    std::vector<std::string> words;
    for (const std::string& word : job.words) {
        if (word == "PHOTOS")
            words.insert(words.end(), 2000, photos / "photo.png");
        else
            words.push_back(named(word));
    }
    for (const int signal : {SIGTERM, SIGHUP}) {
        const SendSignal send = job.reports ? SendSignal{signal} : SendSignal{signal, 1500};
        const Finished run = run_limpid(words, {}, 300, "", send);
        EXPECT_EQ(run.status, 3) << run.out << run.err;
        EXPECT_LT(run.after_signal_s, kSoon_s);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
            EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
        for (const std::string& kept : job.keeps) EXPECT_TRUE(std::filesystem::exists(named(kept))) << kept;
        if (!job.reports && job.keeps.empty()) {
            EXPECT_TRUE(folder.names().empty());
        }
        std::filesystem::remove_all(folder.path());
        std::filesystem::create_directory(folder.path());
    }
}

INSTANTIATE_TEST_SUITE_P(Commands, Interruption, ::testing::ValuesIn(kJobs), [](const auto& info) {
    std::string name = info.param.name;
    std::erase_if(name, [](char c) { return !isalnum(static_cast<unsigned char>(c)); });
    return name;
});

// What cannot be asked, such as a file that never comes, does not keep the program.
TEST(Interruptions, EndWhatWaitsForever) {
    const TemporaryFolder folder;
    const std::string script = "exec 3<>'" + (folder / "p") + "'; exec " LIMPID_PROGRAM " classify /dev/fd/3";
    ASSERT_EQ(mkfifo((folder / "p").c_str(), 0600), 0);
    const Finished run = run_program("/bin/sh", {"-c", script}, {}, 60, "", {SIGTERM, 1500});
    EXPECT_TRUE(run.status == 3 || run.status == 1) << run.status << run.err;  // 1: it is refused at once
}

TEST(Interruptions, ASecondSignalEndsAtOnce) {
    const TemporaryFolder folder;
    const std::string script = LIMPID_PROGRAM " render class:stars --net patterns --steps 1000000 --size 512 -o " +
                               (folder / "a.png") +
                               // Both are there when it goes on; the first alone would end it before the second came.
                               " & sleep 2; kill -STOP $!; kill -HUP $!; kill -TERM $!; kill -CONT $!; wait $!";
    // Two threads may take them, in either order.
    EXPECT_THAT(run_program("/bin/sh", {"-c", script}).status, ::testing::AnyOf(128 + SIGTERM, 128 + SIGHUP));
}

}  // namespace
}  // namespace limpid::testing
