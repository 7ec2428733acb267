// Memory of the CPU devices: 2 MiB-aligned blocks, huge pages where the system has them, addressed directly.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "kernels/backend.h"

namespace limpid {

namespace {

constexpr size_t kHugePage = size_t(2) << 20;

void* allocate(int, size_t size_bytes) {
    if (size_bytes < kHugePage) return std::aligned_alloc(64, (size_bytes + 63) / 64 * 64);
    const size_t rounded = (size_bytes + kHugePage - 1) / kHugePage * kHugePage;
    if (rounded < size_bytes) return nullptr;
    void* data = std::aligned_alloc(kHugePage, rounded);
    if (data) madvise(data, rounded, MADV_HUGEPAGE);  // advice: it may be refused
    return data;
}

void release(int, void* data, size_t) { std::free(data); }

void copy_up(Stream&, const void* host, void* device, size_t size_bytes) {
    if (size_bytes) std::memcpy(device, host, size_bytes);
}

void copy_down(Stream&, const void* device, void* host, size_t size_bytes) {
    if (size_bytes) std::memcpy(host, device, size_bytes);
}

}  // namespace

DeviceMemory host_memory() {
    DeviceMemory memory;
    memory.allocate = allocate;
    memory.release = release;
    memory.upload = copy_up;
    memory.download = copy_down;
    return memory;
}

}  // namespace limpid
