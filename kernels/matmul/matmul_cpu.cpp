#include "kernels/matmul/matmul.h"
#include "kernels/cpu/simd.h"
namespace limpid::CPU_NS {
void install(MatmulKernels&);
void install(MatmulKernels&) {}
}
