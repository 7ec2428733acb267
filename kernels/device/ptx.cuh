// Thin names for instructions that C++ cannot express. The only file with two bodies: inline PTX, and what the emulator
// does instead.
//
// Turing (sm_75) has neither asynchronous copies nor TF32: there a copy happens at once, through registers, and the
// TF32 product stops the kernel. backend_cuda.cu never offers TF32 on Turing.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace limpid::DEVICE_NS::ptx {

#if !defined(SIMT_HOST)

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define LIMPID_AMPERE 1
#else
#define LIMPID_AMPERE 0
#endif

__device__ __forceinline__ unsigned shared_address(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// Copies 16 (or 4) bytes from global to shared memory; zeros when `valid` is false, and then `from` is not read.
__device__ __forceinline__ void copy_async_16(void* to, const void* from, bool valid) {
#if LIMPID_AMPERE
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
                 "r"(valid ? 16 : 0)
                 : "memory");
#else
    *static_cast<uint4*>(to) = valid ? *static_cast<const uint4*>(from) : uint4{};
#endif
}
__device__ __forceinline__ void copy_async_4(void* to, const void* from, bool valid) {
#if LIMPID_AMPERE
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)), "l"(from), "r"(valid ? 4 : 0)
                 : "memory");
#else
    *static_cast<unsigned*>(to) = valid ? *static_cast<const unsigned*>(from) : 0u;
#endif
}
// Ends a group of copies; copy_async_wait<N>() returns when all but the last N groups of this thread are done.
__device__ __forceinline__ void copy_async_commit() {
#if LIMPID_AMPERE
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int kPending>
__device__ __forceinline__ void copy_async_wait() {
#if LIMPID_AMPERE
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

// The nearest TF32 number (10 bits of mantissa), as the bits of a float; halves away from zero.
__device__ __forceinline__ unsigned to_tf32(float value) {
    unsigned bits = 0;
#if LIMPID_AMPERE
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
#endif
    return bits;
}

// d += a * b for a 16x8 tile of a warp: a is 16x8, b is 8x8. With group = lane / 4 and part = lane % 4 (PTX ISA,
// "Matrix fragments for mma.m16n8k8"):
//   a[0] (group, part)   a[1] (group + 8, part)   a[2] (group, part + 4)   a[3] (group + 8, part + 4)
//   b[0] (part, group)   b[1] (part + 4, group)
//   d[0] (group, 2 part)   d[1] (group, 2 part + 1)   d[2] (group + 8, 2 part)   d[3] (group + 8, 2 part + 1)
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#if LIMPID_AMPERE
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();
#endif
}

#undef LIMPID_AMPERE

#else

// A place is the line of the kernel that calls, for reports.
inline void copy_async_16(void* to, const void* from, bool valid, simt::Place place = simt::Place::current()) {
    simt::cp_async(to, from, 16, valid ? 16 : 0, place);
}
inline void copy_async_4(void* to, const void* from, bool valid, simt::Place place = simt::Place::current()) {
    simt::cp_async(to, from, 4, valid ? 4 : 0, place);
}
inline void copy_async_commit() { simt::cp_async_commit(); }
template <int kPending>
inline void copy_async_wait() {
    simt::cp_async_wait(kPending);
}

inline unsigned to_tf32(float value) { return simt::cvt_rna_tf32(value); }

inline void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                             simt::Place place = simt::Place::current()) {
    simt::mma_m16n8k8_tf32(d, a, b, d, place);
}

#endif

}  // namespace limpid::DEVICE_NS::ptx
