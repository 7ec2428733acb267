// The formulas of warp.h in double, with plain loops: every map is a list of (pixel, weight) per output pixel, read by
// the forward function and written by the adjoint. Coordinates of resize are those of TensorFlow, in float; arithmetic
// on values is in double.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/warp/warp.h"

namespace limpid::oracle {

struct Tap {
    int64_t index;
    double weight;
};
struct PixelTap {
    int64_t h, w;
    double weight;
};

// The two source indices of one axis.
inline std::vector<Tap> resize_taps(int64_t dst, int64_t in, int64_t out) {
    const float scale = float(in) / float(out), src = float(dst) * scale;
    const int64_t first = std::min(int64_t(std::floor(src)), in - 1), second = std::min(first + 1, in - 1);
    const double weight = double(src) - double(first);
    return {{first, 1 - weight}, {second, weight}};
}

inline std::vector<PixelTap> resize_taps(int64_t p, int64_t q, const Shape& in, const Shape& out) {
    std::vector<PixelTap> taps;
    for (const Tap& row : resize_taps(p, in.h, out.h))
        for (const Tap& column : resize_taps(q, in.w, out.w))
            taps.push_back({row.index, column.index, row.weight * column.weight});
    return taps;
}

inline std::vector<PixelTap> affine_taps(Interpolation interpolation, const float* m, int64_t p, int64_t q,
                                         const Shape& in) {
    const double u = double(m[0]) * double(q) + (double(m[1]) * double(p) + double(m[2]));
    const double v = double(m[3]) * double(q) + (double(m[4]) * double(p) + double(m[5]));
    std::vector<PixelTap> taps;
    // Compares as doubles first: a coordinate may be NaN or beyond every integer.
    const auto add = [&](double row, double column, double weight) {
        if (row >= 0 && row <= double(in.h - 1) && column >= 0 && column <= double(in.w - 1))
            taps.push_back({int64_t(row), int64_t(column), weight});
    };
    if (interpolation == Interpolation::nearest) {
        add(std::round(v), std::round(u), 1);
    } else {
        const double row = std::floor(v), column = std::floor(u), below = v - row, right = u - column;
        add(row, column, (1 - below) * (1 - right));
        add(row, column + 1, (1 - below) * right);
        add(row + 1, column, below * (1 - right));
        add(row + 1, column + 1, below * right);
    }
    return taps;
}

// y = A x and dx = A^T dy, where taps(n, p, q) lists the row of A for an output pixel.
template <class Taps>
void gather(Taps taps, View<const double> x, View<double> y) {
    for (int64_t n = 0; n < y.shape.n; n++)
        for (int64_t p = 0; p < y.shape.h; p++)
            for (int64_t q = 0; q < y.shape.w; q++)
                for (int64_t c = 0; c < y.shape.c; c++) {
                    double sum = 0;
                    for (const PixelTap& tap : taps(n, p, q)) sum += tap.weight * x.at(n, tap.h, tap.w, c);
                    y.at(n, p, q, c) = sum;
                }
}
template <class Taps>
void scatter(Taps taps, View<const double> dy, View<double> dx) {
    for (int64_t i = 0; i < dx.shape.size(); i++) dx.data[i] = 0;  // dense
    for (int64_t n = 0; n < dy.shape.n; n++)
        for (int64_t p = 0; p < dy.shape.h; p++)
            for (int64_t q = 0; q < dy.shape.w; q++)
                for (const PixelTap& tap : taps(n, p, q))
                    for (int64_t c = 0; c < dy.shape.c; c++)
                        dx.at(n, tap.h, tap.w, c) += tap.weight * dy.at(n, p, q, c);
}

inline void resize(View<const double> x, View<double> y) {
    gather([&](int64_t, int64_t p, int64_t q) { return resize_taps(p, q, x.shape, y.shape); }, x, y);
}
inline void resize_grad(View<const double> dy, View<double> dx) {
    scatter([&](int64_t, int64_t p, int64_t q) { return resize_taps(p, q, dx.shape, dy.shape); }, dy, dx);
}

inline const float* matrix_of(ConstView matrix, int64_t n) { return matrix.pixel(matrix.shape.n == 1 ? 0 : n, 0, 0); }

inline void affine(Interpolation interpolation, View<const double> x, ConstView matrix, View<double> y) {
    gather([&](int64_t n, int64_t p,
               int64_t q) { return affine_taps(interpolation, matrix_of(matrix, n), p, q, x.shape); },
           x, y);
}
inline void affine_grad(Interpolation interpolation, View<const double> dy, ConstView matrix, View<double> dx) {
    scatter([&](int64_t n, int64_t p,
                int64_t q) { return affine_taps(interpolation, matrix_of(matrix, n), p, q, dx.shape); },
            dy, dx);
}

inline void mix(View<const double> x, const PixelMixView& mixture, View<double> y) {
    const auto index = [](ConstView view, int64_t i) { return int64_t(view.data[i]); };
    for (int64_t n = 0; n < y.shape.n; n++)
        for (int64_t i = 0; i < y.shape.h * y.shape.w; i++)
            for (int64_t c = 0; c < y.shape.c; c++) {
                double sum = 0;
                for (int64_t k = index(mixture.first, i); k < index(mixture.first, i + 1); k++)
                    sum += double(mixture.weight.data[k]) * x.at(n, 0, index(mixture.pixel, k), c);
                y.at(n, 0, i, c) = sum;
            }
}

}  // namespace limpid::oracle
