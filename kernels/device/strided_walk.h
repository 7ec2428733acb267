// Visits every element of strided arrays, four at a time where memory allows: broadcast inputs, channel slices and
// boxes are all strides.
//
// Axes that follow each other in every array are merged first, so that dense arrays of one shape are one long row.
// A thread owns kWidth neighbours of a row (the last thread of a row may own fewer); neighbouring threads own
// neighbouring groups, so that a warp reads and writes whole lines.
#pragma once

#include <cuda_runtime.h>

#include <array>

#include "kernels/device/launch.h"
#include "kernels/device/vector.h"

namespace limpid::DEVICE_NS {

// Element (n, h, w, c) lies at n*stride[0] + h*stride[1] + w*stride[2] + c*stride[3] from the first.
struct Strides {
    int64_t stride[4];
};

template <class T>
Strides strides_of(const View<T>& view) {
    const Shape& s = view.shape;
    return {{s.h * s.w * view.pitch, s.w * view.pitch, view.pitch, 1}};
}
// Axes of size 1 repeat.
template <class T>
Strides broadcast_strides_of(const View<T>& view) {
    Strides result = strides_of(view);
    for (int axis = 0; axis < 4; axis++)
        if (view.shape[axis] == 1) result.stride[axis] = 0;
    return result;
}

// Where a thread's elements begin in each array, and how many they are.
template <int kArrays>
struct StridedGroup {
    int64_t offset[kArrays];
    int count;
};

template <int kArrays>
struct StridedWalk {
    // Axes that remain, innermost first.
    int rank = 1;
    unsigned size[4] = {1, 1, 1, 1};
    int64_t stride[kArrays][4] = {};
    int width = 1;
    unsigned groups_per_row = 0, groups = 0;

    StridedWalk(const Shape& shape, const Strides (&arrays)[kArrays]) {
        rank = 0;
        for (int axis = 3; axis >= 0; axis--) {
            if (shape[axis] == 1) continue;
            bool mergeable = rank > 0;
            for (int k = 0; k < kArrays && mergeable; k++)
                mergeable = arrays[k].stride[axis] == stride[k][rank - 1] * int64_t(size[rank - 1]);
            if (mergeable && int64_t(size[rank - 1]) * shape[axis] <= INT32_MAX) {
                size[rank - 1] *= unsigned(shape[axis]);
            } else {
                CHECK(shape[axis] <= INT32_MAX, shape, " has too long an axis for a kernel");
                size[rank] = unsigned(shape[axis]);
                for (int k = 0; k < kArrays; k++) stride[k][rank] = arrays[k].stride[axis];
                rank++;
            }
        }
        if (rank == 0) rank = 1;  // one element
        set_width(1);
    }

    // Four elements per thread, if rows of every array allow it: they run along memory or repeat one number.
    void widen(const std::array<const float*, kArrays>& data) {
        for (int k = 0; k < kArrays; k++) {
            if (stride[k][0] == 0) continue;
            if (stride[k][0] != 1 || reinterpret_cast<uintptr_t>(data[size_t(k)]) % (kVector * sizeof(float)) != 0)
                return;
            for (int axis = 1; axis < rank; axis++)
                if (stride[k][axis] % kVector != 0) return;
        }
        set_width(kVector);
    }

    template <int kWidth>
    __device__ __forceinline__ StridedGroup<kArrays> group(unsigned index) const {
        StridedGroup<kArrays> result;
        unsigned row = rank > 1 ? index / groups_per_row : 0;
        const unsigned first = (index - row * groups_per_row) * kWidth;
        result.count = int(min(unsigned(kWidth), size[0] - first));
#pragma unroll
        for (int k = 0; k < kArrays; k++) result.offset[k] = int64_t(first) * stride[k][0];
#pragma unroll
        for (int axis = 1; axis < 4; axis++) {
            if (axis >= rank) break;
            const unsigned above = axis + 1 < rank ? row / size[axis] : 0, place = row - above * size[axis];
#pragma unroll
            for (int k = 0; k < kArrays; k++) result.offset[k] += int64_t(place) * stride[k][axis];
            row = above;
        }
        return result;
    }

  private:
    void set_width(int new_width) {
        width = new_width;
        groups_per_row = unsigned(divide_up(size[0], width));
        const int64_t all = int64_t(groups_per_row) * size[1] * size[2] * size[3];
        CHECK(all <= INT32_MAX, "too many elements for one kernel");
        groups = unsigned(all);
    }
};

// The elements of one input that belong to a group: they follow each other, or are one number.
__device__ __forceinline__ float4 load_group(const float* from, int64_t stride) {
    if (stride == 1) return load4(from);
    const float value = *from;
    return make_float4(value, value, value, value);
}

}  // namespace limpid::DEVICE_NS
