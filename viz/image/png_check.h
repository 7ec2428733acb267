// What must hold of a PNG before the decoder may see it.
//
// The stb_image.h of Debian 12 takes the memory that a chunk's length announces, up to 2 GiB, before it looks whether
// the file has as much. So the chunks are walked first.
#pragma once

#include "weights/bytes.h"

namespace limpid {

// Throws Error, without the file's name, unless every chunk up to the end of the picture (IEND) lies within the file.
void check_png(Bytes file);

}  // namespace limpid
