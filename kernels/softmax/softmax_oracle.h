// Softmax and log-sum-exp over channels as plain loops over any number type: what every other version is compared with.
#pragma once

#include <cmath>

#include "kernels/softmax/softmax.h"

namespace limpid::oracle {

// The largest channel of a pixel (NaN if there is one) and sum_j exp(x[j] - largest).
template <class T>
struct Exponentials {
    T largest, sum = 0;

    Exponentials(const T* x, int64_t channels) : largest(x[0]) {
        for (int64_t c = 1; c < channels; c++)
            if (x[c] > largest || x[c] != x[c]) largest = x[c];
        for (int64_t c = 0; c < channels; c++) sum += std::exp(x[c] - largest);
    }
};

template <class T>
HostArray<T> log_sum_exp(View<const T> x) {
    const Shape& s = x.shape;
    HostArray<T> y({s.n, s.h, s.w, 1});
    for (int64_t i = 0; i < s.pixels(); i++) {
        const Exponentials<T> e(x.data + i * x.pitch, s.c);
        y.values[size_t(i)] = e.largest + std::log(e.sum);
    }
    return y;
}

template <class T>
HostArray<T> softmax(View<const T> x) {
    HostArray<T> y(x.shape);
    const int64_t channels = x.shape.c;
    for (int64_t i = 0; i < x.shape.pixels(); i++) {
        const T* from = x.data + i * x.pitch;
        const Exponentials<T> e(from, channels);
        for (int64_t c = 0; c < channels; c++)
            y.values[size_t(i * channels + c)] = std::exp(from[c] - e.largest) / e.sum;
    }
    return y;
}

template <class T>
HostArray<T> softmax_grad_input(View<const T> y, View<const T> dy) {
    HostArray<T> dx(y.shape);
    const int64_t channels = y.shape.c;
    for (int64_t i = 0; i < y.shape.pixels(); i++) {
        const T *p = y.data + i * y.pitch, *up = dy.data + i * dy.pitch;
        T dot = 0;
        for (int64_t c = 0; c < channels; c++) dot += up[c] * p[c];
        for (int64_t c = 0; c < channels; c++) dx.values[size_t(i * channels + c)] = p[c] * (up[c] - dot);
    }
    return dx;
}

}  // namespace limpid::oracle
