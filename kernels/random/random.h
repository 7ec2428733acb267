// Counter-based random numbers (Philox4x32-10, Salmon et al. 2011): a value is a pure function of (seed, stream,
// index), so it does not depend on batch, threads, device, order or resume. The functions below are the definition, on
// host and device alike.
//
//   uniform: [0,1), 24 bits.   normal: Box-Muller on two uniforms; computed from the same 32-bit words on every device,
//   with the device's own log/sin/cos, so normals agree across devices to rounding and bit for bit on one device.
#pragma once

#include "kernels/random/philox.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct RandomKernels {
    // y[i] for i = first, first+1, ... of the stream named by key; dense.
    void (*uniform)(Stream&, RandomKey key, int64_t first, int64_t count, float* y) = nullptr;
    void (*normal)(Stream&, RandomKey key, float mean, float deviation, int64_t first, int64_t count,
                   float* y) = nullptr;
};

}  // namespace limpid
