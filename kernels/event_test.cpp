// Events: in the order of the stream's work, on every device.
#include "kernels/event.h"

#include <gtest/gtest.h>

#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

void multiply(Stream& stream, const DeviceTensor& a, const DeviceTensor& y) {
    MatmulShape s;
    s.m = s.n = s.k = s.lda = s.ldb = s.ldy = a.shape.c;
    const MatmulKernels& kernels = stream.backend().kernels.matmul;
    const Buffer scratch(stream.device(), kernels.scratch(s, stream.thread_count()));
    kernels.multiply(stream, s, a.buffer.floats(), a.buffer.floats(), nullptr, y.buffer.floats(), scratch.scratch());
}

TEST(Event, MeasuresTheWorkBetween) {
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        const DeviceTensor a(stream, random_tensor({1, 1, 64, 64})), y(device, a.shape);
        multiply(stream, a, y);  // a kernel's first use loads it
        stream.synchronize();
        Event start(device), middle(device), end(device);
        start.record(stream);
        multiply(stream, a, y);
        middle.record(stream);
        for (int i = 0; i < 20; i++) multiply(stream, a, y);
        end.record(stream);
        stream.synchronize();
        const double first = middle.seconds_since(start), rest = end.seconds_since(middle);
        EXPECT_GT(first, 0) << to_string(device);
        EXPECT_GT(rest, 2 * first) << to_string(device) << ": twenty products after one";
        EXPECT_NEAR(end.seconds_since(start), first + rest, 1e-5) << to_string(device);
        const Event moved = std::move(end);
        EXPECT_NEAR(moved.seconds_since(start), first + rest, 1e-5);
    }
}

TEST(Event, OfAGpuMustHaveBeenWaitedFor) {
    bool found = false;
    for (const Device& device : devices_under_test()) {
        if (device.kind != DeviceKind::cuda) continue;
        found = true;
        Event start(device), end(device);
        EXPECT_THROW(end.seconds_since(start), Error) << "neither was recorded";
    }
    if (!found) GTEST_SKIP() << "no GPU";
}

}  // namespace
}  // namespace limpid::testing
