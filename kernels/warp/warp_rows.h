// What the CPU kernels of this family share: rows of pixels and their tasks.
#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/warp/warp.h"

namespace limpid::CPU_NS {

// Output columns whose source positions are computed at a time, into a table on the stack.
constexpr int64_t kColumns = 256;

// Rows per task, so that handing a task over costs little against its work.
static inline int64_t row_grain(const Shape& shape) {
    constexpr int64_t kElements = 8192;
    const int64_t row = shape.w * shape.c;
    return row < kElements ? kElements / (row < 1 ? 1 : row) : 1;
}

// Calls body with the number of channels as a constant, for the numbers that images have; 0 means "any".
template <class Body>
static inline void with_channels(int64_t channels, Body body) {
    switch (channels) {
        case 1:
            return body(std::integral_constant<int, 1>());
        case 3:
            return body(std::integral_constant<int, 3>());
        case 4:
            return body(std::integral_constant<int, 4>());
        default:
            return body(std::integral_constant<int, 0>());
    }
}

static inline void zero(float* to, int64_t count) { std::memset(to, 0, static_cast<size_t>(count) * sizeof(float)); }

static inline void zero_row(const MutView& y, int64_t n, int64_t h) {
    if (y.dense()) return zero(y.pixel(n, h, 0), y.shape.w * y.shape.c);
    for (int64_t w = 0; w < y.shape.w; w++) zero(y.pixel(n, h, w), y.shape.c);
}

}  // namespace limpid::CPU_NS
