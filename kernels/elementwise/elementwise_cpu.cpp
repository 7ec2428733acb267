// Elementwise functions on the CPU: one vector expression each, carried over all elements by strided_walk.h.
#include <math.h>

#include <utility>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/strided_walk.h"
#include "kernels/elementary.h"
#include "kernels/elementwise/elementwise.h"

namespace limpid::CPU_NS {

namespace {

// For functions that are too rare to deserve a polynomial: the C library's, lane by lane.
template <class Function>
Floats each_lane(Floats x, Function function) {
    float lanes[kLanes];
    store(lanes, x);
    for (int i = 0; i < kLanes; i++) lanes[i] = function(lanes[i]);
    return load(lanes);
}

// A function without its branch here does not compile.
template <auto f>
[[maybe_unused]] inline constexpr bool kMissing = false;

// Written so that a NaN argument takes the branch which elementwise_oracle.h states.
template <Unary f>
Floats apply(Floats p, Floats q, Floats x) {
    const Floats zero = {}, one = broadcast(1.0f), six = broadcast(6.0f);
    if constexpr (f == Unary::copy)
        return x;
    else if constexpr (f == Unary::neg)
        return -x;
    else if constexpr (f == Unary::abs)
        return abs(x);
    else if constexpr (f == Unary::sign)
        return x > 0.0f ? one : x < 0.0f ? -one : x;
    else if constexpr (f == Unary::step)
        return x > 0.0f ? one : zero;
    else if constexpr (f == Unary::square)
        return x * x;
    else if constexpr (f == Unary::sqrt)
        return sqrt(x);
    else if constexpr (f == Unary::rsqrt)
        return 1.0f / sqrt(x);
    else if constexpr (f == Unary::reciprocal)
        return 1.0f / x;
    else if constexpr (f == Unary::exp)
        return exp(x);
    else if constexpr (f == Unary::log)
        return log(x);
    else if constexpr (f == Unary::sin)
        return each_lane(x, [](float lane) { return elementary::sin(lane); });
    else if constexpr (f == Unary::cos)
        return each_lane(x, [](float lane) { return elementary::cos(lane); });
    else if constexpr (f == Unary::tanh)
        return tanh(x);
    else if constexpr (f == Unary::atan)
        return atan(x);
    else if constexpr (f == Unary::sigmoid)
        return sigmoid(x);
    else if constexpr (f == Unary::relu)
        return x < 0.0f ? zero : x;
    else if constexpr (f == Unary::relu6)
        return x < 0.0f ? zero : x > 6.0f ? six : x;
    else if constexpr (f == Unary::clip) {
        const Floats raised = x < p ? p : x;
        return raised > q ? q : raised;
    } else if constexpr (f == Unary::affine)
        return p * x + q;
    else if constexpr (f == Unary::power)
        return each_lane(x, [exponent = p[0]](float lane) { return elementary::pow(lane, exponent); });
    else
        static_assert(kMissing<f>);
}

template <Binary f>
Floats apply(Floats a, Floats b) {
    const Floats zero = {}, one = broadcast(1.0f);
    if constexpr (f == Binary::add)
        return a + b;
    else if constexpr (f == Binary::sub)
        return a - b;
    else if constexpr (f == Binary::mul)
        return a * b;
    else if constexpr (f == Binary::div)
        return a / b;
    else if constexpr (f == Binary::max)
        return ((a > b) | (a != a)) ? a : b;
    else if constexpr (f == Binary::min)
        return ((a < b) | (a != a)) ? a : b;
    else if constexpr (f == Binary::greater)
        return a > b ? one : zero;
    else if constexpr (f == Binary::relu_grad)
        return a > 0.0f ? b : zero;
    else if constexpr (f == Binary::relu6_grad)
        return ((a > 0.0f) & (a < 6.0f)) ? b : zero;
    else if constexpr (f == Binary::pass_positive)
        return a < 0.0f ? zero : b;
    else if constexpr (f == Binary::pass_redirect)
        return ((a < 0.0f) & (b < 0.0f)) ? zero : b;
    else if constexpr (f == Binary::sigmoid_grad)
        return b * a * (1.0f - a);
    else if constexpr (f == Binary::tanh_grad)
        return b * (1.0f - a * a);
    else
        static_assert(kMissing<f>);
}

template <Ternary f>
Floats apply(Floats a, Floats b, Floats c) {
    if constexpr (f == Ternary::select)
        return a > 0.0f ? b : c;
    else if constexpr (f == Ternary::multiply_add)
        return a * b + c;
    else
        static_assert(kMissing<f>);
}

// expression(v0, v1, v2) over a piece. `expression` is the same for full vectors and for the tail: an element's bits do
// not depend on where it lies.
template <int inputs, class Expression>
inline void each_vector(const float* const* in, const bool* repeats, float* y, int64_t count, Expression expression) {
    Floats fixed[kMostInputs] = {};
    bool all_vary = true;
    for (int k = 0; k < inputs; k++) {
        if (repeats[k]) fixed[k] = broadcast(in[k][0]);
        all_vary = all_vary && !repeats[k];
    }
    const auto input = [&](int k, int64_t i) { return k >= inputs || repeats[k] ? fixed[k] : load(in[k] + i); };
    const auto first = [&](int k, int64_t i) {
        return k >= inputs || repeats[k] ? fixed[k] : load_first(in[k] + i, count - i);
    };
    int64_t i = 0;
    if (all_vary) {
        for (; i + kLanes <= count; i += kLanes)
            store(y + i, expression(load(in[0] + i), inputs > 1 ? load(in[1] + i) : Floats{},
                                    inputs > 2 ? load(in[2] + i) : Floats{}));
    } else {
        for (; i + kLanes <= count; i += kLanes) store(y + i, expression(input(0, i), input(1, i), input(2, i)));
    }
    if (i < count) store_first(y + i, expression(first(0, i), first(1, i), first(2, i)), count - i);
}

template <Unary f>
void unary_piece(const float* scalars, const float* const* in, const bool* repeats, float* y, int64_t count) {
    const Floats p = broadcast(scalars[0]), q = broadcast(scalars[1]);
    each_vector<1>(in, repeats, y, count, [&](Floats x, Floats, Floats) { return apply<f>(p, q, x); });
}
template <Binary f>
void binary_piece(const float*, const float* const* in, const bool* repeats, float* y, int64_t count) {
    each_vector<2>(in, repeats, y, count, [](Floats a, Floats b, Floats) { return apply<f>(a, b); });
}
template <Ternary f>
void ternary_piece(const float*, const float* const* in, const bool* repeats, float* y, int64_t count) {
    each_vector<3>(in, repeats, y, count, [](Floats a, Floats b, Floats c) { return apply<f>(a, b, c); });
}

template <int count>
struct PieceTable {
    Piece pieces[count];
};
template <int... i>
constexpr PieceTable<sizeof...(i)> unary_table(std::integer_sequence<int, i...>) {
    return {{unary_piece<Unary(i)>...}};
}
template <int... i>
constexpr PieceTable<sizeof...(i)> binary_table(std::integer_sequence<int, i...>) {
    return {{binary_piece<Binary(i)>...}};
}
template <int... i>
constexpr PieceTable<sizeof...(i)> ternary_table(std::integer_sequence<int, i...>) {
    return {{ternary_piece<Ternary(i)>...}};
}
constexpr auto kUnary = unary_table(std::make_integer_sequence<int, kUnaryCount>());
constexpr auto kBinary = binary_table(std::make_integer_sequence<int, kBinaryCount>());
constexpr auto kTernary = ternary_table(std::make_integer_sequence<int, kTernaryCount>());

template <int count>
void broadcast_walk(Stream& stream, Piece piece, const float* scalars, const ConstView (&inputs)[count],
                    const MutView& y) {
    Strided<const float> arrays[count];
    for (int k = 0; k < count; k++) {
        check_broadcast(inputs[k].shape, y.shape);
        arrays[k] = strided(inputs[k]);
    }
    walk(stream.threads(), piece, scalars, y.shape, arrays, count, strided(y));
}

void unary(Stream& stream, Unary f, float p, float q, ConstView x, MutView y) {
    const float scalars[] = {p, q};
    broadcast_walk(stream, kUnary.pieces[int(f)], scalars, {x}, y);
}

void binary(Stream& stream, Binary f, ConstView a, ConstView b, MutView y) {
    broadcast_walk(stream, kBinary.pieces[int(f)], nullptr, {a, b}, y);
}

void ternary(Stream& stream, Ternary f, ConstView a, ConstView b, ConstView c, MutView y) {
    broadcast_walk(stream, kTernary.pieces[int(f)], nullptr, {a, b, c}, y);
}

}  // namespace

extern constinit const ElementwiseKernels elementwise_kernels{.unary = unary, .binary = binary, .ternary = ternary};

}  // namespace limpid::CPU_NS
