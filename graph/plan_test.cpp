// Structure and lifetimes of plans: what is fused, merged, aliased; that nothing alive is overwritten; that all of it
// changes no value.
#include "graph/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "graph/vjp_overrides.h"
#include "tests/harness/golden.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::same_bits;

// An inception block with everything around it: conv -> pool -> block -> pool -> mean of one channel.
struct Block {
    Graph graph;
    NodeId image, block, block_pre_relu, score, gradient;

    NodeId conv(NodeId x, int64_t channels, int64_t window, const std::string& name) {
        const Shape s = graph.shape(x);
        const uint32_t salt = uint32_t(graph.size());
        const NodeId w = graph.constant(random_tensor({window, window, s.c, channels}, -0.5f, 0.5f, salt));
        const NodeId b = graph.constant(random_tensor({1, 1, 1, channels}, -0.5f, 0.5f, salt + 1));
        const NodeId pre =
            ops::add(graph, ops::conv2d(graph, x, w, ops::same_geometry(s, window, window, 1)), b, name + "_pre_relu");
        return ops::relu(graph, pre, name);
    }

    explicit Block(const VjpOverrides& overrides = {}, int64_t images = 2) {
        image = graph.input("image", {images, 11, 12, 3});
        const NodeId first = conv(image, 24, 3, "first");
        const NodeId x = ops::max_pool(graph, first, ops::same_pool(graph.shape(first), 3, 2), "pool");
        const NodeId a = conv(x, 20, 1, "1x1");
        const NodeId b = conv(conv(x, 17, 1, "3x3_bottleneck"), 33, 3, "3x3");
        const NodeId c = conv(conv(x, 8, 1, "5x5_bottleneck"), 16, 5, "5x5");
        const NodeId d = conv(ops::max_pool(graph, x, ops::same_pool(graph.shape(x), 3, 1)), 12, 1, "pool_reduce");
        block = ops::concatenate(graph, {a, b, c, d}, 3, "block");
        const NodeId next = ops::max_pool(graph, block, ops::same_pool(graph.shape(block), 3, 2), "pool");
        score = ops::reduce(graph, Reduce::mean, {false, true, true, true}, conv(next, 9, 1, "last"));
        gradient = grad(graph, score, {image}, overrides)[0];
    }
};

int count(const Plan& plan, const std::string& kind) {
    return int(std::count_if(plan.steps.begin(), plan.steps.end(),
                             [&](const PlanStep& step) { return step.op->kind() == kind; }));
}

TEST(Plan, FusesAndMergesAnInceptionBlock) {
    Block block;
    Stream stream({DeviceKind::reference, 0});
    ConstantStore constants(stream);
    const Plan plan = make_plan(block.graph, {block.score, block.gradient}, constants);
    // first, [1x1 + two bottlenecks], 3x3, 5x5, pool_reduce, last
    EXPECT_EQ(count(plan, "conv2d"), 6) << plan.print();
    // last, pool_reduce, 3x3, 5x5, the merged three, first
    EXPECT_EQ(count(plan, "conv2d_grad_input"), 6) << plan.print();
    EXPECT_EQ(count(plan, "relu"), 0) << plan.print();
    EXPECT_EQ(count(plan, "add"), 0) << plan.print();
    // Only the ReLU before the score is not after a gradient kernel.
    EXPECT_EQ(count(plan, "relu_grad"), 1) << plan.print();
    EXPECT_EQ(count(plan, "concat"), 0) << plan.print();
    // The 1x1 branch is computed with its siblings and copied into the block, once forward and once backward.
    EXPECT_EQ(count(plan, "slice"), 2) << plan.print();
}

TEST(Plan, ChangesNoValue) {
    for (const VjpOverrides& overrides : {VjpOverrides{}, redirected_relu()}) {
        Block block(overrides);
        Stream stream({DeviceKind::reference, 0});
        const std::vector<HostTensor> inputs{random_tensor({2, 11, 12, 3})};
        const std::vector<NodeId> outputs{block.score, block.gradient, block.block};
        const auto plain = evaluate(block.graph, outputs, stream, inputs, {.fuse = false});
        const auto fused = evaluate(block.graph, outputs, stream, inputs);
        // Sums of three gradients become one sum over all their channels (45): float rounding of the intermediate
        // values.
        for (size_t i = 0; i < outputs.size(); i++)
            EXPECT_TRUE(matches(plain[i], fused[i], testing::sum_tolerance(45))) << i;
    }
}

// Convolution, batch norm, ReLU, depthwise convolution, batch norm: as networks of that time are.
struct Normalised {
    Graph graph;
    NodeId image, product, inner, score, gradient;

    NodeId numbers(int64_t channels, uint32_t salt) {
        return graph.constant(random_tensor({1, 1, 1, channels}, 0.5f, 1.5f, salt));
    }
    NodeId norm(NodeId x, uint32_t salt) {
        const int64_t channels = graph.shape(x).c;
        return ops::ternary(graph, Ternary::multiply_add, x, numbers(channels, salt), numbers(channels, salt + 1));
    }
    Normalised() {
        image = graph.input("image", {2, 9, 10, 3});
        const NodeId w = graph.constant(random_tensor({3, 3, 3, 20}, -0.5f, 0.5f, 1));
        product = ops::add(graph, ops::conv2d(graph, image, w, {}), numbers(20, 2));
        inner = ops::relu(graph, norm(product, 3));
        const NodeId each = graph.constant(random_tensor({3, 3, 20, 2}, -0.5f, 0.5f, 5));
        const NodeId end = norm(norm(ops::depthwise_conv2d(graph, inner, each, {}), 6), 8);
        score = ops::reduce(graph, Reduce::mean, {false, true, true, true}, ops::mul(graph, end, end));
        gradient = grad(graph, score, {image})[0];
    }
};

TEST(Plan, FoldsBatchNormsIntoFilters) {
    Normalised net;
    Stream stream({DeviceKind::reference, 0});
    ConstantStore constants(stream);
    const Plan plan = make_plan(net.graph, {net.score, net.gradient}, constants);
    EXPECT_EQ(count(plan, "multiply_add"), 0) << plan.print();
    EXPECT_EQ(count(plan, "relu"), 0) << plan.print();
    // The square, forward and in the gradient; no scale of a batch norm.
    EXPECT_EQ(count(plan, "mul"), 3) << plan.print();
    const std::vector<HostTensor> inputs{random_tensor({2, 9, 10, 3})};
    const std::vector<NodeId> outputs{net.score, net.gradient};
    const auto plain = evaluate(net.graph, outputs, stream, inputs, {.fuse = false});
    const auto fused = evaluate(net.graph, outputs, stream, inputs);
    for (size_t i = 0; i < outputs.size(); i++)
        EXPECT_TRUE(matches(plain[i], fused[i], testing::sum_tolerance(360))) << i;
    // A value that is asked for is there, and its batch norm is applied to it.
    const Plan shown = make_plan(net.graph, {net.product, net.score}, constants);
    EXPECT_EQ(count(shown, "multiply_add"), 1) << shown.print();
    // Plans of one store share what they folded.
    const size_t once = constants.size_bytes();
    make_plan(net.graph, {net.score, net.gradient}, constants);
    EXPECT_EQ(constants.size_bytes(), once);
}

// The direction of an objective is no part of the network: no filters are made for it.
TEST(Plan, FoldsNoOtherFactorIntoFilters) {
    Normalised net;
    const NodeId aimed = ops::mul(net.graph, net.product, net.numbers(20, 11));
    const NodeId gradient =
        grad(net.graph, ops::reduce(net.graph, Reduce::sum, {false, true, true, true}, aimed), {net.image})[0];
    Stream stream({DeviceKind::reference, 0});
    ConstantStore constants(stream);
    const Plan plan = make_plan(net.graph, {aimed, gradient}, constants);
    EXPECT_EQ(count(plan, "mul"), 2) << plan.print();  // forward and in the gradient
}

TEST(Plan, LiveValuesNeverOverlap) {
    Block block;
    for (const Device& device : testing::devices_under_test()) {
        Stream stream(device, 2);
        const std::vector<HostTensor> inputs{random_tensor({2, 11, 12, 3})};
        const std::vector<NodeId> outputs{block.score, block.gradient, block.block};
        for (const bool fuse : {false, true}) {
            const auto clean = evaluate(block.graph, outputs, stream, inputs, {fuse});
            RunOptions options;
            options.poison = true;
            const auto poisoned = evaluate(block.graph, outputs, stream, inputs, {fuse}, options);
            for (size_t i = 0; i < outputs.size(); i++)
                EXPECT_TRUE(same_bits(clean[i], poisoned[i])) << to_string(device) << " " << i;
        }
    }
}

TEST(Plan, ArenaRangesOfLivingStoragesAreDisjoint) {
    Block block;
    Stream stream({DeviceKind::cpu, 0}, 2);
    ConstantStore constants(stream);
    const Plan plan = make_plan(block.graph, {block.score, block.gradient}, constants);
    ASSERT_EQ(plan.lanes, 2);
    int64_t total = 0, end = 0;
    // Where each storage lies, in every lane that has one.
    struct Range {
        int64_t begin, end;
        int first_step, last_step, lane;
    };
    std::vector<Range> ranges;
    for (const PlanStorage& storage : plan.storages) {
        if (storage.kind != PlanStorage::Kind::arena || storage.first_step < 0) continue;
        EXPECT_EQ(storage.offset % 64, 0);
        const auto section =
            std::ranges::find_if(plan.sections, [&](const PlanSection& s) { return s.contains(storage); });
        for (int lane = 0; lane < (storage.in_lanes ? plan.lanes : 1); lane++) {
            const int64_t begin = storage.offset + (lane ? lane * section->lane_bytes : 0);
            ranges.push_back({begin, begin + storage.size_bytes, storage.first_step, storage.last_step,
                              storage.in_lanes ? lane : -1});
            total += storage.size_bytes;
            end = std::max(end, begin + storage.size_bytes);
        }
    }
    const auto section_of = [&](const Range& a) {
        return std::ranges::find_if(
            plan.sections, [&](const PlanSection& s) { return a.first_step >= s.begin && a.first_step < s.end; });
    };
    for (size_t i = 0; i < ranges.size(); i++)
        for (size_t j = 0; j < i; j++) {
            const Range &a = ranges[i], &b = ranges[j];
            // Lanes of a section may be at any of its steps.
            const bool lanes = a.lane >= 0 && b.lane >= 0 && a.lane != b.lane && section_of(a) == section_of(b);
            if (!lanes && (a.last_step < b.first_step || b.last_step < a.first_step)) continue;
            EXPECT_TRUE(a.end <= b.begin || b.end <= a.begin) << i << " and " << j;
        }
    EXPECT_LE(end, int64_t(plan.arena_bytes - plan.scratch_bytes));
    EXPECT_LT(end, total) << "no memory was reused";
}

// Images [first, first + count).
HostTensor images(const HostTensor& batch, int64_t first, int64_t count) {
    HostTensor part({count, batch.shape.h, batch.shape.w, batch.shape.c});
    const int64_t size = batch.shape.size() / batch.shape.n;
    std::copy_n(batch.values.begin() + first * size, count * size, part.values.begin());
    return part;
}

TEST(Plan, CutsABatchWithoutChangingABit) {
    constexpr int64_t kBatch = 6;
    Block one({}, 1), six({}, kBatch);
    const HostTensor input = random_tensor({kBatch, 11, 12, 3});
    for (const int threads : {1, 2, 3, 4}) {
        Stream stream({DeviceKind::cpu, 0}, threads);
        ConstantStore constants(stream);
        const std::vector<NodeId> outputs{six.score, six.gradient, six.block};
        const Plan plan = make_plan(six.graph, outputs, constants);
        // 6 images on 4 threads would leave two idle for half of the time: all four do each step together.
        EXPECT_EQ(std::ranges::any_of(plan.sections, [](const PlanSection& s) { return s.batch > 0; }),
                  threads == 2 || threads == 3)
            << plan.print();
        RunOptions poison;
        poison.poison = true;
        const auto all = evaluate(six.graph, outputs, stream, {input});
        const auto poisoned = evaluate(six.graph, outputs, stream, {input}, {}, poison);
        for (int64_t i = 0; i < kBatch; i++) {
            const auto alone = evaluate(one.graph, {one.score, one.gradient, one.block}, stream, {images(input, i, 1)});
            for (size_t k = 0; k < outputs.size(); k++) {
                EXPECT_TRUE(same_bits(alone[k], images(all[k], i, 1)))
                    << threads << " threads, image " << i << ", " << k;
                EXPECT_TRUE(same_bits(alone[k], images(poisoned[k], i, 1))) << threads << " threads, image " << i;
            }
        }
    }
}

// conv -> relu -> conv, several times, on an image of which no two fit the cache.
TEST(Plan, BlocksNeedMemoryForFewImages) {
    Graph g;
    NodeId x = g.input("x", {8, 96, 96, 32});
    for (uint32_t i = 0; i < 4; i++) {
        const NodeId w = g.constant(random_tensor({3, 3, 32, 32}, -0.1f, 0.1f, i));
        x = ops::relu(g, ops::conv2d(g, x, w, ops::same_geometry(g.shape(x), 3, 3, 1)));
    }
    const NodeId score = ops::reduce(g, Reduce::mean, {false, true, true, true}, x);
    constexpr size_t kImage = 96 * 96 * 32 * sizeof(float);
    for (const int threads : {1, 2}) {
        Stream stream({DeviceKind::cpu, 0}, threads);
        ConstantStore constants(stream);
        const Plan plan = make_plan(g, {score}, constants);
        ASSERT_GE(plan.sections.size(), 1u);
        EXPECT_EQ(plan.sections[0].block, 1) << plan.print();
        // The last is read by the whole batch's mean; before it, two values of one image for each thread.
        EXPECT_LE(plan.arena_bytes - plan.scratch_bytes, (8 + 2 * size_t(threads)) * kImage) << plan.print();
    }
}

TEST(Plan, DropsWhatTheOutputDoesNotNeed) {
    Block block;
    Graph& g = block.graph;
    const NodeId channel = ops::slice_channels(g, block.block, 25, 1);  // in the 3x3 branch
    const NodeId score = ops::reduce(g, Reduce::mean, {false, true, true, true}, channel);
    Stream stream({DeviceKind::reference, 0});
    ConstantStore constants(stream);
    const Plan plan = make_plan(g, {score, grad(g, score, {block.image})[0]}, constants);
    EXPECT_EQ(count(plan, "conv2d"), 3) << plan.print();  // first, bottleneck, 3x3
    EXPECT_EQ(count(plan, "conv2d_grad_input"), 3) << plan.print();
    EXPECT_EQ(count(plan, "max_pool"), 1) << plan.print();
}

TEST(Plan, KeepsValuesThatAreAskedFor) {
    Block block;
    Stream stream({DeviceKind::reference, 0});
    const std::vector<HostTensor> inputs{random_tensor({2, 11, 12, 3})};
    const NodeId pre = block.graph.find("3x3_pre_relu"), post = block.graph.find("3x3");
    // A value, its consumer, a view of a constant, an input, and the same value twice.
    const NodeId constant = block.graph.constant(random_tensor({1, 1, 1, 3}));
    const auto values = evaluate(block.graph, {pre, post, constant, block.image, pre}, stream, inputs);
    for (size_t i = 0; i < values[0].values.size(); i++)
        EXPECT_EQ(std::max(values[0].values[i], 0.0f), values[1].values[i]);
    EXPECT_TRUE(same_bits(values[0], values[4]));
    EXPECT_TRUE(same_bits(values[3], inputs[0]));
}

TEST(Plan, SharesPreparedConstantsBetweenPlans) {
    Block block;
    Stream stream({DeviceKind::cpu, 0}, 1);
    ConstantStore constants(stream);
    make_plan(block.graph, {block.score, block.gradient}, constants);
    const size_t once = constants.size_bytes();
    EXPECT_GT(once, 0u);
    make_plan(block.graph, {block.score, block.gradient}, constants);
    EXPECT_EQ(constants.size_bytes(), once);
}

TEST(Plan, OutlivesItsGraph) {
    Stream stream({DeviceKind::cpu, 0}, 1);
    ConstantStore constants(stream);
    const HostTensor x = random_tensor({1, 1, 1, 4096}), shift = random_tensor({1, 1, 1, 4096}, -1, 1, 2);
    Plan plan;
    {
        Graph g;
        plan = make_plan(g, {ops::add(g, g.input("x", x.shape), g.constant(shift))}, constants);
    }
    const DeviceTensor input(stream, x);
    DeviceTensor output(stream.device(), x.shape);
    const Buffer arena(stream.device(), plan.arena_bytes);
    const ConstView inputs[] = {input.view()};
    const MutView outputs[] = {output.view()};
    run(plan, stream, inputs, outputs, arena.scratch());
    const HostTensor y = download(stream, output.view());
    for (size_t i = 0; i < x.values.size(); i++) ASSERT_EQ(y.values[i], x.values[i] + shift.values[i]);
}

TEST(Plan, TrainsWithFiltersThatAreInputs) {
    Graph g;
    const NodeId x = g.input("x", {2, 6, 6, 3}), w = g.input("w", {3, 3, 3, 8}), b = g.input("b", {1, 1, 1, 8});
    const NodeId y = ops::relu(g, ops::add(g, ops::conv2d(g, x, w, ops::same_geometry(g.shape(x), 3, 3, 1)), b));
    const NodeId score = ops::reduce(g, Reduce::sum_squares, {true, true, true, true}, y);
    const std::vector<NodeId> gradients = grad(g, score, {x, w, b});
    const std::vector<HostTensor> inputs{random_tensor({2, 6, 6, 3}, -1, 1, 1), random_tensor({3, 3, 3, 8}, -1, 1, 2),
                                         random_tensor({1, 1, 1, 8}, -1, 1, 3)};
    Stream reference({DeviceKind::reference, 0});
    const auto expected = evaluate(g, gradients, reference, inputs);
    for (const Device& device : testing::devices_under_test()) {
        Stream stream(device, 2);
        const auto actual = evaluate(g, gradients, stream, inputs);
        for (size_t i = 0; i < 3; i++)
            EXPECT_TRUE(matches(expected[i], actual[i], testing::sum_tolerance(27 * 72))) << to_string(device);
    }
}

TEST(Run, CheckNamesTheFirstNodeThatIsNotFinite) {
    Graph g;
    const NodeId x = g.input("x", {1, 1, 1, 3});
    const NodeId y = ops::unary(g, Unary::log, x, 0, 0, "the logarithm");
    const NodeId z = ops::affine(g, y, 2, 0, "after it");
    Stream stream({DeviceKind::reference, 0});
    RunOptions options;
    options.check = true;
    try {
        evaluate(g, {z}, stream, {HostTensor({1, 1, 1, 3}, {1, 0, 2})}, {}, options);
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("the logarithm"), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("[0,0,0,1]"), std::string::npos) << error.what();
    }
}

TEST(Run, CheckCountsImagesOfTheWholeBatch) {
    Graph g;
    const NodeId x = g.input("x", {4, 1, 1, 2});
    const NodeId y = ops::unary(g, Unary::log, x, 0, 0, "the logarithm");
    Stream stream({DeviceKind::cpu, 0}, 2);
    RunOptions options;
    options.check = true;
    try {
        evaluate(g, {y}, stream, {HostTensor({4, 1, 1, 2}, {1, 1, 1, 1, 1, 1, 1, 0})}, {}, options);
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("[3,0,0,1] of 4x1x1x2"), std::string::npos) << error.what();
    }
}

TEST(Run, DumpsWholeBatches) {
    Block block({}, 4);
    const HostTensor input = random_tensor({4, 11, 12, 3});
    Stream stream({DeviceKind::cpu, 0}, 2);
    RunOptions options;
    std::map<std::string, HostTensor> dumped;  // in the order of steps
    options.dump = [&](const std::string& name, const HostTensor& value) { dumped[name] = value; };
    const auto result = evaluate(block.graph, {block.gradient}, stream, {input}, {}, options);
    ASSERT_GT(dumped.size(), 10u);
    EXPECT_EQ(dumped.begin()->first.substr(0, 5), "0000_");
    EXPECT_EQ(dumped.rbegin()->second.shape, result[0].shape);
    EXPECT_TRUE(same_bits(dumped.rbegin()->second, result[0]));
}

TEST(Run, ShadowComparesEveryStep) {
    Block block;
    const std::vector<HostTensor> inputs{random_tensor({2, 11, 12, 3})};
    Stream stream({DeviceKind::cpu, 0}, 2);
    Shadow shadow(Stream({DeviceKind::reference, 0}));
    RunOptions options;
    options.shadow = &shadow;
    evaluate(block.graph, {block.score, block.gradient}, stream, inputs, {}, options);
    EXPECT_GT(shadow.worst_error, 0);
    EXPECT_LT(shadow.worst_error, 1e-4) << shadow.worst_step;
    shadow.fail_above = shadow.worst_error / 2;
    EXPECT_THROW(evaluate(block.graph, {block.score, block.gradient}, stream, inputs, {}, options), Error);
}

// An operation whose kernel cannot be started.
class Refused final : public Op {
  public:
    explicit Refused(bool by_image = false) : by_image_(by_image) {}
    ByImage by_image(const StepShapes& s) const override { return by_image_ ? every_input(s) : ByImage{}; }
    std::string kind() const override { return "refused"; }
    Shape infer(std::span<const Shape> inputs) const override { return inputs[0]; }
    std::vector<NodeId> vjp(Graph&, NodeId, NodeId, const std::vector<bool>&) const override { return {NodeId{}}; }
    void run(const RunContext&) const override { throw Error("device cuda:0: kernel conv2d_tiled: out of memory"); }

  private:
    const bool by_image_;
};

// Filters that are computed lie in memory with gaps, or inside of others; kernels read them without.
TEST(Plan, PacksComputedFiltersWithoutGaps) {
    Graph graph;
    const HostTensor all = random_tensor({3, 3, 5, 40}), some = [&] {
        HostTensor part({3, 3, 5, 20});
        for (int64_t i = 0; i < 45; i++)
            for (int64_t k = 0; k < 20; k++) part.values[size_t(i * 20 + k)] = 2 * all.values[size_t(i * 40 + 7 + k)];
        return part;
    }();
    const NodeId x = graph.input("x", {1, 8, 8, 5});
    const NodeId part = ops::slice(graph, graph.constant(all), {0, 0, 0, 7}, {3, 3, 5, 20});
    const NodeId known = ops::conv2d(graph, x, graph.constant(some), {});
    const NodeId computed = ops::conv2d(graph, x, ops::affine(graph, part, 2, 0), {});
    const NodeId viewed = ops::affine(graph, ops::conv2d(graph, x, part, {}), 2, 0);
    for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::reference}) {
        Stream stream({kind, 0}, 1);
        const std::vector<HostTensor> y =
            evaluate(graph, {known, computed, viewed}, stream, {random_tensor({1, 8, 8, 5}, -1, 1, 1)});
        EXPECT_EQ(y[0].values, y[1].values);
        EXPECT_EQ(y[0].values, y[2].values);  // doubling is exact
    }
}

// Channels of a constant are a view of it, whichever of its slices is read first.
TEST(Plan, ReadsSlicesOfConstants) {
    Graph graph;
    const HostTensor all = random_tensor({1, 1, 1, 12});
    const NodeId x = graph.input("x", {1, 2, 2, 4}), constant = graph.constant(all);
    const NodeId y = ops::add(graph, ops::mul(graph, x, ops::slice_channels(graph, constant, 8, 4)),
                              ops::slice_channels(graph, constant, 2, 4));
    Stream stream({DeviceKind::cpu, 0}, 1);
    const HostTensor given = random_tensor({1, 2, 2, 4}, -1, 1, 1);
    const HostTensor result = evaluate(graph, {y}, stream, {given})[0];
    for (int64_t c = 0; c < 4; c++)
        EXPECT_FLOAT_EQ(result.at(0, 1, 1, c), given.at(0, 1, 1, c) * all.at(0, 0, 0, 8 + c) + all.at(0, 0, 0, 2 + c));
}

// A filter of three rows is not three images, though the batch has three.
TEST(Plan, AsksWhichInputsGoByImage) {
    Graph graph;
    const NodeId x = graph.input("x", {3, 8, 8, 4}), w = graph.input("w", {3, 3, 4, 5});
    const NodeId y = ops::relu(graph, ops::conv2d(graph, x, w, {}));
    const NodeId scaled = ops::mul(graph, y, graph.input("one for all", {1, 1, 1, 5}));
    Stream stream({DeviceKind::cpu, 0}, 2);
    ConstantStore constants(stream);
    const Plan plan = make_plan(graph, {scaled}, constants, {.fuse = false});
    ASSERT_EQ(plan.steps.size(), 3u);
    EXPECT_EQ(plan.steps[0].by_image, (std::vector<bool>{})) << "the filter is packed before all images";
    EXPECT_EQ(plan.steps[1].by_image, (std::vector<bool>{true}));
    EXPECT_EQ(plan.steps[2].by_image, (std::vector<bool>{true, false}));

    const NodeId filter = graph.constant(random_tensor({3, 3, 4, 5}));
    const Plan constant = make_plan(graph, {ops::conv2d(graph, x, filter, {})}, constants);
    EXPECT_EQ(constant.steps[0].by_image, (std::vector<bool>{true, false}));
}

TEST(Run, ErrorsOfKernelsNameTheirNode) {
    Graph graph;
    const NodeId x = graph.input("x", {1, 2, 2, 3});
    const NodeId y = graph.add(std::make_shared<Refused>(), {x}, "mixed3a_3x3");
    Stream stream({DeviceKind::cpu, 0});
    try {
        evaluate(graph, {y}, stream, {HostTensor({1, 2, 2, 3})});
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "step 0, refused mixed3a_3x3: device cuda:0: kernel conv2d_tiled: out of memory");
    }
}

TEST(Run, ErrorsOfLanesArriveOnce) {
    Graph graph;
    const NodeId x = graph.input("x", {4, 2, 2, 3});
    NodeId y = ops::relu(graph, x);
    y = graph.add(std::make_shared<Refused>(true), {y}, "mixed3a_3x3");
    Stream stream({DeviceKind::cpu, 0}, 2);
    ConstantStore constants(stream);
    ASSERT_EQ(make_plan(graph, {y}, constants).sections[0].block, 2);
    try {
        evaluate(graph, {y}, stream, {HostTensor({4, 2, 2, 3})});
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "step 1, refused mixed3a_3x3: device cuda:0: kernel conv2d_tiled: out of memory");
    }
}

TEST(Run, TraceCountsEveryStep) {
    Block block;
    Stream stream({DeviceKind::cpu, 0}, 1);
    Trace trace;
    RunOptions options;
    options.trace = &trace;
    evaluate(block.graph, {block.score}, stream, {random_tensor({2, 11, 12, 3})}, {}, options);
    EXPECT_EQ(trace.runs, 1);
    ConstantStore constants(stream);
    const Plan plan = make_plan(block.graph, {block.score}, constants);
    EXPECT_EQ(trace.seconds.size(), plan.steps.size());
    EXPECT_NE(trace.print(plan).find("conv2d["), std::string::npos) << trace.print(plan);
    EXPECT_EQ(trace.print(plan).find("roofline"), std::string::npos) << trace.print(plan);
    trace.roofline = {1e9, 1e9};
    EXPECT_NE(trace.print(plan).find("roofline: 1.0 GFLOP/s, 1.0 GB/s"), std::string::npos) << trace.print(plan);
}

// A render's first updates run another plan than the later ones: each is traced alone.
TEST(Run, TraceIsOfTheLastPlan) {
    Block block;
    Stream stream({DeviceKind::cpu, 0}, 1);
    Trace trace;
    RunOptions options;
    options.trace = &trace;
    Graph other;
    const NodeId x = other.input("x", {1, 2, 2, 3});
    evaluate(other, {ops::softmax(other, x)}, stream, {random_tensor({1, 2, 2, 3})}, {}, options);
    ConstantStore constants(stream);
    const Plan plan = make_plan(block.graph, {block.score}, constants);
    EXPECT_NE(trace.print(plan).find("was not traced"), std::string::npos) << trace.print(plan);
    for (int i = 0; i < 2; i++)
        evaluate(block.graph, {block.score}, stream, {random_tensor({2, 11, 12, 3})}, {}, options);
    EXPECT_EQ(trace.runs, 2);
    EXPECT_NE(trace.print(plan).find("mean of 2 runs"), std::string::npos) << trace.print(plan);
}

TEST(RedirectedRelu, FollowsLucidsUnitCases) {
    // Lucid states them for the minimised loss: gradient g there is -g here.
    struct Case {
        float g, x, expected;
    };
    const auto gradient = [](bool relu6, const Case& c) {
        Graph graph;
        const NodeId x = graph.input("x", {1, 1, 1, 1});
        const NodeId y = relu6 ? ops::unary(graph, Unary::relu6, x) : ops::relu(graph, x);
        const NodeId score = ops::affine(graph, y, -c.g, 0);
        Stream stream({DeviceKind::reference, 0});
        return -evaluate(graph, grad(graph, score, {x}, redirected_relu()), stream, {HostTensor({1, 1, 1, 1}, c.x)})[0]
                    .values[0];
    };
    for (const bool relu6 : {false, true})
        for (const Case& c : {Case{1, -1, 0}, Case{-1, -1, -1}, Case{1, 1, 1}, Case{-1, 1, -1}, Case{-1, 0, -1}})
            EXPECT_EQ(gradient(relu6, c), c.expected) << relu6 << " " << c.g << " " << c.x;
    EXPECT_EQ(gradient(true, {1, 7, 1}), 1);
    EXPECT_EQ(gradient(true, {-1, 7, 0}), 0);
}

TEST(RedirectedRelu, DecidesPerImage) {
    // Image 0 has a living unit, so the plain gradient; image 1 has none, so the redirected one.
    Graph graph;
    const NodeId x = graph.input("x", {2, 1, 1, 2});
    const NodeId score = ops::relu(graph, x);
    Stream stream({DeviceKind::reference, 0});
    const HostTensor g = evaluate(graph, grad(graph, score, {x}, redirected_relu()), stream,
                                  {HostTensor({2, 1, 1, 2}, {1, -1, -1, -1})})[0];
    EXPECT_EQ(g.values, (std::vector<float>{1, 0, 1, 1}));
}

TEST(Graph, ErrorsNameTheOperationAndTheShapes) {
    Graph g;
    const NodeId x = g.input("x", {1, 8, 8, 3}), w = g.input("w", {3, 3, 4, 8});
    try {
        ops::conv2d(g, x, w, {}, "mixed3a_3x3");
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "mixed3a_3x3 (conv2d): filter has 4 input channels, the image has 3");
    }
}

TEST(Graph, PrintsAsText) {
    Graph g;
    const NodeId x = g.input("image", {1, 8, 8, 3});
    ops::relu(g, ops::affine(g, x, 255, -117), "y");
    EXPECT_EQ(g.print(), "%0 = input 1x8x8x3  image\n%1 = affine(%0) {255 -117} 1x8x8x3\n%2 = relu(%1) 1x8x8x3  y\n");
}

}  // namespace
}  // namespace limpid
