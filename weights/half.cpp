// Conversion by exponent and mantissa.
#include "weights/half.h"

#include <bit>
#include <cmath>

namespace limpid {

uint16_t to_half(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return uint16_t(sign | 0x7e00);
    // 65520 and more round to infinity; below 2^-14 halves are multiples of 2^-24.
    if (magnitude >= 0x477ff000) return uint16_t(sign | 0x7c00);
    if (magnitude < 0x38800000) return uint16_t(sign | uint32_t(std::nearbyint(std::fabs(value) * 0x1p24f)));
    const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return uint16_t(sign | ((rounded - 0x38000000) >> 13));
}

float from_half(uint16_t half) {
    const uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 0) return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(float(mantissa) * 0x1p-24f));
    return std::bit_cast<float>(sign | (exponent == 31 ? 255u << 23 : (exponent + 112) << 23) | mantissa << 13);
}

}  // namespace limpid
