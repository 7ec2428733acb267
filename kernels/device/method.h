// The ways in which convolutions and matrix products can be computed on a GPU, from the simplest to the fastest: a
// staircase on which each step adds one idea. Every step is complete, so that tests and benchmarks can call it.
#pragma once

#include <string_view>
#include <type_traits>

#include "kernels/error.h"
#include "kernels/stream.h"

namespace limpid::DEVICE_NS {

enum class Method {
    direct,     // one thread per output, no reuse
    tiled,      // tiles in shared memory, 128-bit loads
    pipelined,  // the next tiles are copied while these are multiplied
    tf32x3,     // tensor cores, operands split in two: about the accuracy of fp32; an infinity becomes NaN
    tf32,       // tensor cores, operands rounded to TF32
};
inline constexpr Method kMethods[] = {Method::direct, Method::tiled, Method::pipelined, Method::tf32x3, Method::tf32};

inline std::string_view to_string(Method method) {
    constexpr std::string_view kNames[] = {"direct", "tiled", "pipelined", "tf32x3", "tf32"};
    return kNames[int(method)];
}

// The fastest that keeps the promised precision.
inline Method best_method(Precision precision) {
    switch (precision) {
        case Precision::fp32:
            return Method::pipelined;
        case Precision::tf32x3:
            return Method::tf32x3;
        case Precision::tf32:
            return Method::tf32;
    }
    CHECK(false);
}

// f(method as a type: its ::value is constant), for a method that is known at run time only.
template <class F>
auto with_method(Method method, F&& f) {
    switch (method) {
        case Method::direct:
            return f(std::integral_constant<Method, Method::direct>());
        case Method::tiled:
            return f(std::integral_constant<Method, Method::tiled>());
        case Method::pipelined:
            return f(std::integral_constant<Method, Method::pipelined>());
        case Method::tf32x3:
            return f(std::integral_constant<Method, Method::tf32x3>());
        case Method::tf32:
            return f(std::integral_constant<Method, Method::tf32>());
    }
    CHECK(false);
}

// Fewer blocks than this leave multiprocessors of a large GPU idle (an H100 has 132, each runs several blocks).
inline constexpr int64_t kEnoughBlocks = 264;

// Threads of kernels that treat each element alone.
inline constexpr int kPlainThreads = 256;

}  // namespace limpid::DEVICE_NS
