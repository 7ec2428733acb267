// Random numbers on a GPU: a thread computes one Philox block and the four numbers that it gives.
#include "kernels/device/launch.h"
#include "kernels/device/sine_cosine.h"
#include "kernels/device/vector.h"
#include "kernels/random/random.h"

namespace limpid::DEVICE_NS {

void install(RandomKernels&);

// Enough warps to hide the multiplications' latency.
inline constexpr int kRandomThreads = 256;
inline constexpr int kBlockNumbers = 4;

// Numbers [first, first + count) of the stream, for y[0..count); the blocks begin at first_block.
struct RandomRange {
    int64_t first, count, first_block;
};

namespace {

// Writes what the thread's block gives, as far as it is asked for. `aligned`: y begins with a whole block, on 16 bytes.
__device__ __forceinline__ void store_block(const RandomRange& range, int64_t block, bool aligned, float4 numbers,
                                            float* y) {
    const int64_t at = block * kBlockNumbers - range.first;
    if (aligned && at + kBlockNumbers <= range.count) return store4(y + at, numbers);
    if (at >= 0 && at < range.count) y[at] = numbers.x;
    if (at + 1 >= 0 && at + 1 < range.count) y[at + 1] = numbers.y;
    if (at + 2 >= 0 && at + 2 < range.count) y[at + 2] = numbers.z;
    if (at + 3 >= 0 && at + 3 < range.count) y[at + 3] = numbers.w;
}

// The formula of random_normal for both numbers of a pair of words.
__device__ __forceinline__ float2 normal_pair(uint32_t a, uint32_t b) {
    const float radius = sqrtf(-2.0f * logf(unit_interval_above_zero(a)));
    const float angle = 6.283185307179586f * unit_interval(b);
    return make_float2(radius * cosine(angle), radius * sine(angle));
}

}  // namespace

__global__ void __launch_bounds__(kRandomThreads)
    random_uniform_blocks(RandomKey key, RandomRange range, bool aligned, float* y) {
    const int64_t block = range.first_block + int64_t(blockIdx.x) * kRandomThreads + threadIdx.x;
    if (block * kBlockNumbers >= range.first + range.count) return;
    const PhiloxBlock words = random_block(key, uint32_t(block));
    store_block(range, block, aligned,
                make_float4(unit_interval(words.x[0]), unit_interval(words.x[1]), unit_interval(words.x[2]),
                            unit_interval(words.x[3])),
                y);
}

__global__ void __launch_bounds__(kRandomThreads)
    random_normal_blocks(RandomKey key, float mean, float deviation, RandomRange range, bool aligned, float* y) {
    const int64_t block = range.first_block + int64_t(blockIdx.x) * kRandomThreads + threadIdx.x;
    if (block * kBlockNumbers >= range.first + range.count) return;
    const PhiloxBlock words = random_block(key, uint32_t(block));
    const float2 a = normal_pair(words.x[0], words.x[1]), b = normal_pair(words.x[2], words.x[3]);
    store_block(
        range, block, aligned,
        make_float4(mean + deviation * a.x, mean + deviation * a.y, mean + deviation * b.x, mean + deviation * b.y), y);
}

namespace {

RandomRange range_of(int64_t first, int64_t count) { return {first, count, first / kBlockNumbers}; }
unsigned blocks_of(const RandomRange& range) {
    const int64_t end = divide_up(range.first + range.count, kBlockNumbers);
    return range.count == 0 ? 0 : unsigned(divide_up(end - range.first_block, kRandomThreads));
}
bool is_aligned(const RandomRange& range, const float* y) {
    return range.first % kBlockNumbers == 0 && vectorizable(y, kVector, kVector);
}

void uniform(Stream& stream, RandomKey key, int64_t first, int64_t count, float* y) {
    const RandomRange range = range_of(first, count);
    launch(stream, random_uniform_blocks, blocks_of(range), kRandomThreads, 0, key, range, is_aligned(range, y), y);
}

void normal(Stream& stream, RandomKey key, float mean, float deviation, int64_t first, int64_t count, float* y) {
    const RandomRange range = range_of(first, count);
    launch(stream, random_normal_blocks, blocks_of(range), kRandomThreads, 0, key, mean, deviation, range,
           is_aligned(range, y), y);
}

}  // namespace

void install(RandomKernels& table) {
    table.uniform = uniform;
    table.normal = normal;
}

}  // namespace limpid::DEVICE_NS
