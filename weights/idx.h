// IDX files (Yann LeCun's MNIST format): arrays of bytes with their sizes in front.
//
//   two zero bytes, 0x08 (unsigned bytes), the number of axes; a big-endian 32-bit size for each axis; the bytes
#pragma once

#include <vector>

#include "weights/bytes.h"

namespace limpid {

struct IdxArray {
    std::vector<int64_t> sizes;
    Bytes data;  // in the file, row-major
};

// Throws Error naming what is wrong, before anything is allocated.
IdxArray read_idx(Bytes file);

}  // namespace limpid
