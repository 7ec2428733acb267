// The device under test is a GPU alone: in programs on the emulator, and in kernels_gpu_test. kernels_test runs the
// processors.
#include "tests/harness/kernel_case.h"

namespace limpid::testing {

std::vector<Device> devices_under_test() { return {{DeviceKind::cuda, 0}}; }

}  // namespace limpid::testing
