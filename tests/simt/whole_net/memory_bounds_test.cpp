// What the hot kernels pay for their accesses, in bank phases and sectors over the least that the bytes need: on the
// first inception block of GoogLeNet and back, its stem on tensor cores, gradients of filters, the end of the network
// and updates of a render. A worse pattern of accesses fails here, long before a GPU times it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string_view>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/googlenet_table.h"
#include "nets/net.h"
#include "nets/tiny.h"
#include "tests/harness/golden.h"
#include "tests/harness/random_net.h"
#include "tests/simt/profile.h"
#include "tests/simt/simt.h"
#include "viz/objective/objective.h"
#include "viz/render/render.h"

namespace limpid {
namespace {

// Cost over ideal, as measured and rounded up; 1 is perfect. Improve the kernel, then lower the number.
struct Bound {
    std::string_view kernel;
    double shared, global;
};
// spectral_product walks along pixels, which lie as far apart as they have channels, and looks up roots of unity in any
// order, over data that fits the cache; matmul_pipelined here has rows of one and of a few floats.
constexpr Bound kBounds[] = {
    {"adam_step", 1.01, 1.01},
    {"affine_gather", 1.01, 1.01},
    {"affine_grad_gather", 1.01, 1.01},
    {"average_pool_forward", 1.01, 1.01},
    {"average_pool_grad_gather", 1.01, 1.01},
    {"conv2d_finish", 1.01, 1.01},
    {"conv2d_grad_filter_pipelined", 1.01, 1.01},
    {"conv2d_grad_filter_tf32", 1.01, 1.01},
    {"conv2d_grad_filter_tf32x3", 1.01, 1.01},
    {"conv2d_pack", 1.01, 1.01},
    {"conv2d_pipelined", 1.01, 1.1},
    {"conv2d_tf32", 1.01, 1.15},
    {"conv2d_tf32x3", 1.01, 1.15},
    {"copy_strided", 1.01, 1.01},
    {"elementwise_map", 1.01, 1.01},
    {"lrn_forward", 1.01, 1.11},
    {"lrn_grad_input", 1.01, 1.16},
    {"matmul_pipelined", 1.01, 1.83},
    {"max_pool_forward", 1.01, 1.01},
    {"max_pool_grad_gather", 1.01, 1.24},
    {"pad_gather", 1.01, 1.06},
    {"pad_grad_gather", 1.01, 1.17},
    {"reduce_join", 1.01, 1.01},
    {"reduce_parts", 1.07, 1.09},
    {"resize_bilinear", 1.01, 1.26},
    {"resize_grad_gather", 1.01, 1.21},
    {"shift_crop_gather", 1.01, 1.11},
    {"shift_crop_grad_gather", 1.01, 1.09},
    {"softmax_forward", 1.01, 1.01},
    {"softmax_grad_input", 1.01, 1.01},
    {"softmax_log_sum_exp", 1.01, 1.01},
    {"spectral_product", 1.01, 1.99},
};

struct Cost {
    uint64_t cost = 0, ideal = 0;
    void add(const simt::ProfileRow& row) { cost += row.cost, ideal += row.ideal; }
    double excess() const { return ideal ? double(cost) / double(ideal) : 1; }
};

using Costs = std::map<std::string, std::pair<Cost, Cost>, std::less<>>;  // kernel -> shared, global

// What the kernels pay that `work` launches.
template <class F>
void add_costs(Costs& costs, F work) {
    simt::take_profile();
    const simt::Options before = simt::options();
    simt::options().profile = true;
    work();
    simt::options() = before;
    for (const simt::ProfileRow& row : simt::take_profile())
        (row.shared ? costs[row.kernel].first : costs[row.kernel].second).add(row);
}

void network_there_and_back(Precision precision, const std::string& layer, int64_t size) {
    const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    const Shape image{1, size, size, 3};
    Graph graph;
    const NodeId input = graph.input("image", image);
    const NodeId score = ops::sum_to(graph, apply(net, graph, input).at(layer), {1, 1, 1, 1});
    const NodeId gradient = grad(graph, score, {input})[0];
    Stream cuda({DeviceKind::cuda, 0, precision});
    evaluate(graph, {score, gradient}, cuda, {testing::he_uniform(image, 24, 1)});
}

void gradient_of_filters(Precision precision) {
    const Shape x{1, 14, 14, 96}, dy{1, 14, 14, 128};  // mixed4b/3x3, nearly
    Graph graph;
    const NodeId in = graph.input("x", x), up = graph.input("dy", dy);
    const NodeId filter = ops::conv2d_grad_filter(graph, in, up, ops::same_geometry(x, 3, 3, 1), 3, 3);
    Stream cuda({DeviceKind::cuda, 0, precision});
    evaluate(graph, {filter}, cuda, {testing::he_uniform(x, 24, 1), testing::he_uniform(dy, 24, 2)});
}

// The average pool and the softmax of GoogLeNet, and back; softmax of few channels, too.
void end_of_a_network() {
    Graph graph;
    std::vector<HostTensor> values;
    const auto input = [&](Shape shape) {
        values.push_back(testing::he_uniform(shape, 24, uint32_t(values.size())));
        return graph.input("input", shape);
    };
    const NodeId maps = input({2, 7, 7, 256}), logits = input({2, 1, 1, 1000}), few = input({2, 4, 4, 128});
    std::vector<NodeId> outputs;
    const auto add_gradient = [&](NodeId value, NodeId of) {
        const NodeId score = ops::sum_to(graph, ops::mul(graph, value, value), {1, 1, 1, 1});
        outputs.push_back(grad(graph, score, {of})[0]);
    };
    add_gradient(ops::average_pool(graph, maps, ops::valid_pool(graph.shape(maps), 7, 1)), maps);
    for (const NodeId x : {logits, few}) {
        add_gradient(ops::softmax(graph, x), x);
        add_gradient(ops::log_sum_exp(graph, x), x);
    }
    Stream cuda({DeviceKind::cuda, 0});
    evaluate(graph, outputs, cuda, values);
}

void updates_of_a_render() {
    RenderOptions options;
    options.param.height = options.param.width = 48;
    options.batch = 2;
    options.steps = 1;
    Stream cuda({DeviceKind::cuda, 0});
    Renderer(make_net(tiny_weights()), parse_objective("texture:1"), options, cuda).run();
}

// Every kernel that these launch has its bound.
TEST(MemoryBounds, HotKernelsPayNoMoreThanTheyDid) {
    Costs costs;
    add_costs(costs, [] { network_there_and_back(Precision::fp32, "mixed3a", 64); });
    for (const Precision precision : {Precision::tf32x3, Precision::tf32})
        add_costs(costs, [=] { network_there_and_back(precision, "conv2d2", 32); });
    for (const Precision precision : {Precision::fp32, Precision::tf32x3, Precision::tf32})
        add_costs(costs, [=] { gradient_of_filters(precision); });
    add_costs(costs, end_of_a_network);
    add_costs(costs, updates_of_a_render);
    for (const auto& [kernel, cost] : costs) {
        const double shared = cost.first.excess(), global = cost.second.excess();
        std::printf("%-28s shared %.2f, global %.2f\n", kernel.c_str(), shared, global);
        const auto bound = std::find_if(std::begin(kBounds), std::end(kBounds),
                                        [&](const Bound& candidate) { return candidate.kernel == kernel; });
        if (bound == std::end(kBounds)) {
            ADD_FAILURE() << kernel << " has no bound: add what it pays now";
            continue;
        }
        EXPECT_LE(shared, bound->shared) << kernel << ", bank phases of shared memory";
        EXPECT_LE(global, bound->global) << kernel << ", sectors of global memory";
    }
    for (const Bound& bound : kBounds) EXPECT_TRUE(costs.count(bound.kernel)) << bound.kernel << " did not run";
}

}  // namespace
}  // namespace limpid
