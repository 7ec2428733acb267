// Starting kernels, and checking calls of the CUDA runtime. Kernels are started with launch(), never with <<<>>>, so
// that the same file is ordinary C++ to the emulator.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/queue.h"
#include "kernels/error.h"
#include "kernels/rounding.h"

namespace limpid::DEVICE_NS {

// Throws Error "cudaMalloc(...): out of memory (file:line)".
[[noreturn]] void cuda_failed(cudaError_t error, const char* call, const char* file, int line);
// Throws Error naming the device, the kernel and the reason, or the work queued before that failed.
[[noreturn]] void launch_failed(cudaError_t error, const Stream& stream, const void* kernel, dim3 grid, dim3 block,
                                size_t shared_bytes);

// Dynamic shared memory that a kernel gets without asking for more.
inline constexpr size_t kPlainSharedBytes = 48 * 1024;

// Queues a kernel. A grid with a zero in it is an empty batch: nothing to do. Arguments are converted to the kernel's
// parameter types.
template <class... Parameters, class... Arguments>
void launch(Stream& stream, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
            const Arguments&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments));
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    cudaError_t error = cudaSetDevice(stream.device().index);
    if (error == cudaSuccess && shared_bytes > kPlainSharedBytes)
        error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes));
    if (error == cudaSuccess) {
        cudaLaunchConfig_t config{};
        config.gridDim = grid, config.blockDim = block;
        config.dynamicSmemBytes = shared_bytes;
        config.stream = queue(stream).stream;
        error = cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
    }
    if (error != cudaSuccess)
        launch_failed(error, stream, reinterpret_cast<const void*>(kernel), grid, block, shared_bytes);
    queue(stream).log.add(reinterpret_cast<const void*>(kernel));
}

}  // namespace limpid::DEVICE_NS

// A call of the CUDA runtime that must succeed.
#define CUDA_TRY(call)                                                           \
    do {                                                                         \
        if (const cudaError_t error_ = (call); error_ != cudaSuccess)            \
            ::limpid::DEVICE_NS::cuda_failed(error_, #call, __FILE__, __LINE__); \
    } while (false)
