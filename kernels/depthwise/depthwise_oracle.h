// The formulas of depthwise.h as plain loops over any number type: what every other version is compared with.
#pragma once

#include "kernels/depthwise/depthwise.h"

namespace limpid::oracle {

// Calls body(n, p, q, r, s, h, w) for every product of the sums that lies inside the image.
template <class Body>
void for_depthwise_taps(const DepthwiseShape& shape, Body&& body) {
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t p = 0; p < shape.p(); p++)
            for (int64_t q = 0; q < shape.q(); q++)
                for (int64_t r = 0; r < shape.r; r++)
                    for (int64_t s = 0; s < shape.s; s++) {
                        const int64_t h = p * shape.stride_y + r * shape.dilation_y - shape.pad_top;
                        const int64_t w = q * shape.stride_x + s * shape.dilation_x - shape.pad_left;
                        if (h >= 0 && h < shape.h && w >= 0 && w < shape.w) body(n, p, q, r, s, h, w);
                    }
}

template <class T>
HostArray<T> depthwise_forward(const DepthwiseShape& shape, View<const T> x, View<const T> filter) {
    HostArray<T> y(shape.output());
    for_depthwise_taps(shape, [&](int64_t n, int64_t p, int64_t q, int64_t r, int64_t s, int64_t h, int64_t w) {
        for (int64_t c = 0; c < shape.c; c++)
            for (int64_t j = 0; j < shape.m; j++)
                y.at(n, p, q, c * shape.m + j) += x.at(n, h, w, c) * filter.at(r, s, c, j);
    });
    return y;
}

template <class T>
HostArray<T> depthwise_grad_input(const DepthwiseShape& shape, View<const T> dy, View<const T> filter) {
    HostArray<T> dx(shape.input());
    for_depthwise_taps(shape, [&](int64_t n, int64_t p, int64_t q, int64_t r, int64_t s, int64_t h, int64_t w) {
        for (int64_t c = 0; c < shape.c; c++)
            for (int64_t j = 0; j < shape.m; j++)
                dx.at(n, h, w, c) += dy.at(n, p, q, c * shape.m + j) * filter.at(r, s, c, j);
    });
    return dx;
}

template <class T>
HostArray<T> depthwise_grad_filter(const DepthwiseShape& shape, View<const T> x, View<const T> dy) {
    HostArray<T> dw(shape.filter());
    for_depthwise_taps(shape, [&](int64_t n, int64_t p, int64_t q, int64_t r, int64_t s, int64_t h, int64_t w) {
        for (int64_t c = 0; c < shape.c; c++)
            for (int64_t j = 0; j < shape.m; j++)
                dw.at(r, s, c, j) += x.at(n, h, w, c) * dy.at(n, p, q, c * shape.m + j);
    });
    return dw;
}

}  // namespace limpid::oracle
