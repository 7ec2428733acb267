// Max and average pooling and their gradients as plain loops over any number type: what every other version is compared
// with.
#pragma once

#include "kernels/pool/pool.h"

namespace limpid::oracle {

// The valid cells of the window of output (p, q): rows [top, bottom), columns [left, right).
struct PoolWindow {
    int64_t top, bottom, left, right;
    int64_t cells() const { return (bottom - top) * (right - left); }
};

inline PoolWindow pool_window(const PoolShape& s, int64_t p, int64_t q) {
    const int64_t top = p * s.stride_y - s.pad_top, left = q * s.stride_x - s.pad_left;
    PoolWindow window{top, top + s.r, left, left + s.s};
    if (window.top < 0) window.top = 0;
    if (window.left < 0) window.left = 0;
    if (window.bottom > s.h) window.bottom = s.h;
    if (window.right > s.w) window.right = s.w;
    CHECK(window.top < window.bottom && window.left < window.right, "pooling window ", p, ",", q, " is empty");
    return window;
}

// The cell that gives the maximum: the first in row-major order; the first NaN when there is one.
template <class T>
void pool_winner(const PoolShape& s, View<const T> x, int64_t n, int64_t p, int64_t q, int64_t c, int64_t* h,
                 int64_t* w) {
    const PoolWindow window = pool_window(s, p, q);
    T best = x.at(n, window.top, window.left, c);
    *h = window.top, *w = window.left;
    for (int64_t i = window.top; i < window.bottom; i++)
        for (int64_t j = window.left; j < window.right; j++) {
            const T value = x.at(n, i, j, c);
            if (best != best) return;
            if (value > best || value != value) best = value, *h = i, *w = j;
        }
}

template <class T>
HostArray<T> max_pool(const PoolShape& s, View<const T> x) {
    HostArray<T> y(s.output());
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.p; p++)
            for (int64_t q = 0; q < s.q; q++)
                for (int64_t c = 0; c < s.c; c++) {
                    int64_t h, w;
                    pool_winner(s, x, n, p, q, c, &h, &w);
                    y.at(n, p, q, c) = x.at(n, h, w, c);
                }
    return y;
}

// u at the winners of x's windows.
template <class T>
HostArray<T> max_pool_select(const PoolShape& s, View<const T> x, View<const T> u) {
    HostArray<T> y(s.output());
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.p; p++)
            for (int64_t q = 0; q < s.q; q++)
                for (int64_t c = 0; c < s.c; c++) {
                    int64_t h, w;
                    pool_winner(s, x, n, p, q, c, &h, &w);
                    y.at(n, p, q, c) = u.at(n, h, w, c);
                }
    return y;
}

template <class T>
HostArray<T> average_pool(const PoolShape& s, View<const T> x) {
    HostArray<T> y(s.output());
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.p; p++)
            for (int64_t q = 0; q < s.q; q++) {
                const PoolWindow window = pool_window(s, p, q);
                for (int64_t c = 0; c < s.c; c++) {
                    T sum = 0;
                    for (int64_t h = window.top; h < window.bottom; h++)
                        for (int64_t w = window.left; w < window.right; w++) sum += x.at(n, h, w, c);
                    y.at(n, p, q, c) = sum / T(window.cells());
                }
            }
    return y;
}

// dx = mask(add + dx), in place.
template <class T>
void pool_epilogue(View<const T> add, View<const T> mask, HostArray<T>& dx) {
    const Shape& s = dx.shape;
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t h = 0; h < s.h; h++)
            for (int64_t w = 0; w < s.w; w++)
                for (int64_t c = 0; c < s.c; c++) {
                    T& value = dx.at(n, h, w, c);
                    if (add) value += add.at(n, h, w, c);
                    if (mask && !(mask.at(n, h, w, c) > 0)) value = 0;
                }
}

template <class T>
HostArray<T> max_pool_grad_input(const PoolShape& s, View<const T> x, View<const T> dy, View<const T> add,
                                 View<const T> mask) {
    HostArray<T> dx(s.input());
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.p; p++)
            for (int64_t q = 0; q < s.q; q++)
                for (int64_t c = 0; c < s.c; c++) {
                    int64_t h, w;
                    pool_winner(s, x, n, p, q, c, &h, &w);
                    dx.at(n, h, w, c) += dy.at(n, p, q, c);
                }
    pool_epilogue(add, mask, dx);
    return dx;
}

template <class T>
HostArray<T> average_pool_grad_input(const PoolShape& s, View<const T> dy, View<const T> add, View<const T> mask) {
    HostArray<T> dx(s.input());
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.p; p++)
            for (int64_t q = 0; q < s.q; q++) {
                const PoolWindow window = pool_window(s, p, q);
                for (int64_t h = window.top; h < window.bottom; h++)
                    for (int64_t w = window.left; w < window.right; w++)
                        for (int64_t c = 0; c < s.c; c++) dx.at(n, h, w, c) += dy.at(n, p, q, c) / T(window.cells());
            }
    pool_epilogue(add, mask, dx);
    return dx;
}

}  // namespace limpid::oracle
