// What a stream says about its work: when it stops, and how much memory it may take.
#include "graph/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "graph/ops.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"

namespace limpid {
namespace {

using ::testing::HasSubstr;

constexpr int kSteps = 40;

// A chain of products over a batch, so that a CPU takes it in blocks of images.
Graph chain(int64_t batch, NodeId& end) {
    Graph graph;
    end = graph.input("x", {batch, 8, 8, 16});
    for (int i = 0; i < kSteps; i++) end = ops::mul(graph, end, ops::affine(graph, end, 0.5f, 0.1f));
    return graph;
}

TEST(Run, StopsBetweenSteps) {
    for (const int64_t batch : {1, 6})
        for (const int threads : {1, 3}) {
            Stream stream({DeviceKind::cpu, 0}, threads);
            NodeId end;
            const Graph graph = chain(batch, end);
            const HostTensor x({batch, 8, 8, 16}, 0.3f);
            std::atomic<int> asked{0};
            stream.stop_when(Stop([&] { return ++asked > 10; }));
            EXPECT_THROW(evaluate(graph, {end}, stream, {x}), Stopped);
            EXPECT_LE(asked, 10 + 2 * threads);
            {
                const FinishWork finish(stream);
                EXPECT_EQ(evaluate(graph, {end}, stream, {x})[0].shape, x.shape);
            }
            EXPECT_THROW(evaluate(graph, {end}, stream, {x}), Stopped);
            stream.stop_when({});
            EXPECT_EQ(evaluate(graph, {end}, stream, {x})[0].shape, x.shape);
        }
}

TEST(Run, RefusesWhatTakesMoreMemoryThanTheStreamAllows) {
    Stream stream({DeviceKind::cpu, 0}, 1);
    NodeId end;
    const Graph graph = chain(4, end);
    const HostTensor x({4, 8, 8, 16}, 0.3f);
    stream.allow_memory(4 * x.values.size() * sizeof(float));
    try {
        evaluate(graph, {end}, stream, {x});
        FAIL() << "it was not refused";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("4x8x8x16"));
        EXPECT_THAT(error.what(), HasSubstr("64 KiB are free or allowed by --max-memory"));
    }
    stream.allow_memory(size_t(1) << 30);
    EXPECT_EQ(evaluate(graph, {end}, stream, {x})[0].shape, x.shape);
}

TEST(MemoryNeed, IsWrittenInTheLargestUnit) {
    EXPECT_EQ(print_bytes(100), "100 bytes");
    EXPECT_EQ(print_bytes(2048), "2 KiB");
    EXPECT_EQ(print_bytes(1.5 * 1024 * 1024), "1.5 MiB");
    EXPECT_EQ(print_bytes(24.1 * 1024 * 1024 * 1024), "24.1 GiB");
    EXPECT_EQ(print_bytes(1e30), "867361737988 EiB");
}

}  // namespace
}  // namespace limpid
