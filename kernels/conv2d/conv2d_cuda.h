// The tables of convolution kernels of a GPU, one per method, and what its two files share.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/device/method.h"

namespace limpid::DEVICE_NS {

// All of conv2d by one method, or by a simpler one where it does not pay.
Conv2dKernels conv2d_kernels(Method best);

// The gradient to the filter: conv2d_grad_filter_cuda.cu.
struct Conv2dFilterKernels {
    decltype(Conv2dKernels::grad_filter_scratch) scratch;
    decltype(Conv2dKernels::grad_filter) grad_filter;
};
Conv2dFilterKernels conv2d_filter_kernels(Method best);

}  // namespace limpid::DEVICE_NS
