#include "kernels/layout/layout.h"
#include "kernels/cpu/simd.h"
namespace limpid::CPU_NS {
void install(LayoutKernels&);
void install(LayoutKernels&) {}
}
