// The layout oracle as kernels of the reference device.
#include "kernels/layout/layout_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

void install(LayoutKernels&);

namespace {

void copy_box(Stream&, Shape extent, oracle::Index x_first, oracle::Index y_first, ConstView x, MutView y) {
    // Only the box of y may be written (the rest may not even be initialised), so the result is a box of its own first.
    DoubleTensor box(extent);
    oracle::copy_box(extent, x_first, {}, widen(x).view(), box.view());
    oracle::for_each_index(extent, [&](const oracle::Index& i) {
        oracle::Index to;
        for (size_t axis = 0; axis < 4; axis++) to[axis] = i[axis] + y_first[axis];
        oracle::element(y, to) = float(oracle::element(box.view(), i));
    });
}

void fill(Stream&, float value, MutView y) { narrow(DoubleTensor(y.shape, double(value)), y); }

void pad(Stream&, PadMode mode, const Padding& padding, float value, ConstView x, MutView y) {
    DoubleTensor result(y.shape);
    const DoubleTensor wide = widen(x);
    oracle::pad(mode, padding, double(value), wide.view(), result.view());
    narrow(result, y);
}

void pad_grad(Stream&, PadMode mode, const Padding& padding, ConstView dy, MutView dx) {
    DoubleTensor result(dx.shape);
    const DoubleTensor wide = widen(dy);
    oracle::pad_grad(mode, padding, wide.view(), result.view());
    narrow(result, dx);
}

void shift_crop(Stream&, ConstView x, ConstView offsets, MutView y) {
    DoubleTensor result(y.shape);
    const DoubleTensor wide = widen(x);
    oracle::shift_crop(wide.view(), offsets, result.view());
    narrow(result, y);
}

void shift_crop_grad(Stream&, ConstView dy, ConstView offsets, MutView dx) {
    DoubleTensor result(dx.shape);
    const DoubleTensor wide = widen(dy);
    oracle::shift_crop_grad(wide.view(), offsets, result.view());
    narrow(result, dx);
}

void transpose(Stream&, std::array<int, 4> order, ConstView x, MutView y) {
    DoubleTensor result(y.shape);
    const DoubleTensor wide = widen(x);
    oracle::transpose(order, wide.view(), result.view());
    narrow(result, y);
}

}  // namespace

void install(LayoutKernels& table) { table = {copy_box, fill, pad, pad_grad, shift_crop, shift_crop_grad, transpose}; }

}  // namespace limpid::reference
