// The emulated device: what it can do, what it refuses to launch, and the names of errors.
#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "tests/simt/launch.h"
#include "tests/simt/memory.h"
#include "tests/simt/ptx.h"
#include "tests/simt/runtime_api.h"
#include "tests/simt/simt.h"
#include "tests/simt/streams.h"

namespace simt {

namespace {

// Limits of compute capability 9.0 (CUDA programming guide, "Technical specifications per compute capability").
constexpr unsigned kMaxThreads = 1024, kMaxBlockZ = 64, kMaxGridYZ = 65535;
constexpr size_t kPlainSharedBytes = 48 * 1024;
constexpr size_t kSharedBytesPerMultiprocessor = 233472, kReservedSharedBytesPerBlock = 1024;
constexpr int kThreadsPerMultiprocessor = 2048, kBlocksPerMultiprocessor = 32;

// Kernels that asked for more dynamic shared memory than kPlainSharedBytes.
std::map<const void*, int> g_dynamic_shared_limits;

std::set<const void*> g_launched;

// Of this thread, as in CUDA.
int& current_device() {
    thread_local int device = 0;
    return device;
}
bool device_exists(int device) { return device >= 0 && device < options().devices; }

bool launchable(const cudaLaunchConfig_t& config, const void* kernel) {
    const dim3 grid = config.gridDim, block = config.blockDim;
    const uint64_t threads = uint64_t(block.x) * block.y * block.z;
    const auto limit = g_dynamic_shared_limits.find(kernel);
    const size_t shared = limit == g_dynamic_shared_limits.end() ? kPlainSharedBytes : size_t(limit->second);
    return threads > 0 && threads <= kMaxThreads && block.z <= kMaxBlockZ && grid.x > 0 && grid.y > 0 && grid.z > 0 &&
           grid.x <= 0x7fffffffu && grid.y <= kMaxGridYZ && grid.z <= kMaxGridYZ &&
           config.dynamicSmemBytes <= std::max(shared, kPlainSharedBytes);
}

// "conv2d_tiled" of limpid::simt_fast::conv2d_tiled<64, 64>(float const*, ...).
std::string short_name(const void* kernel) {
    const char* mangled = nullptr;
    if (kernel_name(&mangled, kernel) != cudaSuccess) return "kernel";
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                          std::free);
    if (status != 0) return mangled;
    std::string name = readable.get();
    if (name.starts_with("void ")) name = name.substr(5);  // the type of a template's result
    name = name.substr(0, name.find_first_of("<("));
    return name.substr(name.rfind(':') + 1);
}

}  // namespace

cudaError_t kernel_name(const char** name, const void* kernel) {
    Dl_info symbol{};
    *name = dladdr(kernel, &symbol) ? symbol.dli_sname : nullptr;
    return *name ? cudaSuccess : set_device_error(cudaErrorInvalidValue);
}

cudaError_t set_dynamic_shared_limit(const void* kernel, int bytes) {
    const std::lock_guard lock(device_mutex());
    if (bytes < 0 || size_t(bytes) > kDynamicSharedBytes) return set_device_error(cudaErrorInvalidValue);
    g_dynamic_shared_limits[kernel] = bytes;
    return cudaSuccess;
}

int blocks_per_multiprocessor(int block_threads, size_t dynamic_shared_bytes) {
    const int by_threads = kThreadsPerMultiprocessor / std::max(block_threads, 1);
    const int by_shared = int(kSharedBytesPerMultiprocessor / (dynamic_shared_bytes + kReservedSharedBytesPerBlock));
    return std::min({by_threads, by_shared, kBlocksPerMultiprocessor});
}

cudaError_t launch(const cudaLaunchConfig_t& config, const KernelCall& call) {
    const std::lock_guard lock(device_mutex());
    auto prepared = std::make_shared<PreparedGrid>();
    prepared->arguments = std::shared_ptr<void>(call.arguments, call.destroy);
    if (!launchable(config, call.kernel)) return set_device_error(cudaErrorInvalidConfiguration);
    g_launched.insert(call.kernel);
    prepared->grid = {short_name(call.kernel), config.gridDim,     config.blockDim, config.dynamicSmemBytes, call.call,
                      call.arguments,          call.argument_bytes};
    ptx::prepare(config, call, *prepared);
    return queue_grid(config.stream, std::move(prepared));
}

std::set<std::string> launched_kernels() {
    const std::lock_guard lock(device_mutex());
    std::set<std::string> names;
    for (const void* kernel : g_launched)
        if (const char* name = nullptr; kernel_name(&name, kernel) == cudaSuccess) names.insert(name);
    return names;
}

}  // namespace simt

using namespace simt;

namespace {

struct ErrorName {
    cudaError_t error;
    const char *name, *text;
};
constexpr ErrorName kErrorNames[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalState, "cudaErrorIllegalState", "the operation cannot be performed in the present state"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
};
const ErrorName& find_error(cudaError_t error) {
    static constexpr ErrorName kUnknown{cudaSuccess, "cudaErrorUnknown", "unknown error"};
    for (const ErrorName& candidate : kErrorNames)
        if (candidate.error == error) return candidate;
    return kUnknown;
}

}  // namespace

const char* cudaGetErrorString(cudaError_t error) { return find_error(error).text; }
const char* cudaGetErrorName(cudaError_t error) { return find_error(error).name; }

cudaError_t cudaGetDeviceCount(int* count) {
    *count = options().devices;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
    *device = current_device();
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    if (!device_exists(device)) return set_device_error(cudaErrorInvalidDevice);
    current_device() = device;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    if (!device_exists(device)) return set_device_error(cudaErrorInvalidDevice);
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "emulated GPU");
    properties->totalGlobalMem = kArenaBytes;
    properties->sharedMemPerBlock = kPlainSharedBytes;
    properties->sharedMemPerBlockOptin = kDynamicSharedBytes;
    properties->sharedMemPerMultiprocessor = kSharedBytesPerMultiprocessor;
    properties->totalConstMem = 65536;
    properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = kMaxThreads;
    properties->maxThreadsPerMultiProcessor = kThreadsPerMultiprocessor;
    properties->maxBlocksPerMultiProcessor = kBlocksPerMultiprocessor;
    properties->multiProcessorCount = options().multiprocessors;
    properties->major = 9;
    properties->l2CacheSize = 50 << 20;
    properties->memoryBusWidth = 5120;
    const int dimensions[] = {kMaxThreads, kMaxThreads, kMaxBlockZ}, grid[] = {0x7fffffff, kMaxGridYZ, kMaxGridYZ};
    std::copy(dimensions, dimensions + 3, properties->maxThreadsDim);
    std::copy(grid, grid + 3, properties->maxGridSize);
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
    cudaDeviceProp properties;
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess) return error;
    const std::map<cudaDeviceAttr, int> values = {
        {cudaDevAttrMaxThreadsPerBlock, properties.maxThreadsPerBlock},
        {cudaDevAttrMaxSharedMemoryPerBlock, int(properties.sharedMemPerBlock)},
        {cudaDevAttrWarpSize, properties.warpSize},
        {cudaDevAttrClockRate, 1980000},
        {cudaDevAttrMultiProcessorCount, properties.multiProcessorCount},
        {cudaDevAttrMemoryClockRate, 2619000},
        {cudaDevAttrGlobalMemoryBusWidth, properties.memoryBusWidth},
        {cudaDevAttrL2CacheSize, properties.l2CacheSize},
        {cudaDevAttrMaxThreadsPerMultiProcessor, properties.maxThreadsPerMultiProcessor},
        {cudaDevAttrComputeCapabilityMajor, properties.major},
        {cudaDevAttrComputeCapabilityMinor, properties.minor},
        {cudaDevAttrMaxSharedMemoryPerMultiprocessor, int(properties.sharedMemPerMultiprocessor)},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, int(properties.sharedMemPerBlockOptin)},
    };
    const auto found = values.find(attribute);
    if (found == values.end()) return set_device_error(cudaErrorInvalidValue);
    *value = found->second;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }
