// Elementwise functions on a GPU: a functor each, carried over all elements by strided_walk.h. These kernels are as
// fast as memory: each reads its inputs once and writes its output once.
#include <array>
#include <utility>

#include "kernels/device/launch.h"
#include "kernels/device/sine_cosine.h"
#include "kernels/device/strided_walk.h"
#include "kernels/elementwise/elementwise.h"

namespace limpid::DEVICE_NS {

void install(ElementwiseKernels&);

// Enough warps to hide memory, and no shared memory or barrier that would ask for more.
inline constexpr int kMapThreads = 256;

// A function without its branch here does not compile.
template <auto f>
inline constexpr bool kMissing = false;

// Written so that a NaN argument takes the branch which elementwise_oracle.h states.
template <Unary f>
struct UnaryFunction {
    float p, q;

    __device__ __forceinline__ float operator()(float x, float, float) const {
        if constexpr (f == Unary::copy)
            return x;
        else if constexpr (f == Unary::neg)
            return -x;
        else if constexpr (f == Unary::abs)
            return fabsf(x);
        else if constexpr (f == Unary::sign)
            return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
        else if constexpr (f == Unary::step)
            return x > 0.0f ? 1.0f : 0.0f;
        else if constexpr (f == Unary::square)
            return x * x;
        else if constexpr (f == Unary::sqrt)
            return sqrtf(x);
        else if constexpr (f == Unary::rsqrt)
            return 1.0f / sqrtf(x);
        else if constexpr (f == Unary::reciprocal)
            return 1.0f / x;
        else if constexpr (f == Unary::exp)
            return expf(x);
        else if constexpr (f == Unary::log)
            return logf(x);
        else if constexpr (f == Unary::sin)
            return sine(x);
        else if constexpr (f == Unary::cos)
            return cosine(x);
        else if constexpr (f == Unary::tanh)
            return tanhf(x);
        else if constexpr (f == Unary::atan)
            return atanf(x);
        else if constexpr (f == Unary::sigmoid) {
            const float e = expf(-fabsf(x));  // at most 1: neither end overflows
            return (x < 0.0f ? e : 1.0f) / (1.0f + e);
        } else if constexpr (f == Unary::relu)
            return x < 0.0f ? 0.0f : x;
        else if constexpr (f == Unary::relu6)
            return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
        else if constexpr (f == Unary::clip) {
            const float raised = x < p ? p : x;
            return raised > q ? q : raised;
        } else if constexpr (f == Unary::affine)
            return p * x + q;
        else if constexpr (f == Unary::power)
            return powf(x, p);
        else
            static_assert(kMissing<f>);
    }
};

template <Binary f>
struct BinaryFunction {
    __device__ __forceinline__ float operator()(float a, float b, float) const {
        if constexpr (f == Binary::add)
            return a + b;
        else if constexpr (f == Binary::sub)
            return a - b;
        else if constexpr (f == Binary::mul)
            return a * b;
        else if constexpr (f == Binary::div)
            return a / b;
        else if constexpr (f == Binary::max)
            return a > b || a != a ? a : b;
        else if constexpr (f == Binary::min)
            return a < b || a != a ? a : b;
        else if constexpr (f == Binary::greater)
            return a > b ? 1.0f : 0.0f;
        else if constexpr (f == Binary::relu_grad)
            return a > 0.0f ? b : 0.0f;
        else if constexpr (f == Binary::relu6_grad)
            return a > 0.0f && a < 6.0f ? b : 0.0f;
        else if constexpr (f == Binary::pass_positive)
            return a < 0.0f ? 0.0f : b;
        else if constexpr (f == Binary::pass_redirect)
            return a < 0.0f && b < 0.0f ? 0.0f : b;
        else if constexpr (f == Binary::sigmoid_grad)
            return b * a * (1.0f - a);
        else if constexpr (f == Binary::tanh_grad)
            return b * (1.0f - a * a);
        else
            static_assert(kMissing<f>);
    }
};

template <Ternary f>
struct TernaryFunction {
    __device__ __forceinline__ float operator()(float a, float b, float c) const {
        if constexpr (f == Ternary::select)
            return a > 0.0f ? b : c;
        else if constexpr (f == Ternary::multiply_add)
            return a * b + c;
        else
            static_assert(kMissing<f>);
    }
};

template <int kInputs>
struct MapInputs {
    const float* data[kInputs];
};

// y = function(x0, x1, x2). Array kInputs of the walk is y.
template <int kWidth, int kInputs, class Function>
__global__ void __launch_bounds__(kMapThreads)
    elementwise_map(Function function, StridedWalk<kInputs + 1> walk, MapInputs<kInputs> x, float* y) {
    const unsigned index = blockIdx.x * unsigned(kMapThreads) + threadIdx.x;
    if (index >= walk.groups) return;
    const StridedGroup<kInputs + 1> group = walk.template group<kWidth>(index);
    float* to = y + group.offset[kInputs];
    if (kWidth == kVector && group.count == kVector) {
        float4 in[3] = {};
#pragma unroll
        for (int k = 0; k < kInputs; k++) in[k] = load_group(x.data[k] + group.offset[k], walk.stride[k][0]);
        store4(to, make_float4(function(in[0].x, in[1].x, in[2].x), function(in[0].y, in[1].y, in[2].y),
                               function(in[0].z, in[1].z, in[2].z), function(in[0].w, in[1].w, in[2].w)));
        return;
    }
    for (int i = 0; i < group.count; i++) {
        float in[3] = {};
#pragma unroll
        for (int k = 0; k < kInputs; k++) in[k] = x.data[k][group.offset[k] + i * walk.stride[k][0]];
        to[i * walk.stride[kInputs][0]] = function(in[0], in[1], in[2]);
    }
}

namespace {

template <class Function, int kInputs>
void map(Stream& stream, Function function, const ConstView (&inputs)[kInputs], const MutView& y) {
    if (y.shape.size() == 0) return;
    MapInputs<kInputs> x;
    std::array<const float*, kInputs + 1> data;
    Strides strides[kInputs + 1];
    for (int k = 0; k < kInputs; k++) {
        check_broadcast(inputs[k].shape, y.shape);
        x.data[k] = data[size_t(k)] = inputs[k].data;
        strides[k] = broadcast_strides_of(inputs[k]);
    }
    strides[kInputs] = strides_of(y);
    data[kInputs] = y.data;
    StridedWalk<kInputs + 1> walk(y.shape, strides);
    walk.widen(data);
    const auto kernel =
        walk.width == 1 ? elementwise_map<1, kInputs, Function> : elementwise_map<kVector, kInputs, Function>;
    launch(stream, kernel, unsigned(divide_up(walk.groups, kMapThreads)), kMapThreads, 0, function, walk, x, y.data);
}

// One entry per function, in the order of the enumerations.
using UnaryMap = void (*)(Stream&, float p, float q, const ConstView& x, const MutView& y);
template <int... i>
constexpr auto unary_table(std::integer_sequence<int, i...>) {
    return std::array<UnaryMap, sizeof...(i)>{
        [](Stream& stream, float p, float q, const ConstView& x, const MutView& y) {
            map(stream, UnaryFunction<Unary(i)>{p, q}, {x}, y);
        }...};
}
using BinaryMap = void (*)(Stream&, const ConstView& a, const ConstView& b, const MutView& y);
template <int... i>
constexpr auto binary_table(std::integer_sequence<int, i...>) {
    return std::array<BinaryMap, sizeof...(i)>{
        [](Stream& stream, const ConstView& a, const ConstView& b, const MutView& y) {
            map(stream, BinaryFunction<Binary(i)>{}, {a, b}, y);
        }...};
}
constexpr auto kUnary = unary_table(std::make_integer_sequence<int, kUnaryCount>());
constexpr auto kBinary = binary_table(std::make_integer_sequence<int, kBinaryCount>());

void unary(Stream& stream, Unary f, float p, float q, ConstView x, MutView y) { kUnary[size_t(f)](stream, p, q, x, y); }

void binary(Stream& stream, Binary f, ConstView a, ConstView b, MutView y) { kBinary[size_t(f)](stream, a, b, y); }

void ternary(Stream& stream, Ternary f, ConstView a, ConstView b, ConstView c, MutView y) {
    switch (f) {
        case Ternary::select:
            return map(stream, TernaryFunction<Ternary::select>{}, {a, b, c}, y);
        case Ternary::multiply_add:
            return map(stream, TernaryFunction<Ternary::multiply_add>{}, {a, b, c}, y);
    }
}

}  // namespace

void install(ElementwiseKernels& table) {
    table.unary = unary;
    table.binary = binary;
    table.ternary = ternary;
}

}  // namespace limpid::DEVICE_NS
