// The spectral parameterisation against values derived from the formulas of Lucid by other means.
#include "viz/param/param.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "graph/run.h"
#include "tests/harness/compare.h"

namespace limpid {
namespace {

TEST(SpectralImage, ScaleIsLucids) {
    SpectralImage param;
    param.height = 4, param.width = 6;
    const HostTensor scale = param.scale();
    ASSERT_EQ(scale.shape, (Shape{1, 4, 4, 1}));
    const double root = std::sqrt(24.0);
    EXPECT_NEAR(scale.at(0, 0, 0, 0), root * 6, 1e-5);  // f = 0 counts as 1/6
    EXPECT_NEAR(scale.at(0, 0, 1, 0), root / (1.0 / 6), 1e-5);
    EXPECT_NEAR(scale.at(0, 1, 0, 0), root / 0.25, 1e-5);
    EXPECT_NEAR(scale.at(0, 3, 2, 0), root / std::hypot(0.25, 1.0 / 3), 1e-5);
    EXPECT_NEAR(scale.at(0, 2, 3, 0), root / std::hypot(0.5, 0.5), 1e-5);
    param.width = 5;  // rfft frequencies of Lucid for odd widths: 0, 1/5, 2/5, -2/5
    EXPECT_EQ(param.theta(2), (Shape{2, 4, 4, 6}));
    EXPECT_NEAR(param.scale().at(0, 0, 3, 0), std::sqrt(20.0) / 0.4, 1e-5);
}

TEST(SpectralImage, ColourMatrixIsLucids) {
    const double expected[3][3] = {
        {0.56282858, 0.19482528, 0.04329451}, {0.58447583, 0, -0.10823626}, {0.58447583, -0.19482528, 0.06494176}};
    const HostTensor matrix = colour_matrix();
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) EXPECT_NEAR(matrix.at(0, 0, j, i), expected[i][j], 1e-7);
}

// The definition, in complex arithmetic: S = scale * V, irfft2 / 4, colours, sigmoid.
TEST(SpectralImage, DecodesByTheDefinition) {
    for (const int64_t width : {6, 5}) {
        SpectralImage param;
        param.height = 4, param.width = width, param.deviation = 0.3;
        const HostTensor theta = param.initial(7, 3), scale = param.scale(), colours = colour_matrix();
        const int64_t full = width + width % 2, frequencies = full / 2 + 1;
        HostArray<double> expected({1, 4, width, 3});
        for (int64_t y = 0; y < 4; y++)
            for (int64_t x = 0; x < width; x++) {
                double t[3] = {};
                for (int64_t c = 0; c < 3; c++) {
                    std::complex<double> sum = 0;
                    for (int64_t v = 0; v < 4; v++)
                        for (int64_t k = 0; k < full;
                             k++) {  // the full spectrum: the other half is the conjugate, mirrored in both axes
                            const int64_t u = k < frequencies ? k : full - k, row = k < frequencies ? v : (4 - v) % 4;
                            const double s = scale.at(0, row, u, 0);
                            std::complex<double> value(s * theta.at(0, row, u, 2 * c),
                                                       s * theta.at(0, row, u, 2 * c + 1));
                            if (k >= frequencies) value = std::conj(value);
                            sum += value * std::polar(1.0, 2 * std::numbers::pi *
                                                               (double(v * y) / 4 + double(k * x) / double(full)));
                        }
                    t[c] = sum.real() / double(4 * full) / 4;
                }
                for (int64_t i = 0; i < 3; i++) {
                    double value = 0;
                    for (int64_t j = 0; j < 3; j++) value += double(colours.at(0, 0, j, i)) * t[j];
                    expected.at(0, y, x, i) = 1 / (1 + std::exp(-value));
                }
            }
        Graph graph;
        const NodeId image =
            decode(graph, param, graph.input("theta", theta.shape), std::make_shared<const HostTensor>(scale));
        for (const DeviceKind kind : {DeviceKind::reference, DeviceKind::cpu}) {
            Stream stream({kind, 0});
            EXPECT_TRUE(testing::matches(expected, evaluate(graph, {image}, stream, {theta})[0],
                                         testing::sum_tolerance(4 * full * 3)))
                << width;
        }
    }
}

TEST(SpectralImage, StartsGreyAndDependsOnSeedAndJobOnly) {
    SpectralImage param;
    const HostTensor a = param.initial(0, 0);
    EXPECT_TRUE(testing::same_bits(a, param.initial(0, 0)));
    EXPECT_FALSE(testing::same_bits(a, param.initial(0, 1)));
    EXPECT_FALSE(testing::same_bits(a, param.initial(1, 0)));
    double mean = 0, square = 0;
    for (const float value : a.values) mean += double(value), square += double(value) * double(value);
    const double count = double(a.values.size());
    EXPECT_NEAR(mean / count, 0, 4 * 0.01 / std::sqrt(count));
    EXPECT_NEAR(std::sqrt(square / count), 0.01, 4 * 0.01 / std::sqrt(2 * count));
}

}  // namespace
}  // namespace limpid
