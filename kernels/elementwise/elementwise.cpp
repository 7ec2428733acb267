// The names of the elementwise functions, as graphs print them, and the rule of broadcasting.
#include "kernels/elementwise/elementwise.h"

#include <iterator>

namespace limpid {

namespace {

// In the order of the enumerations.
constexpr const char* kUnaryNames[] = {"copy",  "neg",        "abs",  "sign",  "step", "square", "sqrt",
                                       "rsqrt", "reciprocal", "exp",  "log",   "sin",  "cos",    "tanh",
                                       "atan",  "sigmoid",    "relu", "relu6", "clip", "affine", "power"};
constexpr const char* kBinaryNames[] = {"add",           "sub",          "mul",       "div",        "max",
                                        "min",           "greater",      "relu_grad", "relu6_grad", "pass_positive",
                                        "pass_redirect", "sigmoid_grad", "tanh_grad"};
constexpr const char* kTernaryNames[] = {"select", "multiply_add"};

static_assert(std::size(kUnaryNames) == kUnaryCount && int(Unary::power) == kUnaryCount - 1);
static_assert(std::size(kBinaryNames) == kBinaryCount && int(Binary::tanh_grad) == kBinaryCount - 1);
static_assert(std::size(kTernaryNames) == kTernaryCount && int(Ternary::multiply_add) == kTernaryCount - 1);

}  // namespace

const char* name(Unary f) { return kUnaryNames[int(f)]; }
const char* name(Binary f) { return kBinaryNames[int(f)]; }
const char* name(Ternary f) { return kTernaryNames[int(f)]; }

void check_broadcast(const Shape& x, const Shape& y) {
    for (int axis = 0; axis < 4; axis++)
        CHECK(x[axis] == y[axis] || x[axis] == 1, "input ", x, " does not broadcast to ", y);
}

}  // namespace limpid
