// What a PNG or a JPEG says of itself before its pixels are decoded, the same for both: size, samples, colours, which
// way is up, and what decoding will take.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weights/bytes.h"

namespace limpid {

enum class Samples { kGrey = 1, kGreyAlpha = 2, kRgb = 3, kRgba = 4, kCmyk = 5 };  // CMYK: 255 is no ink, as Adobe's

inline bool has_alpha(Samples s) { return s == Samples::kGreyAlpha || s == Samples::kRgba; }
inline bool is_grey(Samples s) { return s == Samples::kGrey || s == Samples::kGreyAlpha; }
inline int channels_of(Samples s) { return s == Samples::kCmyk ? 4 : int(s); }

// What the samples mean; nothing of it: sRGB.
struct ColourTags {
    std::vector<std::byte> profile;  // ICC
    // PNG's gAMA (the exponent that encoded the samples) and cHRM: x and y of white, red, green, blue.
    std::optional<double> gamma;
    std::optional<std::array<double, 8>> chromaticities;
};

struct StoredPicture {
    int64_t h = 0, w = 0;  // as stored, before it is turned upright
    Samples samples = Samples::kRgb;
    bool deep = false;    // 16 bits a sample, of this machine's byte order; otherwise 8
    int orientation = 1;  // EXIF's, 1 to 8
    ColourTags colours;
    uint64_t decoder_bytes = 0;  // what the decoder holds while it works: rows, or all of the picture
};

// Called once for each row, from the top, with w pixels of the samples that StoredPicture announces.
using RowSink = std::function<void(int64_t y, const std::byte* row)>;

constexpr uint64_t kMostProfileBytes = uint64_t(8) << 20;  // four times the largest profiles of printing presses

// All throw Error, without the file's name, on whatever is damaged, cut short or not supported. Every sample handed to
// a sink comes from the file.
StoredPicture read_png_header(Bytes file);
void read_png_rows(Bytes file, const RowSink& sink);
StoredPicture read_jpeg_header(Bytes file);
void read_jpeg_rows(Bytes file, const RowSink& sink);

}  // namespace limpid
