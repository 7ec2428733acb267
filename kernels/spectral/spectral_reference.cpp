// The spectral oracle as kernels of the reference device. It needs neither tables nor scratch.
#include "kernels/reference/reference.h"
#include "kernels/spectral/spectral_oracle.h"

namespace limpid::reference {

void install(SpectralKernels&);

namespace {

int64_t tables_size(const SpectralShape&) { return 0; }
void tables(const SpectralShape&, float*) {}
size_t scratch(const SpectralShape&, int) { return 0; }

void inverse(Stream&, const SpectralShape& shape, ConstView spectrum, ConstView scale, const float*, MutView image,
             Scratch) {
    DoubleTensor result(image.shape);
    const DoubleTensor wide_spectrum = widen(spectrum), wide_scale = widen(scale);
    oracle::spectral_inverse_by_axes(shape, wide_spectrum.view(), wide_scale.view(), result.view());
    narrow(result, image);
}

void inverse_grad(Stream&, const SpectralShape& shape, ConstView dimage, ConstView scale, const float*,
                  MutView dspectrum, Scratch) {
    DoubleTensor result(dspectrum.shape);
    const DoubleTensor wide_image = widen(dimage), wide_scale = widen(scale);
    oracle::spectral_inverse_grad_by_axes(shape, wide_image.view(), wide_scale.view(), result.view());
    narrow(result, dspectrum);
}

}  // namespace

void install(SpectralKernels& table) { table = {tables_size, tables, scratch, inverse, inverse_grad}; }

}  // namespace limpid::reference
