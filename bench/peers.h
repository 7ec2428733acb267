// The libraries that our kernels are compared with: on a GPU cuDNN and cuBLAS, which are loaded when a benchmark asks
// for them and never linked; on a CPU oneDNN, which is linked to this program alone. Builds and machines without them
// run the other benchmarks.
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

// How oneDNN finds and leaves images: as ours lie, or as it likes best, which is not counted.
enum class PeerLayout { ours, its_own };

// y = relu(conv(x, w) + bias). The first run happens here, and leaves its result in y; later ones may leave it
// elsewhere.
Peer onednn_forward(const Stream& stream, const Conv2dShape& shape, const float* x, const HostTensor& w,
                    const float* bias, float* y, PeerLayout layout);
// dx = the gradient of the convolution where mask > 0, else 0.
Peer onednn_grad_input(const Stream& stream, const Conv2dShape& shape, const float* dy, const HostTensor& w,
                       const float* mask, float* dx, PeerLayout layout);
Peer onednn_multiply(const Stream& stream, const MatmulShape& shape, const float* a, const float* b, float* y);

}  // namespace limpid
