#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernels/device/queue.h"
#include "kernels/error.h"

#if defined(__GNUC__)
#include <cxxabi.h>
#endif

namespace limpid::DEVICE_NS {

namespace {

constexpr size_t kMostNamed = 24;  // nodes of recorded work in a message

std::string readable(const char* mangled) {
#if defined(__GNUC__)
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                      std::free);
    if (status == 0 && text) return text.get();
#endif
    return mangled;
}

}  // namespace

std::string name_of([[maybe_unused]] const void* kernel) {
#if defined(CUDART_VERSION) && CUDART_VERSION < 12030
    return "a kernel (its name is known from CUDA 12.3 on)";
#else
    const char* mangled = nullptr;
    if (cudaFuncGetName(&mangled, kernel) != cudaSuccess || !mangled) return "a kernel of unknown name";
    std::string name = readable(mangled);
    // A template's name begins with the type of its result.
    if (name.starts_with("void ")) name.erase(0, 5);
    name.erase(std::min(name.find('('), name.size()));
    const size_t end_of_name = std::min(name.find('<'), name.size());
    if (const size_t colon = name.rfind(':', end_of_name); colon != name.npos) name.erase(0, colon + 1);
    return name;
#endif
}

// The log ------------------------------------------------------------------------------------------------------------

void LaunchLog::add(const void* kernel) {
    if (recording_) {
        recorded_.push_back({kernel, label_});
        return;
    }
    Launch& launch = last_[count_++ % last_.size()];
    launch.kernel = kernel;
    launch.label = label_;
}

void LaunchLog::begin_recording() {
    recording_ = true;
    recorded_.clear();
}

std::string LaunchLog::end_recording() {
    recording_ = false;
    std::vector<std::string> names;
    for (const Launch& launch : recorded_) {
        std::string name = launch.label.empty() ? name_of(launch.kernel) : launch.label;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
    std::string text = concat("recorded work of ", recorded_.size(), " launches (");
    for (size_t i = 0; i < names.size() && i < kMostNamed; i++) text += (i ? ", " : "") + names[i];
    if (names.size() > kMostNamed) text += concat(" and ", names.size() - kMostNamed, " more");
    return text + ")";
}

void LaunchLog::add_replay(const std::string& recorded) {
    Launch& launch = last_[count_++ % last_.size()];
    launch.kernel = nullptr;
    launch.label = recorded;
}

std::string LaunchLog::describe(const Launch& launch) {
    if (!launch.kernel) return launch.label;
    return launch.label.empty() ? name_of(launch.kernel) : concat(name_of(launch.kernel), " (", launch.label, ")");
}

std::string LaunchLog::print() const {
    if (count_ == 0) return "nothing";
    std::string text;
    const size_t first = count_ - std::min(count_, last_.size());
    if (first > 0) text = concat(first, " launches, then ");
    for (size_t i = first; i < count_;) {
        const Launch& launch = last_[i % last_.size()];
        size_t end = i + 1;
        while (end < count_ && last_[end % last_.size()] == launch) end++;
        text += concat(i == first ? "" : ", ", end - i > 1 ? concat(end - i, " x ") : "", describe(launch));
        i = end;
    }
    return text;
}

// Copies -------------------------------------------------------------------------------------------------------------

StagedCopies::~StagedCopies() {
    for (const Slot& slot : slots_) {
        if (slot.copied) cudaEventDestroy(slot.copied);
        if (slot.memory) cudaFreeHost(slot.memory);
    }
}

cudaError_t StagedCopies::allocate() {
    cudaError_t error = cudaSuccess;
    for (Slot& slot : slots_) {
        if (error == cudaSuccess && !slot.memory) error = cudaMallocHost(&slot.memory, kSlotBytes);
        if (error == cudaSuccess && !slot.copied)
            error = cudaEventCreateWithFlags(&slot.copied, cudaEventDisableTiming);
    }
    return error;
}

cudaError_t StagedCopies::upload(cudaStream_t stream, const void* host, void* device, size_t size_bytes) {
    cudaError_t error = allocate();
    for (size_t done = 0; done < size_bytes && error == cudaSuccess; done += kSlotBytes) {
        const Slot& slot = slots_[next_++ % kSlots];
        const size_t bytes = std::min(kSlotBytes, size_bytes - done);
        error = cudaEventSynchronize(slot.copied);  // of its last copy; returns at once where there was none
        if (error != cudaSuccess) break;
        std::memcpy(slot.memory, static_cast<const char*>(host) + done, bytes);
        error = cudaMemcpyAsync(static_cast<char*>(device) + done, slot.memory, bytes, cudaMemcpyHostToDevice, stream);
        if (error == cudaSuccess) error = cudaEventRecord(slot.copied, stream);
    }
    return error;
}

cudaError_t StagedCopies::download(cudaStream_t stream, const void* device, void* host, size_t size_bytes) {
    cudaError_t error = allocate();
    const size_t pieces = (size_bytes + kSlotBytes - 1) / kSlotBytes, first = next_;
    const auto slot_of = [&](size_t piece) -> const Slot& { return slots_[(first + piece) % kSlots]; };
    const auto bytes_of = [&](size_t piece) { return std::min(kSlotBytes, size_bytes - piece * kSlotBytes); };
    // As many pieces are on their way as there are slots. What was copied from a slot before is done by then: copies
    // of a stream keep their order.
    for (size_t piece = 0; piece < pieces + kSlots && error == cudaSuccess; piece++) {
        if (piece >= kSlots && piece - kSlots < pieces) {
            const size_t arriving = piece - kSlots;
            error = cudaEventSynchronize(slot_of(arriving).copied);
            if (error != cudaSuccess) break;
            std::memcpy(static_cast<char*>(host) + arriving * kSlotBytes, slot_of(arriving).memory, bytes_of(arriving));
        }
        if (piece < pieces) {
            error = cudaMemcpyAsync(slot_of(piece).memory, static_cast<const char*>(device) + piece * kSlotBytes,
                                    bytes_of(piece), cudaMemcpyDeviceToHost, stream);
            if (error == cudaSuccess) error = cudaEventRecord(slot_of(piece).copied, stream);
        }
    }
    next_ += pieces;
    return error;
}

// The queue ----------------------------------------------------------------------------------------------------------

namespace {

// After a kernel has failed every call says so, also those that do nothing, like these two. cudaSuccess: none has.
cudaError_t failure_before(cudaStream_t stream) {
    if (!stream) return cudaSuccess;
    cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
    cudaError_t error = cudaStreamIsCapturing(stream, &capturing);
    // One that is being captured must not be asked.
    if (error == cudaSuccess && capturing == cudaStreamCaptureStatusNone) error = cudaStreamQuery(stream);
    return error == cudaErrorNotReady ? cudaSuccess : error;
}

}  // namespace

// Streams do not wait for each other, nor for the default stream.
Queue::Queue(int device_index) : device(device_index) {
    check(cudaSetDevice(device), "cudaSetDevice");
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}

// A device that has failed has told so already. Copies that are under way need their slots.
Queue::~Queue() {
    if (cudaSetDevice(device) != cudaSuccess || !stream) return;
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
}

void Queue::synchronize() {
    check(cudaSetDevice(device), "cudaSetDevice");
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    log.clear();
}

void Queue::fail(cudaError_t error, const std::string& call) const {
    cudaGetLastError();
    const cudaError_t before = failure_before(stream);
    if (before == cudaSuccess) throw Error(concat("device cuda:", device, ": ", call, ": ", cudaGetErrorString(error)));
    throw Error(concat("device cuda:", device, ": work queued before failed (", cudaGetErrorString(before),
                       ", told by ", call, "); launched since the last wait: ", log.print(),
                       "; --check waits after every node and names the one that fails"));
}

}  // namespace limpid::DEVICE_NS
