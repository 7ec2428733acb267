// Installs the CPU kernels of resize_cpu.cpp, affine_cpu.cpp and mix_cpu.cpp.
#include "kernels/warp/warp_cpu.h"

namespace limpid::CPU_NS {

void install(WarpKernels&);

void install(WarpKernels& table) {
    table.resize = resize;
    table.resize_grad = resize_grad;
    table.affine = affine;
    table.affine_grad = affine_grad;
    table.mix = mix;
}

}  // namespace limpid::CPU_NS
