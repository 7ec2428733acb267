// Filters by formula. No training, no files: layer names and machinery are those of every other network.
#include "nets/tiny.h"

#include <cmath>
#include <numbers>

#include "kernels/elementary.h"
#include "kernels/error.h"

namespace limpid {

namespace {

constexpr int kOrientations = 8, kColours = 3, kGabors = kOrientations * kColours;
constexpr int kGaborSize = 9, kTextureSize = 7;

// Unit vectors of the colour axes, in RGB.
constexpr double kAxes[kColours][3] = {{0.577, 0.577, 0.577}, {0.707, -0.707, 0.0}, {0.408, 0.408, -0.816}};

HostTensor gabor_filters() {
    HostTensor w({kGaborSize, kGaborSize, 3, kGabors});
    const double middle = (kGaborSize - 1) / 2.0, width = 2.2, wavelength = 4.5;
    for (int o = 0; o < kOrientations; o++) {
        const double angle = std::numbers::pi * o / kOrientations;
        for (int y = 0; y < kGaborSize; y++)
            for (int x = 0; x < kGaborSize; x++) {
                const double u = (x - middle) * elementary::cos(angle) + (y - middle) * elementary::sin(angle);
                const double r2 = (x - middle) * (x - middle) + (y - middle) * (y - middle);
                const double wave =
                    elementary::exp(-r2 / (2 * width * width)) * elementary::sin(2 * std::numbers::pi * u / wavelength);
                for (int j = 0; j < kColours; j++)
                    for (int c = 0; c < 3; c++) w.at(y, x, c, kColours * o + j) = float(wave * kAxes[j][c] / 255);
            }
    }
    return w;
}

// Where texture unit k wants which orientation: weight of a Gabor of orientation `angle` and colour j at offset (dx,
// dy).
double texture_weight(int k, double dx, double dy, double angle, int j) {
    const double radius = std::hypot(dx, dy), around = elementary::atan2(dy, dx);
    const auto near = [&](double wanted) {
        return elementary::exp(4 * (elementary::cos(2 * (angle - wanted)) - 1));
    };  // 1 at the angle, even in it
    const int family = k / 4, variant = k % 4;
    switch (family) {
        case 0:  // gratings of four orientations, black and white
            return j == 0 ? near(variant * std::numbers::pi / 4) : 0;
        case 1:  // checks: two orthogonal gratings, in four colour mixtures
            return (variant == 3 || j == variant) ? near(0.25) + near(0.25 + std::numbers::pi / 2) : 0;
        case 2:  // rings (the gradient points outwards) and stars (it runs around), in two colours
            return (j == variant / 2) * (radius < 0.5 ? 0 : near(around + (variant % 2) * std::numbers::pi / 2));
        default:  // spirals: the gradient at 45 or 135 degrees to the radius, in two colours
            return (j == 2 * (variant / 2)) *
                   (radius < 0.5 ? 0 : near(around + (variant % 2 ? 1 : 3) * std::numbers::pi / 4));
    }
}

HostTensor texture_filters() {
    HostTensor w({kTextureSize, kTextureSize, kGabors, 16});
    const double middle = (kTextureSize - 1) / 2.0;
    for (int y = 0; y < kTextureSize; y++)
        for (int x = 0; x < kTextureSize; x++)
            for (int o = 0; o < kOrientations; o++)
                for (int j = 0; j < kColours; j++)
                    for (int k = 0; k < 16; k++) {
                        const double value =
                            texture_weight(k, x - middle, y - middle, std::numbers::pi * o / kOrientations, j);
                        w.at(y, x, kColours * o + j, k) =
                            float(0.02 * (value - 0.15));  // what is not wanted counts against
                    }
    return w;
}

}  // namespace

Weights tiny_weights() {
    Weights weights;
    weights.variant = "tiny";
    weights.source = "built in";
    weights.preprocessing.mean = {127.5f, 127.5f, 127.5f};
    weights.tensors["gabor_w"] = gabor_filters();
    weights.tensors["gabor_b"] = HostTensor({1, 1, 1, kGabors});
    weights.tensors["texture_w"] = texture_filters();
    weights.tensors["texture_b"] = HostTensor({1, 1, 1, 16});
    weights.checksum = checksum_of(weights.tensors);
    return weights;
}

std::string tiny_text(const std::string& preprocessed) {
    return concat("network: tiny (built in)\n", "input = image(size=64, channels=3)\n", preprocessed, "\n",
                  "gabor = conv(preprocessed, channels=", kGabors, ", window=", kGaborSize,
                  ", pad=same, activation=relu)\n", "pool = max_pool(gabor, window=3, stride=2, pad=same)\n",
                  "texture = conv(pool, channels=16, window=", kTextureSize, ", pad=same, activation=relu)\n");
}

}  // namespace limpid
