// The spectral parameterisation.
#include "viz/param/param.h"

#include <algorithm>
#include <cmath>

#include "graph/ops.h"
#include "kernels/error.h"

namespace limpid {

namespace {

// Lucid, param/spatial.py: the image is divided by 4 "to match the scale of a pixel image".
constexpr float kGain = 0.25f;

SpectralShape spectral_shape(const SpectralImage& param, int64_t batch) {
    SpectralShape shape;
    shape.n = batch, shape.h = param.height, shape.w = param.width, shape.c = 3, shape.gain = kGain;
    return shape;
}

}  // namespace

Shape SpectralImage::theta(int64_t batch) const { return spectral_shape(*this, batch).spectrum(); }

HostTensor SpectralImage::scale() const {
    const SpectralShape shape = spectral_shape(*this, 1);
    HostTensor result({1, shape.h, shape.frequencies(), 1});
    const double lowest = 1.0 / double(std::max(height, width));
    for (int64_t v = 0; v < shape.h; v++)
        for (int64_t u = 0; u < shape.frequencies(); u++) {
            // numpy.fft.fftfreq; only the magnitude matters. For odd widths Lucid's last frequency is fftfreq's first
            // negative one.
            const double fy = double(std::min(v, shape.h - v)) / double(height),
                         fx = double(std::min(u, width - u)) / double(width);
            const double f = std::max(std::hypot(fx, fy), lowest);
            result.at(0, v, u, 0) = float(std::sqrt(double(width * height)) / std::pow(f, decay_power));
        }
    return result;
}

HostTensor SpectralImage::initial(uint64_t seed, uint32_t job) const {
    HostTensor result(theta(1));
    const RandomKey key{seed, job, 0, uint32_t(Purpose::initial_image)};
    for (int64_t i = 0; i < result.shape.size(); i++)
        result.values[size_t(i)] = float(deviation) * random_normal(key, i);
    return result;
}

HostTensor colour_matrix() {
    constexpr double kCorrelation[3][3] = {{0.26, 0.09, 0.02}, {0.27, 0.00, -0.05}, {0.27, -0.09, 0.03}};
    double largest = 0;
    for (int j = 0; j < 3; j++)
        largest = std::max(largest, std::hypot(kCorrelation[0][j], kCorrelation[1][j], kCorrelation[2][j]));
    HostTensor result({1, 1, 3, 3});
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) result.at(0, 0, j, i) = float(kCorrelation[i][j] / largest);
    return result;
}

NodeId decode(Graph& graph, const SpectralImage& param, NodeId theta, std::shared_ptr<const HostTensor> scale) {
    NodeId image = ops::spectral_inverse(graph, theta, graph.constant(std::move(scale), "spectral scale"), param.width,
                                         kGain, "spectral image");
    if (param.decorrelate)
        image =
            ops::matmul(graph, image, graph.constant(colour_matrix(), "colour correlation"), {}, "decorrelated image");
    return ops::sigmoid(graph, image, "image");
}

}  // namespace limpid
