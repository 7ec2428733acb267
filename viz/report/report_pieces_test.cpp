// What a report stands on: kept results, icons, numbers as the page reads them, dreams.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "nets/tiny.h"
#include "tests/end_to_end/program.h"
#include "tests/harness/compare.h"
#include "viz/attribution/section.h"
#include "viz/grid/grid.h"
#include "viz/image/image.h"
#include "viz/report/icon_cache.h"
#include "viz/report/overlay.h"
#include "viz/report/page_data.h"
#include "viz/report/unit_sheet.h"

namespace limpid {
namespace {

using nlohmann::ordered_json;
using testing::read_text;
using testing::same_bits;
using testing::TemporaryFolder;
using testing::write_text;

const Net& net() {
    static const Net tiny = make_net(tiny_weights());
    return tiny;
}

TEST(Kept, ComesBackUnlessItIsDamaged) {
    const TemporaryFolder folder;
    Kept kept(folder / "a/b");
    EXPECT_FALSE(kept.find("one"));
    const std::string bytes("\0limpid\n", 8);
    kept.keep("one", as_bytes(bytes));
    EXPECT_EQ(kept.find("one"), bytes);
    const std::string path = folder / "a/b/one", whole = read_text(path);
    for (size_t i = 0; i < whole.size(); i++) {
        std::string wrong = whole;
        wrong[i] = char(wrong[i] ^ 4);
        write_text(path, wrong);
        EXPECT_FALSE(kept.find("one")) << "byte " << i;
        write_text(path, whole.substr(0, i));
        EXPECT_FALSE(kept.find("one")) << "cut at " << i;
    }
    EXPECT_EQ(kept.damaged(), int64_t(2 * whole.size()));
    write_text(path, whole);
    EXPECT_EQ(kept.find("one"), bytes);
    write_text(folder / "file", "");
    EXPECT_THROW(Kept(folder / "file").keep("one", as_bytes(bytes)), Error);
}

TEST(Pictures, AreMadeOnceAndAgainWhereTheyAreDamaged) {
    const TemporaryFolder folder;
    Stream stream({DeviceKind::cpu, 0});
    Kept kept(folder / "icons");
    const IconOptions options{.size = 16, .steps = 2};
    std::vector<Job> jobs;
    for (const Unit& unit : {Unit{"gabor", 3}, {"texture", 0}, {"gabor", 4}}) jobs.push_back(icon_job(unit, options));
    int updates = 0;
    const PartWatcher count = [&](double) { return ++updates > 0; };
    const auto first = kept_pictures(net(), jobs, 2, stream, kept, count);
    ASSERT_EQ(first.size(), 3u);
    EXPECT_GT(updates, 0);
    EXPECT_FALSE(same_bits(first.at("gabor:3"), first.at("gabor:4")));
    updates = 0;
    for (const auto& [name, picture] : kept_pictures(net(), jobs, 2, stream, kept, count))
        EXPECT_TRUE(same_bits(picture, first.at(name)));
    EXPECT_EQ(updates, 0) << "they were on disk";
    for (const auto& entry : std::filesystem::directory_iterator(folder / "icons"))
        std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) - 1);
    for (const auto& [name, picture] : kept_pictures(net(), jobs, 2, stream, kept, count))
        EXPECT_TRUE(same_bits(picture, first.at(name)));
    EXPECT_GT(updates, 0);
    EXPECT_EQ(kept.damaged(), 3);
    // Other options and other weights are other pictures.
    EXPECT_TRUE(has_picture(net(), jobs[0], stream, kept));
    EXPECT_FALSE(has_picture(net(), icon_job({"gabor", 3}, {.size = 16, .steps = 3}), stream, kept));
    EXPECT_FALSE(has_picture(net(), icon_job({"gabor", 5}, options), stream, kept));
    Net other = net();
    Weights weights = *net().weights;
    weights.checksum = "other";
    other.weights = std::make_shared<const Weights>(weights);
    EXPECT_FALSE(has_picture(other, jobs[0], stream, kept));
    EXPECT_TRUE(
        kept_pictures(net(), {icon_job({"gabor", 7}, options)}, 2, stream, kept, [](double) { return false; }).empty());
}

TEST(UnitSheet, HasALargePictureTheOppositeAndFourThatDiffer) {
    const TemporaryFolder folder;
    Stream stream({DeviceKind::cpu, 0});
    Kept kept(folder / "icons");
    const std::vector<Job> jobs = sheet_jobs(net(), {"texture", 3}, {.size = 24, .steps = 24, .diversity = 1});
    ASSERT_EQ(jobs.size(), 3u);
    EXPECT_EQ(jobs[1].name, "0 - texture_pre_relu:3") << "after its ReLU nothing is smaller than 0";
    const auto pictures = kept_pictures(net(), jobs, 4, stream, kept);
    const auto response = [&](const HostTensor& picture) {
        const HostTensor a = activations(net(), {"texture_pre_relu"}, picture, stream)[0];
        double sum = 0;
        for (int64_t p = 0; p < a.shape.pixels(); p++) sum += double(a.values[size_t(p * a.shape.c + 3)]);
        return sum / double(a.shape.pixels());
    };
    std::vector<HostTensor> shown;
    for (const Job& job : jobs) shown.push_back(pictures.at(job.name));
    EXPECT_GT(response(shown[0]), 0.1);
    EXPECT_LT(response(shown[1]), -0.1);
    ASSERT_EQ(shown[2].shape, (Shape{1, 4 * 24, 24, 3}));
    const ordered_json sheet = unit_sheet(jobs, shown, " --net tiny");
    EXPECT_EQ(sheet["items"].size(), 6u);
    EXPECT_EQ(sheet["columns"], 6);
    EXPECT_NE(
        sheet["command"].get<std::string>().find(
            "limpid render 'texture_pre_relu:3 - 1*diversity(texture)' --size 24 --steps 24 --batch 4 --net tiny"),
        std::string::npos);
    EXPECT_EQ(diversity_weight(612), 100);
    EXPECT_NEAR(diversity_weight(0.3), 0.1, 1e-12);
    EXPECT_EQ(diversity_weight(0), 1);
}

TEST(PageData, NumbersAndBytes) {
    EXPECT_EQ(rounded(0.123456), 0.1235);
    EXPECT_EQ(rounded(-98764.0), -98760.0);
    // RFC 4648.
    for (const auto& [text, expected] : {std::pair{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}})
        EXPECT_EQ(base64(as_bytes(text)), expected);
    const std::vector<float> values{2, 1, -3, 0, 4, 4};
    const ordered_json map = byte_map(values, {2, 3});
    EXPECT_EQ(map["scale"], 4);
    EXPECT_EQ(map["u8"], base64(as_bytes(std::string("\x80\x40\x00\x00\xff\xff", 6))));
    const ordered_json maps = byte_maps(values, {2, 3});
    EXPECT_EQ(maps["scales"], ordered_json({2, 4}));
    EXPECT_EQ(maps["u8"], base64(as_bytes(std::string("\xff\x80\x00\x00\xff\xff", 6))));
    EXPECT_EQ(largest(values, 3), (std::vector<int64_t>{4, 5, 0}));
    EXPECT_EQ(byte_map(std::vector<float>{-1, 0}, {2})["scale"], 0);
}

TEST(PageData, JpegsAreThePicture) {
    HostTensor picture({1, 24, 40, 3});
    for (int64_t y = 0; y < 24; y++)
        for (int64_t x = 0; x < 40; x++)
            for (int64_t c = 0; c < 3; c++)
                picture.at(0, y, x, c) = 0.5f + 0.4f * float(std::sin(0.2 * double(x + 2 * c) + 0.15 * double(y)));
    const HostTensor back = decode_image(encode_jpeg(picture.view(), 95), "picture").rgb;
    ASSERT_EQ(back.shape, picture.shape);
    double worst = 0;
    for (size_t i = 0; i < back.values.size(); i++)
        worst = std::max(worst, std::fabs(double(back.values[i]) - double(picture.values[i])));
    EXPECT_LT(worst, 0.08) << "quality 95 of a smooth picture";
    EXPECT_GT(worst, 0);
    EXPECT_LT(encode_jpeg(picture.view(), 20).size(), encode_jpeg(picture.view(), 95).size());
    picture.at(0, 3, 3, 1) = NAN;
    EXPECT_THROW(encode_jpeg(picture.view(), 90), Error);
}

TEST(Similarity, IsTheCosine) {
    HostTensor a({1, 1, 2, 3}, {1, 0, 0, 3, 4, 0}), b({1, 1, 1, 3}, {0, 2, 0});
    const ordered_json map = similarity_map(a, b);
    EXPECT_EQ(map["shape"], ordered_json({1, 2, 1, 1}));
    EXPECT_EQ(map["scale"], 0.8);
    EXPECT_EQ(map["u8"], base64(as_bytes(std::string("\x00\xff", 2))));
}

TEST(Overlay, ChangesThePhotoWhereTheGroupFires) {
    Stream stream({DeviceKind::cpu, 0});
    HostTensor photo({1, 32, 32, 3});
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++)
            for (int64_t c = 0; c < 3; c++) photo.at(0, y, x, c) = 0.5f + 0.2f * float(std::sin(1.4 * double(x)));
    const HostTensor a = activations(net(), {"texture"}, photo, stream)[0];
    const Shape map = a.shape;
    Groups groups{HostTensor({1, map.h, map.w, 1}), HostTensor({1, 1, 1, map.c}), 0};
    for (int64_t y = 0; y < map.h; y++) groups.spatial.at(0, y, 0, 0) = 1;  // the left edge
    groups.channel.at(0, 0, 0, largest({a.view().pixel(0, map.h / 2, 0), size_t(map.c)}, 1)[0]) = 1;
    std::vector<double> scores;
    OverlayOptions options;
    options.steps = 12;
    const auto dreams =
        dreamed_overlays(net(), "texture", photo, groups, options, stream, [&](const RenderProgress& p) {
            scores.push_back(p.score);
            return true;
        });
    ASSERT_TRUE(dreams);
    ASSERT_EQ(dreams->shape, photo.shape);
    EXPECT_GT(scores.back(), scores.front());
    double left = 0, right = 0;
    for (int64_t y = 0; y < 32; y++)
        for (int64_t x = 0; x < 32; x++)
            for (int64_t c = 0; c < 3; c++) {
                const double difference = std::fabs(double(dreams->at(0, y, x, c)) - double(photo.at(0, y, x, c)));
                (x < 16 ? left : right) += difference;
            }
    EXPECT_GT(left, 1);
    EXPECT_LT(right, 1e-3);
    EXPECT_FALSE(dreamed_overlays(net(), "texture", photo, groups, options, stream,
                                  [](const RenderProgress&) { return false; }));
    RunOptions looks;
    size_t steps = 0;
    looks.dump = [&](const std::string&, const HostTensor&) { steps++; };
    const auto again = dreamed_overlays(net(), "texture", photo, groups, options, stream, {}, looks);
    EXPECT_EQ(again->values, dreams->values);
    EXPECT_GT(steps, scores.size());
}

TEST(GroupIcons, AreThoseOfTheirMixOfChannels) {
    // A group of one channel looks like the render of that channel, whose score is the same up to a factor.
    Stream stream({DeviceKind::cpu, 0});
    Groups groups{HostTensor({1, 2, 2, 2}, 1.0f), HostTensor({1, 1, 2, 16}), 0};
    groups.channel.at(0, 0, 0, 3) = groups.channel.at(0, 0, 1, 8) = 1;
    const HostTensor icons = group_icons(net(), "texture", groups, 24, 8, 0, stream);
    ASSERT_EQ(icons.shape, (Shape{2, 24, 24, 3}));
    RenderOptions options;
    options.param.height = options.param.width = 24;
    options.steps = 8;
    const HostTensor alone = render(net(), parse_objective("texture:3"), options, stream).images;
    double worst = 0;
    for (size_t i = 0; i < alone.values.size(); i++)
        worst = std::max(worst, std::fabs(double(alone.values[i]) - double(icons.values[i])));
    EXPECT_LT(worst, 1e-3);
}

}  // namespace
}  // namespace limpid
