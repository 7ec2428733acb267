// Which way is up: the orientation tag that cameras write (EXIF 2.3, tag 274), and where it puts a pixel.
#pragma once

#include <cstdint>

#include "weights/bytes.h"

namespace limpid {

// The tag's value, 1 to 8; 1, as every viewer takes it, where the data (a TIFF header and its directories) has no such
// tag, another value, or is damaged: it may lie about the camera, not about the pixels.
int exif_orientation(Bytes tiff);

// Where pixels of a stored h x w picture lie in the upright one: its pixel (x, y) is number first + x * step_x + y *
// step_y of the upright rows.
struct Upright {
    int64_t h = 0, w = 0;
    int64_t first = 0, step_x = 1, step_y = 0;
};
Upright upright(int64_t h, int64_t w, int orientation);

}  // namespace limpid
