// The pooling oracles as kernels of the reference device.
#include "kernels/pool/pool.h"

#include "kernels/pool/pool_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

namespace {

void max_forward(Stream&, const PoolShape& s, ConstView x, MutView y) {
    const DoubleTensor wide_x = widen(x);
    narrow(oracle::max_pool(s, wide_x.view()), y);
}

void max_grad_input(Stream&, const PoolShape& s, ConstView x, ConstView, ConstView dy, ConstView add, ConstView mask,
                    MutView dx) {
    const DoubleTensor wide_x = widen(x), wide_dy = widen(dy), wide_add = widen_optional(add),
                       wide_mask = widen_optional(mask);
    narrow(oracle::max_pool_grad_input(s, wide_x.view(), wide_dy.view(), view_optional(wide_add),
                                       view_optional(wide_mask)),
           dx);
}

void max_select(Stream&, const PoolShape& s, ConstView x, ConstView, ConstView u, MutView y) {
    const DoubleTensor wide_x = widen(x), wide_u = widen(u);
    narrow(oracle::max_pool_select(s, wide_x.view(), wide_u.view()), y);
}

void average_forward(Stream&, const PoolShape& s, ConstView x, MutView y) {
    const DoubleTensor wide_x = widen(x);
    narrow(oracle::average_pool(s, wide_x.view()), y);
}

void average_grad_input(Stream&, const PoolShape& s, ConstView dy, ConstView add, ConstView mask, MutView dx) {
    const DoubleTensor wide_dy = widen(dy), wide_add = widen_optional(add), wide_mask = widen_optional(mask);
    narrow(oracle::average_pool_grad_input(s, wide_dy.view(), view_optional(wide_add), view_optional(wide_mask)), dx);
}

}  // namespace

void install(PoolKernels& kernels);
void install(PoolKernels& kernels) {
    kernels.max_forward = max_forward;
    kernels.max_grad_input = max_grad_input;
    kernels.max_select = max_select;
    kernels.average_forward = average_forward;
    kernels.average_grad_input = average_grad_input;
}

}  // namespace limpid::reference
