// Results never replace what they are made of, nor anything that is no file; what cannot be written is said at once.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "kernels/error.h"
#include "tests/end_to_end/program.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "viz/image/image.h"
#include "weights/npy.h"

namespace limpid::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Outputs : public ::testing::Test {
  protected:
    Outputs() {
        write_png(photo, HostTensor({1, 48, 48, 3}, 0.5f).view());
        fs::create_directories(folder / "sub");
        fs::create_symlink(photo, folder / "link.png");
        fs::create_hard_link(photo, folder / "hard.png");
        fs::create_directory_symlink(folder.path(), folder / "sub/up");
        bytes = read_text(photo);
    }
    // Other names of the photo.
    std::vector<std::string> names() const {
        return {photo,
                folder / "link.png",
                folder / "hard.png",
                folder / "sub/../photo.png",
                folder / "sub/up/photo.png",
                fs::relative(photo).string()};
    }

    TemporaryFolder folder;
    const std::string photo = folder / "photo.png";
    std::string bytes;
};

TEST_F(Outputs, AreNeverThePhotoByWhateverName) {
    for (const std::string& name : names()) {
        const std::vector<std::vector<std::string>> commands{
            {"attribute", photo, "--to", "class:stars", "-o", name},
            {"dictionary", photo, "-o", name},
            {"grid", photo, "-o", name},
            {"groups", photo, "-o", name},
            {"sheet", photo, "-o", name},
            {"render", "class:stars", "--start", photo, "-o", name},
            {"render", "class:stars", "--reference", photo, "--sheet", name, "-o", folder / "x.png"},
            {"render", "class:stars + 0.1*input_diff(" + photo + ")", "-o", name},
            {"render", "class:stars", "--param", "photo(" + photo + ") + linf_ball(0.1)", "-o", name},
        };
        for (std::vector<std::string> words : commands) {
            if (words[0] != "sheet") words.insert(words.end(), {"--net", "patterns"});
            EXPECT_TRUE(fails_with(2, "written over; name another file", run_limpid(words))) << words[0] << ' ' << name;
            EXPECT_EQ(read_text(photo), bytes) << words[0] << ' ' << name;
        }
    }
}

TEST_F(Outputs, BesideThePictureAreNoInputsEither) {
    const std::vector<std::string> net{"--net", "patterns"};
    const auto refused = [&](std::vector<std::string> words) {
        words.insert(words.end(), net.begin(), net.end());
        return fails_with(2, "written over", run_limpid(words));
    };
    for (const char* name : {"a-magnitude.png", "a-icons.png", "a.json", "a-history.png"})
        fs::copy_file(photo, folder / name);
    EXPECT_TRUE(refused({"grid", folder / "a-magnitude.png", "-o", folder / "a.png"}));
    EXPECT_TRUE(refused({"groups", folder / "a-icons.png", "-o", folder / "a.png"}));
    EXPECT_TRUE(refused({"dictionary", folder / "a.json", "-o", folder / "a.png"}));
    EXPECT_TRUE(refused(
        {"render", "class:stars", "--thresholds", "1,2", "--start", folder / "a-history.png", "-o", folder / "a.png"}));
    EXPECT_TRUE(refused({"report", folder / "a.json", "--data", folder / "a.json", "-o", folder / "c.html"}));
    fs::create_directories(folder / "b");
    fs::copy_file(photo, folder / "b/job.png");
    write_text(folder / "jobs.jsonl",
               concat(R"({"name": "job", "objective": "class:stars + input_diff()", folder / "b/job.png", ")\"}\n"));
    EXPECT_TRUE(refused({"batch", folder / "jobs.jsonl", "-o", folder / "b"}));
    write_text(folder / "b/manifest.jsonl", R"({"objective": "class:stars"})");
    EXPECT_TRUE(refused({"batch", folder / "b/manifest.jsonl", "--resume", "-o", folder / "b"}));
}

TEST_F(Outputs, AreNeverTheWeights) {
    ASSERT_EQ(run_limpid({"train", "world", "-o", folder / "own.h5", "--steps", "1", "--batch", "2", "--size", "16",
                          "--evaluate", "2", "--quiet"})
                  .status,
              0);
    fs::create_symlink("own.h5", folder / "same.h5");
    const std::string weights = read_text(folder / "own.h5");
    EXPECT_TRUE(fails_with(2, "written over",
                           run_limpid({"activations", photo, "--layer", "mixed3a", "--weights", folder / "own.h5", "-o",
                                       folder / "same.h5"})));
    EXPECT_TRUE(fails_with(2, "written over", run_limpid({"convert", folder / "own.h5", folder / "same.h5"})));
    EXPECT_TRUE(fails_with(
        2, "written over",
        run_limpid({"train", "world", "--weights", folder / "same.h5", "-o", folder / "own.h5", "--steps", "1"})));
    EXPECT_EQ(read_text(folder / "own.h5"), weights);
}

TEST_F(Outputs, ThroughALinkAreItsTargetAndTheLinkStays) {
    write_text(folder / "sub/old.png", "old");
    fs::create_symlink("sub/old.png", folder / "out.png");
    fs::create_symlink("sub/new.png", folder / "dangling.png");
    for (const char* name : {"out.png", "dangling.png"})
        ASSERT_EQ(run_limpid({"sheet", photo, "-o", folder / name}).status, 0);
    EXPECT_TRUE(fs::is_symlink(folder / "out.png") && fs::is_symlink(folder / "dangling.png"));
    EXPECT_EQ(read_text(folder / "sub/old.png"), read_text(folder / "sub/new.png"));
    EXPECT_EQ(load_image(folder / "sub/old.png").rgb.shape.h, 48 + 2 * 4);  // within gaps of 4
    fs::create_symlink("circle.png", folder / "circle.png");
    EXPECT_TRUE(
        fails_with(1, "a symbolic link that leads nowhere", run_limpid({"sheet", photo, "-o", folder / "circle.png"})));
}

TEST_F(Outputs, InFoldersThatAreNotThereAreRefusedBeforeTheWork) {
    const std::string no = folder / "no";
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"render", "mixed4a:3", "-o", no + "/a.png"},
                                               {"grid", photo, "-o", no + "/a.png"},
                                               {"groups", photo, "-o", no + "/a.png"},
                                               {"dictionary", photo, "-o", no + "/a.png"},
                                               {"attribute", photo, "--to", "class:stars", "-o", no + "/a.png"},
                                               {"activations", photo, "--layer", "mixed4a", "-o", no + "/a.h5"},
                                               {"report", photo, "-o", no + "/a.html"},
                                               {"judge", "-o", no + "/a.md"},
                                               {"train", "world", "-o", no + "/a.h5"},
                                               {"world", "-o", no + "/a.png"}}) {
        const auto start = std::chrono::steady_clock::now();
        std::vector<std::string> all = words;
        if (words[0] != "train" && words[0] != "world") all.insert(all.end(), {"--net", "patterns"});
        EXPECT_TRUE(fails_with(1, no + " is no folder; make it first", run_limpid(all))) << words[0];
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << words[0];
    }
    EXPECT_FALSE(fs::exists(no));
}

TEST_F(Outputs, AreNoPipesNorDevicesNorFolders) {
    ASSERT_EQ(mkfifo((folder / "pipe.png").c_str(), 0600), 0);
    fs::create_symlink("/dev/full", folder / "device.png");
    fs::create_symlink("/dev/stdout", folder / "stdout.png");
    fs::create_directories(folder / "folder.png");
    const auto sheet = [&](const char* name) { return run_limpid({"sheet", photo, "-o", folder / name}); };
    EXPECT_TRUE(fails_with(1, "pipe.png: is a pipe, expected the name of a file", sheet("pipe.png")));
    EXPECT_TRUE(fails_with(1, "device.png: is a device, expected the name of a file", sheet("device.png")));
    EXPECT_TRUE(fails_with(1, "folder.png: is a folder, expected the name of a file", sheet("folder.png")));
    EXPECT_EQ(fs::status("/dev/full").type(), fs::file_type::character);
    EXPECT_EQ(fs::status(folder / "pipe.png").type(), fs::file_type::fifo);
    // As an input a pipe that nobody writes to is not waited for.
    EXPECT_TRUE(fails_with(1, "pipe.png: is a pipe, expected a file",
                           run_limpid({"sheet", folder / "pipe.png", "-o", folder / "x.png"}, {}, 10)));
}

TEST_F(Outputs, ThatAreTwoResultsAreRefused) {
    EXPECT_TRUE(fails_with(2, "two results would be written there",
                           run_limpid({"render", "class:stars", "--net", "patterns", "-o", folder / "a.png", "--sheet",
                                       folder / "sub/../a.png"})));
}

// A limit on the size of files is an ordinary failure, and leaves nothing behind.
TEST_F(Outputs, BeyondTheLimitOfFilesAreSaid) {
    const Finished run = run_program(
        "/bin/sh", {"-c", "ulimit -f 1; exec \"$@\"", "sh", LIMPID_PROGRAM, "world", "-o", folder / "sub/w.png"});
    EXPECT_TRUE(fails_with(1, "cannot be written (File too large), expected files of that size to be allowed", run));
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(folder / "sub")) left.push_back(entry.path().filename());
    EXPECT_THAT(left, ElementsAre("up"));
}

// The last step of what is dumped made the result.
TEST_F(Outputs, ADumpIsEveryStepInAFileOfItsOwn) {
    const Finished run = run_limpid({"activations", photo, "--net", "patterns", "--whole", "--layer", "conv2d1", "-o",
                                     folder / "values.npy", "--dump", folder / "new/steps"});
    ASSERT_EQ(run.status, 0) << run.err;
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder / "new/steps")) files.push_back(entry.path());
    std::ranges::sort(files);
    ASSERT_GT(files.size(), 3u);
    for (const std::string& file : files) EXPECT_GT(read_npy(file).shape.size(), 0) << file;
    EXPECT_TRUE(same_bits(read_npy(files.back()), read_npy(folder / "values.npy"))) << files.back();
}

TEST_F(Outputs, WrongUsageMakesNoFolder) {
    EXPECT_TRUE(fails_with(2, "is not in patterns",
                           run_limpid({"activations", photo, "--net", "patterns", "--layer", "nosuch", "-o",
                                       folder / "values.npy", "--dump", folder / "steps"})));
    EXPECT_FALSE(fs::exists(folder / "steps"));
}

// One line, before anything is said of the work.
TEST_F(Outputs, AnUnknownShadowIsRefusedFirst) {
    const std::vector<std::vector<std::string>> commands{
        {"train", "world", "--size", "16", "-o", folder / "w.h5"},
        {"render", "class:stars", "--net", "patterns", "-o", folder / "x.png"},
        {"grid", photo, "--net", "patterns", "-o", folder / "x.png"},
        {"batch", "class:stars", "--net", "patterns", "-o", folder / "many"},
    };
    for (std::vector<std::string> words : commands) {
        words.insert(words.end(), {"--shadow", "nothing"});
        EXPECT_TRUE(fails_with(2, "device \"nothing\" is not known", run_limpid(words))) << words[0];
    }
}

// 25 million pixels as floats, twice, would take 600 MB.
TEST_F(Outputs, ASheetOfALargePictureIsMadeByRows) {
    std::vector<float> row(5000 * 3);
    for (size_t i = 0; i < row.size(); i++) row[i] = float(i % 251) / 255.0f;
    const PictureRows large{{1, 5000, 5000, 3}, [&](int64_t, int64_t) { return row.data(); }};
    write_png(folder / "large.png", large);
    const Finished run = run_program("/bin/sh", {"-c", "ulimit -v 500000; exec " LIMPID_PROGRAM " sheet " +
                                                           (folder / "large.png") + " -o " + (folder / "sheet.png")});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(peek_picture(folder / "sheet.png").h, 5000 + 2 * 4);
}

}  // namespace
}  // namespace limpid::testing
