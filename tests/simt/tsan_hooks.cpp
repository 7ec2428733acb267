// Kernel files of the check build are compiled with -fsanitize=thread, which puts a call before every load and store.
// The program does not link that sanitizer's library; these functions answer instead.
#include "tests/simt/checker.h"
#include "tests/simt/simt.h"

namespace {

// A program that has these hooks has kernels to be watched.
const bool g_check = (simt::options().check = true);

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
// Atomics of the host: guards of static variables, reference counts. Those of kernels are functions of the emulator.
unsigned char __tsan_atomic8_load(const volatile unsigned char* address, int) {
    return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_load(const volatile int* address, int) { return __atomic_load_n(address, __ATOMIC_SEQ_CST); }
long __tsan_atomic64_load(const volatile long* address, int) { return __atomic_load_n(address, __ATOMIC_SEQ_CST); }
void __tsan_atomic64_store(volatile long* address, long value, int) {
    __atomic_store_n(address, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_add(volatile int* address, int value, int) {
    return __atomic_fetch_add(address, value, __ATOMIC_SEQ_CST);
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
}
