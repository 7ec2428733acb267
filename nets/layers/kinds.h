// The rows of the table of kinds: each is defined in its file.
#pragma once

#include "nets/layers/kind.h"

namespace limpid::kinds {

extern const LayerKind image, grey, normalise;                           // image.cpp
extern const LayerKind conv, dense;                                      // linear.cpp
extern const LayerKind max_pool, average_pool, reduce;                   // pool.cpp
extern const LayerKind lrn, softmax, log_softmax, concatenation, alias;  // channels.cpp
// activation.cpp
extern const LayerKind relu, relu6, clip, leaky_relu, elu, sigmoid, tanh, silu, hard_sigmoid, hard_swish, softplus, abs,
    neg, square, sqrt, exp, log, reciprocal, power, affine;
extern const LayerKind add, sub, mul, div, max, min, batch_norm, prelu, constant;  // arithmetic.cpp
extern const LayerKind slice, pad, rearrange;                                      // movement.cpp

}  // namespace limpid::kinds
