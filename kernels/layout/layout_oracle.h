// The definitions of layout.h, element by element, with plain loops.
#pragma once

#include "kernels/layout/layout.h"

namespace limpid::oracle {

using Index = std::array<int64_t, 4>;

template <class T>
T& element(View<T> view, const Index& i) {
    return view.at(i[0], i[1], i[2], i[3]);
}

template <class Body>
void for_each_index(const Shape& shape, Body body) {
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t h = 0; h < shape.h; h++)
            for (int64_t w = 0; w < shape.w; w++)
                for (int64_t c = 0; c < shape.c; c++) body(Index{n, h, w, c});
}

inline void copy_box(const Shape& extent, const Index& x_first, const Index& y_first, View<const double> x,
                     View<double> y) {
    for_each_index(extent, [&](const Index& i) {
        Index from, to;
        for (size_t axis = 0; axis < 4; axis++)
            from[axis] = i[axis] + x_first[axis], to[axis] = i[axis] + y_first[axis];
        element(y, to) = element(x, from);
    });
}

// Where index k of an axis of `size` is read when it lies outside; -1 for the constant.
inline int64_t pad_source(PadMode mode, int64_t k, int64_t size) {
    if (k >= 0 && k < size) return k;
    switch (mode) {
        case PadMode::constant:
            return -1;
        case PadMode::reflect:
            return k < 0 ? -k : 2 * (size - 1) - k;
        case PadMode::symmetric:
            return k < 0 ? -1 - k : 2 * size - 1 - k;
    }
    CHECK(false);
}

// The element of x that y[i] shows; false for the constant.
inline bool pad_source(PadMode mode, const Padding& padding, const Shape& x, const Index& i, Index& source) {
    for (size_t axis = 0; axis < 4; axis++) {
        source[axis] = pad_source(mode, i[axis] - padding.before[axis], x[int(axis)]);
        if (source[axis] < 0) return false;
        CHECK(source[axis] < x[int(axis)]);
    }
    return true;
}

inline void pad(PadMode mode, const Padding& padding, double value, View<const double> x, View<double> y) {
    check_padding(mode, padding, x.shape);
    CHECK(padding.padded(x.shape) == y.shape);
    for_each_index(y.shape, [&](const Index& i) {
        Index source;
        element(y, i) = pad_source(mode, padding, x.shape, i, source) ? element(x, source) : value;
    });
}

inline void pad_grad(PadMode mode, const Padding& padding, View<const double> dy, View<double> dx) {
    check_padding(mode, padding, dx.shape);
    CHECK(padding.padded(dx.shape) == dy.shape);
    for_each_index(dx.shape, [&](const Index& j) { element(dx, j) = 0; });
    for_each_index(dy.shape, [&](const Index& i) {
        Index source;
        if (pad_source(mode, padding, dx.shape, i, source)) element(dx, source) += element(dy, i);
    });
}

inline void shift_crop(View<const double> x, ConstView offsets, View<double> y) {
    for_each_index(y.shape, [&](const Index& i) {
        const auto [dy, dx] = window_offset(offsets, i[0], x.shape, y.shape);
        element(y, i) = x.at(i[0], i[1] + dy, i[2] + dx, i[3]);
    });
}

inline void shift_crop_grad(View<const double> dy, ConstView offsets, View<double> dx) {
    for_each_index(dx.shape, [&](const Index& j) { element(dx, j) = 0; });
    for_each_index(dy.shape, [&](const Index& i) {
        const auto [rows, columns] = window_offset(offsets, i[0], dx.shape, dy.shape);
        dx.at(i[0], i[1] + rows, i[2] + columns, i[3]) = element(dy, i);
    });
}

inline void transpose(const std::array<int, 4>& order, View<const double> x, View<double> y) {
    for_each_index(y.shape, [&](const Index& i) {
        Index source;
        for (size_t axis = 0; axis < 4; axis++) source[size_t(order[axis])] = i[axis];
        element(y, i) = element(x, source);
    });
}

}  // namespace limpid::oracle
