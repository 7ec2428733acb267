// All of GoogLeNet on the emulated GPU: every layer and the gradient of a logit are those of the CPU.
#include <gtest/gtest.h>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/googlenet_table.h"
#include "nets/net.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "tests/harness/random_net.h"

namespace limpid {
namespace {

TEST(EmulatedGoogLeNet, AgreesWithTheProcessor) {
    const GoogLeNetVariant& variant = kGoogLeNetVariants[0];
    const Net net = make_net(testing::random_weights(variant));
    const Shape image{1, 64, 64, 3};
    Graph graph;
    const NodeId input = graph.input("image", image);
    const Layers layers = apply(net, graph, input);
    std::vector<std::string> names;
    std::vector<NodeId> outputs;
    for (const auto& [name, id] : layers) {
        if (name == "input") continue;
        names.push_back(name);
        outputs.push_back(id);
    }
    names.push_back("gradient");
    outputs.push_back(grad(graph, ops::slice_channels(graph, layers.at(net.logits), 7, 1), {input})[0]);

    const std::vector<HostTensor> inputs{testing::he_uniform(image, 24, 1)};  // within [-0.5, 0.5]
    Stream cpu({DeviceKind::cpu, 0}), cuda({DeviceKind::cuda, 0});
    const auto expected = evaluate(graph, outputs, cpu, inputs);
    const auto actual = evaluate(graph, outputs, cuda, inputs);
    // Errors add up over 22 layers of sums of up to 1,728 terms, on both sides.
    for (size_t i = 0; i < expected.size(); i++)
        EXPECT_TRUE(testing::matches(expected[i], actual[i], testing::sum_tolerance(2 * 22 * 1728))) << names[i];
}

}  // namespace
}  // namespace limpid
