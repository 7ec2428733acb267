// The oracle of reductions as the kernel of the reference device.
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reduce_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

namespace {

size_t scratch(Reduce, Axes, Shape, int) { return 0; }

void reduce(Stream&, Reduce kind, Axes axes, ConstView x, MutView y, Scratch) {
    const DoubleTensor wide_x = widen(x);
    narrow(oracle::reduce(kind, axes, wide_x.view()), y);
}

}  // namespace

void install(ReduceKernels& kernels);
void install(ReduceKernels& kernels) {
    kernels.scratch = scratch;
    kernels.reduce = reduce;
}

}  // namespace limpid::reference
