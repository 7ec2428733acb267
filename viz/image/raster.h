// A decoded picture in as little memory as its file's samples take, upright and in sRGB; its rows become floats when
// they are wanted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/tensor.h"
#include "weights/bytes.h"

namespace limpid {

struct RasterImage {
    int64_t h = 0, w = 0;
    int channels = 0;            // 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity
    std::vector<uint8_t> flat;   // interleaved samples of 8 bits,
    std::vector<uint16_t> deep;  // or, where this has values, of 16

    bool has_alpha() const { return channels % 2 == 0; }
};

// What decoding may cost; more is refused before it is taken.
struct PictureLimits {
    int64_t pixels = int64_t(1) << 27;   // 134 megapixels: above any camera's
    uint64_t bytes = uint64_t(2) << 30;  // of PictureHeader::bytes(), and of the floats when they are wanted
};

// What a file says of itself; nothing of the size of the picture has been taken yet.
struct PictureHeader {
    int64_t h = 0, w = 0;        // upright
    int channels = 0, bits = 0;  // of the raster: 8 or 16 bits
    uint64_t raster_bytes = 0,
             decoder_bytes = 0;  // the second while decoding only: much for interlaced and progressive files

    uint64_t bytes() const { return raster_bytes + decoder_bytes; }
};
PictureHeader peek_picture(const std::string& path);
PictureHeader peek_picture(Bytes bytes, const std::string& name);

// PNG (1 to 16 bits, grey, palette, colour, opacity; interlaced or not) or 8-bit JPEG (grey, colour, CMYK; baseline,
// progressive, arithmetic), told apart by content. EXIF's orientation is applied; colours with an ICC profile, gAMA or
// cHRM are converted to sRGB. Throws Error naming the file on anything else, and on whatever is damaged or cut short:
// no sample is shown that the file does not hold.
RasterImage load_raster(const std::string& path, const PictureLimits& limits = {});
// The same for the bytes of a file; `name` is for messages.
RasterImage decode_raster(Bytes bytes, const std::string& name, const PictureLimits& limits = {});

// Pictures of which a row at a time is looked at, whatever they lie in: shape, and its values {w, c} of row y of
// picture n, which are kept until the next call. Borrows what it was made of.
struct PictureRows {
    Shape shape;
    std::function<const float*(int64_t n, int64_t y)> row;
};
// RGB in [0, 1] over a plain background: what a network sees of transparency. White like the page of a browser. (Lucid
// has no rule: its networks fail on four channels.)
PictureRows flat_rows(const RasterImage& raster, float background = 1.0f);
// RGB whatever the opacity, which may be 0; and the opacity, 1 where the file has none.
PictureRows colour_rows(const RasterImage& raster);
PictureRows alpha_rows(const RasterImage& raster);

// Of pictures in memory.
PictureRows rows_of(ConstView pictures);

// All rows.
HostTensor picture_of(const PictureRows& rows);
// All of a file over white, within the limits: 12 bytes for each pixel besides the raster.
HostTensor load_flat(const std::string& path, const PictureLimits& limits = {});
HostTensor decode_flat(Bytes bytes, const std::string& name, const PictureLimits& limits = {});

}  // namespace limpid
