// The inverse real 2-D DFT of a scaled spectrum: Lucid's Fourier image parameterisation (fft_image), any size, and its
// adjoint.
//
//   s {N, h, f, 2C}       for channel c the real part is element 2c, the imaginary part 2c+1; f = W/2 + 1 frequencies
//                         along x, where W = w for even w, w + 1 for odd w (Lucid computes an image one column wider
//                         and crops it)
//   scale {1, h, f, 1}    multiplies both parts
//   y[n,y,x,c] = gain/(h*W) * sum_{v<h} sum_{u<f} k_u * scale[v,u] * ( re[v,u]*cos(t) - im[v,u]*sin(t) )
//                t = 2*pi*(v*y/h + u*x/W);  k_u = 1 for u = 0 and u = W/2, else 2
//                (numpy.fft.irfft2 with an even last size W)
//   adjoint:     dre[v,u] =  gain*k_u*scale[v,u]/(h*W) * sum_{y,x} dy*cos(t)
//                dim[v,u] = -gain*k_u*scale[v,u]/(h*W) * sum_{y,x} dy*sin(t)
// Implemented as two small matrix products (along y, then along x); tables of cosines are made by `tables` once per
// size.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct SpectralShape {
    int64_t n = 1, h = 1, w = 1, c = 1;  // of the image
    float gain = 1.0f;

    int64_t full_width() const { return w + w % 2; }              // W
    int64_t frequencies() const { return full_width() / 2 + 1; }  // f
    Shape image() const { return {n, h, w, c}; }
    Shape spectrum() const { return {n, h, frequencies(), 2 * c}; }
    bool operator==(const SpectralShape&) const = default;
};

// CHECKs that a kernel was given the scratch that it asked for.
void check_spectral_scratch(size_t needed_bytes, const Scratch&);

struct SpectralKernels {
    int64_t (*tables_size)(const SpectralShape&) = nullptr;          // floats; does not depend on n, c, gain
    void (*tables)(const SpectralShape&, float* host) = nullptr;     // filled in host memory, uploaded by the caller
    size_t (*scratch)(const SpectralShape&, int threads) = nullptr;  // bytes
    void (*inverse)(Stream&, const SpectralShape&, ConstView spectrum, ConstView scale, const float* tables,
                    MutView image, Scratch) = nullptr;
    void (*inverse_grad)(Stream&, const SpectralShape&, ConstView dimage, ConstView scale, const float* tables,
                         MutView dspectrum, Scratch) = nullptr;
};

}  // namespace limpid
