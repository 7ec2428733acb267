// Which tables this machine has.
#include "kernels/backend.h"

#include "kernels/device/cuda_devices.h"
#include "kernels/error.h"

namespace limpid {

// The objects of an instruction set export nothing but tables, which are constants: to read them runs no instruction of
// that set (tests/cpu_objects_test.cpp looks at the objects).
#define LIMPID_DECLARE(Type, member) extern const Type member##_kernels;
#define LIMPID_DECLARE_ALL                 \
    LIMPID_KERNEL_FAMILIES(LIMPID_DECLARE) \
    LIMPID_DECLARE(RooflineKernels, roofline)
namespace cpu_portable {
LIMPID_DECLARE_ALL
}
#if defined(__x86_64__)
namespace cpu_avx2 {
LIMPID_DECLARE_ALL
}
#if defined(LIMPID_AVX512)
namespace cpu_avx512 {
LIMPID_DECLARE_ALL
}
#endif
#endif

namespace {

#define LIMPID_READ(Type, member) .member = member##_kernels,
#define LIMPID_CPU_BACKEND(level)                                        \
    [] {                                                                 \
        using namespace cpu_##level;                                     \
        return Backend{.name = "cpu:" #level,                            \
                       .memory = host_memory(),                          \
                       .kernels = {LIMPID_KERNEL_FAMILIES(LIMPID_READ)}, \
                       .roofline_kernels = roofline_kernels};            \
    }()

// Null: this processor, or any of its kind, has no such instructions, or they were left out of this build.
const Backend* cpu_backend(int level) {
#if defined(__x86_64__)
    static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    static const Backend avx2 = LIMPID_CPU_BACKEND(avx2);
    if (level == kCpuAvx2) return has_avx2 ? &avx2 : nullptr;
#if defined(LIMPID_AVX512)
    static const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                                   __builtin_cpu_supports("avx512vl");
    static const Backend avx512 = LIMPID_CPU_BACKEND(avx512);
    if (level == kCpuAvx512) return has_avx512 ? &avx512 : nullptr;
#endif
#endif
    static const Backend portable = LIMPID_CPU_BACKEND(portable);
    return level == kCpuPortable ? &portable : nullptr;
}

}  // namespace

const Backend& backend(const Device& device) {
    static const Backend reference{.name = "reference", .memory = host_memory(), .kernels = reference_kernels()};
    if (device.kind != DeviceKind::cuda && device.precision != Precision::fp32)
        throw UsageError(concat("device ", to_string(device), ": precision ", to_string(device.precision),
                                " is for GPUs; a CPU computes in fp32"));
    switch (device.kind) {
        case DeviceKind::reference:
            return reference;
        case DeviceKind::cpu:
            for (const int level : {kCpuAvx512, kCpuAvx2, kCpuPortable})
                if (device.index == kCpuBest || device.index == level)
                    if (const Backend* found = cpu_backend(level)) return *found;
            throw Error(
                concat("device ", to_string(device),
                       ": this processor, or this build, has no such instructions; use --device cpu, which takes "
                       "the widest there are"));
        case DeviceKind::cuda:
            if (const Backend* cuda = cuda_backend(device)) return *cuda;
            throw Error(concat("device ", to_string(device), ": ", cuda_status()));
    }
    CHECK(false);
}

}  // namespace limpid
