// The spectral parameterisation on every device: the formula by hand, the oracle by adjointness, the kernels against
// the oracle.
#include <cmath>
#include <numeric>

#include "kernels/spectral/spectral_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// The reference device is the oracle in the coat of a kernel; the coat is tested here too.
std::vector<Device> devices_and_reference() {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    return devices;
}

SpectralShape read_case(const ShapeRow& row) { return {row["n"], row["h"], row["w"], row["c"], 0.25f}; }
Shape scale_shape(const SpectralShape& shape) { return {1, shape.h, shape.frequencies(), 1}; }

double dot(const HostArray<double>& a, const HostArray<double>& b) {
    return std::inner_product(a.values.begin(), a.values.end(), b.values.begin(), 0.0);
}

// h*f terms along the longest path. The kernels add some of them in pairs first and scale before or after, which is a
// few roundings more.
Tolerance tolerance(const SpectralShape& shape) {
    return {sum_tolerance(shape.h * shape.frequencies()).relative, shape.image().size() == 0};
}

struct Result {
    HostTensor image, dspectrum;
};
Result run(Stream& stream, const SpectralShape& shape, const HostTensor& spectrum, const HostTensor& scale,
           const HostTensor& dimage, int64_t gap = 0) {
    const SpectralKernels& kernels = stream.backend().kernels.spectral;
    HostTensor tables({1, 1, 1, kernels.tables_size(shape)});
    kernels.tables(shape, tables.values.data());
    const GuardedTensor in(stream, spectrum, spectrum.shape.c + gap), weights(stream, scale, 1 + gap),
        constants(stream, tables);
    const GuardedTensor out(stream, shape.image(), shape.c + gap), gradient(stream, dimage, shape.c + gap);
    const GuardedTensor back(stream, shape.spectrum(), 2 * shape.c + gap);
    const GuardedScratch scratch(stream, kernels.scratch(shape, stream.thread_count()));
    kernels.inverse(stream, shape, in.view(), weights.view(), constants.view().data, out.view(), scratch.scratch());
    kernels.inverse_grad(stream, shape, gradient.view(), weights.view(), constants.view().data, back.view(),
                         scratch.scratch());
    scratch.check();
    return {out.read(), back.read()};
}

// The images of single frequencies, from the definition of irfft2: cosines of amplitude 1/(h*W) or, between, 2/(h*W).
TEST(Spectral, SingleFrequenciesByHand) {
    for (const auto& [h, w] : {std::pair<int64_t, int64_t>{4, 6}, {3, 5}, {5, 4}, {1, 2}}) {
        const SpectralShape shape{1, h, w, 1, 1};
        const double full = double(w % 2 ? w + 1 : w), area = double(h) * full;
        const HostArray<double> ones(scale_shape(shape), 1.0);
        const auto image_of = [&](int64_t v, int64_t u, double re, double im) {
            HostArray<double> spectrum(shape.spectrum()), image(shape.image());
            spectrum.at(0, v, u, 0) = re, spectrum.at(0, v, u, 1) = im;
            oracle::spectral_inverse(shape, spectrum.view(), ones.view(), image.view());
            return image;
        };
        const auto expect = [&](const HostArray<double>& image, auto formula) {
            for (int64_t y = 0; y < h; y++)
                for (int64_t x = 0; x < w; x++)
                    EXPECT_NEAR(image.at(0, y, x, 0), formula(double(y), double(x)), 1e-12) << y << "," << x;
        };
        const double turn = 2 * std::numbers::pi;
        expect(image_of(0, 0, 3, 7),
               [&](double, double) { return 3 / area; });  // the imaginary part of the mean is ignored
        expect(image_of(0, shape.frequencies() - 1, 1, 7),
               [&](double, double x) { return std::cos(turn * x / 2) / area; });
        if (h > 1)
            expect(image_of(1, 0, 1, 0), [&](double y, double) { return std::cos(turn * y / double(h)) / area; });
        if (h > 1)
            expect(image_of(1, 0, 0, 1), [&](double y, double) { return -std::sin(turn * y / double(h)) / area; });
        if (shape.frequencies() > 2)
            expect(image_of(0, 1, 0.5, -2), [&](double, double x) {
                return 2 * (0.5 * std::cos(turn * x / full) + 2 * std::sin(turn * x / full)) / area;
            });
        if (shape.frequencies() > 2 && h > 2)
            expect(image_of(2, 1, 1, 0),
                   [&](double y, double x) { return 2 * std::cos(turn * (2 * y / double(h) + x / full)) / area; });
    }
}

TEST(Spectral, OracleByAxesIsTheOracleAndItsAdjoint) {
    for (const SpectralShape& shape : {SpectralShape{2, 5, 7, 2, 0.5f}, SpectralShape{1, 6, 8, 1, 2},
                                       SpectralShape{1, 1, 1, 1, 1}, SpectralShape{1, 9, 2, 3, 1}}) {
        const HostTensor spectrum = random_tensor(shape.spectrum(), -1, 1, 1),
                         dimage = random_tensor(shape.image(), -1, 1, 2);
        const HostTensor scale = random_tensor(scale_shape(shape), 0.5, 2, 3);
        HostArray<double> image(shape.image()), by_axes(shape.image()), dspectrum(shape.spectrum()),
            dspectrum_by_axes(shape.spectrum());
        oracle::spectral_inverse(shape, widen(spectrum).view(), widen(scale).view(), image.view());
        oracle::spectral_inverse_by_axes(shape, widen(spectrum).view(), widen(scale).view(), by_axes.view());
        EXPECT_TRUE(matches(image, by_axes, {1e-13}));
        oracle::spectral_inverse_grad(shape, widen(dimage).view(), widen(scale).view(), dspectrum.view());
        oracle::spectral_inverse_grad_by_axes(shape, widen(dimage).view(), widen(scale).view(),
                                              dspectrum_by_axes.view());
        EXPECT_TRUE(matches(dspectrum, dspectrum_by_axes, {1e-13}));
        EXPECT_NEAR(dot(image, widen(dimage)), dot(widen(spectrum), dspectrum), 1e-12);
    }
}

TEST(Spectral, MatchesOracle) {
    for (const ShapeRow& row : read_shapes("spectral.txt")) {
        const SpectralShape shape = read_case(row);
        const HostTensor spectrum = random_tensor(shape.spectrum(), -1, 1, 1),
                         dimage = random_tensor(shape.image(), -1, 1, 2);
        const HostTensor scale = random_tensor(scale_shape(shape), 0.5, 2, 3);
        HostArray<double> image(shape.image()), dspectrum(shape.spectrum());
        oracle::spectral_inverse_by_axes(shape, widen(spectrum).view(), widen(scale).view(), image.view());
        oracle::spectral_inverse_grad_by_axes(shape, widen(dimage).view(), widen(scale).view(), dspectrum.view());
        for (const Device& device : devices_under_test())
            for (const int64_t gap : {0, 3}) {
                Stream stream(device);
                const Result result = run(stream, shape, spectrum, scale, dimage, gap);
                EXPECT_TRUE(matches(image, result.image, tolerance(shape)))
                    << row.name << " gap " << gap << " " << to_string(device);
                EXPECT_TRUE(matches(dspectrum, result.dspectrum, tolerance(shape)))
                    << row.name << " gap " << gap << " " << to_string(device);
            }
    }
}

TEST(Spectral, EverySmallSize) {
    for (int64_t h = 1; h <= 13; h++)
        for (int64_t w = 1; w <= 13; w++) {
            const SpectralShape shape{1, h, w, h % 3 + 1, 1};
            const HostTensor spectrum = random_tensor(shape.spectrum(), 0.5, 1, 1),
                             dimage = random_tensor(shape.image(), 0.5, 1, 2);
            const HostTensor scale = random_tensor(scale_shape(shape), 0.5, 2, 3);
            HostArray<double> image(shape.image()), dspectrum(shape.spectrum());
            oracle::spectral_inverse(shape, widen(spectrum).view(), widen(scale).view(), image.view());
            oracle::spectral_inverse_grad(shape, widen(dimage).view(), widen(scale).view(), dspectrum.view());
            for (const Device& device : devices_and_reference()) {
                Stream stream(device, 1);
                const Result result = run(stream, shape, spectrum, scale, dimage);
                ASSERT_TRUE(matches(image, result.image, tolerance(shape)))
                    << h << "x" << w << " " << to_string(device);
                ASSERT_TRUE(matches(dspectrum, result.dspectrum, tolerance(shape)))
                    << h << "x" << w << " " << to_string(device);
            }
        }
}

TEST(Spectral, BitsDependNeitherOnThreadsNorOnBatch) {
    const SpectralShape shape{3, 46, 37, 3, 1}, alone{1, 46, 37, 3, 1};
    const HostTensor spectrum = random_tensor(shape.spectrum(), -1, 1, 1),
                     dimage = random_tensor(shape.image(), -1, 1, 2);
    const HostTensor scale = random_tensor(scale_shape(shape), 0.5, 2, 3);
    const auto last_image = [](const HostTensor& batch, const Shape& one) {
        return HostTensor(one, std::vector<float>(batch.values.end() - one.size(), batch.values.end()));
    };
    for (const Device& device : devices_under_test()) {
        Stream single(device, 1), pair(device, 2);
        const Result a = run(single, shape, spectrum, scale, dimage), b = run(pair, shape, spectrum, scale, dimage);
        EXPECT_TRUE(same_bits(a.image, b.image));
        EXPECT_TRUE(same_bits(a.dspectrum, b.dspectrum));
        const Result c =
            run(pair, alone, last_image(spectrum, alone.spectrum()), scale, last_image(dimage, alone.image()));
        EXPECT_TRUE(same_bits(last_image(a.image, alone.image()), c.image));
        EXPECT_TRUE(same_bits(last_image(a.dspectrum, alone.spectrum()), c.dspectrum));
    }
}

// A NaN in one image spoils that image, in the channel where it is, and nothing else.
TEST(Spectral, NanStaysInItsChannel) {
    const SpectralShape shape{2, 6, 6, 3, 1};
    HostTensor spectrum = random_tensor(shape.spectrum(), -1, 1, 1);
    spectrum.at(1, 2, 1, 2 * 2) = std::numeric_limits<float>::quiet_NaN();
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        const Result result =
            run(stream, shape, spectrum, HostTensor(scale_shape(shape), 1.0f), HostTensor(shape.image(), 1.0f));
        for (int64_t i = 0; i < shape.image().size(); i++)
            EXPECT_EQ(std::isnan(result.image.values[size_t(i)]), i >= 6 * 6 * 3 && i % 3 == 2)
                << i << " " << to_string(device);
    }
}

}  // namespace
}  // namespace limpid::testing
