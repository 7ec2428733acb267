// Allocation: one large range of addresses, so that the checker finds the record of a byte by subtraction. New memory
// is full of NaN.
#include "tests/simt/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "tests/simt/checker.h"
#include "tests/simt/runtime_api.h"
#include "tests/simt/streams.h"

alignas(1024) thread_local float smem[kDynamicSharedBytes / sizeof(float)];

namespace simt {

namespace {

constexpr size_t kAlignment = 256;  // as cudaMalloc's
constexpr size_t kGapBytes = 256;   // between allocations, so that running over an end is seen
constexpr size_t kPageBytes = 4096;
constexpr int kPoison = 0xff;  // NaN as a float

std::map<char*, size_t> g_allocations;   // begin -> bytes asked for
std::map<const char*, size_t> g_pinned;  // host memory of cudaMallocHost
size_t g_bytes_in_use = 0;

#if !defined(__SANITIZE_ADDRESS__)
std::multimap<size_t, char*> g_free;  // by size
char* g_arena = nullptr;
size_t g_arena_used = 0;

size_t rounded(size_t bytes) { return (bytes + kGapBytes + kAlignment - 1) / kAlignment * kAlignment; }

char* take(size_t bytes) {
    const size_t wanted = rounded(bytes);
    // Reuse only what fits well: tests allocate the same few sizes again and again.
    if (auto found = g_free.lower_bound(wanted); found != g_free.end() && found->first == wanted) {
        char* address = found->second;
        g_free.erase(found);
        return address;
    }
    arena_begin();
    if (g_arena_used + wanted > kArenaBytes) return nullptr;
    char* address = g_arena + g_arena_used;
    g_arena_used += wanted;
    return address;
}

void give_back(char* address, size_t bytes) {
    // Whole pages go back to the system.
    const uintptr_t begin = (uintptr_t(address) + kPageBytes - 1) / kPageBytes * kPageBytes;
    const uintptr_t end = (uintptr_t(address) + bytes) / kPageBytes * kPageBytes;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    g_free.emplace(rounded(bytes), address);
    if (g_allocations.empty()) {
        g_free.clear();
        g_arena_used = 0;
    }
}
#else
// AddressSanitizer's own allocator surrounds every block with bytes that must not be touched.
char* take(size_t bytes) {
    void* address = nullptr;
    return posix_memalign(&address, kAlignment, bytes) == 0 ? static_cast<char*>(address) : nullptr;
}
void give_back(char* address, size_t) { std::free(address); }
#endif

}  // namespace

uintptr_t arena_begin() {
#if !defined(__SANITIZE_ADDRESS__)
    if (!g_arena) {
        void* memory =
            mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) std::abort();
        g_arena = static_cast<char*>(memory);
    }
    return uintptr_t(g_arena);
#else
    return 0;
#endif
}

size_t allocated_bytes_from(const void* address) {
    const auto* byte = static_cast<const char*>(address);
    auto found = g_allocations.upper_bound(const_cast<char*>(byte));
    if (found == g_allocations.begin()) return 0;
    --found;
    const size_t offset = size_t(byte - found->first);
    return offset < found->second ? found->second - offset : 0;
}

bool is_pinned_host_memory(const void* address) {
    const auto* byte = static_cast<const char*>(address);
    auto found = g_pinned.upper_bound(byte);
    if (found == g_pinned.begin()) return false;
    --found;
    return size_t(byte - found->first) < found->second;
}

size_t device_bytes_in_use() { return g_bytes_in_use; }

}  // namespace simt

using namespace simt;

cudaError_t cudaMalloc(void** address, size_t bytes) {
    const std::lock_guard lock(device_mutex());
    *address = nullptr;
    if (bytes == 0) return cudaSuccess;
    char* memory = bytes < kArenaBytes ? take(bytes) : nullptr;
    if (!memory) return set_device_error(cudaErrorMemoryAllocation);
    g_allocations[memory] = bytes;
    g_bytes_in_use += bytes;
    std::memset(memory, kPoison, bytes);
    checker_allocated(memory, bytes);
    *address = memory;
    return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
    if (!address) return cudaSuccess;
    const std::lock_guard lock(device_mutex());
    finish_all_streams();
    const auto found = g_allocations.find(static_cast<char*>(address));
    if (found == g_allocations.end()) return set_device_error(cudaErrorInvalidValue);
    const auto [memory, bytes] = *found;
    checker_freed(memory, bytes);
    g_allocations.erase(found);
    g_bytes_in_use -= bytes;
    give_back(memory, bytes);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void** address, size_t bytes) {
    const std::lock_guard lock(device_mutex());
    *address = std::malloc(bytes ? bytes : 1);
    if (!*address) return set_device_error(cudaErrorMemoryAllocation);
    g_pinned[static_cast<char*>(*address)] = bytes;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void* address) {
    if (!address) return cudaSuccess;
    const std::lock_guard lock(device_mutex());
    finish_all_streams();
    if (g_pinned.erase(static_cast<char*>(address)) == 0) return set_device_error(cudaErrorInvalidValue);
    std::free(address);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
    const std::lock_guard lock(device_mutex());
    *total_bytes = kArenaBytes;
    *free_bytes = kArenaBytes - g_bytes_in_use;
    return cudaSuccess;
}
