// What a device can do at most: the two sides of a roofline.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "kernels/stream.h"

namespace limpid {

struct Machine {
    std::string name;
    double flops = 0;       // per second, multiply-adds counted twice; 0: unknown
    double tf32_flops = 0;  // on tensor cores; 0: has none
    double bandwidth = 0;   // bytes per second

    // The least time for this much work, with products in this precision.
    double floor_seconds(double operations, double bytes, Precision precision) const;
};

// GPUs by their data sheets, named as their drivers name them.
std::span<const Machine> known_gpus();
// The known GPU of exactly this name, or null: boards of one family differ.
const Machine* known_gpu(std::string_view name);

// CPU: measured (kernels/roofline.h). GPU: the data sheet, or what its driver reports.
Machine machine_of(Stream& stream);

}  // namespace limpid
