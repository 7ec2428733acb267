// Factors of axes, split and reordered.
#include "weights/import/placement.h"

#include <algorithm>

#include "kernels/error.h"

namespace limpid {
namespace {

int64_t size_of(const Factors& factors) {
    int64_t size = 1;
    for (const Factor& factor : factors) size *= factor.size;
    return size;
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

Placement arranged_placement(const std::string& layer, const Dimensions& shape, const Arrangement& into) {
    Placement view{layer, {1, 1, 1, 1}, std::vector<Factors>(shape.size())};
    for (int in_layer = 0; in_layer < 4; in_layer++) {
        int64_t& size = view.sizes[size_t(in_layer)];
        for (size_t i = into[size_t(in_layer)].size(); i-- > 0;) {
            const size_t axis = into[size_t(in_layer)][i];
            if (shape[axis] != 1) view.axes[axis] = {{in_layer, shape[axis], size}};
            size *= shape[axis];
        }
    }
    return view;
}

Arrangement usual_arrangement(size_t rank, bool images) {
    if (images && rank == 4) return map_arrangement(rank);
    Arrangement into;
    const size_t first = images && rank > 0 ? 1 : 0;
    if (first == 1) into[0] = {0};
    for (size_t axis = first; axis < rank; axis++)
        into[axis + 1 == rank ? 3 : axis + 2 == rank ? 2 : 1].push_back(axis);
    return into;
}

Arrangement usual_arrangement(const Placement& view) {
    return usual_arrangement(view.rank(), view.rank() > 0 && is_of_images(view, 0));
}

Arrangement channels_arrangement(const Placement& view, const std::vector<size_t>& axes) {
    Arrangement into;
    into[3] = axes;
    std::vector<size_t> others;
    for (size_t axis = 0; axis < view.rank(); axis++) {
        if (std::ranges::count(axes, axis) > 0) continue;
        (has_images(view, axis) ? into[0] : others).push_back(axis);
    }
    for (size_t i = 0; i < others.size(); i++) into[i + 1 == others.size() ? 2 : 1].push_back(others[i]);
    return into;
}

Arrangement map_arrangement(size_t rank) {
    if (rank == 4) return {{{0}, {2}, {3}, {1}}};
    if (rank == 3) return {{{0}, {}, {2}, {1}}};
    throw Error(concat("takes a tensor of ", rank, " axes, expected a map of four, or of three"));
}

bool is_of_images(const Placement& view, size_t axis) {
    return std::ranges::all_of(view.axes[axis], [](const Factor& factor) { return factor.axis == 0; });
}

bool has_images(const Placement& view, size_t axis) {
    return std::ranges::any_of(view.axes[axis], [](const Factor& factor) { return factor.axis == 0; });
}

bool is_plain(const Placement& view) {
    const Placement usual = arranged_placement("", view.shape(), usual_arrangement(view));
    return view.sizes == usual.sizes && view.axes == usual.axes;
}

std::optional<int> whole_axis(const Placement& view, size_t axis) {
    const Factors& factors = view.axes[axis];
    if (factors.empty() && is_plain(view)) {
        const Arrangement usual = usual_arrangement(view);
        for (int in_layer = 0; in_layer < 4; in_layer++)
            if (usual[size_t(in_layer)] == std::vector<size_t>{axis}) return in_layer;
    }
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
