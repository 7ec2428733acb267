// What must hold of a JPEG before the decoder may see it.
//
// The stb_image.h of Debian 12 fills a table of 256 Huffman codes without counting (mended upstream in 2023), shows
// what is missing of a picture as grey or as whatever memory held, and reads on behind the end. So the segments are
// walked first, exactly as it walks them.
#pragma once

#include "weights/bytes.h"

namespace limpid {

// The part of the file that is the picture, from its first byte to its end marker: cameras append data. Throws Error,
// without the file's name, when the file is cut short, a table of Huffman codes has more than 256, or a segment is of
// no kind that stb reads.
Bytes checked_jpeg(Bytes file);

}  // namespace limpid
