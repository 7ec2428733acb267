// Image parameterisations: from variables (theta) to an image in [0,1], as nodes of a graph (Olah et al. 2017; Lucid,
// param/spatial.py).
#pragma once

#include "graph/graph.h"
#include "kernels/random/philox.h"

namespace limpid {

// What the numbers of a random stream are for: the `purpose` of a RandomKey. Values are part of the file format of
// results: never reuse.
enum class Purpose : uint32_t { initial_image = 1, transform = 2, direction = 3 };

// A picture as the spectrum of colour-decorrelated channels (Lucid's fft_image and to_valid_rgb).
struct SpectralImage {
    int64_t height = 128, width = 128;
    double deviation = 0.01;  // of the initial spectrum
    double decay_power = 1;   // of the scale 1/max(f, 1/max(w,h))^decay_power
    bool decorrelate = true;
    bool operator==(const SpectralImage&) const = default;

    Shape theta(int64_t batch) const;  // {batch, h, f, 6}
    Shape image(int64_t batch) const { return {batch, height, width, 3}; }
    // sqrt(w*h) / max(f, 1/max(w,h))^decay_power over the frequencies of h x w: {1, h, f, 1}.
    HostTensor scale() const;
    // Normal numbers that depend on seed and job (the picture's number) alone: theta of one picture, {1, h, f, 6}.
    HostTensor initial(uint64_t seed, uint32_t job) const;
};

// theta -> RGB in [0,1]: inverse transform / 4, colour decorrelation, sigmoid. `scale` is a constant of
// spectral.scale(), made once.
NodeId decode(Graph& graph, const SpectralImage& param, NodeId theta, std::shared_ptr<const HostTensor> scale);

// Decorrelated colours to RGB: rgb_i = sum_j M[i][j] t_j, M = Lucid's colour correlation (Cholesky factor of the RGB
// covariance of ImageNet) divided by its largest column norm, 0.46195238. Returned as {1,1,3,3}, transposed: rgb = t *
// result.
HostTensor colour_matrix();

}  // namespace limpid
