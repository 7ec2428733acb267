// Processors are measured; GPUs are known from their data sheets, or else from what their driver reports.
#include "bench/machine.h"

#include <algorithm>

#include "kernels/backend.h"

namespace limpid {
namespace {

// Data sheets of NVIDIA: fp32 without tensor cores, TF32 dense, memory.
const Machine kGpus[] = {
    {"NVIDIA H100 80GB HBM3", 67e12, 495e12, 3.35e12},    {"NVIDIA H100 PCIe", 51e12, 378e12, 2.0e12},
    {"NVIDIA H100 NVL", 60e12, 418e12, 3.9e12},           {"NVIDIA H200", 67e12, 495e12, 4.8e12},
    {"NVIDIA H200 NVL", 60e12, 418e12, 4.8e12},           {"NVIDIA GH200 480GB", 67e12, 495e12, 4.0e12},
    {"NVIDIA GH200 144G HBM3e", 67e12, 495e12, 4.9e12},   {"NVIDIA A100-SXM4-40GB", 19.5e12, 156e12, 1.555e12},
    {"NVIDIA A100-SXM4-80GB", 19.5e12, 156e12, 2.039e12}, {"NVIDIA A100-PCIE-40GB", 19.5e12, 156e12, 1.555e12},
    {"NVIDIA A100 80GB PCIe", 19.5e12, 156e12, 1.935e12}, {"Tesla T4", 8.1e12, 0, 0.32e12},
};

// A product of tf32x3 is three of TF32.
double peak_flops(const Machine& machine, Precision precision) {
    if (precision == Precision::fp32 || machine.tf32_flops == 0) return machine.flops;
    return precision == Precision::tf32x3 ? machine.tf32_flops / 3 : machine.tf32_flops;
}

}  // namespace

double Machine::floor_seconds(double operations, double bytes, Precision precision) const {
    const double peak = peak_flops(*this, precision);
    return std::max(peak > 0 ? operations / peak : 0, bandwidth > 0 ? bytes / bandwidth : 0);
}

std::span<const Machine> known_gpus() { return kGpus; }

const Machine* known_gpu(std::string_view name) {
    const auto found = std::ranges::find(kGpus, name, &Machine::name);
    return found == std::end(kGpus) ? nullptr : found;
}

Machine machine_of(Stream& stream) {
    const Roofline roofline = measure_roofline(stream);
    const std::string& name = stream.backend().name;
    // A backend's name is its device's, and then the GPU's: "cuda:0 NVIDIA H200".
    const std::string device = to_string(stream.device()) + ' ';
    if (stream.device().kind == DeviceKind::cuda && name.starts_with(device))
        if (const Machine* gpu = known_gpu(std::string_view(name).substr(device.size())))
            return {name, gpu->flops, gpu->tf32_flops, gpu->bandwidth};
    return {name, roofline.flops, 0, roofline.bandwidth};
}

}  // namespace limpid
