// Recorded work: it is not done while it is recorded, and every replay reads what the memory then holds.
#include "kernels/captured_work.h"

#include <gtest/gtest.h>

#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// theta += rate * sign(g), nearly: one step of Adam from rest.
TEST(CapturedWork, ReplaysOnWhatTheMemoryHolds) {
    bool found = false;
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        if (!CapturedWork::possible(stream)) continue;
        found = true;
        const Shape shape{1, 1, 1, 100};
        const HostTensor zeros(shape);
        const DeviceTensor rate(stream, HostTensor({1, 1, 1, 1}, 1.0f)), g(stream, HostTensor(shape, 2.0f)),
            theta(stream, zeros), m(stream, zeros), v(stream, zeros);
        const auto step = [&] {
            stream.backend().kernels.adam.step(stream, {}, rate.buffer.floats(), shape.c, g.buffer.floats(),
                                               theta.buffer.floats(), m.buffer.floats(), v.buffer.floats());
        };
        const auto value = [&] { return download(stream, theta.view()).values[99]; };
        step();
        const float once = value();
        EXPECT_GT(once, 0);
        const CapturedWork captured(stream, step);
        EXPECT_EQ(value(), once) << "recording must not do the work";
        for (const float next : {0.0f, 0.0f, 2.0f}) {
            upload(stream, &next, rate.buffer.floats(), 1);
            captured.replay(stream);
        }
        EXPECT_GT(value(), once + 1) << "the last replay, with rate 2";
        // The same three steps without a recording: same bits.
        const DeviceTensor theta2(stream, zeros);
        upload(stream, zeros.values.data(), m.buffer.floats(), shape.c);
        upload(stream, zeros.values.data(), v.buffer.floats(), shape.c);
        for (const float next : {1.0f, 0.0f, 0.0f, 2.0f}) {
            upload(stream, &next, rate.buffer.floats(), 1);
            stream.backend().kernels.adam.step(stream, {}, rate.buffer.floats(), shape.c, g.buffer.floats(),
                                               theta2.buffer.floats(), m.buffer.floats(), v.buffer.floats());
        }
        EXPECT_TRUE(same_bits(download(stream, theta2.view()), download(stream, theta.view())));
    }
    if (!found) GTEST_SKIP() << "no device here can record work (no GPU)";
}

TEST(CapturedWork, AFailureWhileRecordingLeavesTheStreamUsable) {
    bool found = false;
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        if (!CapturedWork::possible(stream)) continue;
        found = true;
        EXPECT_THROW(CapturedWork(stream, [] { throw Error("no"); }), Error);
        const HostTensor values({1, 1, 1, 3}, {1, 2, 3});
        const DeviceTensor there(stream, values);
        EXPECT_TRUE(same_bits(values, download(stream, there.view())));
    }
    if (!found) GTEST_SKIP() << "no device here can record work (no GPU)";
}

}  // namespace
}  // namespace limpid::testing
