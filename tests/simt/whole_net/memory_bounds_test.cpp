// What the hot kernels pay for their accesses, in bank phases and sectors over the least that the bytes need, on the
// first inception block of GoogLeNet and back. A worse pattern of accesses fails here, long before a GPU times it.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/googlenet_table.h"
#include "nets/net.h"
#include "tests/harness/golden.h"
#include "tests/harness/random_net.h"
#include "tests/simt/profile.h"
#include "tests/simt/simt.h"

namespace limpid {
namespace {

// Cost over ideal, as measured and rounded up; 1 is perfect. Improve the kernel, then lower the number.
struct Bound {
    const char* kernel;
    double shared, global;
};
constexpr Bound kBounds[] = {
    {"conv2d_finish", 1.01, 1.01},        {"conv2d_pack", 1.01, 2.7},       {"conv2d_pipelined", 1.2, 1.1},
    {"elementwise_map", 1.01, 1.01},      {"lrn_forward", 1.01, 1.1},       {"lrn_grad_input", 1.01, 1.2},
    {"max_pool_grad_gather", 1.01, 1.35}, {"max_pool_forward", 1.01, 1.01}, {"reduce_parts", 1.01, 1.01},
};

struct Cost {
    uint64_t cost = 0, ideal = 0;
    void add(const simt::ProfileRow& row) { cost += row.cost, ideal += row.ideal; }
    double excess() const { return ideal ? double(cost) / double(ideal) : 1; }
};

TEST(MemoryBounds, HotKernelsPayNoMoreThanTheyDid) {
    const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    const Shape image{1, 64, 64, 3};
    Graph graph;
    const NodeId input = graph.input("image", image);
    const NodeId score = ops::sum_to(graph, apply(net, graph, input).at("mixed3a"), {1, 1, 1, 1});
    const NodeId gradient = grad(graph, score, {input})[0];

    simt::take_profile();
    const simt::Options before = simt::options();
    simt::options().profile = true;
    Stream cuda({DeviceKind::cuda, 0});
    evaluate(graph, {score, gradient}, cuda, {testing::he_uniform(image, 24, 1)});
    simt::options() = before;

    std::map<std::string, std::pair<Cost, Cost>> costs;  // shared, global
    for (const simt::ProfileRow& row : simt::take_profile())
        (row.shared ? costs[row.kernel].first : costs[row.kernel].second).add(row);
    for (const auto& [kernel, cost] : costs)
        std::printf("%-28s shared %.2f, global %.2f\n", kernel.c_str(), cost.first.excess(), cost.second.excess());
    for (const Bound& bound : kBounds) {
        ASSERT_TRUE(costs.count(bound.kernel)) << bound.kernel << " did not run";
        EXPECT_LE(costs[bound.kernel].first.excess(), bound.shared) << bound.kernel << ", bank phases of shared memory";
        EXPECT_LE(costs[bound.kernel].second.excess(), bound.global) << bound.kernel << ", sectors of global memory";
    }
}

}  // namespace
}  // namespace limpid
