// The Fourier transform of a plane of numbers, on the host and in double: for what is done once, not in an update
// (kernels/spectral).
#pragma once

#include <span>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// S[v,u] = sum_yx t[y,x] exp(-2 pi i (v y/h + u x/w)) for u <= w/2; the rest is its mirror image, as t is real.
struct HalfSpectrum {
    int64_t h = 0, f = 0;        // rows, frequencies along x: w/2 + 1
    std::vector<double> re, im;  // [v][u]
};

// plane: h rows of w.
HalfSpectrum half_spectrum(std::span<const double> plane, int64_t h, int64_t w);

}  // namespace limpid
