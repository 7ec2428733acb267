#include "kernels/conv2d/conv2d.h"
#include "kernels/reference/reference.h"
namespace limpid::reference {
void install(Conv2dKernels&);
void install(Conv2dKernels&) {}
}
