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

// For each axis n h w c of a layer, the axes of a tensor that lie along it, slowest first: each axis of the tensor once.
using Arrangement = std::array<std::vector<size_t>, 4>;
// The tensor of that shape in a layer of its own.
Placement arranged_placement(const std::string& layer, const Dimensions& shape, const Arrangement& into);
// {N,C,H,W}; of other ranks {N,...,L,E} as {N,...,L,E}; without images {...,L,E} as {1,...,L,E}.
Arrangement usual_arrangement(size_t rank, bool images);
// images: as far as the view tells.
Arrangement usual_arrangement(const Placement& view);
// These axes along the channels, the others in their order along columns and rows.
Arrangement channels_arrangement(const Placement& view, const std::vector<size_t>& axes);
// A convolution's map {N,C,H,W} or {N,C,L}, which is {N,1,L,C}. Throws Error for other ranks.
Arrangement map_arrangement(size_t rank);
// Nothing but images of a batch lies along that axis.
bool is_of_images(const Placement& view, size_t axis);
// Some of that axis are images of a batch.
bool has_images(const Placement& view, size_t axis);

// Whether it lies in its usual arrangement.
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
