#include "tests/simt/planted/small_kernels.h"

#include <cuda_runtime.h>

#include "kernels/device/ptx.cuh"
#include "kernels/device/shared.h"

namespace small {

using namespace limpid::DEVICE_NS;

__global__ void add_kernel(float* x, float value) { x[threadIdx.x] += value; }
__global__ void multiply_kernel(float* x, float value) { x[threadIdx.x] *= value; }

__global__ void warp_functions_kernel(const float* x, float* y) {
    const unsigned all = 0xffffffffu;
    const int lane = int(threadIdx.x);
    const float v = x[lane];
    float* out = y + lane * kWarpResults;
    out[0] = __shfl_sync(all, v, 5);
    out[1] = __shfl_sync(all, v, lane + 1, 8);
    out[2] = __shfl_xor_sync(all, v, 3);
    out[3] = __shfl_xor_sync(all, v, 8, 8);
    out[4] = __shfl_down_sync(all, v, 4);
    out[5] = __shfl_down_sync(all, v, 4, 8);
    out[6] = __shfl_up_sync(all, v, 4);
    out[7] = __shfl_up_sync(all, v, 4, 8);
    out[8] = float(__popc(__ballot_sync(all, lane % 3 == 0)));
    out[9] = float(__any_sync(all, lane == 31) != 0);
    out[10] = float(__all_sync(all, lane < 31) != 0);
    // The halves of the warp part ways and meet again.
    if (lane < 16)
        out[11] = __shfl_xor_sync(0x0000ffffu, v, 1);
    else
        out[11] = __shfl_xor_sync(0xffff0000u, v, 2);
}

__global__ void block_functions_kernel(const float* x, float* y) {
    const int positive = x[threadIdx.x] > 0;
    const int count = __syncthreads_count(positive), any = __syncthreads_or(positive),
              all = __syncthreads_and(positive);
    y[threadIdx.x * 3] = float(count);
    y[threadIdx.x * 3 + 1] = float(any != 0);
    y[threadIdx.x * 3 + 2] = float(all != 0);
}

__global__ void atomics_kernel(const int* x, int* y) {
    const int value = x[blockIdx.x * blockDim.x + threadIdx.x];
    atomicAdd(&y[0], value);
    atomicMin(&y[1], value);
    atomicMax(&y[2], value);
    if (atomicCAS(&y[4], 0, 1) == 0) atomicAdd(&y[3], 1);
}

__global__ void arrival_kernel(int* counter, int* order) {
    order[atomicAdd(counter, 1)] = int(blockIdx.x * blockDim.x + threadIdx.x);
}

__global__ void mma_kernel(const unsigned* a, const unsigned* b, const float* c, float* d) {
    const int lane = int(threadIdx.x);
    unsigned left[4], right[2];
    float sum[4];
    for (int i = 0; i < 4; i++) left[i] = a[lane * 4 + i], sum[i] = c[lane * 4 + i];
    for (int i = 0; i < 2; i++) right[i] = b[lane * 2 + i];
    ptx::mma_m16n8k8_tf32(sum, left, right);
    for (int i = 0; i < 4; i++) d[lane * 4 + i] = sum[i];
}

__global__ void round_tf32_kernel(const float* x, unsigned* tf32) { tf32[threadIdx.x] = ptx::to_tf32(x[threadIdx.x]); }

__global__ void strided_shared_kernel(const float* x, float* y, int stride) {
    float* s = dynamic_shared<float>();
    for (int i = int(threadIdx.x); i < 1024; i += 32) s[i] = x[i];
    __syncwarp();
    y[threadIdx.x] = s[int(threadIdx.x) * stride];  // PROFILED
}
__global__ void strided_global_kernel(const float* x, float* y, int stride) {
    y[threadIdx.x] = x[int(threadIdx.x) * stride];  // PROFILED
}
__global__ void vector_shared_kernel(const float* x, float* y) {
    float* s = dynamic_shared<float>();
    for (int i = int(threadIdx.x); i < 128; i += 32) s[i] = x[i];
    __syncwarp();
    const float4 v = reinterpret_cast<const float4*>(s)[threadIdx.x];  // PROFILED
    y[threadIdx.x] = v.x + v.y + v.z + v.w;
}

namespace {

template <class... Parameters, class... Arguments>
cudaError_t launch_on(cudaStream_t stream, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
                      Arguments... arguments) {
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

}  // namespace

cudaError_t add(cudaStream_t stream, float* x, float value) {
    return launch_on(stream, add_kernel, 1, 32, 0, x, value);
}
cudaError_t multiply(cudaStream_t stream, float* x, float value) {
    return launch_on(stream, multiply_kernel, 1, 32, 0, x, value);
}
cudaError_t add_with(dim3 grid, dim3 block, size_t shared_bytes, float* x) {
    return launch_on(nullptr, add_kernel, grid, block, shared_bytes, x, 1.0f);
}
cudaError_t warp_functions(const float* x, float* y) {
    return launch_on(nullptr, warp_functions_kernel, 1, 32, 0, x, y);
}
cudaError_t block_functions(int threads, const float* x, float* y) {
    return launch_on(nullptr, block_functions_kernel, 1, unsigned(threads), 0, x, y);
}
cudaError_t atomics(const int* x, int* y) { return launch_on(nullptr, atomics_kernel, 4, 64, 0, x, y); }
cudaError_t arrival(int blocks, int threads, int* counter, int* order) {
    return launch_on(nullptr, arrival_kernel, unsigned(blocks), unsigned(threads), 0, counter, order);
}
cudaError_t mma(const unsigned* a, const unsigned* b, const float* c, float* d) {
    return launch_on(nullptr, mma_kernel, 1, 32, 0, a, b, c, d);
}
cudaError_t round_tf32(const float* x, unsigned* tf32) {
    return launch_on(nullptr, round_tf32_kernel, 1, 32, 0, x, tf32);
}
cudaError_t strided_shared(const float* x, float* y, int stride) {
    return launch_on(nullptr, strided_shared_kernel, 1, 32, 4096, x, y, stride);
}
cudaError_t strided_global(const float* x, float* y, int stride) {
    return launch_on(nullptr, strided_global_kernel, 1, 32, 0, x, y, stride);
}
cudaError_t vector_shared(const float* x, float* y) {
    return launch_on(nullptr, vector_shared_kernel, 1, 32, 512, x, y);
}

}  // namespace small
