// Structure tensor, spectrum, mean colour.
#include "viz/judge/picture_statistics.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/image/half_spectrum.h"

namespace limpid {

namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

double turned_into(double degrees, double period) {
    const double rest = std::fmod(degrees, period);
    return rest < 0 ? rest + period : rest;
}

double angle_of_lines(const HostTensor& picture, const HostTensor& mask) {
    double xx = 0, yy = 0, xy = 0;
    for (int64_t y = 1; y + 1 < picture.shape.h; y++)
        for (int64_t x = 1; x + 1 < picture.shape.w; x++) {
            const double inside = double(mask.at(0, y, x, 0) * mask.at(0, y, x - 1, 0) * mask.at(0, y, x + 1, 0) *
                                         mask.at(0, y - 1, x, 0) * mask.at(0, y + 1, x, 0));
            for (int64_t c = 0; c < 3; c++) {
                const double dx = double(picture.at(0, y, x + 1, c)) - double(picture.at(0, y, x - 1, c));
                const double dy = double(picture.at(0, y - 1, x, c)) - double(picture.at(0, y + 1, x, c));  // upwards
                xx += inside * dx * dx, yy += inside * dy * dy, xy += inside * dx * dy;
            }
        }
    // The largest change has angle atan2(2 xy, xx - yy) / 2; lines run across it.
    return turned_into(elementary::atan2(2 * xy, xx - yy) / 2 * kDegrees + 90, 180);
}

// Hann's, without its zeros at the ends.
double window_at(int64_t i, int64_t n) {
    return 0.5 - 0.5 * elementary::cos(2 * std::numbers::pi * (double(i) + 0.5) / double(n));
}

double dominant_frequency(const HostTensor& picture, const HostTensor& mask) {
    const int64_t h = picture.shape.h, w = picture.shape.w, size = std::max(h, w);
    std::vector<double> rings(size_t(size / 2 + 1));
    for (int64_t c = 0; c < 3; c++) {
        double sum = 0, weights = 0;
        const auto weight = [&](int64_t y, int64_t x) {
            return double(mask.at(0, y, x, 0)) * window_at(y, h) * window_at(x, w);
        };
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++)
                sum += weight(y, x) * double(picture.at(0, y, x, c)), weights += weight(y, x);
        std::vector<double> plane(size_t(h * w));
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++)
                plane[size_t(y * w + x)] = weight(y, x) * (double(picture.at(0, y, x, c)) - sum / weights);
        const HalfSpectrum s = half_spectrum(plane, h, w);
        for (int64_t v = 0; v < s.h; v++)
            for (int64_t u = 0; u < s.f; u++) {
                const double fy = double(std::min(v, h - v)) / double(h), fx = double(u) / double(w);
                const auto ring = size_t(std::sqrt(fx * fx + fy * fy) * double(size) + 0.5);
                const double re = s.re[size_t(v * s.f + u)], im = s.im[size_t(v * s.f + u)];
                const int mirrored = u > 0 && 2 * u < w ? 2 : 1;  // how often it is in the whole spectrum
                if (ring < rings.size()) rings[ring] += mirrored * (re * re + im * im);
            }
    }
    // Ring 1 is what the window makes of the mean.
    size_t most = 2;
    for (size_t r = 3; r < rings.size(); r++)
        if (rings[r] > rings[most]) most = r;
    return double(most) / double(size);
}

double mean_hue(const HostTensor& picture, const HostTensor& mask) {
    double a = 0, b = 0;
    for (int64_t p = 0; p < picture.shape.pixels(); p++) {
        const float* rgb = &picture.values[size_t(p) * 3];
        const auto inside = double(mask.values[size_t(p)]);
        a += inside * (double(rgb[0]) - (double(rgb[1]) + double(rgb[2])) / 2);
        b += inside * std::numbers::sqrt3 / 2 * (double(rgb[1]) - double(rgb[2]));
    }
    return turned_into(elementary::atan2(b, a) * kDegrees, 360);
}

}  // namespace

PictureStatistics measure(const HostTensor& picture, const HostTensor& given) {
    const Shape s = picture.shape;
    require(s.n == 1 && s.c == 3 && s.h >= 16 && s.w >= 16, "statistics of ", s,
            ", expected one RGB picture of 16x16 or more");
    const HostTensor mask = given.values.empty() ? HostTensor({1, s.h, s.w, 1}, 1.0f) : given;
    require(mask.shape == (Shape{1, s.h, s.w, 1}), "a mask of ", mask.shape, " for ", s,
            ", expected one value for each pixel");
    return {angle_of_lines(picture, mask), dominant_frequency(picture, mask), mean_hue(picture, mask)};
}

}  // namespace limpid
