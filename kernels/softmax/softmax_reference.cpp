#include "kernels/softmax/softmax.h"
#include "kernels/reference/reference.h"
namespace limpid::reference {
void install(SoftmaxKernels&);
void install(SoftmaxKernels&) {}
}
