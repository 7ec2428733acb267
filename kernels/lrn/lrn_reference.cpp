#include "kernels/lrn/lrn.h"
#include "kernels/reference/reference.h"
namespace limpid::reference {
void install(LrnKernels&);
void install(LrnKernels&) {}
}
