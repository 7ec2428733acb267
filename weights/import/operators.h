// The operators that can be read: one row each, in the file of its family, like the layer kinds that they become
// (nets/layers/).
#pragma once

#include <span>
#include <string_view>

#include "weights/import/draft.h"
#include "weights/import/shape_rules.h"

namespace limpid {

struct Operator {
    std::string_view op;  // "Conv"
    // Writes the node's layers and puts its values. Throws Error, which says why this node cannot be read.
    void (*write)(Draft&, const ImportNode&);
};

std::span<const Operator> linear_operators();      // Conv, Gemm, MatMul, BatchNormalization
std::span<const Operator> pool_operators();        // pools, means, LRN, Softmax
std::span<const Operator> activation_operators();  // functions of one number
std::span<const Operator> arithmetic_operators();  // of two tensors
std::span<const Operator> movement_operators();    // Reshape, Transpose, ...
std::span<const Operator> parts_operators();       // Slice, Concat, Pad, ...
std::span<const Operator> own_operators();         // what put_together makes

// Attributes that put_together adds.
inline constexpr const char* kOwnActivation = "limpid.activation";  // of Conv and Gemm: relu
inline constexpr const char* kOwnWindows = "limpid.windows";        // of AveragePool: it has windows at every size

// Null where there is none of that name.
const Operator* find_operator(std::string_view op);

// windows.cpp: how windows lie on a map {n,c,h,w}, or on {n,c,w}, which has one row, as nodes of Conv and of pools say
// it.
struct Windows {
    int64_t r = 1, s = 1, stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
    int64_t top = 0, left = 0, bottom = 0, right = 0;
    bool same = false, round_up = false;
    int64_t p = 1, q = 1;  // how many
    // "window=3x3, stride=2x2, pad=1x1": without what is usual.
    std::string settings() const;
};
// r, s: the filter's; 0: kernel_shape says it.
Windows windows_of(const ImportNode& node, const Placement& map, int64_t r, int64_t s);

// The map {n,c,h,w}, or {n,c,w}, in a layer of these sizes n h w c.
Placement map_placement(const std::string& layer, size_t rank, const std::array<int64_t, 4>& sizes);

// arithmetic_operators.cpp: Add, Sub, Mul, Div, Max or Min of two tensors, broadcast with each other.
Placement combined(Draft& draft, const ImportNode& node, std::string_view op, Placement a, Placement b);
Placement with_constant(Draft& draft, const ImportNode& node, std::string_view op, Placement x,
                        const ImportTensor& constant, bool constant_first);

// movement_operators.cpp: the node's output is x in another shape, of as many elements.
void put_reshaped(Draft& draft, const ImportNode& node, const Placement& x, const Dimensions& shape);

}  // namespace limpid
