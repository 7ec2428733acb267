// Functions of one, two or three numbers, applied element by element with broadcasting.
//
// Broadcasting: along each axis an input has the size of the output or 1. Views may be pitched. The output may be the
// same memory as an input of the output's shape. Functions marked * take the scalars p and q.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

enum class Unary {
    copy,
    neg,
    abs,
    sign,  // -1, 0, 1
    step,  // x > 0 ? 1 : 0
    square,
    sqrt,
    rsqrt,
    reciprocal,
    exp,
    log,
    sin,
    cos,
    tanh,
    atan,
    sigmoid,  // 1 / (1 + exp(-x)), stable at both ends
    relu,     // max(x, 0); NaN stays NaN
    relu6,    // min(max(x, 0), 6)
    clip,     // * min(max(x, p), q)
    affine,   // * p*x + q
    power,    // * x^p, x >= 0
};
enum class Binary {
    add,
    sub,
    mul,
    div,
    max,
    min,
    greater,        // a > b ? 1 : 0
    relu_grad,      // (y, dy) -> y > 0 ? dy : 0
    relu6_grad,     // (y, dy) -> 0 < y < 6 ? dy : 0
    pass_positive,  // (x, g) -> x < 0 ? 0 : g: the plain ReLU gradient of Lucid's override, which passes at 0
    pass_redirect,  // (x, g) -> x < 0 && g < 0 ? 0 : g: g is the gradient of a *maximised* score; see
                    // redirected_relu_grad.py in Lucid
    sigmoid_grad,   // (y, dy) -> dy * y * (1 - y)
    tanh_grad,      // (y, dy) -> dy * (1 - y*y)
};
enum class Ternary {
    select,        // (s, a, b) -> s > 0 ? a : b
    multiply_add,  // (a, b, c) -> a*b + c
};
inline constexpr int kUnaryCount = 21, kBinaryCount = 13, kTernaryCount = 2;

const char* name(Unary);
const char* name(Binary);
const char* name(Ternary);

// CHECKs that along each axis x has the size of y or 1.
void check_broadcast(const Shape& x, const Shape& y);

struct ElementwiseKernels {
    void (*unary)(Stream&, Unary, float p, float q, ConstView x, MutView y) = nullptr;
    void (*binary)(Stream&, Binary, ConstView a, ConstView b, MutView y) = nullptr;
    void (*ternary)(Stream&, Ternary, ConstView a, ConstView b, ConstView c, MutView y) = nullptr;
};

}  // namespace limpid
