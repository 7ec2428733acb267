// Moving elements without changing them: boxes, padding, transposition. Slicing and concatenating are copies between
// views.
//
//   copy_box:         y[i] = x[i + x_first] for every i of `extent`, written at y[i + y_first]; the rest of y is left
//                     alone.
//   fill:             y = value everywhere.
//   pad:              y[i] = x[source(i - before)]; y may be larger or smaller at each end (a negative number of
//                     elements before or after crops). constant: value outside; reflect: mirrored without repeating
//                     the edge; symmetric: mirrored with it (TensorFlow's names).
//   pad_grad:         the adjoint: dx[j] = sum of dy[i] over all i with source(i - before) = j.
//   shift_crop:       y[n,p,q,c] = x[n, p + dy_n, q + dx_n, c]. The offsets (dy,dx) are read from `offsets`
//                     {1 or N,1,1,2} on the device and rounded to the nearest integer: one graph serves every random
//                     crop. They must keep the window inside x.
//   shift_crop_grad:  the adjoint: zero outside the window.
//   transpose:        axis i of y is axis order[i] of x.
// Views may be pitched.
#pragma once

#include <array>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

enum class PadMode { constant, reflect, symmetric };
const char* name(PadMode);

// Elements added before and after each axis (n, h, w, c); negative removes.
struct Padding {
    std::array<int64_t, 4> before{}, after{};
    bool operator==(const Padding&) const = default;
    Shape padded(Shape s) const {
        for (int a = 0; a < 4; a++) s[a] += before[size_t(a)] + after[size_t(a)];
        return s;
    }
};

// CHECKs that padding x is defined: no axis becomes negative; reflect reaches at most size - 1 beyond an edge,
// symmetric size.
void check_padding(PadMode, const Padding&, const Shape& x);
// The rounded (dy, dx) of image n, for devices whose memory the host can read. CHECKs that the window stays inside the
// image.
std::array<int64_t, 2> window_offset(ConstView offsets, int64_t n, const Shape& image, const Shape& window);

struct LayoutKernels {
    void (*copy_box)(Stream&, Shape extent, std::array<int64_t, 4> x_first, std::array<int64_t, 4> y_first, ConstView x,
                     MutView y) = nullptr;
    void (*fill)(Stream&, float value, MutView y) = nullptr;
    void (*pad)(Stream&, PadMode, const Padding&, float value, ConstView x, MutView y) = nullptr;
    void (*pad_grad)(Stream&, PadMode, const Padding&, ConstView dy, MutView dx) = nullptr;
    void (*shift_crop)(Stream&, ConstView x, ConstView offsets, MutView y) = nullptr;
    void (*shift_crop_grad)(Stream&, ConstView dy, ConstView offsets, MutView dx) = nullptr;
    void (*transpose)(Stream&, std::array<int, 4> order, ConstView x, MutView y) = nullptr;
};

}  // namespace limpid
