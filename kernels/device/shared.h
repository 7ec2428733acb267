// Shared memory whose size the launch decides.
#pragma once

#include <cuda_runtime.h>

// At global scope: the emulator provides its storage under this name.
extern __shared__ __align__(16) float smem[];

namespace limpid::DEVICE_NS {

// The block's dynamic shared memory, 16-byte aligned; the size is launch()'s shared_bytes.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
    return reinterpret_cast<T*>(smem);
}

}  // namespace limpid::DEVICE_NS
