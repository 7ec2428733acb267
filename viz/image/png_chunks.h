// The chunks of a PNG file (ISO/IEC 15948), checked: every checksum, every order, every length, before a decoder may
// see them.
#pragma once

#include <vector>

#include "viz/image/stored_picture.h"

namespace limpid {

struct PngChunks {
    int64_t h = 0, w = 0;
    int depth = 0, colour_type = 0;  // IHDR's
    bool interlaced = false;
    Bytes palette, transparency;  // bodies of PLTE, where the picture has one, and tRNS
    std::vector<Bytes> data;      // bodies of IDAT
    // Whole chunks that make the pixels, in order: IHDR, PLTE, tRNS, IDAT, IEND.
    std::vector<Bytes> pixel_chunks;
    ColourTags colours;
    int orientation = 1;

    bool indexed() const { return colour_type == 3; }
    // Bits of a pixel as it is stored.
    int pixel_bits() const { return depth * (colour_type == 2 ? 3 : colour_type == 4 ? 2 : colour_type == 6 ? 4 : 1); }
};

// Up to IEND; what comes after it is nobody's. Throws Error, without the file's name.
PngChunks read_png_chunks(Bytes file);

// Throws Error unless the compressed data is whole: zlib's checksum fits, and there is no less than the picture needs.
// Holds 64 KiB at a time.
void check_png_data(const PngChunks& png);

}  // namespace limpid
