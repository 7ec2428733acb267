// Device memory of the emulator.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simt {

// All of global memory lies in one range of addresses (except under AddressSanitizer, which has its own allocator).
constexpr size_t kArenaBytes = size_t(1) << 34;
uintptr_t arena_begin();
// How many bytes from `address` to the end of its allocation; 0 when it lies in none.
size_t allocated_bytes_from(const void* address);
bool is_pinned_host_memory(const void* address);
size_t device_bytes_in_use();

}  // namespace simt

// Dynamic shared memory of the running block; kernels/device/shared.h declares it so.
extern thread_local float smem[];
inline constexpr size_t kDynamicSharedBytes = 232448;  // what a block may have on compute capability 9.0
