// Streams, events and graphs. A stream is a list of work; it runs when the host waits for it, and then nothing runs
// but what it depends on. So work that somebody forgot to wait for has visibly not happened.
#include "tests/simt/streams.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "tests/simt/checker.h"
#include "tests/simt/launch.h"
#include "tests/simt/memory.h"
#include "tests/simt/scheduler.h"
#include "tests/simt/simt.h"

using namespace simt;

// One piece of work. Waiting for an event is work too: it is done when the event's ticket is.
struct Work {
    std::function<void()> run;  // null: an event
    std::shared_ptr<CUevent_st> record, wait;
    uint64_t ticket = 0;
};
using WorkList = std::vector<std::shared_ptr<const Work>>;

struct CUgraph_st {
    WorkList work;
};
struct CUgraphExec_st {
    WorkList work;
};

struct CUevent_st {
    bool timed = true;
    uint64_t recorded = 0, done = 0;       // tickets
    struct CUstream_st* stream = nullptr;  // of the last record
    std::shared_ptr<CUgraph_st> capture;   // set when it was recorded in a stream that is being captured
    std::chrono::steady_clock::time_point time;
};

struct CUstream_st {
    std::deque<std::shared_ptr<const Work>> queue;
    std::shared_ptr<CUgraph_st> capture;
    bool capture_origin = false;
    bool non_blocking = false;
};

namespace {

std::recursive_mutex g_mutex;
cudaError_t g_last_error = cudaSuccess, g_sticky_error = cudaSuccess;
std::mt19937 g_random;

// Handles of events are addresses of these, so that work can keep an event alive after its destruction.
struct EventHandle {
    std::shared_ptr<CUevent_st> event;
};

// The null stream first.
std::vector<std::unique_ptr<CUstream_st>>& streams() {
    static std::vector<std::unique_ptr<CUstream_st>> all = [] {
        std::vector<std::unique_ptr<CUstream_st>> first;
        first.push_back(std::make_unique<CUstream_st>());
        return first;
    }();
    return all;
}

CUstream_st* resolve(cudaStream_t stream) { return stream ? stream : streams()[0].get(); }
std::shared_ptr<CUevent_st>& resolve(cudaEvent_t event) { return reinterpret_cast<EventHandle*>(event)->event; }

void run_one(CUstream_st& stream);

void run_until(CUevent_st& event, uint64_t ticket) {
    while (event.done < ticket && event.stream && !event.stream->queue.empty()) run_one(*event.stream);
}

void run_one(CUstream_st& stream) {
    const std::shared_ptr<const Work> work = stream.queue.front();
    // Waiting first: it may run other streams, which must not see this work gone.
    if (work->wait) run_until(*work->wait, work->ticket);
    stream.queue.pop_front();
    if (work->record) {
        work->record->done = std::max(work->record->done, work->ticket);
        work->record->time = std::chrono::steady_clock::now();
    }
    if (!work->run) return;
    const size_t reports = errors().size();
    work->run();
    if (errors().size() > reports) g_sticky_error = cudaErrorLaunchFailure;
}

void finish(CUstream_st& stream) {
    while (!stream.queue.empty()) run_one(stream);
}

void add(CUstream_st& stream, Work work) {
    auto shared = std::make_shared<const Work>(std::move(work));
    if (stream.capture)
        stream.capture->work.push_back(shared);
    else
        stream.queue.push_back(shared);
}
void add(CUstream_st& stream, std::function<void()> run) { add(stream, Work{std::move(run), nullptr, nullptr, 0}); }

// A stream that is being captured must not be waited for.
cudaError_t refuse_capture(CUstream_st& stream) {
    return stream.capture ? set_device_error(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

// Nobody can wait for an event of a graph, nor ask when it was.
cudaError_t refuse_event(cudaEvent_t handle) {
    if (!handle) return set_device_error(cudaErrorInvalidResourceHandle);
    return resolve(handle)->capture ? set_device_error(cudaErrorCapturedEvent) : cudaSuccess;
}

cudaError_t status() { return g_sticky_error; }

cudaError_t synchronize(CUstream_st& stream) {
    if (const cudaError_t error = refuse_capture(stream); error != cudaSuccess) return error;
    finish(stream);
    return status();
}

void copy_now(void* to, const void* from, size_t bytes) {
    std::memmove(to, from, bytes);
    if (allocated_bytes_from(to) > 0) checker_host_wrote(to, bytes);
}

// Copies must stay inside allocations of the device; null when they do.
const char* wrong_copy(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (to_device && allocated_bytes_from(to) < bytes) return "writes outside of device memory";
    if (from_device && allocated_bytes_from(from) < bytes) return "reads outside of device memory";
    return nullptr;
}

// Legacy behaviour: the null stream waits for all streams but those that were created non-blocking.
void finish_for_null_stream() {
    for (const auto& stream : streams())
        if (!stream->non_blocking && !stream->capture) finish(*stream);
}

}  // namespace

namespace simt {

std::recursive_mutex& device_mutex() { return g_mutex; }

void finish_all_streams() {
    std::vector<CUstream_st*> all;
    for (const auto& stream : streams())
        if (!stream->capture) all.push_back(stream.get());
    if (options().order == Order::reverse) std::reverse(all.begin(), all.end());
    if (options().order != Order::random) {
        for (CUstream_st* stream : all) finish(*stream);
        return;
    }
    std::erase_if(all, [](CUstream_st* stream) { return stream->queue.empty(); });
    while (!all.empty()) {
        CUstream_st* stream = all[g_random() % all.size()];
        if (!stream->queue.empty()) run_one(*stream);
        std::erase_if(all, [](CUstream_st* s) { return s->queue.empty(); });
    }
}

cudaError_t set_device_error(cudaError_t error) { return g_last_error = error; }
void clear_device_error() { g_last_error = g_sticky_error = cudaSuccess; }

cudaError_t queue_grid(cudaStream_t stream, std::shared_ptr<const PreparedGrid> prepared) {
    if (g_sticky_error != cudaSuccess) return g_sticky_error;
    add(*resolve(stream), [prepared = std::move(prepared)] { run_grid(prepared->grid); });
    return cudaSuccess;
}

}  // namespace simt

#define SIMT_LOCK const std::lock_guard lock(g_mutex)

cudaError_t cudaGetLastError() {
    SIMT_LOCK;
    const cudaError_t error = g_sticky_error != cudaSuccess ? g_sticky_error : g_last_error;
    g_last_error = cudaSuccess;
    return error;
}
cudaError_t cudaPeekAtLastError() {
    SIMT_LOCK;
    return g_sticky_error != cudaSuccess ? g_sticky_error : g_last_error;
}

cudaError_t cudaDeviceSynchronize() {
    SIMT_LOCK;
    finish_all_streams();
    return status();
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t handle) {
    SIMT_LOCK;
    if (g_sticky_error != cudaSuccess) return g_sticky_error;
    if (bytes == 0) return cudaSuccess;
    if (const char* wrong = wrong_copy(to, from, bytes, kind)) {
        error("cudaMemcpy of %zu bytes %s", bytes, wrong);
        return set_device_error(cudaErrorInvalidValue);
    }
    CUstream_st& stream = *resolve(handle);
    if (kind == cudaMemcpyHostToDevice && !is_pinned_host_memory(from)) {
        // Pageable memory is staged: the caller may reuse it at once.
        const auto* first = static_cast<const char*>(from);
        add(stream,
            [to, staged = std::vector<char>(first, first + bytes)] { copy_now(to, staged.data(), staged.size()); });
        return cudaSuccess;
    }
    add(stream, [=] { copy_now(to, from, bytes); });
    // A copy into pageable memory returns when it is done.
    const bool waits = kind == cudaMemcpyDeviceToHost && !is_pinned_host_memory(to);
    return waits ? synchronize(stream) : cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    SIMT_LOCK;
    finish_for_null_stream();
    const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
    return error != cudaSuccess ? error : synchronize(*resolve(cudaStream_t(nullptr)));
}

cudaError_t cudaMemsetAsync(void* address, int value, size_t bytes, cudaStream_t stream) {
    SIMT_LOCK;
    if (g_sticky_error != cudaSuccess) return g_sticky_error;
    if (bytes == 0) return cudaSuccess;
    if (allocated_bytes_from(address) < bytes) {
        error("cudaMemset of %zu bytes writes outside of device memory", bytes);
        return set_device_error(cudaErrorInvalidValue);
    }
    add(*resolve(stream), [=] {
        std::memset(address, value, bytes);
        checker_host_wrote(address, bytes);
    });
    return cudaSuccess;
}

cudaError_t cudaMemset(void* address, int value, size_t bytes) {
    SIMT_LOCK;
    finish_for_null_stream();
    return cudaMemsetAsync(address, value, bytes, nullptr);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    SIMT_LOCK;
    streams().push_back(std::make_unique<CUstream_st>());
    *stream = streams().back().get();
    (*stream)->non_blocking = flags & cudaStreamNonBlocking;
    return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    SIMT_LOCK;
    if (!stream) return set_device_error(cudaErrorInvalidResourceHandle);
    finish(*stream);
    std::erase_if(streams(), [=](const auto& candidate) { return candidate.get() == stream; });
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    SIMT_LOCK;
    if (!stream) finish_for_null_stream();
    return synchronize(*resolve(stream));
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    SIMT_LOCK;
    return resolve(stream)->queue.empty() ? status() : cudaErrorNotReady;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    SIMT_LOCK;
    *event = reinterpret_cast<cudaEvent_t>(new EventHandle{std::make_shared<CUevent_st>()});
    resolve(*event)->timed = !(flags & cudaEventDisableTiming);
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    SIMT_LOCK;
    if (!event) return set_device_error(cudaErrorInvalidResourceHandle);
    delete reinterpret_cast<EventHandle*>(event);
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
    SIMT_LOCK;
    if (g_sticky_error != cudaSuccess) return g_sticky_error;
    if (!handle) return set_device_error(cudaErrorInvalidResourceHandle);
    CUstream_st& stream = *resolve(stream_handle);
    std::shared_ptr<CUevent_st>& event = resolve(handle);
    event->capture = stream.capture;
    if (stream.capture) return cudaSuccess;  // the graph keeps the order of capture, which obeys it
    event->stream = &stream;
    add(stream, Work{nullptr, event, nullptr, ++event->recorded});
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned) {
    SIMT_LOCK;
    if (g_sticky_error != cudaSuccess) return g_sticky_error;
    if (!handle) return set_device_error(cudaErrorInvalidResourceHandle);
    CUstream_st& stream = *resolve(stream_handle);
    const std::shared_ptr<CUevent_st>& event = resolve(handle);
    if (event->capture) {
        if (stream.capture && stream.capture != event->capture)
            return set_device_error(cudaErrorStreamCaptureInvalidated);
        stream.capture = event->capture;  // the stream joins the capture
        return cudaSuccess;
    }
    add(stream, Work{nullptr, nullptr, event, event->recorded});
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
    SIMT_LOCK;
    if (const cudaError_t error = refuse_event(handle); error != cudaSuccess) return error;
    CUevent_st& event = *resolve(handle);
    run_until(event, event.recorded);
    return status();
}
cudaError_t cudaEventQuery(cudaEvent_t handle) {
    SIMT_LOCK;
    if (const cudaError_t error = refuse_event(handle); error != cudaSuccess) return error;
    const CUevent_st& event = *resolve(handle);
    return event.done == event.recorded ? status() : cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
    SIMT_LOCK;
    for (const cudaEvent_t handle : {start, end})
        if (const cudaError_t error = refuse_event(handle); error != cudaSuccess) return error;
    const CUevent_st &first = *resolve(start), &last = *resolve(end);
    if (!first.timed || !last.timed || first.recorded == 0 || last.recorded == 0)
        return set_device_error(cudaErrorInvalidResourceHandle);
    if (first.done < first.recorded || last.done < last.recorded) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(last.time - first.time).count();
    return status();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    SIMT_LOCK;
    // The null stream cannot be captured.
    if (!stream || stream->capture) return set_device_error(cudaErrorStreamCaptureUnsupported);
    stream->capture = std::make_shared<CUgraph_st>();
    stream->capture_origin = true;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    SIMT_LOCK;
    *graph = nullptr;
    if (!stream || !stream->capture || !stream->capture_origin)
        return set_device_error(cudaErrorStreamCaptureInvalidated);
    const std::shared_ptr<CUgraph_st> captured = stream->capture;
    for (const auto& other : streams()) {
        if (other->capture != captured) continue;
        other->capture = nullptr;
        other->capture_origin = false;
    }
    *graph = new CUgraph_st{captured->work};
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    SIMT_LOCK;
    *status = resolve(stream)->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return g_sticky_error;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
    SIMT_LOCK;
    *executable = new CUgraphExec_st{graph->work};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t handle) {
    SIMT_LOCK;
    if (g_sticky_error != cudaSuccess) return g_sticky_error;
    CUstream_st& stream = *resolve(handle);
    if (const cudaError_t error = refuse_capture(stream); error != cudaSuccess) return error;
    stream.queue.insert(stream.queue.end(), executable->work.begin(), executable->work.end());
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    SIMT_LOCK;
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
    SIMT_LOCK;
    delete executable;  // queued work keeps what it needs
    return cudaSuccess;
}
