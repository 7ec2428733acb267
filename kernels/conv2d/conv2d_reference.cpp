// The convolution oracle as kernels of the reference device. Its packed filters are the filters.
#include "kernels/conv2d/conv2d_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

namespace {

std::string_view algorithm(const Conv2dShape&, Conv2dPass) { return "oracle"; }
int64_t packed_size(const Conv2dShape& shape, Conv2dPass) { return shape.filter().size(); }

void pack(Stream&, const Conv2dShape& shape, Conv2dPass, ConstView w, float* packed) {
    for (int64_t i = 0; i < shape.filter().size(); i++) packed[i] = w.data[i];
}

size_t scratch(const Conv2dShape&, Conv2dPass, int) { return 0; }
size_t grad_filter_scratch(const Conv2dShape&, int) { return 0; }

void forward(Stream&, const Conv2dShape& shape, ConstView x, const float* packed, ConstView bias, bool relu, MutView y,
             Scratch) {
    const DoubleTensor wide_x = widen(x), wide_w = widen({packed, shape.filter()}), wide_bias = widen_optional(bias);
    DoubleTensor wide_y(shape.output());
    oracle::conv2d_forward<double>(shape, wide_x.view(), wide_w.view(), bias ? wide_bias.values.data() : nullptr, relu,
                                   wide_y.view());
    narrow(wide_y, y);
}

void grad_input(Stream&, const Conv2dShape& shape, ConstView dy, const float* packed, ConstView add, ConstView mask,
                MutView dx, Scratch) {
    const DoubleTensor wide_dy = widen(dy), wide_w = widen({packed, shape.filter()});
    const DoubleTensor wide_add = widen_optional(add), wide_mask = widen_optional(mask);
    DoubleTensor wide_dx(shape.input());
    oracle::conv2d_grad_input<double>(shape, wide_dy.view(), wide_w.view(), view_optional(wide_add),
                                      view_optional(wide_mask), wide_dx.view());
    narrow(wide_dx, dx);
}

void grad_filter(Stream&, const Conv2dShape& shape, ConstView x, ConstView dy, MutView dw, Scratch) {
    const DoubleTensor wide_x = widen(x), wide_dy = widen(dy);
    DoubleTensor wide_dw(shape.filter());
    oracle::conv2d_grad_filter<double>(shape, wide_x.view(), wide_dy.view(), wide_dw.view());
    narrow(wide_dw, dw);
}

}  // namespace

void install(Conv2dKernels& table);
void install(Conv2dKernels& table) {
    table = {algorithm, packed_size, pack, scratch, forward, grad_input, grad_filter_scratch, grad_filter};
}

}  // namespace limpid::reference
