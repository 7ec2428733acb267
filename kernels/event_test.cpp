// Events: in the order of the stream's work, on every device.
#include "kernels/event.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

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
        // The least of several: a machine that is busy may stop anything for a while.
        double first = HUGE_VAL, rest = HUGE_VAL;
        Event start(device), middle(device), end(device);
        for (int attempt = 0; attempt < 5; attempt++) {
            start.record(stream);
            multiply(stream, a, y);
            middle.record(stream);
            for (int i = 0; i < 20; i++) multiply(stream, a, y);
            end.record(stream);
            stream.synchronize();
            EXPECT_NEAR(end.seconds_since(start), middle.seconds_since(start) + end.seconds_since(middle), 1e-5)
                << to_string(device);
            first = std::min(first, middle.seconds_since(start));
            rest = std::min(rest, end.seconds_since(middle));
        }
        EXPECT_GT(first, 0) << to_string(device);
        EXPECT_GT(rest, 2 * first) << to_string(device) << ": twenty products after one";
        const double all = end.seconds_since(start);
        const Event moved = std::move(end);
        EXPECT_EQ(moved.seconds_since(start), all);
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
