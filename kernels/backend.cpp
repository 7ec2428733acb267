// Which tables this machine has.
#include "kernels/backend.h"

#include "kernels/device/cuda_devices.h"
#include "kernels/error.h"

namespace limpid {

namespace {

bool has_avx512() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

bool has_avx2() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

Error lacks(const char* what) {
    return Error(concat("device ", what,
                        ": this processor has no such instructions; use --device cpu, which takes the widest it has"));
}

}  // namespace

const Backend& backend(const Device& device) {
    static const Backend reference{"reference", host_memory(), reference_kernels(), nullptr, nullptr};
    static const Backend portable{"cpu:portable", host_memory(), cpu_portable_kernels(), cpu_portable_multiply_adds,
                                  nullptr};
#if defined(__x86_64__)
    static const Backend avx2{"cpu:avx2", host_memory(), cpu_avx2_kernels(), cpu_avx2_multiply_adds, nullptr};
    static const Backend avx512{"cpu:avx512", host_memory(), cpu_avx512_kernels(), cpu_avx512_multiply_adds, nullptr};
#else
    static const Backend &avx2 = portable, &avx512 = portable;
#endif
    if (device.kind != DeviceKind::cuda && device.precision != Precision::fp32)
        throw UsageError(concat("device ", to_string(device), ": precision ", to_string(device.precision),
                                " is for GPUs; a CPU computes in fp32"));
    switch (device.kind) {
        case DeviceKind::reference:
            return reference;
        case DeviceKind::cpu:
            switch (device.index) {
                case kCpuAvx512:
                    if (!has_avx512()) throw lacks("cpu:avx512");
                    return avx512;
                case kCpuAvx2:
                    if (!has_avx2()) throw lacks("cpu:avx2");
                    return avx2;
                case kCpuPortable:
                    return portable;
                default:
                    return has_avx512() ? avx512 : has_avx2() ? avx2 : portable;
            }
        case DeviceKind::cuda:
            if (const Backend* cuda = cuda_backend(device)) return *cuda;
            throw Error(concat("device ", to_string(device), ": ", cuda_status()));
    }
    CHECK(false);
}

}  // namespace limpid
