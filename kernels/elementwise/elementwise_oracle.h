// The formulas of elementwise.h in double, with plain loops.
//
// What NaN does follows from the comparisons as written there: relu, relu6, clip, abs, sign, max and min give NaN when
// an argument is NaN; step, greater and the gates (relu_grad, relu6_grad) take a NaN condition as false and give 0;
// pass_* let g through; select takes b.
#pragma once

#include <cmath>

#include "kernels/elementwise/elementwise.h"

namespace limpid::oracle {

inline double apply(Unary f, double p, double q, double x) {
    switch (f) {
        case Unary::copy:
            return x;
        case Unary::neg:
            return -x;
        case Unary::abs:
            return std::fabs(x);
        case Unary::sign:
            return x > 0 ? 1 : x < 0 ? -1 : x;
        case Unary::step:
            return x > 0 ? 1 : 0;
        case Unary::square:
            return x * x;
        case Unary::sqrt:
            return std::sqrt(x);
        case Unary::rsqrt:
            return 1 / std::sqrt(x);
        case Unary::reciprocal:
            return 1 / x;
        case Unary::exp:
            return std::exp(x);
        case Unary::log:
            return std::log(x);
        case Unary::sin:
            return std::sin(x);
        case Unary::cos:
            return std::cos(x);
        case Unary::tanh:
            return std::tanh(x);
        case Unary::atan:
            return std::atan(x);
        case Unary::sigmoid:
            return 1 / (1 + std::exp(-x));
        case Unary::relu:
            return x < 0 ? 0 : x;
        case Unary::relu6:
            return x < 0 ? 0 : x > 6 ? 6 : x;
        case Unary::clip: {
            const double raised = x < p ? p : x;
            return raised > q ? q : raised;
        }
        case Unary::affine:
            return p * x + q;
        case Unary::power:
            return std::pow(x, p);
    }
    CHECK(false);
}

inline double apply(Binary f, double a, double b) {
    switch (f) {
        case Binary::add:
            return a + b;
        case Binary::sub:
            return a - b;
        case Binary::mul:
            return a * b;
        case Binary::div:
            return a / b;
        case Binary::max:
            return a > b || std::isnan(a) ? a : b;
        case Binary::min:
            return a < b || std::isnan(a) ? a : b;
        case Binary::greater:
            return a > b ? 1 : 0;
        case Binary::relu_grad:
            return a > 0 ? b : 0;
        case Binary::relu6_grad:
            return a > 0 && a < 6 ? b : 0;
        case Binary::pass_positive:
            return a < 0 ? 0 : b;
        case Binary::pass_redirect:
            return a < 0 && b < 0 ? 0 : b;
        case Binary::sigmoid_grad:
            return b * a * (1 - a);
        case Binary::tanh_grad:
            return b * (1 - a * a);
    }
    CHECK(false);
}

inline double apply(Ternary f, double a, double b, double c) {
    switch (f) {
        case Ternary::select:
            return a > 0 ? b : c;
        case Ternary::multiply_add:
            return a * b + c;
    }
    CHECK(false);
}

// x read at an index of the output's shape: axes of size 1 repeat.
template <class T>
double broadcast_at(View<const T> x, int64_t n, int64_t h, int64_t w, int64_t c) {
    return double(x.at(x.shape.n == 1 ? 0 : n, x.shape.h == 1 ? 0 : h, x.shape.w == 1 ? 0 : w, x.shape.c == 1 ? 0 : c));
}

// y[i] = formula(n, h, w, c) for every element of y.
template <class Formula>
void for_each_element(View<double> y, Formula formula) {
    for (int64_t n = 0; n < y.shape.n; n++)
        for (int64_t h = 0; h < y.shape.h; h++)
            for (int64_t w = 0; w < y.shape.w; w++)
                for (int64_t c = 0; c < y.shape.c; c++) y.at(n, h, w, c) = formula(n, h, w, c);
}

template <class T>
void unary(Unary f, double p, double q, View<const T> x, View<double> y) {
    for_each_element(
        y, [&](int64_t n, int64_t h, int64_t w, int64_t c) { return apply(f, p, q, broadcast_at(x, n, h, w, c)); });
}

template <class T>
void binary(Binary f, View<const T> a, View<const T> b, View<double> y) {
    for_each_element(y, [&](int64_t n, int64_t h, int64_t w, int64_t c) {
        return apply(f, broadcast_at(a, n, h, w, c), broadcast_at(b, n, h, w, c));
    });
}

template <class T>
void ternary(Ternary f, View<const T> a, View<const T> b, View<const T> c, View<double> y) {
    for_each_element(y, [&](int64_t n, int64_t h, int64_t w, int64_t k) {
        return apply(f, broadcast_at(a, n, h, w, k), broadcast_at(b, n, h, w, k), broadcast_at(c, n, h, w, k));
    });
}

}  // namespace limpid::oracle
