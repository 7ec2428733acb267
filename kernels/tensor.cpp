// How shapes print.
#include "kernels/tensor.h"

#include <ostream>

namespace limpid {

std::string to_string(const Shape& shape) { return concat(shape.n, "x", shape.h, "x", shape.w, "x", shape.c); }

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

}  // namespace limpid
