// Tests of downloading and unpacking, against a server on this machine: no test needs the network.
#include "weights/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "weights/file.h"
#include "weights/local_server.h"
#include "weights/sha256.h"
#include "weights/sources.h"
#include "weights/unzip.h"

namespace limpid::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Fetch : public ::testing::Test {
  protected:
    void SetUp() override {
        // A proxy of the surroundings must not come between the tests and their own server.
        ::setenv("NO_PROXY", "*", 1);
        folder_ = std::filesystem::path(::testing::TempDir()) / concat("limpid-fetch-", ::getpid());
        std::filesystem::create_directories(folder_);
        for (int i = 0; i < 200000; ++i) content_ += static_cast<char>(i * 7 + i / 251);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name = "file.bin") const { return (folder_ / name).string(); }
    void write(const std::string& name, std::string_view text) const {
        write_file_atomically(path(name), as_bytes(text));
    }
    std::string read(const std::string& name = "file.bin") const { return std::string(as_text(read_file(path(name)))); }
    size_t files() const { return size_t(std::distance(std::filesystem::directory_iterator(folder_), {})); }
    Download download(std::vector<std::string> urls) const {
        Download result;
        result.urls = std::move(urls);
        result.sha256 = sha256_of(as_bytes(content_));
        return result;
    }
    static std::string error_of(const std::function<void()>& body) {
        try {
            body();
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }

    std::filesystem::path folder_;
    std::string content_;
};

TEST_F(Fetch, WritesWhereALinkLeads) {
    const LocalServer server(content_);
    std::filesystem::create_directories(folder_ / "elsewhere");
    std::filesystem::create_symlink("elsewhere/real.bin", path());
    fetch(download({server.url("/good")}), path());
    EXPECT_TRUE(std::filesystem::is_symlink(path()));
    EXPECT_EQ(read("elsewhere/real.bin"), content_);
    EXPECT_EQ(files(), 2u);
}

TEST_F(Fetch, RefusesAPipe) {
    const LocalServer server(content_);
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    const std::string error = error_of([&] { fetch(download({server.url("/good")}), path()); });
    EXPECT_NE(error.find("is a pipe, expected the name of a file"), std::string::npos) << error;
}

TEST_F(Fetch, DownloadsAndReportsProgress) {
    const LocalServer server(content_);
    int64_t last = 0, last_total = 0;
    fetch(download({server.url("/good")}), path(), [&](int64_t done, int64_t total) {
        EXPECT_GE(done, last);
        last = done;
        last_total = total;
    });
    EXPECT_EQ(read(), content_);
    EXPECT_EQ(last, int64_t(content_.size()));
    EXPECT_EQ(last_total, int64_t(content_.size()));
    EXPECT_EQ(files(), 1u);
    // A second time there is nothing to do.
    fetch(download({server.url("/good")}), path());
    EXPECT_THAT(server.requests(), ElementsAre("/good"));
}

TEST_F(Fetch, FollowsRedirectsAndReadsFileAddresses) {
    const LocalServer server(content_);
    fetch(download({server.url("/moved")}), path());
    EXPECT_EQ(read(), content_);
    fetch(download({"file://" + path()}), path("copy.bin"));
    EXPECT_EQ(read("copy.bin"), content_);
    write("resumed.bin.part", content_.substr(0, 777));
    fetch(download({"file://" + path()}), path("resumed.bin"));
    EXPECT_EQ(read("resumed.bin"), content_);
}

TEST_F(Fetch, ContinuesAfterCuts) {
    const LocalServer server(content_);
    fetch(download({server.url("/cut")}), path());
    EXPECT_EQ(read(), content_);
    EXPECT_THAT(server.requests(), ElementsAre("/cut", "/cut from 100000", "/cut from 150000", "/cut from 175000"));
}

TEST_F(Fetch, ContinuesAnEarlierPart) {
    const LocalServer server(content_);
    write("file.bin.part", content_.substr(0, 1234));
    int64_t first = -1;
    fetch(download({server.url("/good")}), path(), [&](int64_t done, int64_t) { first = first < 0 ? done : first; });
    EXPECT_EQ(read(), content_);
    EXPECT_GE(first, 1234);
    EXPECT_THAT(server.requests(), ElementsAre("/good from 1234"));
    EXPECT_EQ(files(), 1u);
}

TEST_F(Fetch, StartsAgainWhereThePartIsUseless) {
    const LocalServer server(content_);
    write("file.bin.part", "these bytes belong to something else");
    fetch(download({server.url("/good")}), path());
    EXPECT_EQ(read(), content_);
    EXPECT_THAT(server.requests(), ElementsAre("/good from 36", "/good"));

    write("plain.bin.part", content_.substr(0, 1234));
    fetch(download({server.url("/plain")}), path("plain.bin"));
    EXPECT_EQ(read("plain.bin"), content_);

    write("long.bin.part", content_ + "and more");
    fetch(download({server.url("/good")}), path("long.bin"));
    EXPECT_EQ(read("long.bin"), content_);

    // Complete, but never renamed.
    write("whole.bin.part", content_);
    fetch(download({server.url("/good")}), path("whole.bin"));
    EXPECT_EQ(read("whole.bin"), content_);
    EXPECT_EQ(server.requests().back(), "/good from 200000");

    // Nobody could tell whether this part belongs to the file.
    write("unknown.bin.part", "something");
    Download unverified = download({server.url("/good")});
    unverified.sha256.clear();
    fetch(unverified, path("unknown.bin"));
    EXPECT_EQ(read("unknown.bin"), content_);
    EXPECT_EQ(server.requests().back(), "/good");
}

TEST_F(Fetch, WrongDigestIsSaidAndRemoved) {
    const LocalServer server(content_);
    write("file.bin", "the old file");
    EXPECT_THAT(error_of([&] { fetch(download({server.url("/other")}), path()); }),
                AllOf(HasSubstr("file.bin could not be fetched: " + server.url("/other") + ": SHA-256 is "),
                      HasSubstr(", expected " + sha256_of(as_bytes(content_)) + ", so what it sent was removed; "),
                      HasSubstr("limpid convert")));
    EXPECT_EQ(read(), "the old file");
    EXPECT_EQ(files(), 1u);
    Download sha1 = download({server.url("/good")});
    sha1.sha256.clear();
    sha1.sha1 = std::string(40, '0');
    EXPECT_THAT(error_of([&] { fetch(sha1, path()); }), HasSubstr("SHA-1 is "));
}

TEST_F(Fetch, TriesTheNextMirror) {
    const LocalServer server(content_);
    fetch(download({server.url("/absent"), server.url("/other"), "http://127.0.0.1:1/refused", "file:///absent",
                    server.url("/good")}),
          path());
    EXPECT_EQ(read(), content_);
    EXPECT_THAT(server.requests(), ElementsAre("/absent", "/other", "/good"));
}

TEST_F(Fetch, AMirrorWithoutTheFileDoesNotCostThePart) {
    const LocalServer server(content_);
    write("file.bin.part", content_.substr(0, 1234));
    fetch(download({"file:///absent", server.url("/absent"), server.url("/good")}), path());
    EXPECT_EQ(read(), content_);
    EXPECT_THAT(server.requests(), ElementsAre("/absent from 1234", "/good from 1234"));
}

TEST_F(Fetch, EveryMirrorsFailureIsTold) {
    const LocalServer server(content_);
    const std::string error = error_of([&] {
        fetch(download({server.url("/absent"), "http://127.0.0.1:1/file", "http://nowhere.invalid/file",
                        "ftp://127.0.0.1/file"}),
              path());
    });
    EXPECT_THAT(error, AllOf(HasSubstr("/absent: The requested URL returned error: 404"),
                             HasSubstr("http://127.0.0.1:1/file: Failed to connect"),
                             HasSubstr("http://nowhere.invalid/file: Could not resolve host"),
                             HasSubstr("ftp://127.0.0.1/file: Protocol \"ftp\" not supported"),
                             HasSubstr("copy the file yourself and run `limpid convert` on it")));
    EXPECT_EQ(files(), 0u);
    EXPECT_THAT(error_of([&] { fetch(download({server.url("/good")}), path("no/folder")); }),
                HasSubstr("no/folder.part: cannot be created"));
}

TEST_F(Fetch, EndlessFilesAreRefused) {
    const LocalServer server(content_);
    Download small = download({server.url("/good")});
    small.most_bytes = 1000;
    EXPECT_THAT(error_of([&] { fetch(small, path()); }), HasSubstr("has more than 1000 bytes"));
}

TEST_F(Fetch, ProgressMayStopItAndThePartStays) {
    const LocalServer server(content_);
    struct Stop {};
    EXPECT_THROW(fetch(download({server.url("/cut")}), path(),
                       [](int64_t done, int64_t) {
                           if (done > 0) throw Stop();
                       }),
                 Stop);
    EXPECT_GT(read("file.bin.part").size(), 0u);
    fetch(download({server.url("/good")}), path());
    EXPECT_EQ(read(), content_);
    EXPECT_EQ(files(), 1u);
}

TEST_F(Fetch, TwoDownloadsOfOneFileDoNotMix) {
    const LocalServer server(content_);
    bool asked = false;
    fetch(download({server.url("/good")}), path(), [&](int64_t, int64_t) {
        if (asked) return;
        asked = true;
        EXPECT_THAT(error_of([&] { fetch(download({server.url("/good")}), path()); }),
                    HasSubstr("is being written by another process"));
    });
    EXPECT_TRUE(asked);
    EXPECT_EQ(read(), content_);
}

class Unzip : public Fetch {
  protected:
    void SetUp() override {
        Fetch::SetUp();
        int code = 0;
        zip_t* zip = zip_open(path("a.zip").c_str(), ZIP_CREATE, &code);
        ASSERT_NE(zip, nullptr);
        ASSERT_GE(zip_file_add(zip, "folder/model.pb", zip_source_buffer(zip, content_.data(), content_.size(), 0), 0),
                  0);
        zeros_.assign(size_t(8) << 20, '\0');
        ASSERT_GE(zip_file_add(zip, "zeros", zip_source_buffer(zip, zeros_.data(), zeros_.size(), 0), 0), 0);
        ASSERT_EQ(zip_close(zip), 0);
    }
    std::string zeros_;
};

TEST_F(Unzip, TakesOneMember) {
    unzip_member(path("a.zip"), "folder/model.pb", path("model.pb"));
    EXPECT_EQ(read("model.pb"), content_);
    EXPECT_EQ(files(), 2u);
}

TEST_F(Unzip, RefusesWhatItCannotTake) {
    EXPECT_THAT(error_of([&] { unzip_member(path("a.zip"), "model.pb", path("out")); }),
                HasSubstr("a.zip: has no readable member model.pb (No such file)"));
    EXPECT_THAT(error_of([&] { unzip_member(path("b.zip"), "model.pb", path("out")); }),
                HasSubstr("b.zip: cannot be read as a zip archive (No such file)"));
    EXPECT_THAT(error_of([&] { unzip_member(path("a.zip"), "zeros", path("out"), 1 << 20); }),
                HasSubstr("unpacks to more than 1048576 bytes"));
    std::string damaged = read("a.zip");
    for (size_t i = 2000; i < 2100; ++i) damaged[i] = static_cast<char>(~damaged[i]);
    write("damaged.zip", damaged);
    EXPECT_THAT(error_of([&] { unzip_member(path("damaged.zip"), "folder/model.pb", path("out")); }),
                HasSubstr("member folder/model.pb is damaged"));
    EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(Unzip, SourcesAreFetchedAndUnpacked) {
    const std::string zip = read("a.zip");
    const LocalServer server(zip);
    WeightSource source{"test",  "inception5h", "", {{server.url("/good")}, sha256_of(as_bytes(zip)), ""},
                        "a.zip", "zeros"};
    EXPECT_EQ(fetch_weights(source, path("new/folder")), path("new/folder/zeros"));
    EXPECT_EQ(read("new/folder/zeros"), zeros_);
    source.member.clear();
    EXPECT_EQ(fetch_weights(source, path("new/folder")), path("new/folder/a.zip"));
}

TEST(Sources, AreNamedAndVerifiable) {
    EXPECT_EQ(weight_source("googlenet").variant, "inception5h");
    EXPECT_EQ(weight_source("bvlc").variant, "bvlc");
    EXPECT_THROW(weight_source("vgg"), UsageError);
    for (const WeightSource& source : weight_sources()) {
        const Download& d = source.download;
        EXPECT_TRUE(d.sha256.size() == 64 || (d.sha256.empty() && d.sha1.size() == 40)) << source.name;
        EXPECT_FALSE(d.urls.empty()) << source.name;
    }
}

}  // namespace
}  // namespace limpid::testing
