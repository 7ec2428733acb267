// The double sum of spectral.h and its adjoint in double, with plain loops: the definition, O((h*w)^2), for small
// images; and the same sums axis by axis, for images of real sizes (the test compares the two).
#pragma once

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "kernels/spectral/spectral.h"

namespace limpid::oracle {

// body(v, u, y, x, k_u/(h*W), t) for every pair of a frequency and a pixel.
template <class Body>
void for_each_term(const SpectralShape& shape, Body body) {
    const int64_t full = shape.full_width(), nyquist = full / 2;
    for (int64_t v = 0; v < shape.h; v++)
        for (int64_t u = 0; u < shape.frequencies(); u++)
            for (int64_t y = 0; y < shape.h; y++)
                for (int64_t x = 0; x < shape.w; x++) {
                    const double turns =
                        double(v * y % shape.h) / double(shape.h) + double(u * x % full) / double(full);
                    const double k = (u == 0 || u == nyquist ? 1.0 : 2.0) / double(shape.h * full);
                    body(v, u, y, x, k, 2 * std::numbers::pi * turns);
                }
}

inline void spectral_inverse(const SpectralShape& shape, View<const double> spectrum, View<const double> scale,
                             View<double> image) {
    for (int64_t i = 0; i < image.shape.size(); i++) image.data[i] = 0;  // dense
    for_each_term(shape, [&](int64_t v, int64_t u, int64_t y, int64_t x, double k, double t) {
        const double factor = double(shape.gain) * k * scale.at(0, v, u, 0);
        for (int64_t n = 0; n < shape.n; n++)
            for (int64_t c = 0; c < shape.c; c++)
                image.at(n, y, x, c) += factor * (spectrum.at(n, v, u, 2 * c) * std::cos(t) -
                                                  spectrum.at(n, v, u, 2 * c + 1) * std::sin(t));
    });
}

inline void spectral_inverse_grad(const SpectralShape& shape, View<const double> dimage, View<const double> scale,
                                  View<double> dspectrum) {
    for (int64_t i = 0; i < dspectrum.shape.size(); i++) dspectrum.data[i] = 0;
    for_each_term(shape, [&](int64_t v, int64_t u, int64_t y, int64_t x, double k, double t) {
        const double factor = double(shape.gain) * k * scale.at(0, v, u, 0);
        for (int64_t n = 0; n < shape.n; n++)
            for (int64_t c = 0; c < shape.c; c++) {
                dspectrum.at(n, v, u, 2 * c) += factor * dimage.at(n, y, x, c) * std::cos(t);
                dspectrum.at(n, v, u, 2 * c + 1) -= factor * dimage.at(n, y, x, c) * std::sin(t);
            }
    });
}

// e^(2*pi*i*k/n)
inline std::complex<double> unit_root(int64_t k, int64_t n) {
    return std::polar(1.0, 2 * std::numbers::pi * double(k % n) / double(n));
}
inline std::vector<std::complex<double>> unit_roots(int64_t n) {
    std::vector<std::complex<double>> roots;
    for (int64_t k = 0; k < n; k++) roots.push_back(unit_root(k, n));
    return roots;
}

// k_u * gain / (h*W)
inline double spectral_factor(const SpectralShape& shape, int64_t u) {
    return (u == 0 || u == shape.full_width() / 2 ? 1.0 : 2.0) * double(shape.gain) /
           double(shape.h * shape.full_width());
}

inline void spectral_inverse_by_axes(const SpectralShape& shape, View<const double> spectrum, View<const double> scale,
                                     View<double> image) {
    const int64_t h = shape.h, full = shape.full_width(), f = shape.frequencies();
    const auto roots_h = unit_roots(h), roots_w = unit_roots(full);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = 0; c < shape.c; c++)
            for (int64_t y = 0; y < h; y++) {
                std::vector<std::complex<double>> row(static_cast<size_t>(f));
                for (int64_t u = 0; u < f; u++)
                    for (int64_t v = 0; v < h; v++)
                        row[size_t(u)] +=
                            scale.at(0, v, u, 0) * roots_h[size_t(v * y % h)] *
                            std::complex<double>(spectrum.at(n, v, u, 2 * c), spectrum.at(n, v, u, 2 * c + 1));
                for (int64_t x = 0; x < shape.w; x++) {
                    double sum = 0;
                    for (int64_t u = 0; u < f; u++)
                        sum += spectral_factor(shape, u) * (row[size_t(u)] * roots_w[size_t(u * x % full)]).real();
                    image.at(n, y, x, c) = sum;
                }
            }
}

inline void spectral_inverse_grad_by_axes(const SpectralShape& shape, View<const double> dimage,
                                          View<const double> scale, View<double> dspectrum) {
    const int64_t h = shape.h, full = shape.full_width(), f = shape.frequencies();
    const auto roots_h = unit_roots(h), roots_w = unit_roots(full);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = 0; c < shape.c; c++)
            for (int64_t u = 0; u < f; u++) {
                std::vector<std::complex<double>> column(static_cast<size_t>(h));
                for (int64_t y = 0; y < h; y++)
                    for (int64_t x = 0; x < shape.w; x++)
                        column[size_t(y)] += dimage.at(n, y, x, c) * std::conj(roots_w[size_t(u * x % full)]);
                for (int64_t v = 0; v < h; v++) {
                    std::complex<double> sum = 0;
                    for (int64_t y = 0; y < h; y++) sum += column[size_t(y)] * std::conj(roots_h[size_t(v * y % h)]);
                    sum *= spectral_factor(shape, u) * scale.at(0, v, u, 0);
                    dspectrum.at(n, v, u, 2 * c) = sum.real();
                    dspectrum.at(n, v, u, 2 * c + 1) = sum.imag();
                }
            }
}

}  // namespace limpid::oracle
