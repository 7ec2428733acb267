// Reductions as plain loops over any number type: what every other version is compared with.
#pragma once

#include <cmath>

#include "kernels/reduce/reduce.h"

namespace limpid::oracle {

template <class T>
HostArray<T> reduce(Reduce kind, Axes axes, View<const T> x) {
    const Shape& s = x.shape;
    HostArray<T> y(axes.reduced(s));
    HostArray<T> best(y.shape);  // argmax: the value at the index
    HostArray<int64_t> seen(y.shape);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t h = 0; h < s.h; h++)
            for (int64_t w = 0; w < s.w; w++)
                for (int64_t c = 0; c < s.c; c++) {
                    const auto element = [&](auto& of) -> auto& {
                        return of.at(axes.n ? 0 : n, axes.h ? 0 : h, axes.w ? 0 : w, axes.c ? 0 : c);
                    };
                    const T value = x.at(n, h, w, c);
                    T& result = element(y);
                    const int64_t index = element(seen)++;  // row-major within the reduced axes, as the loops are
                    const auto replaces = [&](T candidate, T current) {
                        return index == 0 || (current == current && (candidate > current || candidate != candidate));
                    };
                    switch (kind) {
                        case Reduce::sum:
                        case Reduce::mean:
                            result += value;
                            break;
                        case Reduce::sum_squares:
                            result += value * value;
                            break;
                        case Reduce::max:
                            if (replaces(value, result)) result = value;
                            break;
                        case Reduce::max_abs:
                            if (replaces(std::fabs(value), result)) result = std::fabs(value);
                            break;
                        case Reduce::argmax:
                            if (replaces(value, element(best))) element(best) = value, result = T(index);
                            break;
                    }
                }
    if (kind == Reduce::mean)
        for (size_t i = 0; i < y.values.size(); i++) y.values[i] /= T(seen.values[i]);
    return y;
}

}  // namespace limpid::oracle
