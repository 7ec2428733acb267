// limpid report and limpid parity as a user runs them: the page and its data, what is kept, interruptions, errors.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "nets/world/world.h"
#include "tests/end_to_end/program.h"
#include "tests/harness/golden.h"
#include "viz/image/image.h"

namespace limpid::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// A small picture: the built-in network's maps are then 24 x 24 and 12 x 12.
std::string photo_in(const TemporaryFolder& folder, const std::string& name, double angle) {
    HostTensor photo({1, 24, 24, 3}, 0.5f);
    for (int64_t y = 0; y < 24; y++)
        for (int64_t x = 0; x < 16; x++)
            for (int64_t c = 0; c < 3; c++)
                photo.at(0, y, x, c) =
                    0.5f + 0.5f * float(std::sin(1.4 * (std::cos(angle) * double(x) + std::sin(angle) * double(y))));
    write_png(folder / name, photo.view());
    return folder / name;
}

// `more` may name an option of the quick report again: then that counts.
std::vector<std::string> quick_report(const std::vector<std::string>& photos, const TemporaryFolder& folder,
                                      const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"report"};
    words.insert(words.end(), photos.begin(), photos.end());
    words.push_back("--whole");
    const std::vector<std::pair<std::string, std::string>> options{{"--net", "tiny"},
                                                                   {"--device", "cpu"},
                                                                   {"--steps", "2"},
                                                                   {"--icons", "5"},
                                                                   {"-o", folder / "r.html"},
                                                                   {"--data", folder / "r.json"},
                                                                   {"--cache", folder / "cache"}};
    for (const auto& [name, value] : options)
        if (!std::count(more.begin(), more.end(), name)) words.insert(words.end(), {name, value});
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

// The data that a page carries.
json data_in(const std::string& page) {
    const std::string text = read_text(page), begin = "<script type=\"application/json\" id=\"report-data\">";
    const size_t first = text.find(begin);
    if (first == text.npos) return nullptr;
    EXPECT_EQ(text.find(begin, first + 1), text.npos);
    const size_t end = text.find("</script>", first);
    return json::parse(text.substr(first + begin.size(), end - first - begin.size()));
}

json without_time(json data) {
    data.erase("seconds");
    data.erase("command");
    return data;
}

TEST(Report, HasEveryFigureThatANetworkWithoutClassesAllows) {
    const TemporaryFolder folder;
    const std::string one = photo_in(folder, "one.png", 0.4), two = photo_in(folder, "<b>.png", 1.9);
    const Finished good = run_limpid(quick_report({one, two}, folder));
    ASSERT_EQ(good.status, 0) << good.err;
    EXPECT_THAT(good.err, HasSubstr("parts, 0 of them made before; about "));
    EXPECT_THAT(good.err, HasSubstr("\"progress\":\"report\""));
    const json data = data_in(folder / "r.html");
    EXPECT_EQ(data, json::parse(read_text(folder / "r.json")));
    EXPECT_EQ(data.at("format"), "limpid-report");
    ASSERT_EQ(data.at("photos").size(), 2u);
    EXPECT_EQ(data["photos"][1].at("name"), "<b>");
    const json photo = data["photos"][0];
    EXPECT_EQ(photo.at("size"), json({24, 24}));
    EXPECT_TRUE(photo.at("picture").get<std::string>().starts_with("data:image/jpeg;base64,/9j/"));
    EXPECT_EQ(photo.at("dictionary").at("top").size(), 12u);
    EXPECT_EQ(photo["dictionary"]["top"][3][4].size(), 5u);
    EXPECT_EQ(photo.at("grids").at("texture").at("norms").size(), 12u);
    EXPECT_EQ(photo.at("spatial").at("pairs").at("gabor>texture").at("shape"), json({12, 12, 24, 24}));
    EXPECT_EQ(photo.at("groups").at("by_count").at("4").at("magnitudes").size(), 4u);
    EXPECT_EQ(photo["groups"]["by_count"]["4"].at("icons").at("columns"), 4);
    EXPECT_EQ(photo["groups"]["by_count"]["4"].at("overlay").at("cell"), 112);
    EXPECT_EQ(photo.at("flow").at("cases").size(), 18u);
    EXPECT_EQ(photo["flow"]["cases"].at("4,6,0").at("to_later").size(), 6u);
    EXPECT_EQ(photo["flow"]["cases"].at("4,6,0").at("like"), "4,2,0");
    EXPECT_EQ(photo["flow"]["cases"].at("4,6,1").at("icons").at("columns"), 4);
    EXPECT_EQ(photo["flow"]["cases"].at("4,2,0").at("maps").at("shape"), json({4, 24, 24}));
    for (const char* absent : {"teaser", "history"}) EXPECT_FALSE(photo.contains(absent));
    EXPECT_EQ(data.at("similarity").at("pairs").at("0>1").at("shape"), json({12, 12, 12, 12}));
    // Whatever can be reached by pinning is there.
    const json channels = photo.at("channels");
    std::set<std::pair<std::string, std::string>> reached;
    const auto reach = [&](const std::string& layer, const json& entries) {
        EXPECT_EQ(entries.size(), 3u);
        for (const json& entry : entries) reached.emplace(layer, std::to_string(entry[0].get<int>()));
    };
    for (const char* layer : {"gabor", "texture"}) reach(layer, channels.at("output").at(layer));
    for (const auto& [layer, units] : channels.at("channel").items())
        for (const auto& [unit, entry] : units.items()) {
            const std::string other = layer == "gabor" ? "texture" : "gabor";
            reach(other, entry.at(other));
        }
    for (const auto& [layer, unit] : reached) EXPECT_TRUE(channels["channel"][layer].contains(unit)) << layer << unit;
    // Five icons for a photo; maps of everything that is named.
    size_t icons = 0;
    for (const json& sheet : data.at("icons")) icons += sheet.at("channels").size();
    EXPECT_GE(icons, 5u);
    EXPECT_LE(icons, 10u);
    for (const auto& [layer, unit] : reached) {
        const json listed = photo.at("maps").at(layer).at("channels");
        EXPECT_EQ(std::count(listed.begin(), listed.end(), std::stoi(unit)), 1);
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "r.html.work"));

    // The same figures from one thread; icons come from the cache, and damaged ones are noticed.
    size_t cached = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "cache")) {
        std::filesystem::resize_file(entry.path(), 100);
        cached++;
    }
    EXPECT_EQ(cached, icons);
    const Finished again = run_limpid(quick_report({one}, folder, {"--threads", "1"}));
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("kept files were damaged and have been made again"));
    EXPECT_EQ(data_in(folder / "r.html").at("photos")[0], photo);
}

TEST(Report, GoesOnWhereItWasStopped) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder, "one.png", 0.4);
    const std::vector<std::string> words =
        quick_report({photo}, folder, {"--figures", "dictionary,groups,icons", "--steps", "12"});
    const Finished stopped = run_limpid(words, {}, 120, "", {SIGTERM});
    ASSERT_EQ(stopped.status, 3) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("keeps what is finished"));
    EXPECT_FALSE(std::filesystem::exists(folder / "r.html"));
    ASSERT_TRUE(std::filesystem::exists(folder / "r.html.work"));
    const Finished resumed = run_limpid(words);
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_THAT(resumed.err, ::testing::Not(HasSubstr(" 0 of them made before")));
    EXPECT_FALSE(std::filesystem::exists(folder / "r.html.work"));
    const json data = data_in(folder / "r.html");
    ASSERT_EQ(run_limpid(words).status, 0);
    EXPECT_EQ(without_time(data_in(folder / "r.html")), without_time(data));
}

TEST(Report, WrongArgumentsAreOneLine) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder, "one.png", 0.4);
    write_text(folder / "text.png", "not a photo");
    write_png(folder / "small.png", HostTensor({1, 3, 3, 3}, 0.5f).view());
    const auto run = [&](const std::string& of, std::vector<std::string> more) {
        return run_limpid(quick_report({of}, folder, more));
    };
    EXPECT_TRUE(fails_with(1, "text.png", run(folder / "text.png", {})));
    EXPECT_TRUE(fails_with(1, "larger picture", run(folder / "small.png", {})));
    EXPECT_TRUE(fails_with(2, "--profile", run(photo, {"--profile", "slow"})));
    EXPECT_TRUE(fails_with(2, "spatial", run(photo, {"--figures", "spatials"})));
    EXPECT_TRUE(fails_with(2, ".html", run_limpid({"report", photo, "--net", "tiny", "-o", folder / "r.pdf"})));
    EXPECT_TRUE(
        fails_with(1, "is no folder", run_limpid({"report", photo, "--net", "tiny", "-o", folder / "no/r.html"})));
    EXPECT_TRUE(fails_with(2, "PHOTO", run_limpid({"report", "--net", "tiny"})));
    EXPECT_EQ(folder.names().size(), 3u) << "only the pictures";
    const Finished plan = run(photo, {"--plan"});
    EXPECT_EQ(plan.status, 0);
    EXPECT_THAT(plan.out, HasSubstr("one: icons of 4 groups of texture"));
    EXPECT_EQ(folder.names().size(), 3u);
}

TEST(Report, AFullDiskIsSaidAndNoPageIsHalfWritten) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder, "one.png", 0.4);
    std::filesystem::create_directories(folder / "small");
    if (mount("tmpfs", (folder / "small").c_str(), "tmpfs", 0, "size=32k") != 0)
        GTEST_SKIP() << "a small file system cannot be mounted here (needs root)";
    std::vector<std::string> words =
        quick_report({photo}, folder, {"--figures", "dictionary,maps,icons", "--quiet", "-o", folder / "small/r.html"});
    EXPECT_TRUE(fails_with(1, "No space left", run_limpid(words)));
    EXPECT_FALSE(std::filesystem::exists(folder / "small/r.html"));
    EXPECT_EQ(umount((folder / "small").c_str()), 0);
}

// A report of a trained network on one picture, whose two first classes tell channels apart.
void check_trained_report(const std::string& picture, std::vector<std::string> weights, int64_t expected_class) {
    const TemporaryFolder folder;
    std::vector<std::string> words{
        "report",        picture, "--device", "cpu", "--figures",       "dictionary,teaser,groups,maps,similarity",
        "--steps",       "1",     "--quiet",  "-o",  folder / "r.html", "--cache",
        folder / "cache"};
    words.insert(words.end(), weights.begin(), weights.end());
    const Finished run = run_limpid(words);
    ASSERT_EQ(run.status, 0) << run.err;
    const json photo = data_in(folder / "r.html").at("photos")[0];
    EXPECT_EQ(photo.at("predictions")[0].at("class"), expected_class);
    const json pair = photo.at("teaser").at("pairs").begin().value();
    ASSERT_EQ(pair.size(), 6u);
    const auto difference = [&](size_t i) { return pair[i].at("a").get<double>() - pair[i].at("b").get<double>(); };
    for (size_t i = 0; i + 1 < 6; i++) EXPECT_GE(difference(i), difference(i + 1));
    EXPECT_GT(difference(0), 0);
    EXPECT_LT(difference(5), 0);
    EXPECT_EQ(photo.at("groups").at("by_count").at("6").at("attribution").at(std::to_string(expected_class)).size(),
              6u);
}

TEST(Report, OfTheBuiltInNetworkNamesItsClasses) {
    const TemporaryFolder folder;
    constexpr int kStars = 19;
    HostTensor picture({1, kWorldSize, kWorldSize, 3});
    paint_pattern(31, 0, kStars, picture.view());
    write_png(folder / "stars.png", picture.view());
    check_trained_report(folder / "stars.png", {"--net", "patterns"}, kStars);
}

TEST(Report, OfGoogLeNetNamesItsClasses) {
    SKIP_WITHOUT_SHARED();
    check_trained_report(shared_file("photos/coffee.png"),
                         {"--weights", shared_file("models/bvlc_googlenet.caffemodel")}, 967);
}

TEST(Parity, SaysWhatItCheckedAndWhatNot) {
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(1, "is no folder", run_limpid({"parity", folder / "nothing"})));
    const Finished empty = run_limpid({"parity", folder.path()});
    EXPECT_EQ(empty.status, 1);
    EXPECT_THAT(empty.err, HasSubstr("nothing could be checked"));
    SKIP_WITHOUT_SHARED();
    const Finished run = run_limpid({"parity", shared_file("golden")});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("4 ok, 0 missed"));
    EXPECT_THAT(run.out, HasSubstr("skipped: Lucid's weights are needed"));
}

}  // namespace
}  // namespace limpid::testing
