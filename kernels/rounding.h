// Whole numbers, rounded up.
#pragma once

#include <cstdint>

namespace limpid {

// value / by, for value >= 0 and by > 0.
constexpr int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }
// The least multiple that is not below value.
constexpr int64_t round_up(int64_t value, int64_t multiple) { return divide_up(value, multiple) * multiple; }

// Where every piece of working memory begins, in bytes: one cache line, one AVX-512 vector.
constexpr int64_t kAlignmentBytes = 64;

}  // namespace limpid
