// The CUDA devices of this machine: their memory, their streams, their table of kernels.
#include <cuda_runtime.h>

#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "kernels/conv2d/conv2d_cuda.h"
#include "kernels/device/cuda_devices.h"
#include "kernels/device/launch.h"
#include "kernels/device/method.h"
#include "kernels/matmul/matmul_cuda.h"

namespace limpid {

namespace DEVICE_NS {

#define LIMPID_DECLARE(Type, member) void install(Type&);
LIMPID_KERNEL_FAMILIES(LIMPID_DECLARE)
#undef LIMPID_DECLARE

void cuda_failed(cudaError_t error, const char* call, const char* file, int line) {
    throw Error(concat("cuda: ", call, ": ", cudaGetErrorString(error), " (", file, ":", line, ")"));
}

void launch_failed(cudaError_t error, const Stream& stream, const void* kernel, dim3 grid, dim3 block,
                   size_t shared_bytes) {
    queue(stream).fail(
        error, concat("kernel ", name_of(kernel), ", grid ", grid.x, "x", grid.y, "x", grid.z, ", block ", block.x, "x",
                      block.y, "x", block.z, ", ", shared_bytes, " bytes of shared memory"));
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

Queue* as_queue(void* queue) { return static_cast<Queue*>(queue); }
void* create_queue(int index) { return new Queue(index); }
void destroy_queue(void* queue) { delete as_queue(queue); }
void* native(void* queue) { return as_queue(queue)->stream; }
void synchronize(void* queue) { as_queue(queue)->synchronize(); }
void label(void* queue, std::string_view purpose) { as_queue(queue)->log.set_label(purpose); }

// The queue of a stream, its device made the current one of this thread.
Queue& current(const Stream& stream) {
    Queue& q = queue(stream);
    q.check(cudaSetDevice(q.device), "cudaSetDevice");
    return q;
}

void upload(Stream& stream, const void* host, void* device, size_t size_bytes) {
    Queue& q = current(stream);
    q.check(q.copies.upload(q.stream, host, device, size_bytes), "an upload");
}
void download(Stream& stream, const void* device, void* host, size_t size_bytes) {
    if (size_bytes == 0) return;
    Queue& q = current(stream);
    q.check(q.copies.download(q.stream, device, host, size_bytes), "a download");
    q.log.clear();  // all work before has been waited for
}

cudaEvent_t as_event(void* event) { return static_cast<cudaEvent_t>(event); }
void* create_event(int index) {
    CUDA_TRY(cudaSetDevice(index));
    cudaEvent_t event = nullptr;
    CUDA_TRY(cudaEventCreate(&event));
    return event;
}
void destroy_event(void* event) { cudaEventDestroy(as_event(event)); }
void record_event(Stream& stream, void* event) {
    Queue& q = current(stream);
    q.check(cudaEventRecord(as_event(event), q.stream), "cudaEventRecord");
}
double seconds_between(void* start, void* end) {
    float milliseconds = 0;
    CUDA_TRY(cudaEventElapsedTime(&milliseconds, as_event(start), as_event(end)));
    return double(milliseconds) * 1e-3;
}

struct Recorded {
    cudaGraphExec_t executable = nullptr;
    std::string contents;  // for messages
};
// Of this thread alone: other threads may allocate and synchronise their own streams meanwhile.
void begin_capture(Stream& stream) {
    Queue& q = current(stream);
    q.check(cudaStreamBeginCapture(q.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    q.log.begin_recording();
}
void* end_capture(Stream& stream) {
    Queue& q = queue(stream);
    auto recorded = std::make_unique<Recorded>();
    recorded->contents = q.log.end_recording();
    cudaGraph_t graph = nullptr;
    q.check(cudaStreamEndCapture(q.stream, &graph), "cudaStreamEndCapture");
    const cudaError_t error = cudaGraphInstantiate(&recorded->executable, graph, 0);
    cudaGraphDestroy(graph);
    q.check(error, "cudaGraphInstantiate");
    return recorded.release();
}
void abandon_capture(Stream& stream) {
    Queue& q = queue(stream);
    q.log.end_recording();
    cudaGraph_t graph = nullptr;
    if (cudaStreamEndCapture(q.stream, &graph) == cudaSuccess && graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // what failed is being reported already
}
void replay(Stream& stream, void* captured) {
    const Recorded& recorded = *static_cast<Recorded*>(captured);
    Queue& q = current(stream);
    q.check(cudaGraphLaunch(recorded.executable, q.stream), "cudaGraphLaunch");
    q.log.add_replay(recorded.contents);
}
void destroy_captured(void* captured) {
    cudaGraphExecDestroy(static_cast<Recorded*>(captured)->executable);
    delete static_cast<Recorded*>(captured);
}

DeviceMemory device_memory() {
    DeviceMemory memory;
    memory.allocate = allocate;
    memory.release = release;
    memory.upload = upload;
    memory.download = download;
    memory.create_queue = create_queue;
    memory.destroy_queue = destroy_queue;
    memory.native = native;
    memory.synchronize = synchronize;
    memory.label = label;
    memory.create_event = create_event;
    memory.destroy_event = destroy_event;
    memory.record_event = record_event;
    memory.seconds_between = seconds_between;
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
