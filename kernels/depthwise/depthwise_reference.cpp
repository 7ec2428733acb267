// The oracles of depthwise convolution as kernels of the reference device.
#include "kernels/depthwise/depthwise_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

namespace {

void forward(Stream&, const DepthwiseShape& s, ConstView x, ConstView w, MutView y) {
    const DoubleTensor wide_x = widen(x), wide_w = widen(w);
    narrow(oracle::depthwise_forward(s, wide_x.view(), wide_w.view()), y);
}

void grad_input(Stream&, const DepthwiseShape& s, ConstView dy, ConstView w, MutView dx) {
    const DoubleTensor wide_dy = widen(dy), wide_w = widen(w);
    narrow(oracle::depthwise_grad_input(s, wide_dy.view(), wide_w.view()), dx);
}

size_t grad_filter_scratch(const DepthwiseShape&) { return 0; }

void grad_filter(Stream&, const DepthwiseShape& s, ConstView x, ConstView dy, MutView dw, Scratch) {
    const DoubleTensor wide_x = widen(x), wide_dy = widen(dy);
    narrow(oracle::depthwise_grad_filter(s, wide_x.view(), wide_dy.view()), dw);
}

}  // namespace

void install(DepthwiseKernels& table);
void install(DepthwiseKernels& table) { table = {forward, grad_input, grad_filter_scratch, grad_filter}; }

}  // namespace limpid::reference
