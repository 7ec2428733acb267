// Row by row, then column by column.
#include "viz/image/half_spectrum.h"

#include <cmath>
#include <numbers>

#include "kernels/elementary.h"
#include "kernels/error.h"

namespace limpid {

namespace {

// cos and sin of 2 pi i/n for all i < n.
struct Turns {
    explicit Turns(int64_t n) {
        for (int64_t i = 0; i < n; i++) {
            cosines.push_back(elementary::cos(2 * std::numbers::pi * double(i) / double(n)));
            sines.push_back(elementary::sin(2 * std::numbers::pi * double(i) / double(n)));
        }
    }
    std::vector<double> cosines, sines;
};

}  // namespace

HalfSpectrum half_spectrum(std::span<const double> plane, int64_t h, int64_t w) {
    require(int64_t(plane.size()) == h * w, plane.size(), " pixels, expected ", h, "x", w);
    const int64_t f = w / 2 + 1;
    std::vector<double> re(size_t(h * f)), im(re.size());
    const Turns along_x(w), along_y(h);
    for (int64_t y = 0; y < h; y++)
        for (int64_t u = 0; u < f; u++) {
            double a = 0, b = 0;
            for (int64_t x = 0; x < w; x++) {
                const double t = plane[size_t(y * w + x)];
                a += t * along_x.cosines[size_t(u * x % w)], b -= t * along_x.sines[size_t(u * x % w)];
            }
            re[size_t(y * f + u)] = a, im[size_t(y * f + u)] = b;
        }
    HalfSpectrum s{h, f, std::vector<double>(re.size()), std::vector<double>(re.size())};
    for (int64_t v = 0; v < h; v++)
        for (int64_t u = 0; u < f; u++) {
            double a = 0, b = 0;
            for (int64_t y = 0; y < h; y++) {
                const double p = along_y.cosines[size_t(v * y % h)], q = -along_y.sines[size_t(v * y % h)];
                a += re[size_t(y * f + u)] * p - im[size_t(y * f + u)] * q;
                b += re[size_t(y * f + u)] * q + im[size_t(y * f + u)] * p;
            }
            s.re[size_t(v * f + u)] = a, s.im[size_t(v * f + u)] = b;
        }
    return s;
}

}  // namespace limpid
