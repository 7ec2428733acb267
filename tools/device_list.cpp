// Finds out which devices can be used, by opening them.
#include "tools/device_list.h"

#include "kernels/backend.h"
#include "kernels/error.h"
#include "kernels/stream.h"

namespace limpid {

namespace {

// More GPUs than any machine has; only stops the search.
constexpr int kMaxGpus = 64;

// note: "" stands for the name that the device gives itself.
DeviceEntry probe(const Device& device, const std::string& note) {
    try {
        const Stream stream(device, 1);
        return {to_string(device), true, note.empty() ? stream.backend().name : note};
    } catch (const Error& error) {
        return {to_string(device), false, error.what()};
    }
}

}  // namespace

std::vector<DeviceEntry> list_devices() {
    std::vector<DeviceEntry> entries;
#if defined(__x86_64__)  // no other kind of processor could ever have these
    entries.push_back(probe({DeviceKind::cpu, kCpuAvx512}, "AVX-512 instructions"));
    entries.push_back(probe({DeviceKind::cpu, kCpuAvx2}, "AVX2 and FMA instructions"));
#endif
    entries.push_back(probe({DeviceKind::cpu, kCpuPortable}, "instructions that all processors of this kind have"));
    entries.push_back(probe({DeviceKind::reference, 0}, "plain loops in double precision: exact and slow"));
    for (int index = 0; index < kMaxGpus; index++) {
        DeviceEntry gpu = probe({DeviceKind::cuda, index}, "");
        // The first failure explains why there is none; later ones only end the list.
        if (gpu.available || index == 0) entries.push_back(gpu);
        if (!gpu.available) break;
    }
    return entries;
}

}  // namespace limpid
