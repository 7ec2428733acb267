// What the reference kernels share: views of floats as owned arrays of doubles, and back.
#pragma once

#include "kernels/tensor.h"

namespace limpid::reference {

using DoubleTensor = HostArray<double>;

inline DoubleTensor widen(ConstView x) {
    DoubleTensor result(x.shape);
    const Shape& s = x.shape;
    int64_t i = 0;
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t h = 0; h < s.h; h++)
            for (int64_t w = 0; w < s.w; w++)
                for (int64_t c = 0; c < s.c; c++) result.values[size_t(i++)] = double(x.at(n, h, w, c));
    return result;
}

// Views that may be empty, of operands that may be absent, stay empty.
inline DoubleTensor widen_optional(ConstView x) { return x ? widen(x) : DoubleTensor(); }
inline View<const double> view_optional(const DoubleTensor& x) {
    return x.values.empty() ? View<const double>() : x.view();
}

inline void narrow(const DoubleTensor& from, MutView to) {
    const Shape& s = to.shape;
    CHECK(from.shape == s);
    int64_t i = 0;
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t h = 0; h < s.h; h++)
            for (int64_t w = 0; w < s.w; w++)
                for (int64_t c = 0; c < s.c; c++) to.at(n, h, w, c) = float(from.values[size_t(i++)]);
}

}  // namespace limpid::reference
