// One planted bug per kernel; the line to be named in the report ends with "BUG". Where a twin exists, it follows.
#include <cuda_runtime.h>

#include "kernels/device/ptx.cuh"
#include "kernels/device/shared.h"
#include "tests/simt/planted/planted.h"

namespace planted {

using namespace limpid::DEVICE_NS;

// Threads of different warps exchange values through shared memory.
__global__ void missing_barrier(const float* x, float* y) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[63 - threadIdx.x];  // BUG
}
__global__ void with_barrier(const float* x, float* y) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = s[63 - threadIdx.x];
}

// The next turn of the loop writes what slower threads still read.
__global__ void missing_second_barrier(const float* x, float* y) {
    __shared__ float s[64];
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        s[threadIdx.x] = x[threadIdx.x] + float(i);  // BUG
        __syncthreads();
        sum += s[(threadIdx.x + 33) & 63];
    }
    y[threadIdx.x] = sum;
}
__global__ void with_second_barrier(const float* x, float* y) {
    __shared__ float s[64];
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        s[threadIdx.x] = x[threadIdx.x] + float(i);
        __syncthreads();
        sum += s[(threadIdx.x + 33) & 63];
        __syncthreads();
    }
    y[threadIdx.x] = sum;
}

__global__ void missing_syncwarp(const float* x, float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[31 - threadIdx.x];  // BUG
}
__global__ void with_syncwarp(const float* x, float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    y[threadIdx.x] = s[31 - threadIdx.x];
}

// A shuffle exchanges registers and orders no memory.
__global__ void shuffle_is_no_barrier(const float* x, float* y) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    const float other = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
    y[threadIdx.x] = s[31 - threadIdx.x] + other;  // BUG
}

// Threads of one block exchange values through global memory.
__global__ void race_in_global_memory(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x + 64] = y[(threadIdx.x + 32) & 63];  // BUG
}
__global__ void barrier_orders_global_memory(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x + 64] = y[(threadIdx.x + 32) & 63];
}

__global__ void blocks_write_one_address(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x] + float(blockIdx.x);  // BUG
}
__global__ void blocks_write_their_own(const float* x, float* y) {
    y[blockIdx.x * 64 + threadIdx.x] = x[threadIdx.x] + float(blockIdx.x);
}

// Bytes of one word belong to different threads: no race.
__global__ void neighbouring_bytes(const float*, float* y) {
    reinterpret_cast<unsigned char*>(y)[threadIdx.x] = static_cast<unsigned char>(threadIdx.x);
}

__global__ void atomic_and_plain(const float*, float* y) {
    __shared__ int count;
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    atomicAdd(&count, 1);  // BUG
    y[threadIdx.x] = float(count);
}
__global__ void atomic_then_barrier(const float*, float* y) {
    __shared__ int count;
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    atomicAdd(&count, 1);
    __syncthreads();
    y[threadIdx.x] = float(count);
}

__global__ void reads_beyond_the_end(const float* x, float* y) {
    y[threadIdx.x] = x[kFloats + threadIdx.x];  // BUG
}
__global__ void writes_beyond_the_end(const float* x, float* y) {
    y[kFloats - 32 + threadIdx.x] = x[threadIdx.x];  // BUG
}
__global__ void reaches_the_end(const float* x, float* y) {
    y[kFloats - 64 + threadIdx.x] = x[kFloats - 64 + threadIdx.x];
}

__global__ void null_pointer(const float*, float* y) {
    float* nothing = y - reinterpret_cast<size_t>(y) / sizeof(float);
    nothing[threadIdx.x] = 1;  // BUG
}

__global__ void beyond_dynamic_shared(const float* x, float* y) {
    float* s = dynamic_shared<float>();
    s[threadIdx.x + 1] = x[threadIdx.x];  // BUG
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x + 1];
}
__global__ void within_dynamic_shared(const float* x, float* y) {
    float* s = dynamic_shared<float>();
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = s[63 - threadIdx.x];
}

__global__ void beyond_static_shared(const float* x, float* y) {
    __shared__ float s[4][8];
    const int t = int(threadIdx.x);
    s[t / 8][t % 8] = x[t];
    __syncthreads();
    y[t] = s[t / 8][t % 8 + 1];  // BUG
}

__global__ void unwritten_shared(const float*, float* y) {
    __shared__ float s[64];
    if (threadIdx.x < 32) s[threadIdx.x] = 1;
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x];  // BUG
}
__global__ void unwritten_global(const float*, float* y) {
    y[threadIdx.x] = y[threadIdx.x] + 1;  // BUG
}
__global__ void written_global(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = y[threadIdx.x] + 1;
}

__global__ void misaligned_vector(const float* x, float* y) {
    *reinterpret_cast<float4*>(y + threadIdx.x * 4) = *reinterpret_cast<const float4*>(x + 1 + threadIdx.x * 4);  // BUG
}
__global__ void aligned_vector(const float* x, float* y) {
    *reinterpret_cast<float4*>(y + threadIdx.x * 4) = *reinterpret_cast<const float4*>(x + threadIdx.x * 4);
}

// Half of the block waits at one barrier, half at another.
__global__ void divergent_barrier(const float* x, float* y) {
    if (threadIdx.x < 32) {
        y[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
    } else {
        __syncthreads();  // BUG
        y[threadIdx.x] = 0;
    }
}
// The second warp needs one barrier more than the first has left.
__global__ void barrier_after_exit(const float* x, float* y) {
    for (int i = 0; i <= int(threadIdx.x / 32); i++) {
        y[threadIdx.x] = x[threadIdx.x];
        __syncthreads();  // BUG
    }
}

// The mask names lanes that never come.
__global__ void mask_of_exited_lanes(const float* x, float* y) {
    float value = x[threadIdx.x];
    if (threadIdx.x < 16) value += __shfl_xor_sync(0xffffffffu, value, 1);  // BUG
    y[threadIdx.x] = value;
}
__global__ void mask_of_present_lanes(const float* x, float* y) {
    float value = x[threadIdx.x];
    if (threadIdx.x < 16) value += __shfl_xor_sync(0x0000ffffu, value, 1);
    y[threadIdx.x] = value;
}
__global__ void mask_without_caller(const float* x, float* y) {
    y[threadIdx.x] = __shfl_sync(0x0000ffffu, x[threadIdx.x], 0);  // BUG
}

__global__ void missing_copy_wait(const float* x, float* y) {
    float* s = dynamic_shared<float>();
    ptx::copy_async_16(s + threadIdx.x * 4, x + threadIdx.x * 4, true);
    ptx::copy_async_commit();
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x * 4];  // BUG
    ptx::copy_async_wait<0>();
}
__global__ void missing_barrier_after_copy(const float* x, float* y) {
    float* s = dynamic_shared<float>();
    ptx::copy_async_16(s + threadIdx.x * 4, x + threadIdx.x * 4, true);
    ptx::copy_async_commit();
    ptx::copy_async_wait<0>();
    y[threadIdx.x] = s[255 - threadIdx.x * 4];  // BUG
}
__global__ void copy_wait_barrier(const float* x, float* y) {
    float* s = dynamic_shared<float>();
    ptx::copy_async_16(s + threadIdx.x * 4, x + threadIdx.x * 4, true);
    ptx::copy_async_commit();
    ptx::copy_async_wait<0>();
    __syncthreads();
    y[threadIdx.x] = s[255 - threadIdx.x * 4];
}

namespace {

template <class Kernel>
cudaError_t launch_on(Kernel* kernel, int blocks, int threads, size_t shared_bytes, const float* x, float* y) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(unsigned(blocks));
    config.blockDim = dim3(unsigned(threads));
    config.dynamicSmemBytes = shared_bytes;
    return cudaLaunchKernelEx(&config, kernel, x, y);
}

#define PLANTED(kernel, report, seen, blocks, threads, shared_bytes)                                        \
    {                                                                                                       \
#kernel, report, Seen::seen,                                                                        \
            [](const float* x, float* y) { return launch_on(kernel, blocks, threads, shared_bytes, x, y); } \
    }

}  // namespace

const std::vector<Case>& cases() {
    static const std::vector<Case> all = {
        PLANTED(missing_barrier, "race: shared read", check, 1, 64, 0),
        PLANTED(with_barrier, "", any_mode, 1, 64, 0),
        PLANTED(missing_second_barrier, "race: shared write", check, 1, 64, 0),
        PLANTED(with_second_barrier, "", any_mode, 1, 64, 0),
        PLANTED(missing_syncwarp, "race: shared read", check, 1, 32, 0),
        PLANTED(with_syncwarp, "", any_mode, 1, 32, 0),
        PLANTED(shuffle_is_no_barrier, "race: shared read", check, 1, 32, 0),
        PLANTED(race_in_global_memory, "race: global read", check, 1, 64, 0),
        PLANTED(barrier_orders_global_memory, "", any_mode, 1, 64, 0),
        PLANTED(blocks_write_one_address, "race between blocks: global write", check, 2, 64, 0),
        PLANTED(blocks_write_their_own, "", any_mode, 2, 64, 0),
        PLANTED(neighbouring_bytes, "", any_mode, 1, 64, 0),
        PLANTED(atomic_and_plain, "race: shared ", check, 1, 64, 0),
        PLANTED(atomic_then_barrier, "", any_mode, 1, 64, 0),
        PLANTED(reads_beyond_the_end, "out-of-bounds global read", check, 1, 64, 0),
        PLANTED(writes_beyond_the_end, "out-of-bounds global write", check, 1, 64, 0),
        PLANTED(reaches_the_end, "", any_mode, 1, 64, 0),
        PLANTED(null_pointer, "null-pointer write", check, 1, 64, 0),
        PLANTED(beyond_dynamic_shared, "out-of-bounds dynamic shared write", check, 1, 64, 256),
        PLANTED(within_dynamic_shared, "", any_mode, 1, 64, 256),
        PLANTED(beyond_static_shared, "out of bounds for type", asan, 1, 32, 0),
        PLANTED(unwritten_shared, "uninitialised shared memory", check, 1, 64, 0),
        PLANTED(unwritten_global, "uninitialised global memory", check, 1, 64, 0),
        PLANTED(written_global, "", any_mode, 1, 64, 0),
        PLANTED(misaligned_vector, "misaligned global read", check, 1, 64, 0),
        PLANTED(aligned_vector, "", any_mode, 1, 64, 0),
        PLANTED(divergent_barrier, "divergent barrier", any_mode, 1, 64, 0),
        PLANTED(barrier_after_exit, "although 32 have exited", any_mode, 1, 64, 0),
        PLANTED(mask_of_exited_lanes, "deadlock", any_mode, 1, 32, 0),
        PLANTED(mask_of_present_lanes, "", any_mode, 1, 32, 0),
        PLANTED(mask_without_caller, "which does not name it", any_mode, 1, 32, 0),
        PLANTED(missing_copy_wait, "uninitialised shared memory", lazy_check, 1, 64, 1024),
        PLANTED(missing_barrier_after_copy, "race: shared", check, 1, 64, 1024),
        PLANTED(copy_wait_barrier, "", any_mode, 1, 64, 1024),
    };
    return all;
}

}  // namespace planted
