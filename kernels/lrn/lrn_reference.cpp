// The oracles of local response normalisation as kernels of the reference device.
#include "kernels/lrn/lrn.h"
#include "kernels/lrn/lrn_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

namespace {

void forward(Stream&, const LrnParameters& p, ConstView x, MutView y) {
    const DoubleTensor wide_x = widen(x);
    narrow(oracle::lrn(p, wide_x.view()), y);
}

void grad_input(Stream&, const LrnParameters& p, ConstView x, ConstView dy, ConstView mask, MutView dx) {
    const DoubleTensor wide_x = widen(x), wide_dy = widen(dy), wide_mask = mask ? widen(mask) : DoubleTensor();
    narrow(oracle::lrn_grad_input(p, wide_x.view(), wide_dy.view(), mask ? wide_mask.view() : View<const double>()),
           dx);
}

}  // namespace

void install(LrnKernels& kernels);
void install(LrnKernels& kernels) {
    kernels.forward = forward;
    kernels.grad_input = grad_input;
}

}  // namespace limpid::reference
