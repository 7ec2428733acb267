// Tests of what a folder's manifests say: whose a file is, what of old versions is believed.
#include "viz/batch/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "kernels/error.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid::testing {
namespace {

class Manifest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = (std::filesystem::path(::testing::TempDir()) / concat("limpid-manifest-", ::getpid())).string();
        create_folder(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& name, const std::string& text) const {
        write_file_atomically(folder_ + "/" + name, as_bytes(text));
    }
    // A line of a picture whose bytes are `text`, and more fields.
    static std::string line(const std::string& identity, const std::string& file, const std::string& text,
                            const std::string& more = "") {
        return concat(R"({"identity":")", identity, R"(","status":"done","file":")", file, R"(","sha256":")",
                      sha256_of(as_bytes(text)), "\"", more, "}\n");
    }

    std::string folder_;
};

TEST_F(Manifest, AFileBelongsToTheJobWhoseBytesItHas) {
    write("manifest.jsonl", line("first", "a.png", "one") + line("second", "a.png", "two") + "torn");
    write("a.png", "one");
    const ManifestContents contents = read_manifests(folder_);
    EXPECT_EQ(contents.owners.at("a.png").identity, "first");
    EXPECT_EQ(contents.finished.size(), 1u);
    EXPECT_EQ(contents.torn_lines, 1);
    write("a.png", "changed by hand");
    EXPECT_EQ(read_manifests(folder_).owners.at("a.png").identity, "second") << "the last that wrote it";
}

TEST_F(Manifest, FloatsAreThereWhenTheyHaveTheirChecksum) {
    const std::string good = sha256_of(as_bytes("floats"));
    write("a.png", "one");
    write("a.h5", "floats");
    write("manifest.jsonl", line("a", "a.png", "one", concat(R"(,"raw":"a.h5","raw_sha256":")", good, '"')));
    EXPECT_EQ(read_manifests(folder_).finished.at("a").raw, "a.h5");
    EXPECT_EQ(read_manifests(folder_).owners.at("a.h5").identity, "a");
    write("a.h5", "other floats");
    ManifestContents contents = read_manifests(folder_);
    EXPECT_EQ(contents.finished.at("a").raw, "");
    EXPECT_EQ(contents.lost_raw_files, 1);
    // As versions wrote it that recorded no checksum: the picture is finished, the floats are not believed.
    write("manifest.jsonl", line("a", "a.png", "one", R"(,"raw":"a.h5")"));
    contents = read_manifests(folder_);
    EXPECT_EQ(contents.finished.at("a").raw, "");
    EXPECT_EQ(contents.lost_raw_files, 0);
}

// Positions were once written x=, y=: the job is the one that today's text describes.
TEST_F(Manifest, KnowsJobsByTheirFormerText) {
    const std::string then = R"x({"objective":"neuron(a, 1, x=3, y=9)","steps":6})x",
                      now = R"x({"objective":"neuron(a, 1, row=3, column=9)","steps":6})x";
    write("a.png", "one");
    write("manifest.jsonl", line(sha256_of(as_bytes(then)), "a.png", "one", concat(R"(,"parameters":)", then)));
    const ManifestContents contents = read_manifests(folder_);
    ASSERT_TRUE(contents.finished.contains(sha256_of(as_bytes(now))));
    const ManifestEntry& entry = contents.owners.at("a.png");
    EXPECT_EQ(differences(entry, R"x({"objective":"neuron(a, 1, row=3, column=9)","steps":8})x"), "steps 6, now 8");
    // Of a line that is not what its identity says nothing is made.
    write("manifest.jsonl", line("changed", "a.png", "one", concat(R"(,"parameters":)", then)));
    EXPECT_TRUE(read_manifests(folder_).finished.contains("changed"));
}

TEST_F(Manifest, CountsDevices) {
    write("a.png", "one");
    write("b.png", "two");
    write("manifest.jsonl", line("a", "a.png", "one", R"(,"device":"cpu:avx2")") +
                                line("b", "b.png", "two", R"(,"device":"cpu:avx512")") +
                                line("c", "lost.png", "three", R"(,"device":"cuda")"));
    EXPECT_EQ(to_string(devices_of(read_manifests(folder_))), "1 on cpu:avx2, 1 on cpu:avx512");
}

TEST_F(Manifest, SaysWhatDiffers) {
    ManifestEntry entry;
    entry.line = R"x({"parameters":{"objective":"gabor:1","steps":6,"optimiser":"ascent(rate=1)"}})x";
    EXPECT_EQ(differences(entry, R"({"objective":"gabor:2","steps":8})"),
              "objective gabor:1, now gabor:2, optimiser ascent(rate=1), now none, steps 6, now 8");
    entry.line = "torn";
    EXPECT_EQ(differences(entry, R"({"steps":8})"), "steps none, now 8");
}

}  // namespace
}  // namespace limpid::testing
