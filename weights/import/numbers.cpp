// Broadcasting and picking.
#include "weights/import/numbers.h"

#include <algorithm>
#include <cmath>

#include "weights/parameters.h"

namespace limpid {
namespace {

constexpr double kFar = 0x1p62;  // ends of slices beyond it mean the end

// Elements before and behind an axis.
std::pair<int64_t, int64_t> around(const Dimensions& shape, size_t axis) {
    return {element_count(Dimensions(shape.begin(), shape.begin() + std::ptrdiff_t(axis))),
            element_count(Dimensions(shape.begin() + std::ptrdiff_t(axis) + 1, shape.end()))};
}

}  // namespace

int64_t whole_number(double value) { return std::isnan(value) ? 0 : int64_t(std::clamp(value, -kFar, kFar)); }

ImportTensor as_tensor(const Numbers& n) {
    if (n.whole) {
        std::vector<int64_t> values;
        for (const double v : n.values) values.push_back(whole_number(v));
        return tensor_of(std::move(values), n.shape);
    }
    std::vector<float> values;
    for (const double v : n.values) values.push_back(float(v));
    return tensor_of(std::move(values), n.shape);
}

std::optional<Numbers> numbers_of(const ImportTensor& tensor) {
    if (!tensor.fault.empty() || tensor.size() < 0 || tensor.size() > kMostValues) return std::nullopt;
    Numbers n{tensor.shape, {}, !is_real(tensor.type)};
    if (n.whole)
        for (const int64_t v : tensor.integers(kMostValues)) n.values.push_back(double(v));
    else
        for (const float v : tensor.reals(kMostValues)) n.values.push_back(v);
    return n;
}

Numbers picked(const Numbers& x, size_t axis, const std::vector<int64_t>& picks, const Dimensions& shape_of_picks) {
    const auto [before, behind] = around(x.shape, axis);
    const int64_t size = x.shape[axis];
    Numbers y{x.shape, {}, x.whole};
    y.shape.erase(y.shape.begin() + std::ptrdiff_t(axis));
    y.shape.insert(y.shape.begin() + std::ptrdiff_t(axis), shape_of_picks.begin(), shape_of_picks.end());
    if (before * behind > 0 && int64_t(picks.size()) > kMostValues / (before * behind))
        throw Error("makes a constant that is far too large; export the model again");
    for (int64_t i = 0; i < before; i++)
        for (int64_t pick : picks) {
            if (pick < 0) pick += size;
            if (pick < 0 || pick >= size)
                throw Error(concat("takes place ", pick, " of ", size, "; export the model again"));
            for (int64_t j = 0; j < behind; j++) y.values.push_back(x.values[size_t((i * size + pick) * behind + j)]);
        }
    return y;
}

std::optional<Dimensions> broadcast_shape(const Dimensions& a, const Dimensions& b) {
    Dimensions shape(std::max(a.size(), b.size()));
    for (size_t i = 0; i < shape.size(); i++) {  // from the last axis on
        const int64_t in_a = i < a.size() ? a[a.size() - 1 - i] : 1, in_b = i < b.size() ? b[b.size() - 1 - i] : 1;
        if (in_a < 0 || in_b < 0 || (in_a != in_b && in_a != 1 && in_b != 1)) return std::nullopt;
        shape[shape.size() - 1 - i] = in_a == 1 ? in_b : in_a;
    }
    return shape;
}

Numbers repeated_to(const Numbers& x, const Dimensions& shape) {
    const int64_t size = element_count(shape);
    if (size < 0 || size > kMostValues) throw Error("makes a constant that is far too large; export the model again");
    Numbers y{shape, std::vector<double>(size_t(size)), x.whole};
    for (int64_t i = 0; i < size; i++) {
        int64_t rest = i, index = 0, stride = 1;
        for (size_t axis = shape.size(), in_x = x.shape.size(); axis-- > 0; rest /= shape[axis]) {
            if (in_x == 0) continue;
            in_x--;
            if (x.shape[in_x] > 1) index += rest % shape[axis] * stride;
            stride *= x.shape[in_x];
        }
        y.values[size_t(i)] = x.values[size_t(index)];
    }
    return y;
}

}  // namespace limpid
