// Blending; hues by the hexagon of HSV.
#include "viz/image/heat.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/error.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

using HeatColour = std::array<float, 3>;

constexpr HeatColour kPositive{1, 0.5f, 0}, kNegative{0, 0.5f, 1};  // Lucid's orange_blue
constexpr float kDimmed = 0.5f;                                     // of the photo under a map

float grey_of(const float* rgb) { return 0.2126f * rgb[0] + 0.7152f * rgb[1] + 0.0722f * rgb[2]; }

// Full saturation and value; turns in [0,1).
HeatColour hue(double turns) {
    HeatColour result;
    for (size_t c = 0; c < 3; c++) {
        const double away = std::fabs(std::remainder(turns - double(c) / 3, 1.0)) * 6;  // 0 at the primary, 3 opposite
        result[c] = float(std::clamp(2 - away, 0.0, 1.0));
    }
    return result;
}

}  // namespace

float percentile_of_size(const HostTensor& map, double p) {
    require(!map.values.empty() && p >= 0 && p <= 100, "percentile ", p, " of ", map.shape,
            ", expected 0 to 100 of some values");
    std::vector<float> sizes;
    for (const float v : map.values) sizes.push_back(std::fabs(v));
    const auto place = sizes.begin() + std::lround(p / 100 * double(sizes.size() - 1));
    std::nth_element(sizes.begin(), place, sizes.end());
    return *place;
}

HostTensor heat_over(ConstView photo, const HostTensor& map, float limit) {
    const Shape s = photo.shape;
    require(s.n == 1 && s.c == 3 && map.shape.n == 1 && map.shape.c == 1, "heat of ", map.shape, " over ", s,
            ", expected one map and one RGB picture");
    if (limit == 0) limit = percentile_of_size(map, 99.5);
    const HostTensor wide = resize(map.view(), s.h, s.w);
    HostTensor result(s);
    for (int64_t y = 0; y < s.h; y++)
        for (int64_t x = 0; x < s.w; x++) {
            const float v = wide.at(0, y, x, 0);
            const float opacity = limit > 0 ? std::min(1.0f, std::fabs(v) / limit) : 0;
            const HeatColour& colour = v > 0 ? kPositive : kNegative;
            const float under = kDimmed * grey_of(photo.pixel(0, y, x));
            for (int64_t c = 0; c < 3; c++) result.at(0, y, x, c) = under * (1 - opacity) + colour[size_t(c)] * opacity;
        }
    return result;
}

HostTensor hues_over(ConstView photo, const HostTensor& maps) {
    const Shape s = photo.shape;
    const int64_t k = maps.shape.c;
    require(s.n == 1 && s.c == 3 && maps.shape.n == 1 && k > 0, "hues of ", maps.shape, " over ", s,
            ", expected the maps of one image and one RGB picture");
    const float limit = percentile_of_size(maps, 99);
    const HostTensor wide = resize(maps.view(), s.h, s.w);
    HostTensor result(s);
    for (int64_t y = 0; y < s.h; y++)
        for (int64_t x = 0; x < s.w; x++) {
            const float under = kDimmed * grey_of(photo.pixel(0, y, x));
            for (int64_t c = 0; c < 3; c++) {
                float sum = under;
                for (int64_t i = 0; i < k && limit > 0; i++)
                    sum += hue(double(i) / double(k))[size_t(c)] * std::max(0.0f, wide.at(0, y, x, i)) / limit;
                result.at(0, y, x, c) = std::min(1.0f, sum);
            }
        }
    return result;
}

HostTensor grey_sprites(const HostTensor& maps, int64_t columns) {
    const Shape s = maps.shape;
    require(s.n > 0 && s.c == 1 && columns > 0, "sprites of ", s, " in ", columns,
            " columns, expected maps of one channel");
    const float most = *std::max_element(maps.values.begin(), maps.values.end());
    HostTensor scaled = maps;
    for (float& v : scaled.values) v = most > 0 ? std::max(0.0f, v / most) : 0;
    std::vector<ConstView> cells;
    for (int64_t n = 0; n < s.n; n++) cells.push_back(std::as_const(scaled).view().image(n));
    return tile(cells, columns, 0, 0);
}

}  // namespace limpid
