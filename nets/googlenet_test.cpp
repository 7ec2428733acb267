// GoogLeNet in both variants, on random weights: against the double oracle; names, counts, messages.
#include "nets/googlenet.h"

#include <gtest/gtest.h>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/googlenet_table.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "tests/harness/random_net.h"

namespace limpid {
namespace {

using testing::he_uniform;
using testing::random_weights;

// Every layer with a parameter or a concatenation, and the gradient of one logit.
struct WholeNet {
    Graph graph;
    std::vector<std::string> names;
    std::vector<NodeId> outputs;

    WholeNet(const Net& net, Shape image) {
        const NodeId input = graph.input("image", image);
        const Layers layers = apply(net, graph, input);
        for (const auto& [name, id] : layers) {
            if (name == "input") continue;
            names.push_back(name);
            outputs.push_back(id);
        }
        const NodeId logit = ops::slice_channels(graph, layers.at(net.logits), 7, 1);
        names.push_back("gradient");
        outputs.push_back(grad(graph, logit, {input})[0]);
    }
};

TEST(GoogLeNet, AgreesWithTheOracleOnRandomWeights) {
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants) {
        const Net net = make_net(random_weights(variant));
        for (const Shape image : {Shape{1, 64, 64, 3}, Shape{1, 75, 61, 3}}) {
            const WholeNet whole(net, image);
            const std::vector<HostTensor> inputs{he_uniform(image, 24, 1)};  // within [-0.5, 0.5]
            Stream reference({DeviceKind::reference, 0}), cpu({DeviceKind::cpu, 0});
            const auto expected = evaluate(whole.graph, whole.outputs, reference, inputs);
            const auto actual = evaluate(whole.graph, whole.outputs, cpu, inputs);
            // Errors add up over 22 layers of sums of up to 1,728 terms.
            for (size_t i = 0; i < expected.size(); i++)
                EXPECT_TRUE(testing::matches(expected[i], actual[i], testing::sum_tolerance(22 * 1728)))
                    << variant.name << " " << whole.names[i];
        }
    }
}

TEST(GoogLeNet, HasEveryNameOfLucidsGraph) {
    const Net net = make_net(random_weights(kGoogLeNetVariants[0]));
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, 224, 224, 3}));
    for (const char* name : {"input",
                             "conv2d0_pre_relu/conv",
                             "conv2d0_pre_relu",
                             "conv2d0",
                             "maxpool0",
                             "localresponsenorm0",
                             "localresponsenorm1",
                             "maxpool1",
                             "mixed3a",
                             "mixed3a_pre_relu",
                             "mixed4d_3x3_bottleneck_pre_relu",
                             "mixed4b_pool_reduce_pre_relu",
                             "mixed4e_pool",
                             "maxpool4",
                             "maxpool10",
                             "mixed5b",
                             "avgpool0",
                             "avgpool0/reshape",
                             "softmax2_pre_activation/matmul",
                             "softmax2_pre_activation",
                             "softmax2",
                             "output2"})
        EXPECT_TRUE(layers.contains(name)) << name;
    const std::map<std::string, int64_t> depths{{"conv2d2", 192}, {"mixed3b", 480}, {"mixed4a", 508},
                                                {"mixed4d", 528}, {"mixed5a", 832}, {"mixed5b", 1024}};
    for (const auto& [name, depth] : depths) EXPECT_EQ(graph.shape(layers.at(name)).c, depth) << name;
    EXPECT_EQ(graph.shape(layers.at("mixed4d")).h, 14);
}

TEST(GoogLeNet, CountsParametersAndMultiplyAdds) {
    int64_t parameters = 0, at224 = 0, at128 = 0;
    const Net net = make_net(random_weights(kGoogLeNetVariants[0]));
    for (const LayerInfo& info : describe(net, 224, 224)) parameters += info.parameters, at224 += info.multiply_adds;
    for (const LayerInfo& info : describe(net, 128, 128))
        if (!info.name.starts_with("softmax")) at128 += info.multiply_adds;
    EXPECT_EQ(parameters, 7066380);  // spec: trunk and softmax2
    EXPECT_EQ(at224, 1584881536);
    EXPECT_EQ(at128, 517175296);
}

TEST(GoogLeNet, ListsEverythingThatIsWrongWithWeights) {
    Weights weights = random_weights(kGoogLeNetVariants[0]);
    weights.tensors.erase("mixed3a_1x1_b");
    weights.tensors["mixed4a_3x3_w"] = HostTensor({3, 3, 96, 208});
    try {
        make_net(std::move(weights));
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("mixed3a_1x1_b is missing"), std::string::npos) << text;
        EXPECT_NE(text.find("mixed4a_3x3_w is 3x3x96x208, expected 3x3x96x204"), std::string::npos) << text;
    }
}

TEST(GoogLeNet, SaysWhatIsNearWhenANameIsWrong) {
    const Net net = make_net(random_weights(kGoogLeNetVariants[1]));
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, 64, 64, 3}));
    try {
        layer(net, layers, "mixed4g");
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("mixed4"), std::string::npos) << error.what();
    }
}

TEST(GoogLeNet, FindsClassesByNameNumberAndSynonym) {
    Weights weights = random_weights(kGoogLeNetVariants[1]);
    weights.labels.assign(1000, "");
    weights.labels[0] = "tench, Tinca tinca";
    weights.labels[967] = "espresso";
    weights.labels[134] = weights.labels[517] = "crane";
    weights.labels[387] = "lesser panda, panda";
    weights.labels[388] = "giant panda, panda";
    weights.labels[638] = "maillot";
    weights.labels[639] = "maillot, tank suit";
    const Net net = make_net(std::move(weights));
    EXPECT_EQ(find_class(net, "espresso"), 967);
    EXPECT_EQ(find_class(net, "Espresso"), 967);
    EXPECT_EQ(find_class(net, "967"), 967);
    EXPECT_EQ(find_class(net, "tinca TINCA"), 0);
    EXPECT_THROW(find_class(net, "1000"), Error);
    EXPECT_EQ(find_class(net, "maillot"), 638);  // a label goes before a synonym
    for (const auto& [name, outputs] : {std::pair{"crane", "134 (crane), 517 (crane)"},
                                        {"panda", "387 (lesser panda, panda), 388 (giant panda, panda)"}})
        try {
            find_class(net, name);
            ADD_FAILURE() << name << ": nothing was thrown";
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find(outputs), std::string::npos) << error.what();
        }
    try {
        find_class(net, "expresso");
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("espresso"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace limpid
