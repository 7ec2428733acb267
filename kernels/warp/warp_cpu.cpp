#include "kernels/warp/warp.h"
#include "kernels/cpu/simd.h"
namespace limpid::CPU_NS {
void install(WarpKernels&);
void install(WarpKernels&) {}
}
