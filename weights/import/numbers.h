// Small constants as numbers: what the arithmetic on shapes is done with.
#pragma once

#include <optional>
#include <vector>

#include "weights/import_graph.h"

namespace limpid {

// Shapes, axes and small tables; parameters are left where they are.
inline constexpr int64_t kMostValues = 65536;

// Values of a small constant, exact for integers below 2^53 and all reals.
struct Numbers {
    Dimensions shape;
    std::vector<double> values;
    bool whole = true;

    int64_t rank() const { return int64_t(shape.size()); }
};

// nullopt: there are too many, or they cannot be read.
std::optional<Numbers> numbers_of(const ImportTensor& tensor);
ImportTensor as_tensor(const Numbers& numbers);
// Without its fraction; what is further off than all sizes is 2^62, what is no number 0.
int64_t whole_number(double value);

// The places `picks` along an axis, which becomes axes of that shape. Throws Error, as repeated_to does, where that is
// far too large, or a place is not there.
Numbers picked(const Numbers& x, size_t axis, const std::vector<int64_t>& picks, const Dimensions& shape_of_picks);
// The shape that both are broadcast to, as numpy does; nullopt: they cannot.
std::optional<Dimensions> broadcast_shape(const Dimensions& a, const Dimensions& b);
// x repeated to that shape, which it can be broadcast to.
Numbers repeated_to(const Numbers& x, const Dimensions& shape);

}  // namespace limpid
