// The oracles of softmax as kernels of the reference device.
#include "kernels/reference/reference.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax/softmax_oracle.h"

namespace limpid::reference {

namespace {

void forward(Stream&, ConstView x, MutView y) {
    const DoubleTensor wide_x = widen(x);
    narrow(oracle::softmax(wide_x.view()), y);
}

void grad_input(Stream&, ConstView y, ConstView dy, MutView dx) {
    const DoubleTensor wide_y = widen(y), wide_dy = widen(dy);
    narrow(oracle::softmax_grad_input(wide_y.view(), wide_dy.view()), dx);
}

void log_sum_exp(Stream&, ConstView x, MutView y) {
    const DoubleTensor wide_x = widen(x);
    narrow(oracle::log_sum_exp(wide_x.view()), y);
}

}  // namespace

void install(SoftmaxKernels& kernels);
void install(SoftmaxKernels& kernels) {
    kernels.forward = forward;
    kernels.grad_input = grad_input;
    kernels.log_sum_exp = log_sum_exp;
}

}  // namespace limpid::reference
