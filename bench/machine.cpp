// Processors are measured; GPUs are known from their data sheets, or else from what their driver reports.
#include "bench/machine.h"

#include <algorithm>

#include "kernels/backend.h"

namespace limpid {
namespace {

// Data sheets of NVIDIA: fp32 without tensor cores, TF32 dense, memory.
const Machine kGpus[] = {
    {"H100", 67e12, 495e12, 3.35e12},
    {"H200", 67e12, 495e12, 4.8e12},
    {"A100", 19.5e12, 156e12, 2.039e12},
    {"T4", 8.1e12, 0, 0.32e12},
};

}  // namespace

double Machine::floor_seconds(double operations, double bytes, bool tf32) const {
    const double peak = tf32 && tf32_flops > 0 ? tf32_flops : flops;
    return std::max(peak > 0 ? operations / peak : 0, bandwidth > 0 ? bytes / bandwidth : 0);
}

std::span<const Machine> known_gpus() { return kGpus; }

Machine machine_of(Stream& stream) {
    const Roofline roofline = measure_roofline(stream);
    const std::string& name = stream.backend().name;
    if (stream.device().kind == DeviceKind::cuda)
        for (const Machine& gpu : kGpus)
            if (name.find(gpu.name) != std::string::npos) return {name, gpu.flops, gpu.tf32_flops, gpu.bandwidth};
    return {name, roofline.flops, 0, roofline.bandwidth};
}

}  // namespace limpid
