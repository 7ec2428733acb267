// The network that comes with the program: it is whole, and knows the world it was trained on.
#include "nets/patterns.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graph/run.h"
#include "nets/net.h"
#include "nets/world/world.h"
#include "tests/harness/compare.h"

namespace limpid {
namespace {

TEST(Patterns, StartsFromTheSeed) {
    const std::vector<std::string> labels{"a", "b"};
    const Weights one = initial_patterns(labels, 1);
    EXPECT_EQ(one.checksum, initial_patterns(labels, 1).checksum);
    EXPECT_NE(one.checksum, initial_patterns(labels, 2).checksum);
    const HostTensor& w = one.tensors.at("mixed4a_3x3_w");
    double square = 0;
    for (const float value : w.values) square += double(value) * value / double(w.shape.size());
    EXPECT_NEAR(square * 9 * double(w.shape.w), 2, 0.05);  // He: variance 2 / inputs
}

TEST(Patterns, IsSmallAndWhole) {
    const Net net = make_net(trained_patterns());
    EXPECT_EQ(net.labels(), std::vector<std::string>(kPatternNames.begin(), kPatternNames.end()));
    int64_t parameters = 0;
    for (const LayerInfo& info : describe(net, 64, 64)) parameters += info.parameters;
    EXPECT_GT(parameters, 800000);
    EXPECT_LT(parameters, 1000000);
    // Fully convolutional: any size has logits, and the names are GoogLeNet's.
    for (const int64_t size : {48, 64, 131}) {
        Graph graph;
        const Layers layers = apply(net, graph, graph.input("image", {1, size, size, 3}));
        EXPECT_EQ(graph.shape(layer(net, layers, "softmax2_pre_activation")), (Shape{1, 1, 1, kPatterns}));
        EXPECT_TRUE(layers.contains("mixed4a_3x3_bottleneck_pre_relu"));
    }
}

TEST(Patterns, KnowsFreshPicturesOfItsWorld) {
    constexpr int64_t kCount = 300;
    constexpr uint64_t kFresh = 20240229;  // no seed of the training
    const Net net = make_net(trained_patterns());
    HostTensor images({kCount, kWorldSize, kWorldSize, 3});
    for (int64_t i = 0; i < kCount; i++) paint_world(kFresh, uint32_t(i), images.view().image(i));
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("images", images.shape));
    Stream stream({DeviceKind::cpu});
    const HostTensor logits = evaluate(graph, {layer(net, layers, net.logits)}, stream, {images})[0];
    int right = 0;
    for (int64_t i = 0; i < kCount; i++) {
        const float* z = logits.view().pixel(i, 0, 0);
        right += std::max_element(z, z + kPatterns) - z == pattern_of(kFresh, uint32_t(i));
    }
    EXPECT_GE(right, kCount * 95 / 100);  // 98.2 % of 20,000: four deviations below
}

}  // namespace
}  // namespace limpid
