// Where the elements of a tensor of the imported graph lie in a layer. Reshapes and transpositions change this alone;
// nothing is moved until an operator needs it.
//
// A layer is {n,h,w,c}. Each axis of the tensor is a list of factors, slowest first: the index along it counts through
// them. After Reshape {N,3,8,H,W} of a layer {N,H,W,24}, the axes are n | c/8 | c%8 | h | w: factors of axis c with
// strides 8 and 1. Factors of size 1 are left out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "weights/import_graph.h"

namespace limpid {

struct Factor {
    int axis = 0;  // of the layer: 0 n, 1 h, 2 w, 3 c
    int64_t size = 1, stride = 1;
    bool operator==(const Factor&) const = default;
};
using Factors = std::vector<Factor>;

struct Placement {
    std::string layer;
    std::array<int64_t, 4> sizes{1, 1, 1, 1};  // of the layer
    std::vector<Factors> axes;                 // of the tensor

    Dimensions shape() const;
    size_t rank() const { return axes.size(); }
};

// The axes of a layer that the axes of a tensor of that rank usually are: {N,C,H,W}, {N,L,E} as {N,1,L,E}, {N,F} as
// {N,1,1,F}. Empty for other ranks.
std::vector<int> usual_axes(size_t rank);
// The tensor whose axes are these axes of the layer.
Placement plain_placement(const std::string& layer, const std::array<int64_t, 4>& sizes, const std::vector<int>& axes);
// Whether it is plain_placement of the usual axes.
bool is_plain(const Placement& view);
// The axis of the layer which all of that axis of the tensor is; nullopt: it is none, or not all of one. An axis of
// size 1 is the usual one where the view is plain.
std::optional<int> whole_axis(const Placement& view, size_t axis);

// nullopt where an axis would begin or end inside a factor that it does not divide.
std::optional<Placement> reshaped(const Placement& view, const Dimensions& shape);
Placement transposed(const Placement& view, const std::vector<size_t>& order);

// The index along `axis` of the tensor of the element at this place {n,h,w,c} of the layer.
int64_t index_along(const Placement& view, size_t axis, const std::array<int64_t, 4>& place);

}  // namespace limpid
