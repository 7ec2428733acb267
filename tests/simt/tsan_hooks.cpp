// Kernel files of the check build are compiled with -fsanitize=thread, which puts a call before every load and store.
// The program does not link that sanitizer's library; these functions answer instead.
#include "tests/simt/checker.h"

namespace {

void access(void* address, size_t bytes, simt::Access kind, void* caller) {
    simt::checker_access(uintptr_t(address), bytes, kind, {uintptr_t(caller), {}});
}

}  // namespace

#define SIMT_HOOK(name, bytes, kind) \
    void name(void* address) { access(address, bytes, simt::Access::kind, __builtin_return_address(0)); }
#define SIMT_HOOKS(bytes)                                  \
    SIMT_HOOK(__tsan_read##bytes, bytes, read)             \
    SIMT_HOOK(__tsan_write##bytes, bytes, write)           \
    SIMT_HOOK(__tsan_unaligned_read##bytes, bytes, read)   \
    SIMT_HOOK(__tsan_unaligned_write##bytes, bytes, write) \
    SIMT_HOOK(__tsan_volatile_read##bytes, bytes, read)    \
    SIMT_HOOK(__tsan_volatile_write##bytes, bytes, write)

extern "C" {
SIMT_HOOKS(1)
SIMT_HOOKS(2)
SIMT_HOOKS(4)
SIMT_HOOKS(8)
SIMT_HOOKS(16)
void __tsan_read_range(void* address, size_t bytes) {
    access(address, bytes, simt::Access::read, __builtin_return_address(0));
}
void __tsan_write_range(void* address, size_t bytes) {
    access(address, bytes, simt::Access::write, __builtin_return_address(0));
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
}
