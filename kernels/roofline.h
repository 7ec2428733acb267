// What a device can do at most: the two lines that bound every kernel's time, max(operations/flops, bytes/bandwidth).
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace limpid {

struct Roofline {
    double flops = 0;      // single-precision operations per second: multiply-adds that wait for nothing, all threads
    double bandwidth = 0;  // bytes per second to and from memory beyond the caches
};

// CPU: measured, some 100 ms. GPU: from the clocks and widths that the driver reports. 0: unknown (reference).
Roofline measure_roofline(Stream& stream);

// One instruction set's multiply-adds.
struct RooflineKernels {
    double (*multiply_adds)(int64_t rounds, float* sink) = nullptr;  // the operations of one round
};

}  // namespace limpid
