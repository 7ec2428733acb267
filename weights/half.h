// Half-precision numbers (IEEE 754 binary16), for storage only.
#pragma once

#include <cstdint>

#include "weights/weights.h"

namespace limpid {

// To the nearest, ties to even; beyond 65504 infinity; NaN stays NaN.
uint16_t to_half(float value);
float from_half(uint16_t half);

}  // namespace limpid
