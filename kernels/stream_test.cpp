// Streams share nothing: work given to several at once, from several threads, gives what it gives alone.
#include "kernels/stream.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// Twenty products, each of the last result, queued without waiting.
HostTensor powers(Stream& stream, const HostTensor& matrix) {
    MatmulShape s;
    s.m = s.n = s.k = s.lda = s.ldb = s.ldy = matrix.shape.c;
    const MatmulKernels& kernels = stream.backend().kernels.matmul;
    const DeviceTensor a(stream, matrix), left(stream, matrix), right(stream, matrix);
    const Buffer scratch(stream.device(), kernels.scratch(s, stream.thread_count()));
    for (int i = 0; i < 20; i++) {
        const DeviceTensor &from = i % 2 ? right : left, &to = i % 2 ? left : right;
        kernels.multiply(stream, s, a.buffer.floats(), from.buffer.floats(), nullptr, to.buffer.floats(),
                         scratch.scratch());
    }
    return download(stream, left.view());
}

TEST(Stream, SeveralAtOnceDoNotMeet) {
    constexpr int kStreams = 3;
    constexpr int64_t kSize = 40;
    for (const Device& device : devices_under_test()) {
        std::vector<HostTensor> matrices, expected;
        for (uint32_t i = 0; i < kStreams; i++) {
            matrices.push_back(random_tensor({1, 1, kSize, kSize}, -0.25f, 0.25f, i));
            Stream alone(device, 1);
            expected.push_back(powers(alone, matrices.back()));
        }
        EXPECT_FALSE(same_bits(expected[0], expected[1]));
        std::vector<HostTensor> results(kStreams);
        std::vector<std::thread> threads;
        for (size_t i = 0; i < kStreams; i++)
            threads.emplace_back([&, i] {
                Stream stream(device, 1);
                results[i] = powers(stream, matrices[i]);
            });
        for (std::thread& thread : threads) thread.join();
        for (size_t i = 0; i < kStreams; i++) EXPECT_TRUE(same_bits(expected[i], results[i])) << to_string(device);
    }
}

}  // namespace
}  // namespace limpid::testing
