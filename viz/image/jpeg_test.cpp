// JPEG files of every kind are read as every viewer shows them, and refused where pixels are missing.
#include <cstdio>  // jpeglib.h needs it first

#include <jpeglib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "viz/image/image.h"
#include "weights/file.h"

namespace limpid {
namespace {

using ::testing::HasSubstr;

constexpr const char* kRamp =
    LIMPID_SOURCE_DIR "/viz/image/testdata/ramp.jpg";  // 20x12: red 12x, green 20y, blue 255 - 12x

std::string message_of(Bytes bytes) {
    try {
        decode_image(bytes, "the file");
    } catch (const Error& error) {
        return error.what();
    }
    return "accepted";
}

struct JpegKind {
    J_COLOR_SPACE in = JCS_RGB, stored = JCS_YCbCr;
    bool progressive = false, arithmetic = false, adobe = true;
    int restart_rows = 0;
    std::vector<jpeg_scan_info> scans = {};
};

// A picture of 24x40 whose samples slope gently, so that little is lost: channel c of pixel (x, y) is 40 + 4x + y +
// 20c.
int sample(int x, int y, int c) { return 40 + 4 * x + y + 20 * c; }

std::vector<std::byte> jpeg_of(const JpegKind& kind) {
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    unsigned char* data = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = 24;
    jpeg.image_height = 40;
    jpeg.input_components = kind.in == JCS_GRAYSCALE ? 1 : kind.in == JCS_CMYK ? 4 : 3;
    jpeg.in_color_space = kind.in;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, kind.stored);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (kind.progressive) jpeg_simple_progression(&jpeg);
    if (!kind.scans.empty()) {
        jpeg.scan_info = kind.scans.data();
        jpeg.num_scans = int(kind.scans.size());
    }
    jpeg.arith_code = kind.arithmetic;
    jpeg.restart_in_rows = kind.restart_rows;
    jpeg.write_Adobe_marker = jpeg.write_Adobe_marker && kind.adobe;
    jpeg_start_compress(&jpeg, TRUE);
    std::vector<JSAMPLE> row(24 * 4);
    for (int y = 0; y < 40; y++) {
        for (int x = 0; x < 24; x++)
            for (int c = 0; c < jpeg.input_components; c++)
                row[size_t(x * jpeg.input_components + c)] = JSAMPLE(sample(x, y, c));
        JSAMPROW pointer = row.data();
        jpeg_write_scanlines(&jpeg, &pointer, 1);
    }
    jpeg_finish_compress(&jpeg);
    const auto* first = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> file(first, first + size);
    jpeg_destroy_compress(&jpeg);
    std::free(data);
    return file;
}

// The largest difference, in levels, from what was written.
double largest_difference(const Image& image, int channels) {
    EXPECT_EQ(image.rgb.shape, (Shape{1, 40, 24, 3}));
    double most = 0;
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 24; x++)
            for (int c = 0; c < 3; c++) {
                const double expected = channels == 1   ? sample(x, y, 0)
                                        : channels == 4 ? double(sample(x, y, c)) * sample(x, y, 3) / 255
                                                        : sample(x, y, c);
                most = std::max(most, std::abs(expected - 255.0 * double(image.rgb.at(0, y, x, c))));
            }
    return most;
}

// Where the first marker of this kind begins.
size_t marker_at(const std::vector<std::byte>& file, int marker, size_t from = 2) {
    size_t i = from;
    while (file.at(i) != std::byte{0xff} || file.at(i + 1) != std::byte(marker)) i++;
    return i;
}

// Without the end, up to `at`, and an end marker.
std::vector<std::byte> ended_at(const std::vector<std::byte>& file, size_t at) {
    std::vector<std::byte> cut(file.begin(), file.begin() + std::ptrdiff_t(at));
    cut.insert(cut.end(), {std::byte{0xff}, std::byte{0xd9}});
    return cut;
}

TEST(Jpeg, PixelsAreThoseOfOtherViewers) {
    const Image image = load_image(kRamp);
    // By Pillow and djpeg.
    const struct {
        int x, y, rgb[3];
    } pixels[] = {{0, 0, {1, 4, 241}},     {19, 0, {214, 7, 27}},    {7, 5, {83, 100, 169}},
                  {0, 11, {11, 213, 249}}, {19, 11, {225, 216, 37}}, {10, 6, {119, 121, 136}}};
    for (const auto& pixel : pixels)
        for (int c = 0; c < 3; c++)
            EXPECT_EQ(image.rgb.at(0, pixel.y, pixel.x, c), float(pixel.rgb[c]) / 255.0f)
                << pixel.x << ',' << pixel.y << ' ' << c;
}

TEST(Jpeg, EveryKindIsRead) {
    const auto read = [](const JpegKind& kind) { return decode_image(jpeg_of(kind), "jpeg"); };
    // Two levels for the transforms to YCbCr and to frequencies and back.
    EXPECT_LE(largest_difference(read({}), 3), 2.5);
    EXPECT_LE(largest_difference(read({.progressive = true}), 3), 2.5);
    EXPECT_LE(largest_difference(read({.arithmetic = true}), 3), 2.5);
    EXPECT_LE(largest_difference(read({.progressive = true, .arithmetic = true}), 3), 2.5);
    EXPECT_LE(largest_difference(read({.restart_rows = 1}), 3), 2.5);
    EXPECT_LE(largest_difference(read({.stored = JCS_RGB}), 3), 2.5);
    EXPECT_LE(largest_difference(read({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}), 1), 2.5);
    EXPECT_LE(largest_difference(read({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .progressive = true}), 1), 2.5);
}

// Of 255, what is not absorbed by ink: Adobe's way, which viewers take for every CMYK JPEG.
TEST(Jpeg, FourInksAreReadWithAndWithoutAdobesMarker) {
    for (const bool adobe : {true, false})
        EXPECT_LE(
            largest_difference(decode_image(jpeg_of({.in = JCS_CMYK, .stored = JCS_CMYK, .adobe = adobe}), "cmyk"), 4),
            2.5)
            << adobe;
    EXPECT_LE(largest_difference(decode_image(jpeg_of({.in = JCS_CMYK, .stored = JCS_YCCK}), "ycck"), 4), 2.5);
}

TEST(Jpeg, EveryTruncationIsRefusedAndWhatFollowsIsNotRead) {
    for (const JpegKind& kind : {JpegKind{}, JpegKind{.progressive = true}, JpegKind{.restart_rows = 1}}) {
        std::vector<std::byte> jpeg = jpeg_of(kind);
        for (size_t length = 0; length < jpeg.size(); length++)
            EXPECT_NE(message_of(Bytes(jpeg).first(length)), "accepted") << length << " of " << jpeg.size();
        jpeg.insert(jpeg.end(), 100, std::byte{0x55});
        EXPECT_EQ(message_of(jpeg), "accepted");
    }
}

TEST(Jpeg, MissingPixelsAreRefused) {
    const std::vector<std::byte> jpeg = jpeg_of({});
    EXPECT_THAT(message_of(ended_at(jpeg, jpeg.size() - 30)), HasSubstr("ends in the middle of the picture"));
    // SOF: marker, length, bits, height, width.
    const size_t frame = marker_at(jpeg, 0xc0);
    const auto patched = [&](size_t at, int value) {
        std::vector<std::byte> file = jpeg;
        file.at(frame + at) = std::byte(value);
        return message_of(file);
    };
    EXPECT_THAT(patched(6, 60), HasSubstr("ends in the middle")) << "more rows than there are";
    EXPECT_THAT(patched(6, 16), HasSubstr("extraneous bytes")) << "fewer";
    EXPECT_THAT(patched(6, 0), HasSubstr("announces 24x0 pixels (a height after the picture, marker DNL"));
    EXPECT_THAT(patched(4, 12), HasSubstr("has 12 bits a sample, expected 8-bit"));
    EXPECT_THAT(patched(1, 0xc3), HasSubstr("is lossless or hierarchical"));
    // A restart marker out of turn.
    std::vector<std::byte> restarts = jpeg_of({.restart_rows = 1});
    restarts.at(marker_at(restarts, 0xd0) + 1) = std::byte{0xd5};
    EXPECT_NE(message_of(restarts), "accepted");
}

TEST(Jpeg, MissingScansAreRefused) {
    const std::vector<std::byte> progressive = jpeg_of({.progressive = true});
    int cuts = 0;
    for (size_t i = marker_at(progressive, 0xda) + 2; i + 1 < progressive.size(); i++)
        if (progressive[i] == std::byte{0xff} && progressive[i + 1] == std::byte{0xda}) {
            EXPECT_THAT(message_of(ended_at(progressive, i)), HasSubstr("its scans end before component"));
            cuts++;
        }
    EXPECT_GE(cuts, 5);
    const std::vector<std::byte> planes =
        jpeg_of({.scans = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}}});
    EXPECT_EQ(message_of(planes), "accepted");
    const size_t second = marker_at(planes, 0xda, marker_at(planes, 0xda) + 2);
    EXPECT_THAT(message_of(ended_at(planes, second)), HasSubstr("has no scan of component 2 of 3"));
}

TEST(Jpeg, ThumbnailsAreNoEndAndPaddingBetweenHeadersIsNoObstacle) {
    // A header segment (APP1) with an end marker inside, as thumbnails have.
    std::vector<std::byte> jpeg = read_file(kRamp);
    const std::byte segment[] = {std::byte{0xff}, std::byte{0xe1}, std::byte{0},    std::byte{6},
                                 std::byte{0xff}, std::byte{0xd8}, std::byte{0xff}, std::byte{0xd9}};
    jpeg.insert(jpeg.begin() + 2, std::begin(segment), std::end(segment));
    EXPECT_EQ(message_of(jpeg), "accepted");
    EXPECT_THAT(message_of(Bytes(jpeg).first(jpeg.size() - 2)), HasSubstr("ends in the middle"));
    jpeg.insert(jpeg.begin() + 10, 5, std::byte{0});
    EXPECT_EQ(message_of(jpeg), "accepted");
}

TEST(Jpeg, FlippedBitsAreReadOrRefusedButNeverMore) {
    std::vector<std::byte> jpeg = read_file(kRamp);
    int refused = 0, read = 0;
    for (size_t i = 0; i < jpeg.size(); i++)
        for (int bit = 0; bit < 8; bit++) {
            jpeg[i] ^= std::byte(1 << bit);
            try {
                // Sizes change too; what a large one costs is not the subject here.
                decode_image(jpeg, "the file", {.pixels = 10000});
                read++;
            } catch (const Error&) {
                refused++;
            }
            jpeg[i] ^= std::byte(1 << bit);
        }
    EXPECT_GT(refused, 1000);
    EXPECT_GT(read, 100);
}

// Each scan goes through all of the picture, so that a small file of many scans would take for ever.
TEST(Jpeg, ManyScansAreRefused) {
    std::vector<std::byte> jpeg = jpeg_of({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .progressive = true});
    const size_t second = marker_at(jpeg, 0xda, marker_at(jpeg, 0xda) + 2);
    const std::vector<std::byte> first_scan(
        jpeg.begin() + std::ptrdiff_t(marker_at(jpeg, 0xda)),
        jpeg.begin() + std::ptrdiff_t(marker_at(jpeg, 0xc4, marker_at(jpeg, 0xda))));
    ASSERT_LT(first_scan.size(), second);
    for (int i = 0; i < 300; i++) jpeg.insert(jpeg.end() - 2, first_scan.begin(), first_scan.end());
    EXPECT_NE(message_of(jpeg), "accepted");
}

TEST(Jpeg, WhatProgressiveDecodingTakesIsPlanned) {
    const PictureHeader one = peek_picture(jpeg_of({}), "jpeg"),
                        many = peek_picture(jpeg_of({.progressive = true}), "jpeg");
    EXPECT_EQ(one.raster_bytes, 24u * 40 * 3);
    EXPECT_EQ(many.raster_bytes, one.raster_bytes);
    // Two bytes for each coefficient: as many as samples, colours at a quarter of the places.
    EXPECT_GE(many.decoder_bytes, one.decoder_bytes + 24 * 40 * 2 * 3 / 2);
    EXPECT_THROW(decode_raster(jpeg_of({.progressive = true}), "jpeg", {.bytes = one.bytes()}), Error);
}

}  // namespace
}  // namespace limpid
