// What the tests of parameterisations share: decoding on a device, and Lucid's formulas by their definition.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <string>
#include <vector>

#include "graph/run.h"
#include "viz/param/param.h"
#include "weights/npy.h"

namespace limpid {

inline ImageParam param_of(const std::string& text, int64_t h, int64_t w) {
    ImageParam param = parse_param(text);
    param.height = h, param.width = w;
    return param;
}

inline HostTensor decoded(const ImageParam& param, const HostTensor& theta, int64_t batch = 1,
                          DeviceKind kind = DeviceKind::cpu) {
    Graph graph;
    const NodeId image = decode(graph, param, graph.input("theta", theta.shape), nullptr, batch);
    Stream stream({kind, 0});
    return evaluate(graph, {image}, stream, {theta})[0];
}

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

inline HostTensor image_of(const HostTensor& batch, int64_t n) {
    const ConstView view = batch.view().image(n);
    return {view.shape, std::vector<float>(view.data, view.data + view.shape.size())};
}

// The definition, in complex arithmetic: S = scale * V, irfft2 / 4; by channel.
inline HostArray<double> spectral_by_definition(const HostTensor& theta, int64_t width, double decay) {
    const int64_t h = theta.shape.h, full = width + width % 2, frequencies = full / 2 + 1, channels = theta.shape.c / 2;
    const HostTensor scale = spectral_scale(h, width, decay);
    HostArray<double> result({1, h, width, channels});
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t c = 0; c < channels; c++) {
                std::complex<double> sum = 0;
                for (int64_t v = 0; v < h; v++)
                    for (int64_t k = 0; k < full; k++) {
                        // The full spectrum: the other half is the conjugate, mirrored in both axes.
                        const int64_t u = k < frequencies ? k : full - k, row = k < frequencies ? v : (h - v) % h;
                        const double s = scale.at(0, row, u, 0);
                        std::complex<double> value(s * theta.at(0, row, u, 2 * c), s * theta.at(0, row, u, 2 * c + 1));
                        if (k >= frequencies) value = std::conj(value);
                        sum += value * std::polar(1.0, 2 * std::numbers::pi *
                                                           (double(v * y) / double(h) + double(k * x) / double(full)));
                    }
                result.at(0, y, x, c) = sum.real() / double(h * full) / 4;
            }
    return result;
}

inline HostArray<double> coloured(const HostArray<double>& t) {
    const HostTensor colours = colour_matrix();
    HostArray<double> result(t.shape);
    for (int64_t y = 0; y < t.shape.h; y++)
        for (int64_t x = 0; x < t.shape.w; x++)
            for (int64_t i = 0; i < 3; i++)
                for (int64_t j = 0; j < 3; j++)
                    result.at(0, y, x, i) += double(colours.at(0, 0, j, i)) * t.at(0, y, x, j);
    return result;
}

// TensorFlow-1 bilinear: src = dst * in/out.
inline double bilinear(const std::vector<double>& from, int64_t to, int64_t i) {
    const int64_t in = int64_t(from.size());
    const double src = double(i) * double(in) / double(to);
    const int64_t low = int64_t(src), high = std::min(low + 1, in - 1);
    return from[size_t(low)] + (from[size_t(high)] - from[size_t(low)]) * (src - double(low));
}

inline std::string coordinates_file(const HostTensor& uv) {
    const std::string file = ::testing::TempDir() + "limpid_param_uv.npy";
    write_npy(file, uv);
    return file;
}

}  // namespace limpid
