// PNG files of every kind are read as every viewer shows them, and refused where they are damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/kernel_case.h"
#include "tests/harness/png_writer.h"
#include "viz/image/image.h"

namespace limpid {
namespace {

using ::testing::HasSubstr;
using testing::PngWriter;
using testing::random_tensor;

std::string message_of(Bytes bytes, const PictureLimits& limits = {}) {
    try {
        decode_image(bytes, "the file", limits);
    } catch (const Error& error) {
        return error.what();
    }
    return "accepted";
}

// Every value as a number of 8 bits.
std::vector<int> levels(const HostTensor& picture) {
    std::vector<int> result;
    for (const float value : picture.values) result.push_back(int(value * 255.0f + 0.5f));
    return result;
}

TEST(Png, EveryDepthAndColourTypeIsRead) {
    // 16 bits: all of them count.
    Image image = decode_image(PngWriter(2, 1, 16, 0).finish(std::string("\0\x12\x34\xff\xff", 5)), "grey16");
    EXPECT_EQ(image.rgb.at(0, 0, 0, 1), float(0x1234) / 65535.0f);
    EXPECT_EQ(image.rgb.at(0, 0, 1, 2), 1.0f);
    image = decode_image(PngWriter(1, 1, 16, 6).finish(std::string("\0\x01\x00\x02\x00\x03\x00\x80\x00", 9)), "rgba16");
    EXPECT_EQ(image.rgb.at(0, 0, 0, 2), float(0x300) / 65535.0f);
    EXPECT_EQ(image.alpha.at(0, 0, 0, 0), float(0x8000) / 65535.0f);
    // Most significant bit first; few bits are spread over all levels.
    image = decode_image(PngWriter(3, 1, 1, 0).finish(std::string("\0\xa0", 2)), "1 bit");
    EXPECT_EQ(levels(image.rgb), (std::vector{255, 255, 255, 0, 0, 0, 255, 255, 255}));
    image = decode_image(PngWriter(3, 1, 2, 0).finish(std::string("\0\x18", 2)), "2 bits");
    EXPECT_EQ(levels(image.rgb), (std::vector{0, 0, 0, 85, 85, 85, 170, 170, 170}));
    image = decode_image(PngWriter(2, 1, 4, 0).finish(std::string("\0\x1e", 2)), "4 bits");
    EXPECT_EQ(levels(image.rgb), (std::vector{17, 17, 17, 238, 238, 238}));
    EXPECT_TRUE(image.alpha.values.empty());
    image = decode_image(PngWriter(1, 1, 8, 4).finish(std::string("\0\x40\x80", 3)), "grey and opacity");
    EXPECT_EQ(levels(image.rgb), (std::vector{64, 64, 64}));
    EXPECT_EQ(levels(image.alpha), std::vector{128});
}

TEST(Png, TransparentColoursAreRead) {
    // A palette with opacity for the first entry only.
    PngWriter palette(2, 1, 8, 3);
    palette.chunk("PLTE", std::string("\x00\x66\x00\xff\x00\x33", 6)).chunk("tRNS", std::string("\0", 1));
    Image image = decode_image(palette.finish(std::string("\0\0\1", 3)), "palette");
    EXPECT_EQ(levels(image.rgb), (std::vector{0, 0x66, 0, 0xff, 0, 0x33}));
    EXPECT_EQ(levels(image.alpha), (std::vector{0, 255}));
    // A level of grey, and a colour, that are transparent.
    PngWriter grey(2, 1, 8, 0);
    image = decode_image(grey.chunk("tRNS", std::string("\0\x07", 2)).finish(std::string("\0\x07\x08", 3)), "grey");
    EXPECT_EQ(levels(image.alpha), (std::vector{0, 255}));
    EXPECT_EQ(levels(image.rgb), (std::vector{7, 7, 7, 8, 8, 8}));
    PngWriter colour(2, 1, 8, 2);
    colour.chunk("tRNS", std::string("\0\1\0\2\0\3", 6));
    image = decode_image(colour.finish(std::string("\0\1\2\3\1\2\4", 7)), "colour");
    EXPECT_EQ(levels(image.alpha), (std::vector{0, 255}));
}

// Adam7, of a picture so small that some of its seven parts have no pixels.
TEST(Png, InterlacedPicturesAreRead) {
    // Pixels 0 1 2, 3 4 5, 6 7 8; by parts: 0, none, none, 2, 6 8, 1 and 7, 3 4 5.
    const std::string rows("\0\x00\0\x02\0\x06\x08\0\x01\0\x07\0\x03\x04\x05", 15);
    const Image image = decode_image(PngWriter(3, 3, 8, 0, true).finish(rows), "interlaced");
    for (int i = 0; i < 9; i++) EXPECT_EQ(levels(image.rgb)[size_t(3 * i)], i);
    PngWriter palette(3, 3, 8, 3, true);
    palette.chunk("PLTE", std::string(9 * 3, '\x10'));
    EXPECT_EQ(levels(decode_image(palette.finish(rows), "palette").rgb), std::vector<int>(27, 16));
}

TEST(Png, AnIndexBeyondThePaletteIsRefused) {
    for (const int depth : {1, 2, 4, 8}) {
        PngWriter writer(2, 1, depth, 3);
        // The second pixel is of colour 1; there is only colour 0.
        const std::string rows =
            depth == 8 ? std::string("\0\0\1", 3) : std::string{'\0', char(0x80 >> (2 * depth - 1))};
        EXPECT_THAT(message_of(writer.chunk("PLTE", "red").finish(rows)),
                    HasSubstr("the file: pixel 1,0 (x,y) has the colour 1 of a palette of 1; "));
    }
    EXPECT_THAT(message_of(PngWriter(1, 1, 8, 3).finish(std::string(2, '\0'))), HasSubstr("expected the palette PLTE"));
}

TEST(Png, EveryFlippedBitIsRefused) {
    const HostTensor picture = random_tensor({1, 4, 5, 4}, 0.0f, 1.0f);
    std::vector<std::byte> png = encode_png(picture.view());
    for (size_t i = 0; i < png.size(); i++)
        for (int bit = 0; bit < 8; bit++) {
            png[i] ^= std::byte(1 << bit);
            EXPECT_NE(message_of(png), "accepted") << "bit " << bit << " of byte " << i;
            png[i] ^= std::byte(1 << bit);
        }
}

TEST(Png, EveryTruncationIsRefusedAndWhatFollowsIsNotRead) {
    const HostTensor picture = random_tensor({1, 6, 9, 3}, 0.0f, 1.0f);
    std::vector<std::byte> png = encode_png(picture.view());
    for (size_t length = 0; length < png.size(); length++)
        EXPECT_NE(message_of(Bytes(png).first(length)), "accepted") << length << " of " << png.size();
    png.insert(png.end(), 100, std::byte{0x55});
    EXPECT_EQ(message_of(png), "accepted");
}

// Checksums of chunks that fit, around pixels that do not.
TEST(Png, PixelsThatAreNotWholeAreRefused) {
    const std::string rows("\0\1\2\3\0\4\5\6", 8), whole = PngWriter::compressed(rows);
    const auto read = [&](const std::string& stream, size_t piece = SIZE_MAX, uint32_t h = 2) {
        return message_of(PngWriter(3, h, 8, 0).data(stream, piece).chunk("IEND", "").file());
    };
    EXPECT_EQ(read(whole), "accepted");
    EXPECT_EQ(read(whole, 1), "accepted") << "a byte in each chunk";
    EXPECT_EQ(read(whole + "more", 3), "accepted") << "after the end of the stream";
    EXPECT_EQ(read(whole, SIZE_MAX, 1), "accepted") << "a row more than announced: viewers leave it out";
    std::string stream = whole;
    stream.back() ^= 1;  // Adler's checksum
    EXPECT_THAT(read(stream), HasSubstr("compressed data is wrong"));
    EXPECT_THAT(read(stream, 1), HasSubstr("compressed data is wrong"));
    EXPECT_THAT(read(whole.substr(0, whole.size() - 4)), HasSubstr("pixels end after 8 of 8 bytes"));
    EXPECT_THAT(read(whole, SIZE_MAX, 3), HasSubstr("pixels end after 8 of 12 bytes"));
    EXPECT_THAT(read(PngWriter::compressed(std::string("\7\1\2\3\0\4\5\6", 8))), HasSubstr("bad adaptive filter"));
    EXPECT_THAT(read(PngWriter::compressed(std::string(3 << 20, '\0'))), HasSubstr("take more than"));
    EXPECT_THAT(message_of(PngWriter(3, 2, 8, 0).chunk("IEND", "").file()), HasSubstr("has no pixels"));
    EXPECT_THAT(message_of(PngWriter(3, 2, 8, 0).data(whole).file()), HasSubstr("4 bytes announced, 0 left"));
}

TEST(Png, ChunksOfOtherKindsDoNotHinder) {
    const std::string rows("\0\1\2\3", 4);
    PngWriter animated(3, 1, 8, 0);
    animated.chunk("acTL", std::string(8, '\0')).chunk("fcTL", std::string(26, '\0')).chunk("tEXt", "a");
    animated.data(PngWriter::compressed(rows)).chunk("fdAT", "\1\2\3\4\5").chunk("tIME", "1234567").chunk("IEND", "");
    EXPECT_EQ(levels(decode_image(animated.file(), "apng").rgb), (std::vector{1, 1, 1, 2, 2, 2, 3, 3, 3}));
    EXPECT_THAT(message_of(PngWriter(3, 1, 8, 0).chunk("ABCD", "").finish(rows)), HasSubstr("not known"));
    const std::string data = PngWriter::compressed(rows);
    PngWriter torn(3, 1, 8, 0);
    torn.data(data.substr(0, 5)).chunk("tEXt", "a").data(data.substr(5)).chunk("IEND", "");
    EXPECT_THAT(message_of(torn.file()), HasSubstr("after other chunks"));
}

TEST(Png, ApplesKindIsRefusedByName) {
    std::vector<std::byte> apple = PngWriter(3, 1, 8, 0).finish(std::string("\0\1\2\3", 4));
    const std::vector<std::byte> chunk = PngWriter(1, 1, 8, 0).chunk("CgBI", "\x50\x02\x20\x02").file();
    // After the signature of 8 and before IHDR, whose 25 bytes come first in `chunk`.
    apple.insert(apple.begin() + 8, chunk.begin() + 8 + 25, chunk.end());
    EXPECT_THAT(message_of(apple), HasSubstr("Apple's own kind of PNG (chunk CgBI)"));
}

TEST(Png, HeadersThatNobodyWritesAreRefused) {
    EXPECT_THAT(message_of(PngWriter(0x7fffffff, 0x7fffffff, 8, 2).finish("")), HasSubstr("2147483647x2147483647"));
    EXPECT_THAT(message_of(PngWriter(0, 4, 8, 2).finish("")), HasSubstr("0x4 pixels, expected 1 to"));
    EXPECT_THAT(message_of(PngWriter(4, 4, 3, 0).finish("")), HasSubstr("colour type 0 with 3 bits"));
    EXPECT_THAT(message_of(PngWriter(4, 4, 16, 3).finish("")), HasSubstr("colour type 3 with 16 bits"));
    EXPECT_THAT(message_of(PngWriter(4, 4, 4, 2).finish("")), HasSubstr("colour type 2 with 4 bits"));
    EXPECT_THAT(message_of(PngWriter(4, 4, 8, 5).finish("")), HasSubstr("colour type 5 with 8 bits"));
}

TEST(Png, AChunkLongerThanTheFileIsRefusedBeforeMemoryIsTaken) {
    std::vector<std::byte> png = PngWriter(3, 1, 8, 0).finish(std::string("\0\1\2\3", 4));
    // Behind the signature and IHDR (8 + 25 bytes) lies the length of IDAT: a gigabyte.
    ASSERT_EQ(png.at(37), std::byte{'I'});
    png.at(33) = std::byte{0x3f};
    EXPECT_THAT(message_of(png), HasSubstr("byte 41: 10"));
    EXPECT_THAT(message_of(png), HasSubstr("announced"));
}

TEST(Png, WhatWouldTakeTooMuchMemoryIsRefusedBeforeItIsTaken) {
    EXPECT_THAT(message_of(PngWriter(20000, 20000, 8, 0).finish("")),
                HasSubstr("20000x20000 pixels, expected at most 134217728; make it smaller first"));
    // A size that the data does not bear out.
    EXPECT_THAT(message_of(PngWriter(3000, 3000, 8, 2).finish("abc")), HasSubstr("end after 3 of 27003000 bytes"));
    const std::vector<std::byte> png = PngWriter(1024, 1024, 8, 0).finish(std::string(1025 * 1024, '\0'));
    const PictureHeader header = peek_picture(png, "the file");
    EXPECT_EQ(header.w, 1024);
    EXPECT_EQ(header.channels, 1);
    EXPECT_EQ(header.raster_bytes, 1u << 20);
    EXPECT_LT(header.decoder_bytes, 1u << 13);
    EXPECT_EQ(decode_raster(png, "the file", {.bytes = header.bytes()}).flat.size(), 1u << 20);
    try {
        decode_raster(png, "the file", {.bytes = header.bytes() - 1});
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("the file: has 1024x1024 pixels, which take 2 MiB, expected at most "));
    }
    // Interlaced, all of it is put together first.
    const PictureHeader interlaced = peek_picture(PngWriter(1024, 1024, 8, 0, true).finish("\0"), "the file");
    EXPECT_GT(interlaced.decoder_bytes, 1u << 20);
}

}  // namespace
}  // namespace limpid
