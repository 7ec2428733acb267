// The CUDA devices of this machine: their memory, their streams, their table of kernels.
#include <cuda_runtime.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "kernels/conv2d/conv2d_cuda.h"
#include "kernels/device/cuda_devices.h"
#include "kernels/device/launch.h"
#include "kernels/device/method.h"
#include "kernels/matmul/matmul_cuda.h"

#if defined(__GNUC__)
#include <cxxabi.h>
#endif

namespace limpid {

namespace DEVICE_NS {

#define LIMPID_DECLARE(Type, member) void install(Type&);
LIMPID_KERNEL_FAMILIES(LIMPID_DECLARE)
#undef LIMPID_DECLARE

void cuda_failed(cudaError_t error, const char* call, const char* file, int line) {
    throw Error(concat("cuda: ", call, ": ", cudaGetErrorString(error), " (", file, ":", line, ")"));
}

namespace {

std::string name_of(const void* kernel) {
    const char* mangled = nullptr;
    if (cudaFuncGetName(&mangled, kernel) != cudaSuccess || !mangled) return "of unknown name";
#if defined(__GNUC__)
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                          std::free);
    if (status == 0 && readable) return readable.get();
#endif
    return mangled;
}

}  // namespace

void launch_failed(cudaError_t error, const Stream& stream, const void* kernel, dim3 grid, dim3 block,
                   size_t shared_bytes) {
    throw Error(concat("device ", to_string(stream.device()), ": kernel ", name_of(kernel), ", grid ", grid.x, "x",
                       grid.y, "x", grid.z, ", block ", block.x, "x", block.y, "x", block.z, ", ", shared_bytes,
                       " bytes of shared memory: ", cudaGetErrorString(error)));
}

namespace {

// Oldest GPU that the kernels are built for (CMakeLists.txt): Turing, compute capability 7.5.
constexpr int kOldestCapability = 75;

void* allocate(int index, size_t size_bytes) {
    CUDA_TRY(cudaSetDevice(index));
    void* data = nullptr;
    const cudaError_t error = cudaMalloc(&data, size_bytes);
    if (error == cudaErrorMemoryAllocation) {
        cudaGetLastError();  // reported to the caller; the next call must not see it again
        return nullptr;
    }
    if (error != cudaSuccess) cuda_failed(error, "cudaMalloc", __FILE__, __LINE__);
    return data;
}

// Runs in destructors: a device that has failed has told so already.
void release(int index, void* data, size_t) {
    if (cudaSetDevice(index) == cudaSuccess) cudaFree(data);
}

// A kernel that fails says so at the next synchronisation.
void synchronize(int index, void* native) {
    CUDA_TRY(cudaSetDevice(index));
    if (const cudaError_t error = cudaStreamSynchronize(static_cast<cudaStream_t>(native)); error != cudaSuccess)
        throw Error(concat("device cuda:", index, ": work queued before failed: ", cudaGetErrorString(error),
                           "; --trace waits after every node and names the one that fails"));
}

void copy(Stream& stream, const void* from, void* to, size_t size_bytes, cudaMemcpyKind kind) {
    if (size_bytes == 0) return;
    CUDA_TRY(cudaSetDevice(stream.device().index));
    CUDA_TRY(cudaMemcpyAsync(to, from, size_bytes, kind, native(stream)));
}
// From pageable memory: CUDA has taken its own copy when the call returns.
void upload(Stream& stream, const void* host, void* device, size_t size_bytes) {
    copy(stream, host, device, size_bytes, cudaMemcpyHostToDevice);
}
void download(Stream& stream, const void* device, void* host, size_t size_bytes) {
    copy(stream, device, host, size_bytes, cudaMemcpyDeviceToHost);
    synchronize(stream.device().index, stream.native());
}

// Streams do not wait for each other, nor for the default stream.
void* create_stream(int index) {
    CUDA_TRY(cudaSetDevice(index));
    cudaStream_t stream = nullptr;
    CUDA_TRY(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
}
void destroy_stream(int index, void* native) {
    if (cudaSetDevice(index) == cudaSuccess) cudaStreamDestroy(static_cast<cudaStream_t>(native));
}

// Of this thread alone: other threads may allocate and synchronise their own streams meanwhile.
void begin_capture(Stream& stream) {
    CUDA_TRY(cudaSetDevice(stream.device().index));
    CUDA_TRY(cudaStreamBeginCapture(native(stream), cudaStreamCaptureModeThreadLocal));
}
void* end_capture(Stream& stream) {
    cudaGraph_t graph = nullptr;
    CUDA_TRY(cudaStreamEndCapture(native(stream), &graph));
    cudaGraphExec_t executable = nullptr;
    const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    if (error != cudaSuccess) cuda_failed(error, "cudaGraphInstantiate", __FILE__, __LINE__);
    return executable;
}
void abandon_capture(Stream& stream) {
    cudaGraph_t graph = nullptr;
    if (cudaStreamEndCapture(native(stream), &graph) == cudaSuccess && graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // what failed is being reported already
}
void replay(Stream& stream, void* captured) {
    CUDA_TRY(cudaSetDevice(stream.device().index));
    CUDA_TRY(cudaGraphLaunch(static_cast<cudaGraphExec_t>(captured), native(stream)));
}
void destroy_captured(void* captured) { cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(captured)); }

DeviceMemory device_memory() {
    DeviceMemory memory;
    memory.allocate = allocate;
    memory.release = release;
    memory.upload = upload;
    memory.download = download;
    memory.create_stream = create_stream;
    memory.destroy_stream = destroy_stream;
    memory.synchronize = synchronize;
    memory.begin_capture = begin_capture;
    memory.end_capture = end_capture;
    memory.abandon_capture = abandon_capture;
    memory.replay = replay;
    memory.destroy_captured = destroy_captured;
    return memory;
}

// Oldest GPU with TF32: Ampere, compute capability 8.0.
constexpr int kOldestTf32 = 80;

KernelTable kernels(Method best) {
    KernelTable table;
#define LIMPID_INSTALL(Type, member) install(table.member);
    LIMPID_KERNEL_FAMILIES(LIMPID_INSTALL)
#undef LIMPID_INSTALL
    table.conv2d = conv2d_kernels(best);
    table.matmul = matmul_kernels(best);
    return table;
}

struct Gpu {
    std::string name;
    int capability = 0;
};

// From the clocks and widths that the driver reports. Lanes of single precision per multiprocessor: CUDA C++
// Programming Guide, arithmetic instructions; two operations per multiply-add, two transfers per memory clock.
Roofline roofline(int index) {
    const auto attribute = [&](cudaDeviceAttr which) {
        int value = 0;
        CUDA_TRY(cudaDeviceGetAttribute(&value, which, index));
        return double(value);
    };
    const int capability =
        int(attribute(cudaDevAttrComputeCapabilityMajor) * 10 + attribute(cudaDevAttrComputeCapabilityMinor));
    const double lanes = capability == 75 || capability == 80 ? 64 : 128;
    return {attribute(cudaDevAttrMultiProcessorCount) * lanes * 2 * attribute(cudaDevAttrClockRate) * 1e3,
            attribute(cudaDevAttrGlobalMemoryBusWidth) / 8 * 2 * attribute(cudaDevAttrMemoryClockRate) * 1e3};
}

// What the runtime sees, or why it sees nothing.
struct Gpus {
    std::vector<Gpu> all;
    std::string problem;

    Gpus() {
        int count = 0;  // left as it is when the call fails
        const cudaError_t error = cudaGetDeviceCount(&count);
        if (error != cudaSuccess || count == 0) {
            problem = error != cudaSuccess ? cudaGetErrorString(error) : "none found";
            cudaGetLastError();
            return;
        }
        for (int i = 0; i < count; i++) {
            cudaDeviceProp properties{};
            CUDA_TRY(cudaGetDeviceProperties(&properties, i));
            all.push_back({properties.name, properties.major * 10 + properties.minor});
        }
    }
};

}  // namespace

}  // namespace DEVICE_NS

const Backend* cuda_backend(const Device& device) {
    using namespace DEVICE_NS;
    static const Gpus gpus;
    static const std::vector<std::vector<Backend>> backends = [] {  // [GPU][precision]
        std::vector<std::vector<Backend>> list(gpus.all.size());
        for (size_t i = 0; i < gpus.all.size(); i++) {
            const bool tf32 = gpus.all[i].capability >= kOldestTf32;
            for (const Precision precision : {Precision::fp32, Precision::tf32x3, Precision::tf32}) {
                if (gpus.all[i].capability < kOldestCapability || (precision != Precision::fp32 && !tf32)) continue;
                Backend backend{concat(to_string(Device{DeviceKind::cuda, int(i), precision}), " ", gpus.all[i].name),
                                device_memory(), kernels(best_method(precision)), nullptr, roofline};
                for (const Method method : kMethods)
                    if (tf32 || method < Method::tf32x3)
                        backend.staircase.emplace_back(to_string(method), kernels(method));
                list[i].push_back(std::move(backend));
            }
        }
        return list;
    }();
    if (device.index < 0 || size_t(device.index) >= backends.size()) return nullptr;
    const std::vector<Backend>& precisions = backends[size_t(device.index)];
    return size_t(device.precision) < precisions.size() ? &precisions[size_t(device.precision)] : nullptr;
}

std::string cuda_status() {
    const DEVICE_NS::Gpus gpus;
    if (gpus.all.empty()) return concat("no GPU can be used (", gpus.problem, "); use --device cpu");
    std::string text = "this machine has ";
    for (size_t i = 0; i < gpus.all.size(); i++) {
        const DEVICE_NS::Gpu& gpu = gpus.all[i];
        text += concat(i ? ", " : "", "cuda:", i, " ", gpu.name);
        if (gpu.capability < DEVICE_NS::kOldestCapability)
            text += concat(" (compute capability ", gpu.capability / 10, ".", gpu.capability % 10,
                           ", too old: 7.5 is needed)");
        else if (gpu.capability < DEVICE_NS::kOldestTf32)
            text += " (fp32 only: TF32 needs compute capability 8.0)";
    }
    return text;
}

}  // namespace limpid
