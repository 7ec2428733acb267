// The vendors' libraries that our GPU kernels are compared with. Loaded when a benchmark asks for them, never linked: a
// machine without them runs the other benchmarks.
#pragma once

#include <functional>
#include <string>

#include "kernels/conv2d/conv2d.h"
#include "kernels/matmul/matmul.h"

namespace limpid {

// A call that can be repeated on the stream, or why there is none.
struct Peer {
    std::function<void()> run;  // null: see `missing`
    std::string missing;
};

// y = relu(conv(x, w) + bias) by cuDNN's fastest algorithm. w is RSCK on the host. precision fp32 forbids tensor cores.
Peer cudnn_forward(Stream& stream, const Conv2dShape& shape, const float* x, const HostTensor& w, const float* bias,
                   float* y, Precision precision);

// The product of matmul.h, without bias, by cuBLAS.
Peer cublas_multiply(Stream& stream, const MatmulShape& shape, const float* a, const float* b, float* y,
                     Precision precision);

}  // namespace limpid
