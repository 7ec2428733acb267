// Pictures in files and in memory: reading and writing PNG and JPEG, resizing, cropping, contact sheets.
//
// In memory a picture is {1, h, w, c} with values in [0, 1], encoded as sRGB (nothing here linearises), RGB order,
// upright. What files may be, and how little memory one may be held in: raster.h.
#pragma once

#include <string>
#include <vector>

#include "kernels/tensor.h"
#include "viz/image/raster.h"
#include "weights/bytes.h"

namespace limpid {

struct Image {
    HostTensor rgb;    // {1, h, w, 3}; grey files have three equal channels
    HostTensor alpha;  // {1, h, w, 1}, 1 = opaque; no values where the file has no alpha channel
};

// All of a file as floats: load_raster, and 16 bytes for each pixel besides.
Image load_image(const std::string& path);
Image decode_image(Bytes bytes, const std::string& name, const PictureLimits& limits = {});

// As flat_rows.
HostTensor flatten(const Image& image, float background = 1.0f);

// The bytes of an 8-bit PNG: 1 (grey), 3 (RGB) or 4 (RGBA) channels, one image. Values are clipped to [0, 1],
// multiplied by 255 and truncated, not rounded: Lucid's normalize_array. Error on values that are not finite, which no
// picture should hide.
std::vector<std::byte> encode_png(ConstView picture);
std::vector<std::byte> encode_png(const PictureRows& picture);
// Writes atomically: on any failure the old file, or none, is left.
void write_png(const std::string& path, ConstView picture);
void write_png(const std::string& path, const PictureRows& picture);

// The same as JPEG, which has no opacity and loses detail: for pages that must be small. quality: 1 to 100; 90 is
// Lucid's.
std::vector<std::byte> encode_jpeg(ConstView picture, int quality = 90);
std::vector<std::byte> encode_jpeg(const PictureRows& picture, int quality = 90);
void write_jpeg(const std::string& path, ConstView picture, int quality = 90);
void write_jpeg(const std::string& path, const PictureRows& picture, int quality = 90);

// Resampled to h x w. Triangle filter whose width grows with the reduction, so that fine patterns average out rather
// than alias; pixel centres at half-integers; at the borders the filter is cut and renormalised. Any number of channels
// and images.
HostTensor resize(ConstView picture, int64_t h, int64_t w);
HostTensor resize(const PictureRows& picture, int64_t h, int64_t w);

// The h x w pixels at the centre; where the rest is odd the extra row or column is dropped at the bottom and right. h
// and w at most the picture's.
HostTensor crop_centre(ConstView picture, int64_t h, int64_t w);

// A photo as a network's input: the short side resized to short_side, then the central size x size. short_side = 0: 8/7
// of size (ImageNet's 256 for 224), but a photo that has the right size already is taken as it is.
HostTensor fit_photo(ConstView photo, int64_t size, int64_t short_side = 0);
HostTensor fit_photo(const PictureRows& photo, int64_t size, int64_t short_side = 0);
// The same for a network that takes h x w, resized until 8/7 of both are covered.
HostTensor fit_photo_to(const PictureRows& photo, int64_t h, int64_t w);
HostTensor fit_photo_to(ConstView photo, int64_t h, int64_t w);

// Contact sheet: pictures of equal channel counts in rows, each centred in a cell as large as the largest, `gap` pixels
// of background between cells and around them. Views of a batch come from View::image.
HostTensor tile(const std::vector<ConstView>& pictures, int64_t columns, int64_t gap, float background = 1.0f);
PictureRows tile_rows(std::vector<PictureRows> pictures, int64_t columns, int64_t gap, float background = 1.0f);

}  // namespace limpid
