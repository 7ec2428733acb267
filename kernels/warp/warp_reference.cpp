// The warp oracle as kernels of the reference device.
#include "kernels/reference/reference.h"
#include "kernels/warp/warp_oracle.h"

namespace limpid::reference {

void install(WarpKernels&);

namespace {

void resize(Stream&, ConstView x, MutView y) {
    DoubleTensor result(y.shape);
    const DoubleTensor wide = widen(x);
    oracle::resize(wide.view(), result.view());
    narrow(result, y);
}

void resize_grad(Stream&, ConstView dy, MutView dx) {
    DoubleTensor result(dx.shape);
    const DoubleTensor wide = widen(dy);
    oracle::resize_grad(wide.view(), result.view());
    narrow(result, dx);
}

void affine(Stream&, Interpolation interpolation, ConstView x, ConstView matrix, MutView y) {
    DoubleTensor result(y.shape);
    const DoubleTensor wide = widen(x);
    oracle::affine(interpolation, wide.view(), matrix, result.view());
    narrow(result, y);
}

void affine_grad(Stream&, Interpolation interpolation, ConstView dy, ConstView matrix, MutView dx) {
    DoubleTensor result(dx.shape);
    const DoubleTensor wide = widen(dy);
    oracle::affine_grad(interpolation, wide.view(), matrix, result.view());
    narrow(result, dx);
}

void mix(Stream&, ConstView x, const PixelMixView& mixture, MutView y) {
    DoubleTensor result(y.shape);
    const DoubleTensor wide = widen(x);
    oracle::mix(wide.view(), mixture, result.view());
    narrow(result, y);
}

}  // namespace

void install(WarpKernels& table) { table = {resize, resize_grad, affine, affine_grad, mix}; }

}  // namespace limpid::reference
