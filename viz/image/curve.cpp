// Draws a curve.
#include "viz/image/curve.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "kernels/error.h"

namespace limpid {

HostTensor curve(const std::vector<float>& values, int64_t w, int64_t h) {
    for (const float value : values)
        if (!(value > 0) || !std::isfinite(value))
            throw Error(concat("curve: a value is ", value, ", expected finite ones above 0"));
    if (values.empty() || w < 2 || h < 2)
        throw Error("curve: nothing to draw; expected a value and a picture of at least 2x2");
    const auto [least, most] = std::ranges::minmax(values);
    const double low = elementary::log10(least) - 0.05, high = std::max(elementary::log10(most) + 0.05, low + 0.1);
    const auto row_of = [&](double value) { return (high - elementary::log10(value)) / (high - low) * double(h - 1); };
    HostTensor picture({1, h, w, 3}, 1.0f);
    for (int power = int(std::floor(low)); power <= int(std::ceil(high)); power++)
        for (const int times : {1, 2, 5}) {
            const int64_t row = std::lround(row_of(times * elementary::pow(10.0, power)));
            if (row < 0 || row >= h) continue;
            std::fill_n(picture.view().pixel(0, row, 0), w * 3, times == 1 ? 0.7f : 0.88f);
        }
    double before = row_of(values[0]);
    for (int64_t x = 0; x < w; x++) {
        const double at = double(x) * double(values.size() - 1) / double(w - 1);
        const size_t i = std::min(size_t(at), values.size() - 1), next = std::min(i + 1, values.size() - 1);
        const double row = row_of(values[i] + (values[next] - values[i]) * (at - double(i)));
        const int64_t top = int64_t(std::floor(std::min(before, row))),
                      bottom = int64_t(std::ceil(std::max(before, row)));
        for (int64_t y = std::max<int64_t>(top, 0); y <= std::min(bottom, h - 1); y++) {
            float* pixel = picture.view().pixel(0, y, x);
            pixel[0] = 0.1f, pixel[1] = 0.3f, pixel[2] = 0.7f;
        }
        before = row;
    }
    return picture;
}

}  // namespace limpid
