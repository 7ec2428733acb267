// Reductions over any set of axes; the reduced axes stay with size 1.
//
//   sum, mean, max, sum_squares, max_abs: over all elements of the reduced axes. L2 norm = sqrt(sum_squares), composed.
//   argmax: the row-major index, within the reduced axes, of the first maximum, as a float (exact below 2^24).
// An empty reduction gives 0 for sum, sum_squares, max_abs; mean, max and argmax of nothing are not allowed. max
// propagates NaN. The order of summation is fixed by the reduced extents alone (pairwise or blocked, so that error
// grows like log K, not K): the value of one image does not depend on the others. Views may be pitched.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

enum class Reduce { sum, mean, max, argmax, sum_squares, max_abs };
inline constexpr int kReduceCount = 6;
const char* name(Reduce);

// Which axes to reduce, in the order n, h, w, c.
struct Axes {
    bool n = false, h = false, w = false, c = false;
    bool operator==(const Axes&) const = default;
    bool operator[](int axis) const { return axis == 0 ? n : axis == 1 ? h : axis == 2 ? w : c; }
    Shape reduced(Shape s) const { return {n ? 1 : s.n, h ? 1 : s.h, w ? 1 : s.w, c ? 1 : s.c}; }
};

struct ReduceKernels {
    size_t (*scratch)(Reduce, Axes, Shape x, int threads) = nullptr;  // bytes
    void (*reduce)(Stream&, Reduce, Axes, ConstView x, MutView y, Scratch) = nullptr;
};

}  // namespace limpid
