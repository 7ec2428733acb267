// The transform of planes of which the spectrum is known.
#include "viz/image/half_spectrum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

TEST(HalfSpectrum, OneWaveIsOneNumber) {
    constexpr int64_t kH = 6, kW = 10;
    for (const int64_t v : {0, 1, 4})
        for (const int64_t u : {1, 3}) {
            std::vector<double> plane;
            for (int64_t y = 0; y < kH; y++)
                for (int64_t x = 0; x < kW; x++)
                    plane.push_back(
                        std::sin(2 * std::numbers::pi * (double(v * y) / double(kH) + double(u * x) / double(kW))));
            const HalfSpectrum s = half_spectrum(plane, kH, kW);
            ASSERT_EQ(s.f, kW / 2 + 1);
            // sin(t) = (e^it - e^-it)/2i: minus i times half the number of elements where the wave is.
            for (int64_t k = 0; k < s.h * s.f; k++) {
                EXPECT_NEAR(s.re[size_t(k)], 0, 1e-12);
                EXPECT_NEAR(s.im[size_t(k)], k == v * s.f + u ? -double(kH * kW) / 2 : 0, 1e-12) << k;
            }
        }
}

// Parseval: the energy of the whole spectrum, the mirrored half counted, is that of the plane.
TEST(HalfSpectrum, KeepsTheEnergy) {
    for (const int64_t w : {7, 8}) {
        const HostTensor t = testing::random_tensor({1, 5, w, 1});
        const std::vector<double> plane(t.values.begin(), t.values.end());
        const HalfSpectrum s = half_spectrum(plane, 5, w);
        double energy = 0, expected = 0;
        for (int64_t k = 0; k < s.h * s.f; k++) {
            const int64_t u = k % s.f;
            energy += (u > 0 && 2 * u < w ? 2 : 1) * (std::pow(s.re[size_t(k)], 2) + std::pow(s.im[size_t(k)], 2));
        }
        for (const double value : plane) expected += value * value * double(5 * w);
        EXPECT_NEAR(energy, expected, 1e-9 * expected) << w;
    }
}

}  // namespace
}  // namespace limpid
