// What a device can do at most: the two sides of a roofline.
#pragma once

#include <span>
#include <string>

#include "kernels/stream.h"

namespace limpid {

struct Machine {
    std::string name;
    double flops = 0;       // per second, multiply-adds counted twice; 0: unknown
    double tf32_flops = 0;  // on tensor cores; 0: has none
    double bandwidth = 0;   // bytes per second

    // The least time for this much work. tf32: products on tensor cores.
    double floor_seconds(double operations, double bytes, bool tf32) const;
};

// GPUs by their data sheets (dense, SXM boards where there are several).
std::span<const Machine> known_gpus();

// CPU: measured (kernels/roofline.h). GPU: the data sheet, or what its driver reports.
Machine machine_of(Stream& stream);

}  // namespace limpid
