// Factors of axes, split and reordered.
#include "weights/import/placement.h"

#include <algorithm>

namespace limpid {
namespace {

int64_t size_of(const Factors& factors) {
    int64_t size = 1;
    for (const Factor& factor : factors) size *= factor.size;
    return size;
}

Factors whole(const std::array<int64_t, 4>& sizes, int axis) {
    return sizes[size_t(axis)] == 1 ? Factors{} : Factors{{axis, sizes[size_t(axis)], 1}};
}

// Two neighbours that count through one stretch of an axis are one.
void join(Factors& factors) {
    for (size_t i = 0; i + 1 < factors.size();) {
        Factor &slow = factors[i], &fast = factors[i + 1];
        if (slow.axis == fast.axis && slow.stride == fast.size * fast.stride) {
            slow = {slow.axis, slow.size * fast.size, fast.stride};
            factors.erase(factors.begin() + std::ptrdiff_t(i) + 1);
        } else {
            i++;
        }
    }
}

}  // namespace

Dimensions Placement::shape() const {
    Dimensions result;
    for (const Factors& factors : axes) result.push_back(size_of(factors));
    return result;
}

std::vector<int> usual_axes(size_t rank) {
    if (rank == 4) return {0, 3, 1, 2};
    if (rank == 3) return {0, 2, 3};
    if (rank == 2) return {0, 3};
    return {};
}

Placement plain_placement(const std::string& layer, const std::array<int64_t, 4>& sizes, const std::vector<int>& axes) {
    Placement view{layer, sizes, {}};
    for (const int axis : axes) view.axes.push_back(whole(sizes, axis));
    return view;
}

bool is_plain(const Placement& view) {
    const std::vector<int> usual = usual_axes(view.rank());
    if (usual.empty()) return false;
    for (int axis = 0; axis < 4; axis++)
        if (view.sizes[size_t(axis)] != 1 && std::ranges::count(usual, axis) == 0) return false;
    return view.axes == plain_placement("", view.sizes, usual).axes;
}

std::optional<int> whole_axis(const Placement& view, size_t axis) {
    const Factors& factors = view.axes[axis];
    if (factors.empty() && is_plain(view)) return usual_axes(view.rank())[axis];
    if (factors.size() != 1 || factors[0].size != view.sizes[size_t(factors[0].axis)]) return std::nullopt;
    return factors[0].axis;
}

std::optional<Placement> reshaped(const Placement& view, const Dimensions& shape) {
    Factors left;  // in order, the next one last
    for (const Factors& factors : view.axes) left.insert(left.end(), factors.begin(), factors.end());
    std::ranges::reverse(left);
    Placement result{view.layer, view.sizes, {}};
    for (const int64_t size : shape) {
        Factors factors;
        for (int64_t wanted = size; wanted > 1;) {
            if (left.empty()) return std::nullopt;
            Factor& next = left.back();
            if (next.size <= wanted) {
                if (wanted % next.size != 0) return std::nullopt;
                wanted /= next.size;
                factors.push_back(next);
                left.pop_back();
            } else {
                if (next.size % wanted != 0) return std::nullopt;
                const int64_t rest = next.size / wanted;
                factors.push_back({next.axis, wanted, next.stride * rest});
                next.size = rest;
                wanted = 1;
            }
        }
        join(factors);
        result.axes.push_back(std::move(factors));
    }
    if (!left.empty()) return std::nullopt;
    return result;
}

Placement transposed(const Placement& view, const std::vector<size_t>& order) {
    Placement result{view.layer, view.sizes, {}};
    for (const size_t axis : order) result.axes.push_back(view.axes[axis]);
    return result;
}

int64_t index_along(const Placement& view, size_t axis, const std::array<int64_t, 4>& place) {
    int64_t index = 0;
    for (const Factor& f : view.axes[axis]) index = index * f.size + place[size_t(f.axis)] / f.stride % f.size;
    return index;
}

}  // namespace limpid
