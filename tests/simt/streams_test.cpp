// Work given to a stream happens when somebody waits for it, in order, and graphs repeat what was captured.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include <cuda_runtime.h>
#include "tests/simt/planted/small_kernels.h"
#include "tests/simt/simt.h"

namespace {

// Memory of the device, with n zeros.
class Numbers {
  public:
    explicit Numbers(int n) : bytes_(size_t(n) * sizeof(float)) {
        EXPECT_EQ(cudaMalloc(&data_, bytes_), cudaSuccess);
        EXPECT_EQ(cudaMemset(data_, 0, bytes_), cudaSuccess);
        EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    }
    ~Numbers() { cudaFree(data_); }
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;

    float* data() const { return data_; }
    // As they are now, without waiting for anybody.
    float now() const {
        float value;
        std::memcpy(&value, data_, sizeof value);
        return value;
    }

  private:
    size_t bytes_;
    float* data_ = nullptr;
};

struct StreamPair {
    cudaStream_t a = nullptr, b = nullptr;
    StreamPair() {
        EXPECT_EQ(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking), cudaSuccess);
        EXPECT_EQ(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking), cudaSuccess);
    }
    ~StreamPair() {
        EXPECT_EQ(cudaStreamDestroy(a), cudaSuccess);
        EXPECT_EQ(cudaStreamDestroy(b), cudaSuccess);
    }
};

TEST(SimtStream, WorkHappensWhenSomebodyWaits) {
    const Numbers x(32);
    const StreamPair streams;
    ASSERT_EQ(small::add(streams.a, x.data(), 1), cudaSuccess);
    EXPECT_EQ(x.now(), 0) << "a kernel ran before anybody waited for it";
    EXPECT_EQ(cudaStreamQuery(streams.a), cudaErrorNotReady);
    EXPECT_EQ(cudaStreamSynchronize(streams.b), cudaSuccess);
    EXPECT_EQ(x.now(), 0) << "waiting for another stream ran it";
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 1);
    EXPECT_EQ(cudaStreamQuery(streams.a), cudaSuccess);
}

TEST(SimtStream, KeepsItsOrder) {
    const Numbers x(32);
    const StreamPair streams;
    ASSERT_EQ(small::add(streams.a, x.data(), 3), cudaSuccess);
    ASSERT_EQ(small::multiply(streams.a, x.data(), 5), cudaSuccess);
    ASSERT_EQ(small::add(streams.a, x.data(), 1), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 16);
}

TEST(SimtStream, AnEventOrdersTwoStreams) {
    const Numbers x(32);
    const StreamPair streams;
    cudaEvent_t added = nullptr;
    ASSERT_EQ(cudaEventCreate(&added), cudaSuccess);
    ASSERT_EQ(small::add(streams.a, x.data(), 3), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(added, streams.a), cudaSuccess);
    ASSERT_EQ(small::add(streams.a, x.data(), 100), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(streams.b, added), cudaSuccess);
    ASSERT_EQ(small::multiply(streams.b, x.data(), 5), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(added), cudaErrorNotReady);
    EXPECT_EQ(cudaStreamSynchronize(streams.b), cudaSuccess);
    EXPECT_EQ(x.now(), 15) << "only what the event waits for may have run";
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 115);
    EXPECT_EQ(cudaEventDestroy(added), cudaSuccess);
}

TEST(SimtStream, AForgottenEventShows) {
    const Numbers x(32);
    const StreamPair streams;
    ASSERT_EQ(small::add(streams.a, x.data(), 3), cudaSuccess);
    ASSERT_EQ(small::multiply(streams.b, x.data(), 5), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.b), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 3) << "the streams are independent: b may run first, and here it must";
}

TEST(SimtStream, PageableMemoryIsStagedAndPinnedMemoryIsNot) {
    const Numbers x(1), y(1);
    const StreamPair streams;
    float pageable = 7, *pinned = nullptr;
    ASSERT_EQ(cudaMallocHost(&pinned, sizeof(float)), cudaSuccess);
    *pinned = 7;
    ASSERT_EQ(cudaMemcpyAsync(x.data(), &pageable, sizeof(float), cudaMemcpyHostToDevice, streams.a), cudaSuccess);
    ASSERT_EQ(cudaMemcpyAsync(y.data(), pinned, sizeof(float), cudaMemcpyHostToDevice, streams.a), cudaSuccess);
    pageable = *pinned = 8;
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 7);
    EXPECT_EQ(y.now(), 8) << "pinned memory must not be reused before the copy is waited for";
    ASSERT_EQ(cudaMemcpyAsync(pinned, x.data(), sizeof(float), cudaMemcpyDeviceToHost, streams.a), cudaSuccess);
    EXPECT_EQ(*pinned, 8) << "and is not written before";
    ASSERT_EQ(cudaMemcpyAsync(&pageable, x.data(), sizeof(float), cudaMemcpyDeviceToHost, streams.a), cudaSuccess);
    EXPECT_EQ(pageable, 7);
    EXPECT_EQ(*pinned, 7);
    EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

TEST(SimtStream, TheNullStreamWaitsForBlockingStreamsOnly) {
    const Numbers x(32), y(32);
    cudaStream_t blocking = nullptr, non_blocking = nullptr;
    ASSERT_EQ(cudaStreamCreate(&blocking), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&non_blocking, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(small::add(blocking, x.data(), 1), cudaSuccess);
    ASSERT_EQ(small::add(non_blocking, y.data(), 1), cudaSuccess);
    float value = -1;
    ASSERT_EQ(cudaMemcpy(&value, x.data(), sizeof value, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(value, 1);
    ASSERT_EQ(cudaMemcpy(&value, y.data(), sizeof value, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(value, 0) << "a forgotten wait must show";
    EXPECT_EQ(cudaStreamDestroy(blocking), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(non_blocking), cudaSuccess);
}

TEST(SimtEvent, MeasuresTimeOnceItHasHappened) {
    const StreamPair streams;
    cudaEvent_t start = nullptr, end = nullptr;
    float milliseconds = -1;
    ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
    EXPECT_NE(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
    cudaGetLastError();
    ASSERT_EQ(cudaEventRecord(start, streams.a), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(end, streams.a), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
    EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
    EXPECT_GE(milliseconds, 0);
    EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
}

TEST(SimtEvent, TimesGrowAlongAStream) {
    const Numbers x(32);
    const StreamPair streams;
    cudaEvent_t events[3];
    for (cudaEvent_t& event : events) {
        ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
        ASSERT_EQ(cudaEventRecord(event, streams.a), cudaSuccess);
        for (int i = 0; i < 100; i++) ASSERT_EQ(small::add(streams.a, x.data(), 1), cudaSuccess);
    }
    EXPECT_EQ(cudaEventSynchronize(events[2]), cudaSuccess);
    EXPECT_EQ(x.now(), 200) << "what came after the event must not have been waited for";
    float first = 0, second = 0, both = 0, back = 0;
    EXPECT_EQ(cudaEventElapsedTime(&first, events[0], events[1]), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&second, events[1], events[2]), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&both, events[0], events[2]), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&back, events[2], events[0]), cudaSuccess);
    EXPECT_GT(first, 0);
    EXPECT_GT(second, 0);
    EXPECT_NEAR(both, first + second, 1e-3);
    EXPECT_NEAR(back, -both, 1e-3);
    // Recorded again: the last record counts.
    EXPECT_EQ(cudaEventRecord(events[0], streams.a), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(events[0]), cudaErrorNotReady);
    EXPECT_EQ(cudaEventElapsedTime(&first, events[0], events[1]), cudaErrorNotReady);
    EXPECT_EQ(cudaEventSynchronize(events[0]), cudaSuccess);
    EXPECT_EQ(x.now(), 300);
    EXPECT_EQ(cudaEventElapsedTime(&first, events[1], events[0]), cudaSuccess);
    EXPECT_GT(first, second);
    for (const cudaEvent_t event : events) EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
}

TEST(SimtEvent, MisuseIsRefused) {
    const StreamPair streams;
    float milliseconds = 0;
    cudaEvent_t timed = nullptr, untimed = nullptr;
    ASSERT_EQ(cudaEventCreate(&timed), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming), cudaSuccess);
    EXPECT_EQ(cudaEventSynchronize(untimed), cudaSuccess) << "an event that was never recorded has nothing to wait for";
    ASSERT_EQ(cudaEventRecord(timed, streams.a), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(untimed, streams.a), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, untimed), cudaErrorInvalidResourceHandle) << "no time is kept";
    EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, nullptr), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaEventRecord(nullptr, streams.a), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaStreamWaitEvent(streams.a, nullptr), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaEventSynchronize(nullptr), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaEventDestroy(nullptr), cudaErrorInvalidResourceHandle);
    // Recorded into a graph, it is an edge of the graph and not a moment.
    ASSERT_EQ(cudaStreamBeginCapture(streams.a, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(timed, streams.a), cudaSuccess);
    cudaGraph_t graph = nullptr;
    ASSERT_EQ(cudaStreamEndCapture(streams.a, &graph), cudaSuccess);
    EXPECT_EQ(cudaEventSynchronize(timed), cudaErrorCapturedEvent);
    EXPECT_EQ(cudaEventQuery(timed), cudaErrorCapturedEvent);
    EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, timed), cudaErrorCapturedEvent);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(timed), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(untimed), cudaSuccess);
    simt::reset_errors();
}

TEST(SimtGraph, RepeatsWhatWasCaptured) {
    const Numbers x(32);
    const StreamPair streams;
    ASSERT_EQ(cudaStreamBeginCapture(streams.a, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    ASSERT_EQ(small::add(streams.a, x.data(), 1), cudaSuccess);
    ASSERT_EQ(small::multiply(streams.a, x.data(), 2), cudaSuccess);
    cudaStreamCaptureStatus status;
    EXPECT_EQ(cudaStreamIsCapturing(streams.a, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusActive);
    cudaGraph_t graph = nullptr;
    ASSERT_EQ(cudaStreamEndCapture(streams.a, &graph), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 0) << "capturing runs nothing";
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    for (int i = 0; i < 3; i++) EXPECT_EQ(cudaGraphLaunch(executable, streams.b), cudaSuccess);
    EXPECT_EQ(x.now(), 0);
    EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.b), cudaSuccess);
    EXPECT_EQ(x.now(), 14);  // ((0 + 1) 2 + 1) 2 + 1) 2
}

TEST(SimtGraph, CapturesAcrossStreamsThatEventsJoin) {
    const Numbers x(32);
    const StreamPair streams;
    cudaEvent_t fork = nullptr, join = nullptr;
    ASSERT_EQ(cudaEventCreate(&fork), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&join), cudaSuccess);
    ASSERT_EQ(cudaStreamBeginCapture(streams.a, cudaStreamCaptureModeGlobal), cudaSuccess);
    ASSERT_EQ(small::add(streams.a, x.data(), 1), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(fork, streams.a), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(streams.b, fork), cudaSuccess);
    ASSERT_EQ(small::multiply(streams.b, x.data(), 3), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(join, streams.b), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(streams.a, join), cudaSuccess);
    ASSERT_EQ(small::add(streams.a, x.data(), 1), cudaSuccess);
    cudaGraph_t graph = nullptr;
    ASSERT_EQ(cudaStreamEndCapture(streams.a, &graph), cudaSuccess);
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(executable, streams.a), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaSuccess);
    EXPECT_EQ(x.now(), 4);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(fork), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(join), cudaSuccess);
}

TEST(SimtGraph, WaitingDuringCaptureIsRefused) {
    const StreamPair streams;
    ASSERT_EQ(cudaStreamBeginCapture(streams.a, cudaStreamCaptureModeGlobal), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(streams.a), cudaErrorStreamCaptureUnsupported);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(streams.a, &graph), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaGetLastError(), cudaErrorStreamCaptureUnsupported);
}

TEST(SimtRuntime, RefusesWhatAGpuRefuses) {
    const Numbers x(32);
    EXPECT_EQ(small::add_with(dim3(1), dim3(1025), 0, x.data()), cudaErrorInvalidConfiguration);
    EXPECT_EQ(small::add_with(dim3(0), dim3(32), 0, x.data()), cudaErrorInvalidConfiguration);
    EXPECT_EQ(small::add_with(dim3(1, 65536), dim3(32), 0, x.data()), cudaErrorInvalidConfiguration);
    EXPECT_EQ(small::add_with(dim3(1), dim3(32), 48 * 1024 + 4, x.data()), cudaErrorInvalidConfiguration)
        << "more shared memory than the kernel asked for";
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
    float* nothing = nullptr;
    EXPECT_EQ(cudaMalloc(&nothing, size_t(1) << 60), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaFree(x.data() + 1), cudaErrorInvalidValue);
    float y[33];
    EXPECT_EQ(cudaMemcpy(y, x.data(), sizeof y, cudaMemcpyDeviceToHost), cudaErrorInvalidValue) << "33 of 32 floats";
    simt::reset_errors();
}

TEST(SimtRuntime, NewMemoryIsPoisoned) {
    float *x = nullptr, value = 0;
    ASSERT_EQ(cudaMalloc(&x, sizeof value), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(&value, x, sizeof value, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_NE(value, value);
    EXPECT_EQ(cudaFree(x), cudaSuccess);
}

}  // namespace
