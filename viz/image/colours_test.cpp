// Colours that are not sRGB become sRGB: compared with the definitions of the spaces, in plain formulas.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lcms2.h>

#include <array>
#include <cmath>

#include "tests/harness/png_writer.h"
#include "viz/image/image.h"
#include "weights/file.h"

namespace limpid {
namespace {

using ::testing::HasSubstr;
using testing::PngWriter;

using Matrix = std::array<double, 9>;
// From linear values with the white D65 to those of sRGB: CSS Color 4, section 18.
constexpr Matrix kFromP3 = {1.2249401763,  -0.2249401763, 0,           -0.0420569547, 1.0420569547, 0,
                            -0.0196375546, -0.0786360456, 1.0982736001};
constexpr Matrix kFromAdobe = {1.3983557440, -0.3983557440, 0, 0, 1, 0, 0, -0.0429289893, 1.0429289893};
constexpr Matrix kSame = {1, 0, 0, 0, 1, 0, 0, 0, 1};

double srgb_linear(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }
double srgb_encoded(double v) {
    v = std::clamp(v, 0.0, 1.0);
    return v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
}

// A profile with the white D65 and these primaries; gamma 0: sRGB's curve.
std::string icc(const std::array<double, 6>& xy, double gamma) {
    const double srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    cmsToneCurve* curve = gamma == 0 ? cmsBuildParametricToneCurve(nullptr, 4, srgb) : cmsBuildGamma(nullptr, gamma);
    cmsToneCurve* curves[] = {curve, curve, curve};
    const cmsCIExyY white{0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE primaries{{xy[0], xy[1], 1}, {xy[2], xy[3], 1}, {xy[4], xy[5], 1}};
    cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, curves);
    cmsUInt32Number size = 0;
    cmsSaveProfileToMem(profile, nullptr, &size);
    std::string text(size, '\0');
    cmsSaveProfileToMem(profile, text.data(), &size);
    cmsCloseProfile(profile);
    cmsFreeToneCurve(curve);
    return text;
}
constexpr std::array<double, 6> kSrgb = {0.64, 0.33, 0.30, 0.60, 0.15, 0.06},
                                kP3 = {0.680, 0.320, 0.265, 0.690, 0.150, 0.060},
                                kAdobe = {0.64, 0.33, 0.21, 0.71, 0.15, 0.06};

std::string iccp(const std::string& profile) { return std::string("a\0\0", 3) + PngWriter::compressed(profile); }

constexpr int kColours[][3] = {{0, 0, 0},     {255, 255, 255}, {128, 128, 128}, {200, 60, 40}, {30, 160, 70},
                               {40, 50, 220}, {17, 34, 51},    {250, 240, 10},  {90, 10, 120}};

// A row of kColours with `bits` a sample, with opacity 7 if asked for.
std::vector<std::byte> png_of(const std::vector<std::pair<std::string, std::string>>& chunks, int bits, bool alpha) {
    PngWriter png(std::size(kColours), 1, bits, alpha ? 6 : 2);
    for (const auto& [kind, body] : chunks) png.chunk(kind, body);
    std::string row(1, '\0');
    for (const auto& colour : kColours)
        for (int c = 0; c < (alpha ? 4 : 3); c++)
            for (int byte = 0; byte < bits / 8; byte++) row += char(c == 3 ? 7 : colour[c]);
    return png.finish(row);
}

// `tolerance` in levels of 255.
void expect_colours(const Image& image, const Matrix& matrix, double gamma, double tolerance) {
    for (size_t i = 0; i < std::size(kColours); i++)
        for (size_t c = 0; c < 3; c++) {
            double linear = 0;
            for (size_t k = 0; k < 3; k++) {
                const double value = kColours[i][k] / 255.0;
                linear += matrix[3 * c + k] * (gamma == 0 ? srgb_linear(value) : std::pow(value, gamma));
            }
            EXPECT_NEAR(255.0 * double(image.rgb.at(0, 0, int64_t(i), int64_t(c))), 255 * srgb_encoded(linear),
                        tolerance)
                << i << ' ' << c;
        }
}

TEST(Colours, ProfilesOfCamerasAndPhonesAreConverted) {
    for (const int bits : {8, 16})
        for (const bool alpha : {false, true}) {
            // Half a level for rounding to 8 bits, half for the arithmetic with 16 bits and less.
            const double tolerance = bits == 8 ? 1.0 : 0.5;
            Image image = decode_image(png_of({{"iCCP", iccp(icc(kP3, 0))}}, bits, alpha), "p3");
            expect_colours(image, kFromP3, 0, tolerance);
            ASSERT_EQ(!image.alpha.values.empty(), alpha);
            for (const float value : image.alpha.values) EXPECT_EQ(value, 7.0f / 255.0f);
            image = decode_image(png_of({{"iCCP", iccp(icc(kAdobe, 2.19921875))}}, bits, alpha), "adobe");
            expect_colours(image, kFromAdobe, 2.19921875, tolerance);
        }
}

TEST(Colours, ThoseOfJpegToo) {
    const std::string file = LIMPID_SOURCE_DIR "/viz/image/testdata/ramp.jpg";
    const std::vector<std::byte> plain = read_file(file);
    const auto with = [&](const std::string& profile) {
        const std::string body = std::string("ICC_PROFILE\0\1\1", 14) + profile,
                          segment = "\xff\xe2" + PngWriter::number32(uint32_t(body.size() + 2)).substr(2) + body;
        std::vector<std::byte> jpeg = plain;
        const Bytes bytes = as_bytes(segment);
        jpeg.insert(jpeg.begin() + 2, bytes.begin(), bytes.end());
        return decode_image(jpeg, "jpeg").rgb;
    };
    const HostTensor as_is = decode_image(plain, "plain").rgb, p3 = with(icc(kP3, 0));
    EXPECT_EQ(with(icc(kSrgb, 0)).values, as_is.values);
    for (int64_t i = 0; i < 20 * 12; i++)
        for (int64_t c = 0; c < 3; c++) {
            double linear = 0;
            for (int64_t k = 0; k < 3; k++)
                linear += kFromP3[size_t(3 * c + k)] * srgb_linear(double(as_is.at(0, i / 20, i % 20, k)));
            EXPECT_NEAR(255.0 * double(p3.at(0, i / 20, i % 20, c)), 255 * srgb_encoded(linear), 1.5) << i;
        }
}

TEST(Colours, SrgbKeepsItsBitsHoweverItIsSaid) {
    const HostTensor as_is = decode_image(png_of({}, 8, false), "plain").rgb;
    expect_colours({as_is, {}}, kSame, 0, 1e-4);
    const std::string gamma = PngWriter::number32(45455);
    std::string chromaticities;
    for (const uint32_t v : {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000})
        chromaticities += PngWriter::number32(v);
    for (const auto& chunks : std::vector<std::vector<std::pair<std::string, std::string>>>{
             {{"sRGB", std::string(1, '\0')}},
             {{"gAMA", gamma}},
             {{"gAMA", gamma}, {"cHRM", chromaticities}},
             {{"iCCP", iccp(icc(kSrgb, 0))}},
             // The first of the standard's list is right.
             {{"gAMA", PngWriter::number32(100000)}, {"sRGB", std::string(1, '\0')}},
             {{"gAMA", PngWriter::number32(100000)}, {"iCCP", iccp(icc(kSrgb, 0))}},
             {{"cICP", std::string("\1\15\0\1", 4)}, {"gAMA", PngWriter::number32(100000)}}})
        EXPECT_EQ(decode_image(png_of(chunks, 8, false), "srgb").rgb.values, as_is.values) << chunks[0].first;
}

TEST(Colours, GammaAndChromaticitiesOfPngAreConverted) {
    expect_colours(decode_image(png_of({{"gAMA", PngWriter::number32(100000)}}, 16, false), "linear"), kSame, 1, 0.5);
    std::string chromaticities = PngWriter::number32(31270) + PngWriter::number32(32900);
    for (const double v : kAdobe) chromaticities += PngWriter::number32(uint32_t(std::lround(v * 100000)));
    const Image image =
        decode_image(png_of({{"gAMA", PngWriter::number32(45471)}, {"cHRM", chromaticities}}, 8, false), "adobe");
    // The gamma is within a twentieth of sRGB's, so it is taken for that.
    expect_colours(image, kFromAdobe, 0, 1.0);
}

TEST(Colours, GreyIsConvertedByProfilesOfGreyAndOfColour) {
    const auto levels = [](PngWriter& png) {
        std::vector<int> result;
        const RasterImage raster = decode_raster(png.finish(std::string("\0\0\x40\x80\xff", 5)), "grey");
        for (int64_t x = 0; x < 4; x++) result.push_back(raster.flat[size_t(x * raster.channels)]);
        return result;
    };
    PngWriter plain(4, 1, 8, 0), linear(4, 1, 8, 0), coloured(4, 1, 8, 0);
    EXPECT_EQ(levels(plain), (std::vector{0, 64, 128, 255}));
    // Linear 64/255 and 128/255 are sRGB's 137 and 188.
    EXPECT_EQ(levels(linear.chunk("gAMA", PngWriter::number32(100000))), (std::vector{0, 137, 188, 255}));
    EXPECT_EQ(levels(coloured.chunk("iCCP", iccp(icc(kP3, 1)))), (std::vector{0, 137, 188, 255}));
}

TEST(Colours, WhatCannotBeKnownIsRefused) {
    const auto message = [](const std::vector<std::pair<std::string, std::string>>& chunks) -> std::string {
        try {
            decode_image(png_of(chunks, 8, false), "the file");
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    cmsToneCurve* curve = cmsBuildGamma(nullptr, 2);
    cmsHPROFILE grey = cmsCreateGrayProfile(cmsD50_xyY(), curve);
    std::string profile(1 << 16, '\0');
    cmsUInt32Number size = cmsUInt32Number(profile.size());
    cmsSaveProfileToMem(grey, profile.data(), &size);
    cmsCloseProfile(grey);
    cmsFreeToneCurve(curve);
    EXPECT_THAT(message({{"iCCP", iccp(profile.substr(0, size))}}), HasSubstr("is not for RGB, as its pixels are"));
    EXPECT_THAT(message({{"iCCP", iccp("no profile")}}),
                HasSubstr("(ICC) cannot be read, expected a valid one; remove"));
    EXPECT_THAT(message({{"iCCP", iccp(std::string(16 << 20, '\0'))}}), HasSubstr("of at most 8388608"));
    EXPECT_THAT(message({{"iCCP", "a"}}), HasSubstr("yields 0 bytes"));
    EXPECT_THAT(message({{"gAMA", PngWriter::number32(0)}}), HasSubstr("(gAMA and cHRM) cannot be read"));
    EXPECT_THAT(message({{"cHRM", std::string(32, '\0')}}), HasSubstr("(gAMA and cHRM) cannot be read"));
    EXPECT_THAT(message({{"cICP", std::string("\x09\x10\0\1", 4)}}), HasSubstr("has the colours 9/16/0/1 (cICP)"));
}

// A profile's offsets and counts may be anything.
TEST(Colours, DamagedProfilesAreReadOrRefusedButNeverMore) {
    const std::string good = icc(kP3, 2);
    for (size_t i = 0; i < good.size(); i++) {
        std::string bad = good;
        bad[i] = char(bad[i] ^ (i % 3 == 0 ? 0xff : i % 3 == 1 ? 0x80 : 0x01));
        try {
            decode_image(png_of({{"iCCP", iccp(bad)}}, 8, false), "damaged");
        } catch (const Error&) {
        }
    }
    for (size_t length = 0; length < good.size(); length += 7) {
        try {
            decode_image(png_of({{"iCCP", iccp(good.substr(0, length))}}, 8, false), "cut");
        } catch (const Error&) {
        }
    }
}

}  // namespace
}  // namespace limpid
