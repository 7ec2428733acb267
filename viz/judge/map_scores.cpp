// Sums over pixels.
#include "viz/judge/map_scores.h"

#include <algorithm>
#include <numeric>

#include "kernels/error.h"

namespace limpid {

namespace {

void check_shapes(const HostTensor& map, const HostTensor& mask) {
    require(map.shape == mask.shape && map.shape.n == 1 && map.shape.c == 1, "a map of ", map.shape, " and a mask of ",
            mask.shape, ", expected one value for each pixel in both");
}

struct Energy {
    double all = 0, inside = 0;
};

Energy energy(const HostTensor& map, const HostTensor& mask) {
    check_shapes(map, mask);
    Energy e;
    for (size_t i = 0; i < map.values.size(); i++) {
        const double value = std::max(0.0, double(map.values[i]));
        e.all += value;
        e.inside += value * double(mask.values[i]);
    }
    return e;
}

bool near_mask(const HostTensor& mask, int64_t y, int64_t x, int64_t tolerance) {
    const Shape s = mask.shape;
    for (int64_t v = std::max<int64_t>(0, y - tolerance); v <= std::min(s.h - 1, y + tolerance); v++)
        for (int64_t u = std::max<int64_t>(0, x - tolerance); u <= std::min(s.w - 1, x + tolerance); u++)
            if ((v - y) * (v - y) + (u - x) * (u - x) <= tolerance * tolerance && mask.at(0, v, u, 0) > 0) return true;
    return false;
}

}  // namespace

double mask_area(const HostTensor& mask) {
    return std::accumulate(mask.values.begin(), mask.values.end(), 0.0) / double(mask.values.size());
}

double energy_inside(const HostTensor& map, const HostTensor& mask) {
    const Energy e = energy(map, mask);
    return e.all > 0 ? e.inside / e.all : mask_area(mask);
}

double pointing_game(const HostTensor& map, const HostTensor& mask, int64_t tolerance) {
    check_shapes(map, mask);
    const float most = *std::ranges::max_element(map.values);
    double all = 0, hits = 0;
    for (int64_t y = 0; y < map.shape.h; y++)
        for (int64_t x = 0; x < map.shape.w; x++) {
            if (map.at(0, y, x, 0) != most) continue;
            all++;
            hits += near_mask(mask, y, x, tolerance);
        }
    return hits / all;
}

double class_discrimination(const HostTensor& map_a, const HostTensor& map_b, const HostTensor& mask_a,
                            const HostTensor& mask_b) {
    const auto share = [](const HostTensor& map, const HostTensor& own, const HostTensor& other) {
        const double in_own = energy(map, own).inside, in_other = energy(map, other).inside;
        if (in_own + in_other > 0) return in_own / (in_own + in_other);
        return mask_area(own) / (mask_area(own) + mask_area(other));
    };
    return (share(map_a, mask_a, mask_b) + share(map_b, mask_b, mask_a)) / 2;
}

}  // namespace limpid
