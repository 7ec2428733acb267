// One table of kernels per device: what the graph calls. A null entry means "not implemented on this device".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/adam/adam.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/layout/layout.h"
#include "kernels/lrn/lrn.h"
#include "kernels/matmul/matmul.h"
#include "kernels/pool/pool.h"
#include "kernels/random/random.h"
#include "kernels/reduce/reduce.h"
#include "kernels/roofline.h"
#include "kernels/softmax/softmax.h"
#include "kernels/spectral/spectral.h"
#include "kernels/stream.h"
#include "kernels/warp/warp.h"

// Every family of kernels, once: X(type of its table, member). Adding a family adds a line here; the tables of all
// devices and the completeness test follow from it.
#define LIMPID_KERNEL_FAMILIES(X)      \
    X(AdamKernels, adam)               \
    X(Conv2dKernels, conv2d)           \
    X(DepthwiseKernels, depthwise)     \
    X(ElementwiseKernels, elementwise) \
    X(LayoutKernels, layout)           \
    X(LrnKernels, lrn)                 \
    X(MatmulKernels, matmul)           \
    X(PoolKernels, pool)               \
    X(RandomKernels, random)           \
    X(ReduceKernels, reduce)           \
    X(SoftmaxKernels, softmax)         \
    X(SpectralKernels, spectral)       \
    X(WarpKernels, warp)

namespace limpid {

struct KernelTable {
#define LIMPID_MEMBER(Type, member) Type member;
    LIMPID_KERNEL_FAMILIES(LIMPID_MEMBER)
#undef LIMPID_MEMBER
};

// Memory and queues of a device.
struct DeviceMemory {
    void* (*allocate)(int device_index, size_t size_bytes) = nullptr;  // null result: not enough memory
    void (*release)(int device_index, void* data, size_t size_bytes) = nullptr;
    // Returns when the host's memory may be reused; the device has the data before later work of the stream.
    void (*upload)(Stream&, const void* host, void* device, size_t size_bytes) = nullptr;
    void (*download)(Stream&, const void* device, void* host, size_t size_bytes) = nullptr;  // returns when done
    // What a Stream holds of the device. Null entries: nothing, as work is done when the call returns.
    void* (*create_queue)(int device_index) = nullptr;
    void (*destroy_queue)(void* queue) = nullptr;
    void* (*native)(void* queue) = nullptr;
    void (*synchronize)(void* queue) = nullptr;
    void (*label)(void* queue, std::string_view purpose) = nullptr;
    // See Event. Null entries: the host's clock tells.
    void* (*create_event)(int device_index) = nullptr;
    void (*destroy_event)(void* event) = nullptr;
    void (*record_event)(Stream&, void* event) = nullptr;
    double (*seconds_between)(void* start, void* end) = nullptr;
    // See CapturedWork. Null entries: the device has no such thing.
    void (*begin_capture)(Stream&) = nullptr;
    void* (*end_capture)(Stream&) = nullptr;
    void (*abandon_capture)(Stream&) = nullptr;
    void (*replay)(Stream&, void* captured) = nullptr;
    void (*destroy_captured)(void* captured) = nullptr;
};

struct Backend {
    std::string name;  // e.g. "cpu:avx512"
    DeviceMemory memory;
    KernelTable kernels;
    RooflineKernels roofline_kernels = {};             // CPU: what measure_roofline times
    Roofline (*roofline)(int device_index) = nullptr;  // GPU: its own figures
    // The same kernels by every method that the device has, simplest first: for tests and benchmarks. May be empty.
    std::vector<std::pair<std::string, KernelTable>> staircase = {};
};

// The table of a device. Throws Error when this build or this machine has no such device or the device has not that
// precision; never falls back to another.
const Backend& backend(const Device& device);

// What each device's files provide; backend.cpp chooses among them.
KernelTable reference_kernels();
DeviceMemory host_memory();
// Null when the build has no CUDA or the machine no such GPU: cuda_status() says which.
const Backend* cuda_backend(const Device& device);

}  // namespace limpid
