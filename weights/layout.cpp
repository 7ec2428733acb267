// Layout conversions of parameters, as plain loops: they run once, at import.
#include "weights/layout.h"

namespace limpid {

HostTensor rsck_from_kcrs(const std::vector<float>& values, Shape rsck) {
    CHECK(int64_t(values.size()) == rsck.size());
    HostTensor result(rsck);
    size_t i = 0;
    for (int64_t k = 0; k < rsck.c; ++k) {
        for (int64_t c = 0; c < rsck.w; ++c) {
            for (int64_t r = 0; r < rsck.n; ++r) {
                for (int64_t s = 0; s < rsck.h; ++s) result.at(r, s, c, k) = values[i++];
            }
        }
    }
    return result;
}

std::vector<float> kcrs_from_rsck(const HostTensor& filter) {
    const Shape f = filter.shape;
    std::vector<float> values;
    values.reserve(filter.values.size());
    for (int64_t k = 0; k < f.c; ++k)
        for (int64_t c = 0; c < f.w; ++c)
            for (int64_t r = 0; r < f.n; ++r)
                for (int64_t s = 0; s < f.h; ++s) values.push_back(filter.at(r, s, c, k));
    return values;
}

HostTensor matrix_from_transposed(const std::vector<float>& values, Shape in_out) {
    return matrix_from_transposed_chw(values, in_out, {1, 1, 1, in_out.w});
}

HostTensor matrix_from_transposed_chw(const std::vector<float>& values, Shape in_out, Shape map) {
    CHECK(int64_t(values.size()) == in_out.size() && map.size() == in_out.w);
    HostTensor result(in_out);
    size_t i = 0;
    for (int64_t out = 0; out < in_out.c; ++out) {
        for (int64_t c = 0; c < map.c; ++c) {
            for (int64_t h = 0; h < map.h; ++h) {
                for (int64_t w = 0; w < map.w; ++w) result.at(0, 0, (h * map.w + w) * map.c + c, out) = values[i++];
            }
        }
    }
    return result;
}

}  // namespace limpid
