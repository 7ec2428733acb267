// Asks the CUDA runtime for its devices. The kernels of the CUDA backend are not part of this version, so it offers no
// table yet.
#include <cuda_runtime.h>

#include "kernels/backend.h"
#include "kernels/device/cuda_devices.h"

namespace limpid {

const Backend* cuda_backend() { return nullptr; }

std::string cuda_status() {
    int count = 0;  // left as it is when the call fails
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0)
        return concat("no GPU can be used (", error != cudaSuccess ? cudaGetErrorString(error) : "none found",
                      "); use --device cpu");
    std::string names;
    for (int i = 0; i < count; i++) {
        cudaDeviceProp properties{};
        if (cudaGetDeviceProperties(&properties, i) == cudaSuccess)
            names += concat(i ? ", " : "", "cuda:", i, " ", properties.name);
    }
    return concat(names, " found, but this version of limpid has no CUDA kernels; use --device cpu");
}

}  // namespace limpid
