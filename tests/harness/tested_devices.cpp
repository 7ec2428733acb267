// The devices of kernels_test and its like. A file of its own: programs on the emulator link
// simt/gpu_alone.cpp instead.
#include "tests/harness/kernel_case.h"

namespace limpid::testing {

std::vector<Device> devices_under_test() {
    std::vector<Device> devices;
    for (const Device& device : {Device{DeviceKind::cpu, kCpuAvx512}, Device{DeviceKind::cpu, kCpuAvx2},
                                 Device{DeviceKind::cpu, kCpuPortable}, Device{DeviceKind::cuda, 0}}) {
        try {
            backend(device);
            devices.push_back(device);
        } catch (const Error&) {  // this machine has no such device
        }
    }
    return devices;
}

}  // namespace limpid::testing
