// The tables of matrix products of a GPU, one per method.
#pragma once

#include "kernels/device/method.h"
#include "kernels/matmul/matmul.h"

namespace limpid::DEVICE_NS {

MatmulKernels matmul_kernels(Method best);

}  // namespace limpid::DEVICE_NS
