// Pictures: what is written is read back, what is damaged is refused, what is resized keeps its meaning.
#include "viz/image/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "weights/file.h"

namespace limpid {
namespace {

using ::testing::HasSubstr;
using testing::matches;
using testing::random_tensor;
using testing::same_bits;

constexpr const char* kJpeg =
    LIMPID_SOURCE_DIR "/viz/image/testdata/ramp.jpg";  // 20x12: red 12x, green 20y, blue 255 - 12x

HostTensor grey_levels(Shape shape) {
    HostTensor picture(shape);
    for (size_t i = 0; i < picture.values.size(); i++) picture.values[i] = float(i * 37 % 256) / 255.0f;
    return picture;
}

double mean_difference(const HostTensor& a, const HostTensor& b) {
    EXPECT_EQ(a.shape, b.shape);
    double sum = 0;
    for (size_t i = 0; i < a.values.size(); i++) sum += std::abs(double(a.values[i]) - b.values.at(i));
    return sum / double(a.values.size());
}

class ImageFile : public ::testing::Test {
  protected:
    ImageFile() {
        std::string name = (std::filesystem::temp_directory_path() / "limpid-image-XXXXXX").string();
        EXPECT_TRUE(mkdtemp(name.data()));
        folder_ = name;
    }
    ~ImageFile() override { std::filesystem::remove_all(folder_); }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    std::string folder_;
};

TEST_F(ImageFile, ColourPngReadsBackWithTheSameBits) {
    // 17x19: every one of the 256 levels, odd sizes.
    const HostTensor picture = grey_levels({1, 17, 19, 3});
    write_png(path("a.png"), picture.view());
    const Image back = load_image(path("a.png"));
    EXPECT_TRUE(same_bits(picture, back.rgb));
    EXPECT_TRUE(back.alpha.values.empty());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "a temporary file was left";
}

TEST_F(ImageFile, AlphaAndGreyReadBack) {
    const HostTensor rgba = grey_levels({1, 5, 7, 4});
    const Image back = decode_image(encode_png(rgba.view()), "rgba");
    ASSERT_EQ(back.alpha.shape, (Shape{1, 5, 7, 1}));
    for (int64_t y = 0; y < 5; y++)
        for (int64_t x = 0; x < 7; x++) {
            EXPECT_EQ(back.alpha.at(0, y, x, 0), rgba.at(0, y, x, 3));
            for (int64_t c = 0; c < 3; c++) EXPECT_EQ(back.rgb.at(0, y, x, c), rgba.at(0, y, x, c));
        }
    const HostTensor grey = grey_levels({1, 5, 7, 1});
    const Image three = decode_image(encode_png(grey.view()), "grey");
    for (int64_t i = 0; i < 35; i++)
        for (int64_t c = 0; c < 3; c++) EXPECT_EQ(three.rgb.at(0, i / 7, i % 7, c), grey.at(0, i / 7, i % 7, 0));
}

TEST(ImagePng, ValuesAreTruncatedAndClipped) {
    const HostTensor picture({1, 1, 6, 1}, {-0.5f, 0.999f / 255, 1.001f / 255, 254.9f / 255, 1.0f, 7.0f});
    const Image back = decode_image(encode_png(picture.view()), "levels");
    const int levels[] = {0, 0, 1, 254, 255, 255};
    for (int64_t x = 0; x < 6; x++) EXPECT_EQ(back.rgb.at(0, 0, x, 0), float(levels[x]) / 255.0f) << x;
}

TEST(ImagePng, PitchedViewsAreRead) {
    const HostTensor wide = grey_levels({1, 4, 5, 7});
    const Image back = decode_image(encode_png(wide.view().channels(2, 3)), "slice");
    for (int64_t i = 0; i < 20; i++)
        for (int64_t c = 0; c < 3; c++) EXPECT_EQ(back.rgb.at(0, i / 5, i % 5, c), wide.at(0, i / 5, i % 5, 2 + c));
}

// Few levels without order, like a drawn picture: a Huffman code of its own takes 5 bits or less for each sample of 8.
TEST(ImagePng, WhatHasFewLevelsIsSmall) {
    HostTensor picture = random_tensor({1, 64, 64, 3}, 0.0f, 1.0f);
    for (float& value : picture.values) value = std::floor(value * 16) / 16;
    EXPECT_LT(encode_png(picture.view()).size(), picture.values.size() * 3 / 4);
}

TEST(ImagePng, NotFiniteIsRefused) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        HostTensor picture({1, 2, 2, 3}, 0.5f);
        picture.values[5] = bad;
        try {
            encode_png(picture.view());
            FAIL();
        } catch (const Error& error) {
            EXPECT_THAT(error.what(), HasSubstr("1 of 12 values are not finite"));
        }
    }
}

TEST(ImageJpeg, RampIsRead) {
    const Image image = load_image(kJpeg);
    ASSERT_EQ(image.rgb.shape, (Shape{1, 12, 20, 3}));
    EXPECT_TRUE(image.alpha.values.empty());
    HostTensor ramp({1, 12, 20, 3});
    for (int64_t y = 0; y < 12; y++)
        for (int64_t x = 0; x < 20; x++) {
            const float values[] = {float(x * 12), float(y * 20), float(255 - x * 12)};
            for (int64_t c = 0; c < 3; c++) ramp.at(0, y, x, c) = values[c] / 255.0f;
        }
    // Quality 90 with colour at half resolution: a few levels.
    EXPECT_LT(mean_difference(ramp, image.rgb), 4.0 / 255);
}

TEST_F(ImageFile, WrongFilesAreRefusedWithTheReason) {
    const auto message = [](const std::string& name) -> std::string {
        try {
            load_image(name);
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_THAT(message(path("absent.png")), HasSubstr("No such file"));
    EXPECT_THAT(message(folder_), HasSubstr("is a folder, expected a file"));
    std::ofstream(path("empty.png")).close();
    EXPECT_THAT(message(path("empty.png")), HasSubstr("is empty"));
    std::ofstream(path("letter.png")) << "Dear network,\nwhat do you see?\n";
    EXPECT_THAT(message(path("letter.png")), HasSubstr("letter.png: is not a picture"));
    std::ofstream(path("anim.png")) << "GIF89a............";
    EXPECT_THAT(message(path("anim.png")), HasSubstr("is a GIF, expected a PNG or JPEG picture; convert it first"));
    EXPECT_EQ(message(kJpeg), "accepted");
}

// What the fuzzer starts from: one of each kind. Run under valgrind, it shows that all that is read comes from the
// files.
TEST(ImageFiles, OneOfEachKindIsReadOrRefused) {
    int read = 0;
    uint64_t sum = 0;
    for (const auto& entry : std::filesystem::directory_iterator(LIMPID_SOURCE_DIR "/tests/fuzz/corpus/image")) {
        const std::string name = entry.path().filename().string();
        try {
            const Image image = load_image(entry.path().string());
            for (const float value : image.rgb.values) sum += uint64_t(value * 255.0f + 0.5f);
            for (const float value : image.alpha.values) sum += uint64_t(value * 255.0f + 0.5f);
            read++;
            EXPECT_TRUE(name != "apple.png" && name != "palette_beyond.png") << name;
        } catch (const Error& error) {
            EXPECT_TRUE(name == "apple.png" || name == "palette_beyond.png") << error.what();
        }
    }
    EXPECT_GE(read, 19);
    EXPECT_GT(sum, 0u);
}

TEST_F(ImageFile, FailedWritesLeaveNothing) {
    const HostTensor picture({1, 2, 2, 3}, 0.5f);
    EXPECT_THROW(write_png(path("no/such/folder.png"), picture.view()), Error);
    std::filesystem::create_directory(path("folder.png"));
    EXPECT_THROW(write_png(path("folder.png"), picture.view()), Error);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
    const auto problem = [&](const char* name) -> std::string {
        try {
            write_png(path(name), picture.view());
        } catch (const Error& error) {
            return error.what();
        }
        return "written";
    };
    EXPECT_THAT(problem("no/such/folder.png"), HasSubstr("no/such/folder.png: cannot be created"));
    EXPECT_THAT(problem("folder.png"), HasSubstr("folder.png: is a folder, expected the name of a file"));
}

TEST(ImageFlatten, TransparencyGoesOverTheBackground) {
    Image image;
    image.rgb = HostTensor({1, 1, 3, 3}, 0.25f);
    image.alpha = HostTensor({1, 1, 3, 1}, {1.0f, 0.5f, 0.0f});
    const HostTensor white = flatten(image), black = flatten(image, 0.0f);
    for (int64_t c = 0; c < 3; c++) {
        EXPECT_EQ(white.at(0, 0, 0, c), 0.25f);
        EXPECT_EQ(white.at(0, 0, 1, c), 0.625f);
        EXPECT_EQ(white.at(0, 0, 2, c), 1.0f);
        EXPECT_EQ(black.at(0, 0, 1, c), 0.125f);
    }
    image.alpha = HostTensor();
    EXPECT_TRUE(same_bits(flatten(image), image.rgb));
}

TEST(ImageResize, ConstantStaysConstantAtEverySize) {
    const HostTensor grey({1, 7, 13, 3}, 0.3f);
    for (const auto& [h, w] : {std::pair{1, 1}, {7, 13}, {3, 5}, {20, 2}, {64, 31}}) {
        const HostTensor result = resize(grey.view(), h, w);
        ASSERT_EQ(result.shape, (Shape{1, h, w, 3}));
        // Weights of up to 13 * 2 taps per axis, each rounded to float once.
        EXPECT_TRUE(matches(HostTensor({1, h, w, 3}, 0.3f), result, testing::sum_tolerance(26)));
    }
}

TEST(ImageResize, SameSizeIsTheSamePicture) {
    const HostTensor picture = random_tensor({2, 6, 5, 4}, 0.0f, 1.0f);
    EXPECT_TRUE(same_bits(picture, resize(picture.view(), 6, 5)));
}

TEST(ImageResize, RampStaysARampAwayFromTheBorder) {
    // Pixel x of 60 covers x / 60 .. (x + 1) / 60; so does pixel x of 20 or of 90.
    HostTensor ramp({1, 60, 60, 2});
    for (int64_t y = 0; y < 60; y++)
        for (int64_t x = 0; x < 60; x++) {
            ramp.at(0, y, x, 0) = (float(x) + 0.5f) / 60.0f;
            ramp.at(0, y, x, 1) = (float(y) + 0.5f) / 60.0f;
        }
    for (const int64_t size : {20, 90, 37}) {
        const HostTensor result = resize(ramp.view(), size, size);
        for (int64_t i = 2; i < size - 2; i++) {
            // An asymmetric reduction (60 to 37) samples the triangle unevenly: up to a tenth of an input pixel.
            EXPECT_NEAR(result.at(0, 5, i, 0), (double(i) + 0.5) / double(size), 0.1 / 60) << size << ' ' << i;
            EXPECT_NEAR(result.at(0, i, 5, 1), (double(i) + 0.5) / double(size), 0.1 / 60) << size << ' ' << i;
        }
    }
}

TEST(ImageResize, FinestStripesAverageOut) {
    HostTensor stripes({1, 64, 64, 1});
    for (size_t i = 0; i < stripes.values.size(); i += 2) stripes.values[i] = 1.0f;
    const HostTensor small = resize(stripes.view(), 16, 16);
    for (int64_t i = 1; i < 15; i++) EXPECT_NEAR(small.at(0, 7, i, 0), 0.5, 1e-6);
}

TEST(ImageCrop, CentreIsLucidsAndPilsCentre) {
    const HostTensor picture = grey_levels({1, 6, 9, 3});
    const HostTensor centre = crop_centre(picture.view(), 3, 4);
    for (int64_t y = 0; y < 3; y++)
        for (int64_t x = 0; x < 4; x++) EXPECT_EQ(centre.at(0, y, x, 1), picture.at(0, 1 + y, 2 + x, 1));
}

TEST(ImageFit, PhotoOfAnyProportionsFits) {
    for (const Shape shape :
         {Shape{1, 300, 451, 3}, {1, 512, 512, 3}, {1, 40, 30, 3}, {1, 1, 100000, 3}, {1, 1, 1, 3}}) {
        const HostTensor photo(shape, 0.5f);
        const HostTensor fitted = fit_photo(photo.view(), 224);
        EXPECT_TRUE(matches(HostTensor({1, 224, 224, 3}, 0.5f), fitted, testing::sum_tolerance(8))) << shape;
    }
}

// A network that takes no square sees the middle, in its own proportions.
TEST(ImageFit, PhotoFitsNetworksThatAreNotSquare) {
    HostTensor photo({1, 70, 90, 5});
    for (size_t i = 0; i < photo.values.size(); i++) photo.values[i] = float(i % 1009) / 1009;
    EXPECT_TRUE(testing::same_bits(fit_photo(photo.view(), 28), fit_photo_to(photo.view(), 28, 28)));
    EXPECT_TRUE(testing::same_bits(photo, fit_photo_to(photo.view(), 70, 90)));
    // 8/7 of 56 and 28 are 64 and 32: the width decides where the photo is narrow, the height where it is flat.
    const HostTensor whole = resize(photo.view(), 64, 82);
    EXPECT_TRUE(
        matches(crop_centre(whole.view(), 56, 28), fit_photo_to(photo.view(), 56, 28), testing::sum_tolerance(8)));
    EXPECT_THROW(fit_photo_to(photo.view(), 0, 28), Error);
}

TEST(ImageFit, PhotosMatchTheGoldenInputs) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (!shared) GTEST_SKIP() << "LIMPID_SHARED is not set: no photos";
    const std::string folder = shared;
    for (const auto& [name, file] : {std::pair<std::string, std::string>{"chelsea", "chelsea.png"},
                                     {"coffee", "coffee.png"},
                                     {"rocket", "rocket.jpg"}}) {
        const HostTensor fitted = fit_photo(load_image(folder + "/photos/" + file).rgb.view(), 224);
        const HostTensor golden = load_image(folder + "/golden/bvlc_googlenet/" + name + "_224_rgb.png").rgb;
        // Golden pixels are rounded twice to 8 bits, after each axis: half a level each on average a quarter.
        EXPECT_LT(mean_difference(golden, fitted), 0.5 / 255) << name;
    }
}

TEST(ImageTile, SheetPlacesPicturesInRows) {
    const HostTensor a({1, 2, 2, 3}, 0.1f), b({1, 4, 4, 3}, 0.2f), c({1, 4, 2, 3}, 0.3f);
    const HostTensor sheet = tile({a.view(), b.view(), c.view()}, 2, 1, 1.0f);
    ASSERT_EQ(sheet.shape, (Shape{1, 11, 11, 3}));
    const auto letter = [&](int64_t y, int64_t x) {
        const float value = sheet.at(0, y, x, 2);
        return value == 0.1f ? 'a' : value == 0.2f ? 'b' : value == 0.3f ? 'c' : '.';
    };
    std::string drawn;
    for (int64_t y = 0; y < 11; y++, drawn += '\n')
        for (int64_t x = 0; x < 11; x++) drawn += letter(y, x);
    EXPECT_EQ(drawn,
              "...........\n"
              "......bbbb.\n"
              "..aa..bbbb.\n"
              "..aa..bbbb.\n"
              "......bbbb.\n"
              "...........\n"
              "..cc.......\n"
              "..cc.......\n"
              "..cc.......\n"
              "..cc.......\n"
              "...........\n");
}

TEST(ImageTile, BatchOfViewsAndFewerThanColumns) {
    const HostTensor batch = grey_levels({2, 3, 3, 1});
    const HostTensor sheet = tile({batch.view().image(0), batch.view().image(1)}, 5, 0);
    ASSERT_EQ(sheet.shape, (Shape{1, 3, 6, 1}));
    EXPECT_EQ(sheet.at(0, 2, 5, 0), batch.at(1, 2, 2, 0));
    EXPECT_EQ(sheet.at(0, 0, 0, 0), batch.at(0, 0, 0, 0));
}

}  // namespace
}  // namespace limpid
