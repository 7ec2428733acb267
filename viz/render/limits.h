// What may be asked of a render: the options of commands and the fields of job lists say the same.
#pragma once

#include <cstdint>

namespace limpid {

template <class T>
struct Limits {
    T least, most;
};

inline constexpr Limits<int64_t> kSizeLimits{8, 8192};  // height and width in pixels
inline constexpr Limits<int64_t> kStepLimits{0, 10'000'000};
inline constexpr Limits<int64_t> kBatchLimits{1, 4096};

}  // namespace limpid
