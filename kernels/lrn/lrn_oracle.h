// Local response normalisation and its gradient as plain loops over any number type: what every other version is
// compared with.
#pragma once

#include <cmath>

#include "kernels/lrn/lrn.h"

namespace limpid::oracle {

// d[c] of one pixel.
template <class T>
T lrn_denominator(const LrnParameters& p, const T* x, int64_t channels, int64_t c) {
    T sum = 0;
    for (int64_t j = 0; j < channels; j++)
        if (std::abs(j - c) <= p.radius) sum += x[j] * x[j];
    return T(p.bias) + T(p.alpha) * sum;
}

template <class T>
HostArray<T> lrn(const LrnParameters& p, View<const T> x) {
    HostArray<T> y(x.shape);
    const int64_t channels = x.shape.c;
    for (int64_t i = 0; i < x.shape.pixels(); i++) {
        const T* from = x.data + i * x.pitch;
        for (int64_t c = 0; c < channels; c++)
            y.values[size_t(i * channels + c)] = from[c] * std::pow(lrn_denominator(p, from, channels, c), -T(p.beta));
    }
    return y;
}

template <class T>
HostArray<T> lrn_grad_input(const LrnParameters& p, View<const T> x, View<const T> dy, View<const T> mask) {
    HostArray<T> dx(x.shape);
    const int64_t channels = x.shape.c;
    std::vector<T> d(static_cast<size_t>(channels));
    for (int64_t i = 0; i < x.shape.pixels(); i++) {
        const T *from = x.data + i * x.pitch, *up = dy.data + i * dy.pitch;
        for (int64_t c = 0; c < channels; c++) d[size_t(c)] = lrn_denominator(p, from, channels, c);
        for (int64_t k = 0; k < channels; k++) {
            T sum = 0;
            for (int64_t c = 0; c < channels; c++)
                if (std::abs(c - k) <= p.radius)
                    sum += up[c] * from[c] * std::pow(d[size_t(c)], -T(p.beta)) / d[size_t(c)];
            T value = up[k] * std::pow(d[size_t(k)], -T(p.beta)) - 2 * T(p.alpha) * T(p.beta) * from[k] * sum;
            if (mask && !(mask.data[i * mask.pitch + k] > 0)) value = 0;
            dx.values[size_t(i * channels + k)] = value;
        }
    }
    return dx;
}

}  // namespace limpid::oracle
