// Pictures are upright whatever way their camera was held.
#include "viz/image/exif.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/harness/png_writer.h"
#include "viz/image/array_file.h"
#include "viz/image/image.h"
#include "weights/file.h"

namespace limpid {
namespace {

using testing::PngWriter;

std::string tiff(int orientation, bool big_endian, int entries = 1) {
    const auto number = [&](int value, int bytes) {
        std::string text;
        for (int i = 0; i < bytes; i++) text += char(value >> 8 * (big_endian ? bytes - 1 - i : i) & 255);
        return text;
    };
    std::string text = (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(entries, 2);
    for (int i = 1; i < entries; i++) text += number(256 + i, 2) + number(4, 2) + number(1, 4) + number(6, 4);
    return text + number(274, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2) + number(0, 4);
}

TEST(Exif, OrientationIsFoundInBothByteOrders) {
    for (const bool big_endian : {false, true})
        for (int value = 0; value < 12; value++) {
            const std::string text = tiff(value, big_endian, value + 1);
            EXPECT_EQ(exif_orientation(as_bytes(text)), value >= 1 && value <= 8 ? value : 1);
        }
}

TEST(Exif, DamagedDataIsAnUprightPicture) {
    const std::string text = tiff(6, false, 2);
    for (size_t length = 0; length + 9 < text.size(); length++)
        EXPECT_EQ(exif_orientation(as_bytes(text.substr(0, length))), 1) << length;
    std::string loop = text;
    loop[4] = char(0xff), loop[5] = char(0xff), loop[6] = char(0xff), loop[7] = char(0xff);
    EXPECT_EQ(exif_orientation(as_bytes(loop)), 1);
}

// The upright picture is 1 2 3 over 4 5 6; how it lies in the file under each orientation is EXIF's own table: which
// side of the stored picture shows the upright one's top, and which its left.
constexpr std::array<const char*, 8> kStored = {"123|456",  "321|654",  "654|321",  "456|123",
                                                "14|25|36", "36|25|14", "63|52|41", "41|52|63"};

TEST(Exif, AllEightAreAppliedToPng) {
    for (int orientation = 1; orientation <= 8; orientation++)
        for (const bool interlaced : {false, true}) {
            const std::string text = kStored[size_t(orientation - 1)];
            const auto w = text.find('|'), h = 6 / w;
            const auto at = [&](size_t x, size_t y) { return char(text[y * (w + 1) + x] - '0'); };
            std::string rows;
            const size_t parts[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                        {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
            for (size_t part = interlaced ? 0 : 6; part < 7; part++) {
                const auto [x0, y0, dx, dy] = parts[part];
                for (size_t y = interlaced ? y0 : 0; x0 < w && y < h; y += interlaced ? dy : 1) {
                    rows += '\0';
                    for (size_t x = x0; x < w; x += dx) rows += at(x, y);
                }
            }
            for (const bool behind : {false, true}) {
                PngWriter png(uint32_t(w), uint32_t(h), 8, 0, interlaced);
                if (!behind) png.chunk("eXIf", tiff(orientation, behind));
                png.data(PngWriter::compressed(rows));
                if (behind) png.chunk("eXIf", tiff(orientation, behind));
                const RasterImage raster = decode_raster(png.chunk("IEND", "").file(), "png");
                EXPECT_EQ(raster.w, 3) << orientation;
                EXPECT_EQ(raster.flat, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6})) << orientation << interlaced << behind;
            }
        }
}

TEST(Exif, JpegIsTurnedBeforeAnythingElse) {
    // 20x12: red 12x, green 20y, blue 255 - 12x.
    const std::string file = LIMPID_SOURCE_DIR "/viz/image/testdata/ramp.jpg";
    std::vector<std::byte> jpeg = read_file(file);
    const HostTensor stored = decode_image(jpeg, "stored").rgb;
    const std::string body = std::string("Exif\0\0", 6) + tiff(6, true),
                      segment = "\xff\xe1" + PngWriter::number32(uint32_t(body.size() + 2)).substr(2) + body;
    const Bytes bytes = as_bytes(segment);
    jpeg.insert(jpeg.begin() + 2, bytes.begin(), bytes.end());
    // 6: the camera's right side was up, so that the left column is the top row, from below.
    const HostTensor turned = decode_image(jpeg, "turned").rgb;
    ASSERT_EQ(turned.shape, (Shape{1, 20, 12, 3}));
    for (int64_t y = 0; y < 20; y++)
        for (int64_t x = 0; x < 12; x++)
            for (int64_t c = 0; c < 3; c++)
                ASSERT_EQ(turned.at(0, y, x, c), stored.at(0, 11 - x, y, c)) << x << ' ' << y;
    const PictureHeader header = peek_picture(jpeg, "turned");
    EXPECT_EQ(header.h, 20);
    EXPECT_EQ(header.w, 12);
}

}  // namespace
}  // namespace limpid
