// Stands in for CUDA in builds without a toolkit.
#include "kernels/backend.h"
#include "kernels/device/cuda_devices.h"

namespace limpid {

const Backend* cuda_backend(const Device&) { return nullptr; }

std::string cuda_status() {
    return "this limpid was built without CUDA; build with -DLIMPID_CUDA=ON, or use --device cpu";
}

}  // namespace limpid
