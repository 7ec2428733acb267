// The elementwise oracle as kernels of the reference device.
#include "kernels/elementwise/elementwise_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

void install(ElementwiseKernels&);

namespace {

void unary(Stream&, Unary f, float p, float q, ConstView x, MutView y) {
    DoubleTensor result(y.shape);
    oracle::unary(f, double(p), double(q), x, result.view());
    narrow(result, y);
}

void binary(Stream&, Binary f, ConstView a, ConstView b, MutView y) {
    DoubleTensor result(y.shape);
    oracle::binary(f, a, b, result.view());
    narrow(result, y);
}

void ternary(Stream&, Ternary f, ConstView a, ConstView b, ConstView c, MutView y) {
    DoubleTensor result(y.shape);
    oracle::ternary(f, a, b, c, result.view());
    narrow(result, y);
}

}  // namespace

void install(ElementwiseKernels& table) { table = {unary, binary, ternary}; }

}  // namespace limpid::reference
