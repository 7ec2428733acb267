// What layout kernels of every device agree on: names, and which paddings and windows are defined.
#include "kernels/layout/layout.h"

#include <cmath>

namespace limpid {

const char* name(PadMode mode) {
    switch (mode) {
        case PadMode::constant:
            return "constant";
        case PadMode::reflect:
            return "reflect";
        case PadMode::symmetric:
            return "symmetric";
    }
    CHECK(false);
}

void check_padding(PadMode mode, const Padding& padding, const Shape& x) {
    for (int axis = 0; axis < 4; axis++) {
        const int64_t size = x[axis], before = padding.before[size_t(axis)], after = padding.after[size_t(axis)];
        CHECK(size + before + after >= 0, name(mode), " padding of ", x, " crops axis ", axis, " by ", -before, " and ",
              -after);
        if (mode == PadMode::constant) continue;
        const int64_t reach = mode == PadMode::reflect ? size - 1 : size;
        CHECK((before <= 0 || before <= reach) && (after <= 0 || after <= reach), name(mode), " padding of ", x,
              " reaches ", std::max(before, after), " beyond axis ", axis, ": at most ", reach, " can be mirrored");
    }
}

std::array<int64_t, 2> window_offset(ConstView offsets, int64_t n, const Shape& image, const Shape& window) {
    CHECK(offsets.shape.c == 2 && (offsets.shape.n == 1 || n < offsets.shape.n), "offsets ", offsets.shape, ", image ",
          n);
    const float* pair = offsets.pixel(offsets.shape.n == 1 ? 0 : n, 0, 0);
    const float rows = std::round(pair[0]), columns = std::round(pair[1]);
    CHECK(rows >= 0 && rows <= float(image.h - window.h) && columns >= 0 && columns <= float(image.w - window.w),
          "window ", window, " at (", pair[0], ", ", pair[1], ") leaves the image ", image);
    return {int64_t(rows), int64_t(columns)};
}

}  // namespace limpid
