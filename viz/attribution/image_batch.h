// Shapes of several images of one size.
#pragma once

#include "kernels/tensor.h"

namespace limpid {

// n images, each of the size of `one`.
inline Shape images(Shape one, int64_t n) { return {n, one.h, one.w, one.c}; }

}  // namespace limpid
