// Small correct kernels that the tests of the emulator launch.
#pragma once

#include <cuda_runtime.h>

namespace small {

// One block of 32 threads; x[i] += value, x[i] *= value.
cudaError_t add(cudaStream_t stream, float* x, float value);
cudaError_t multiply(cudaStream_t stream, float* x, float value);
// The same kernel with a chosen launch.
cudaError_t add_with(dim3 grid, dim3 block, size_t shared_bytes, float* x);

// y[i] = what lane i of one warp gets from x, for every function of a warp; see small_kernels.cu.
constexpr int kWarpResults = 12;
cudaError_t warp_functions(const float* x, float* y);
// One block of `threads`: y[0..2] are __syncthreads_count, _or, _and of x[i] > 0 as every thread sees them.
cudaError_t block_functions(int threads, const float* x, float* y);
// y[0] = sum, y[1] = minimum, y[2] = maximum, y[3] = how many threads saw the old value 0 of a counter; 4 blocks of 64.
cudaError_t atomics(const int* x, int* y);
// order[k] = the block and thread that came k-th.
cudaError_t arrival(int blocks, int threads, int* counter, int* order);

// Fragments of one warp: a[lane][4], b[lane][2], c[lane][4] -> d[lane][4].
cudaError_t mma(const unsigned* a, const unsigned* b, const float* c, float* d);
// tf32[i] = bits of x[i] rounded, 32 of them.
cudaError_t round_tf32(const float* x, unsigned* tf32);

// One warp reads shared memory with this distance between lanes, in words; one with it reads global memory.
cudaError_t strided_shared(const float* x, float* y, int stride);
cudaError_t strided_global(const float* x, float* y, int stride);
cudaError_t vector_shared(const float* x, float* y);

}  // namespace small
