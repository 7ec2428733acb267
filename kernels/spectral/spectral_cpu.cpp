#include "kernels/spectral/spectral.h"
#include "kernels/cpu/simd.h"
namespace limpid::CPU_NS {
void install(SpectralKernels&);
void install(SpectralKernels&) {}
}
