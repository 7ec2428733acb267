// In programs on the emulator the device under test is the emulated GPU alone: kernels_test runs the processors.
#include "tests/harness/kernel_case.h"

namespace limpid::testing {

std::vector<Device> devices_under_test() { return {{DeviceKind::cuda, 0}}; }

}  // namespace limpid::testing
