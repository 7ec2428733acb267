// Names are bytes: files, jobs and classes whose names are no UTF-8 are used as they are, and read back from every
// JSON.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"
#include "viz/image/image.h"
#include "viz/json_text.h"

namespace limpid::testing {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;

const std::string kName = "caf\xe9\xff";  // Latin-1, and what no encoding has

// As any parser sees it, and as bytes.
ordered_json checked(const std::string& text) {
    EXPECT_FALSE(ordered_json::parse(text, nullptr, false).is_discarded()) << text;
    return from_json_text(text);
}

std::string photo_in(const TemporaryFolder& folder) {
    const std::string path = folder / (kName + ".png");
    HostTensor picture({1, 48, 48, 3}, 0.5f);
    for (int64_t i = 0; i < 48; i++) picture.at(0, i, i, 0) = 1;
    write_png(path, picture.view());
    return path;
}

std::vector<ordered_json> lines_of(const std::string& text) {
    std::vector<ordered_json> lines;
    for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1)
        lines.push_back(checked(text.substr(begin, text.find('\n', begin) - begin)));
    return lines;
}

TEST(Names, OfPhotosAreTheirBytesInEveryResult) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    const std::string out = folder / (kName + "-out");
    const std::vector<std::string> net{"--net", "patterns", "--device", "cpu"};
    const auto run = [&](std::vector<std::string> words) {
        words.insert(words.end(), net.begin(), net.end());
        const Finished finished = run_limpid(words);
        EXPECT_EQ(finished.status, 0) << words[0] << ": " << finished.err;
        return finished;
    };
    EXPECT_EQ(checked(run({"classify", photo, "--json"}).out)["photo"], photo);
    run({"attribute", photo, "--to", "class:stars", "-o", out + ".png", "--array", out + ".h5"});
    EXPECT_EQ(checked(read_text(out + ".json"))["photo"], photo);
    run({"dictionary", photo, "-o", out + ".png"});
    EXPECT_EQ(checked(read_text(out + ".json"))["photo"], photo);
    run({"groups", photo, "-n", "2", "--icon-steps", "0", "-o", out + ".png", "--to", "class:stars"});
    EXPECT_EQ(checked(read_text(out + ".json"))["photo"], photo);
    run({"render", "class:stars", "--start", photo, "--size", "32", "--steps", "1", "-o", out + ".png"});
    EXPECT_THAT(checked(read_text(out + ".json"))["command"].get<std::string>(),
                HasSubstr("caf\\351\\377.png'"));  // a shell takes the word for these bytes
    run({"report", photo, "--figures", "dictionary", "--steps", "1", "--icons", "0", "-o", out + ".html", "--data",
         out + ".json", "--no-cache"});
    EXPECT_EQ(checked(read_text(out + ".json"))["photos"][0]["name"], kName);
}

TEST(Names, OfJobsAreTheirBytesAndResumeKnowsThem) {
    const TemporaryFolder folder;
    write_text(folder / "jobs.csv", "objective,name\ngabor:0," + kName + "\ngabor:1,plain\n");
    write_text(folder / "jobs.jsonl", "{\"objective\": \"gabor:2\", \"name\": \"l" + kName + "\"}\n");
    const std::vector<std::string> words{"batch",
                                         folder / "jobs.csv",
                                         folder / "jobs.jsonl",
                                         "-o",
                                         folder / kName,
                                         "--net",
                                         "tiny",
                                         "--size",
                                         "24",
                                         "--steps",
                                         "1"};
    const Finished run = run_limpid(words);
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_TRUE(std::filesystem::exists(folder / (kName + "/" + kName + ".png")));
    EXPECT_TRUE(std::filesystem::exists(folder / (kName + "/l" + kName + ".png")));
    std::vector<std::string> files;
    for (const ordered_json& line : lines_of(read_text(folder / (kName + "/manifest.jsonl"))))
        files.push_back(line["file"]);
    EXPECT_THAT(files, ::testing::UnorderedElementsAre(kName + ".png", "plain.png", "l" + kName + ".png"));
    std::vector<std::string> again = words;
    again.push_back("--resume");
    EXPECT_THAT(run_limpid(again).err, HasSubstr("3 are there, 0 to render"));
}

TEST(Names, OfClassFoldersAreTheirBytes) {
    const TemporaryFolder folder;
    for (const std::string& label : {kName, std::string("other")})
        for (int i = 0; i < 10; i++) {
            std::filesystem::create_directories(folder / ("data/" + label));
            write_png(folder / ("data/" + label + "/" + std::to_string(i) + ".png"),
                      HostTensor({1, 16, 16, 3}, float(i) / 10).view());
        }
    const Finished run = run_limpid(
        {"train", folder / "data", "-o", folder / "t.h5", "--steps", "1", "--batch", "2", "--size", "16", "--quiet"});
    if (run.status == 0)
        EXPECT_EQ(checked(read_text(folder / "t.json"))["evaluation"]["classes"][1]["label"], "other") << run.err;
    else  // labels that the format of weights cannot hold are refused, before the work
        EXPECT_THAT(run.err, HasSubstr("UTF-8"));
}

TEST(Names, WithANulAreRefusedInAWholeSentence) {
    const TemporaryFolder folder;
    write_text(folder / "jobs.csv", std::string("objective,name\ngabor:0,a\0b\n", 27));
    EXPECT_TRUE(fails_with(1, "jobs.csv:2: found a NUL character, expected text",
                           run_limpid({"batch", folder / "jobs.csv", "-o", folder / "b", "--net", "tiny"})));
    write_text(folder / "jobs.jsonl", R"({"objective": "gabor:0", "name": "a\u0000b"})");
    EXPECT_TRUE(fails_with(1, "name: found \"a\\u0000b\", expected text without a NUL character",
                           run_limpid({"batch", folder / "jobs.jsonl", "-o", folder / "b", "--net", "tiny"})));
}

}  // namespace
}  // namespace limpid::testing
