// The convolution formulas of conv2d.h as plain loops, for the reference device and for tests. The innermost loop runs
// along k or c, where memory is contiguous: GoogLeNet's largest layers take about a second in double.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace limpid::oracle {

// The part of [0, taps) for which base + tap lies in [0, size): taps that fall on padding contribute nothing.
struct TapRange {
    int64_t begin, end;
    TapRange(int64_t base, int64_t taps, int64_t size)
        : begin(base < 0 ? -base : 0), end(size - base < taps ? size - base : taps) {}
};

// y = act(bias + conv(x, w)); bias may be null.
template <class T>
void conv2d_forward(const Conv2dShape& shape, View<const T> x, View<const T> w, const T* bias, bool relu, View<T> y) {
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t p = 0; p < shape.p(); p++)
            for (int64_t q = 0; q < shape.q(); q++) {
                T* out = y.pixel(n, p, q);
                for (int64_t k = 0; k < shape.k; k++) out[k] = bias ? bias[k] : T(0);
                const int64_t h = p * shape.stride_y - shape.pad_top, w_first = q * shape.stride_x - shape.pad_left;
                const TapRange rows(h, shape.r, shape.h), columns(w_first, shape.s, shape.w);
                for (int64_t r = rows.begin; r < rows.end; r++)
                    for (int64_t s = columns.begin; s < columns.end; s++) {
                        const T* in = x.pixel(n, h + r, w_first + s);
                        const T* filter = w.data + (r * shape.s + s) * shape.c * shape.k;
                        for (int64_t c = 0; c < shape.c; c++)
                            for (int64_t k = 0; k < shape.k; k++) out[k] += in[c] * filter[c * shape.k + k];
                    }
                if (relu)
                    for (int64_t k = 0; k < shape.k; k++) out[k] = T(0) > out[k] ? T(0) : out[k];  // NaN stays NaN
            }
}

// dx = mask(add + conv^T(dy, w)); add and mask may be empty. dx may be the same memory as add.
template <class T>
void conv2d_grad_input(const Conv2dShape& shape, View<const T> dy, View<const T> w, View<const T> add,
                       View<const T> mask, View<T> dx) {
    for (int64_t n = 0; n < shape.n; n++) {
        for (int64_t h = 0; h < shape.h; h++)
            for (int64_t i = 0; i < shape.w; i++)
                for (int64_t c = 0; c < shape.c; c++) dx.at(n, h, i, c) = add ? add.at(n, h, i, c) : T(0);
        for (int64_t p = 0; p < shape.p(); p++)
            for (int64_t q = 0; q < shape.q(); q++) {
                const T* out = dy.pixel(n, p, q);
                const int64_t h = p * shape.stride_y - shape.pad_top, w_first = q * shape.stride_x - shape.pad_left;
                const TapRange rows(h, shape.r, shape.h), columns(w_first, shape.s, shape.w);
                for (int64_t r = rows.begin; r < rows.end; r++)
                    for (int64_t s = columns.begin; s < columns.end; s++) {
                        T* in = dx.pixel(n, h + r, w_first + s);
                        const T* filter = w.data + (r * shape.s + s) * shape.c * shape.k;
                        for (int64_t c = 0; c < shape.c; c++) {
                            T sum = T(0);
                            for (int64_t k = 0; k < shape.k; k++) sum += out[k] * filter[c * shape.k + k];
                            in[c] += sum;
                        }
                    }
            }
        if (mask)
            for (int64_t h = 0; h < shape.h; h++)
                for (int64_t i = 0; i < shape.w; i++)
                    for (int64_t c = 0; c < shape.c; c++)
                        if (!(mask.at(n, h, i, c) > T(0))) dx.at(n, h, i, c) = T(0);
    }
}

// dw = sum over images and pixels of x^T dy.
template <class T>
void conv2d_grad_filter(const Conv2dShape& shape, View<const T> x, View<const T> dy, View<T> dw) {
    for (int64_t i = 0; i < shape.filter().size(); i++) dw.data[i] = T(0);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t p = 0; p < shape.p(); p++)
            for (int64_t q = 0; q < shape.q(); q++) {
                const T* out = dy.pixel(n, p, q);
                const int64_t h = p * shape.stride_y - shape.pad_top, w_first = q * shape.stride_x - shape.pad_left;
                const TapRange rows(h, shape.r, shape.h), columns(w_first, shape.s, shape.w);
                for (int64_t r = rows.begin; r < rows.end; r++)
                    for (int64_t s = columns.begin; s < columns.end; s++) {
                        const T* in = x.pixel(n, h + r, w_first + s);
                        T* filter = dw.data + (r * shape.s + s) * shape.c * shape.k;
                        for (int64_t c = 0; c < shape.c; c++)
                            for (int64_t k = 0; k < shape.k; k++) filter[c * shape.k + k] += in[c] * out[k];
                    }
            }
}

// One element of conv(x, w), without bias: for samples of layers that are too large to compute whole.
template <class T>
T conv2d_forward_at(const Conv2dShape& shape, View<const T> x, View<const T> w, int64_t n, int64_t p, int64_t q,
                    int64_t k) {
    const int64_t h = p * shape.stride_y - shape.pad_top, w_first = q * shape.stride_x - shape.pad_left;
    const TapRange rows(h, shape.r, shape.h), columns(w_first, shape.s, shape.w);
    T sum = T(0);
    for (int64_t r = rows.begin; r < rows.end; r++)
        for (int64_t s = columns.begin; s < columns.end; s++)
            for (int64_t c = 0; c < shape.c; c++)
                sum += x.at(n, h + r, w_first + s, c) * w.data[((r * shape.s + s) * shape.c + c) * shape.k + k];
    return sum;
}

// One element of conv^T(dy, w), without add and mask.
template <class T>
T conv2d_grad_input_at(const Conv2dShape& shape, View<const T> dy, View<const T> w, int64_t n, int64_t h, int64_t i,
                       int64_t c) {
    T sum = T(0);
    for (int64_t r = 0; r < shape.r; r++)
        for (int64_t s = 0; s < shape.s; s++) {
            const int64_t y = h + shape.pad_top - r, x = i + shape.pad_left - s;
            if (y < 0 || x < 0 || y % shape.stride_y != 0 || x % shape.stride_x != 0) continue;
            const int64_t p = y / shape.stride_y, q = x / shape.stride_x;
            if (p >= shape.p() || q >= shape.q()) continue;
            for (int64_t k = 0; k < shape.k; k++)
                sum += dy.at(n, p, q, k) * w.data[((r * shape.s + s) * shape.c + c) * shape.k + k];
        }
    return sum;
}

// One element of the filter gradient.
template <class T>
T conv2d_grad_filter_at(const Conv2dShape& shape, View<const T> x, View<const T> dy, int64_t r, int64_t s, int64_t c,
                        int64_t k) {
    T sum = T(0);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t p = 0; p < shape.p(); p++)
            for (int64_t q = 0; q < shape.q(); q++) {
                const int64_t h = p * shape.stride_y - shape.pad_top + r, i = q * shape.stride_x - shape.pad_left + s;
                if (h < 0 || h >= shape.h || i < 0 || i >= shape.w) continue;
                sum += x.at(n, h, i, c) * dy.at(n, p, q, k);
            }
    return sum;
}

}  // namespace limpid::oracle
