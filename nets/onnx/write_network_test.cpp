// Networks written as ONNX models and read back: the same text and parameters, else the same values.
#include "nets/onnx/write_network.h"

#include <gmock/gmock.h>

#include "graph/run.h"
#include "nets/known_networks.h"
#include "nets/onnx/kinds.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "weights/file.h"
#include "weights/import/import_network.h"
#include "weights/onnx.h"

namespace limpid::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Weights weights_for(const std::string& text) {
    Weights weights;
    weights.network = text;
    weights.source = "nowhere";
    uint32_t salt = 1;
    for (const auto& [name, shape] : parameter_shapes(parse_architecture(text)))
        weights.tensors[name] = random_tensor(shape, -1, 1, salt++);
    return weights;
}

Weights read_back(const std::string& file) {
    NetworkOptions options;
    options.title = "read";
    ImportedNetwork imported = import_network(read_onnx(as_bytes(file)), options);
    EXPECT_THAT(imported.notes, IsEmpty());
    Weights weights;
    weights.source = "read back";
    weights.network = to_string(parse_architecture(imported.text));
    weights.tensors = std::move(imported.parameters);
    return weights;
}

Weights read_back(const Weights& weights) { return read_back(write_onnx_network(weights)); }

std::string corpus(const char* name) {
    const std::vector<std::byte> file = read_file(concat(LIMPID_SOURCE_DIR "/tests/fuzz/corpus/network/", name));
    return to_string(parse_architecture(as_text(file)));
}

// Of each layer that the text names, which the other network has, too.
void expect_same_values(const Weights& a, const Weights& b, Shape image, const Device& device) {
    std::vector<HostTensor> values[2];
    const HostTensor picture = random_tensor(image, 0, 1, 99);
    const Net written = make_net(a);
    size_t i = 0;
    for (const Weights* weights : {&a, &b}) {
        const Net net = make_net(*weights);
        Graph graph;
        const Layers layers = apply(net, graph, graph.input("image", image));
        std::vector<NodeId> nodes;
        for (const Layer& each : written.layers)
            if (each.name != "input" && layers.contains(each.name)) nodes.push_back(layers.at(each.name));
        Stream stream(device, 1);
        values[i++] = evaluate(graph, nodes, stream, {picture});
    }
    ASSERT_EQ(values[0].size(), values[1].size());
    for (size_t layer = 0; layer < values[0].size(); layer++)
        EXPECT_TRUE(same_bits(values[0][layer], values[1][layer])) << written.layers[layer + 1].name;
}

void expect_same_values(const Weights& a, const Weights& b, Shape image) {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference});
    for (const Device& device : devices) expect_same_values(a, b, image, device);
}

TEST(OnnxNetwork, EveryKindIsWritten) {
    for (const LayerKind* kind : layer_kinds()) EXPECT_TRUE(onnx::find_written(kind)) << kind->name;
}

// All settings of all kinds, and ranks that meet.
constexpr const char* kForms =
    "logits: class\n"
    "outputs: class, gated\n"
    "default: stem\n"
    "columns: stem 3\n"
    "input = image(size=11x9, channels=3)\n"
    "preprocessed = normalise(input, order=2 1 0, scale=255, mean=104 117 123)\n"
    "stem = conv(preprocessed, channels=6, window=3x2, stride=2x1, pad=same, activation=relu)\n"
    "even = lrn(stem, radius=5, bias=2, alpha=0.0001, beta=0.5)\n"
    "one = max_pool(even, window=3x3, stride=2x2, pad=0x1, round=up)\n"
    "two = average_pool(even, window=3x3, stride=2x2, pad=0x1, round=up)\n"
    "wide/1 = max_pool(even, window=3x3, stride=2x2, pad=same)\n"
    "wide-2 = average_pool(even, window=3x3, stride=2x2, pad=same)\n"
    "several = mul(wide/1, wide-2, two, one)\n"
    "sums = add(several, two, one)\n"
    "squeezed = reduce(sums, by=max)\n"
    "excited = dense(squeezed, channels=6, activation=relu)\n"
    "gate = hard_sigmoid(excited, slope=0.3, shift=0.4)\n"
    "scaled = mul(sums, gate)\n"
    "shifted = affine(scaled, scale=0.5, shift=0.25)\n"
    "halved = affine(scaled, scale=0.5)\n"
    "table = constant(size=1x1, channels=6)\n"
    "by_table = sub(table, shifted)\n"
    "means = reduce(by_table, by=mean, over=rows)\n"
    "totals = reduce(by_table, by=sum, over=columns)\n"
    "widest = reduce(by_table, by=max, over=channels)\n"
    "all = reduce(by_table, by=mean, over=all)\n"
    "gated = add(means, totals)\n"
    "normed = batch_norm(excited)\n"
    "bent = prelu(normed)\n"
    "both = concat(bent, excited, gate)\n"
    "also = alias(both)\n"
    "cut = slice(gated, rows=1 0, columns=3 2 -1)\n"
    "end = slice(gated, rows=1 2, columns=2 0)\n"  // at another size, the rows are not all that follow
    "padded = pad(gated, border=1x2x0x1, value=-1.5)\n"
    "turned = rearrange(gated, rows=0, columns=0, channels=2 3, order=1 3 0 2, into=1 2 1)\n"
    "again = rearrange(gated, channels=2 3, order=1 3 0 2, into=1 2 1)\n"
    "spread = conv(even, channels=3, window=3x3, stride=2x2, pad=same, dilation=2x1)\n"
    "pooled = average_pool(gated, window=3x5, other_maps=whole)\n"
    "slid = average_pool(gated, window=3x5)\n"
    "class_pre_activation = dense(pooled, channels=4)\n"
    "class = softmax(class_pre_activation)\n"
    "flat = dense(turned, channels=3)\n"
    "last = silu(flat)\n";

TEST(OnnxNetwork, TextAndParametersSurvive) {
    Weights bvlc = with_network_text(random_weights(kGoogLeNetVariants[0]));
    for (Weights weights :
         {weights_for(to_string(parse_architecture(kForms))), weights_for(corpus("grey")), weights_for(corpus("tiny")),
          std::move(bvlc), with_network_text(tiny_weights()), with_network_text(trained_patterns())}) {
        const Weights read = read_back(weights);
        EXPECT_EQ(read.network, weights.network);
        EXPECT_EQ(checksum_of(read.tensors), checksum_of(weights.tensors)) << weights.network;
    }
}

TEST(OnnxNetwork, ValuesSurvive) {
    const Weights forms = weights_for(kForms);
    expect_same_values(forms, read_back(forms), {2, 11, 9, 3});
    const Weights kinds = weights_for(corpus("every_imported_kind"));
    expect_same_values(kinds, read_back(kinds), {2, 8, 8, 4});
    // What changes nothing is read as another name; what is said otherwise is the same there.
    const Weights unchanged = weights_for(
        "input = image(size=7x6, channels=3)\n"
        "whole = slice(input, rows=0 0, channels=0 3)\n"
        "plain = pad(whole)\n"
        "alone = concat(plain)\n"
        "six = clip(alone, low=0, high=6)\n"
        "cube = power(six, exponent=3)\n"
        "pooled = average_pool(cube, window=3x3, stride=2x2, count=all, round=up)\n"
        "whole_mean = average_pool(cube, window=2x2, other_maps=whole)\n"
        "in_order = rearrange(pooled, order=0 1 2, into=1 1 1)\n"
        "slope = prelu(in_order)\n"
        "edge = conv(slope, channels=2)\n");
    expect_same_values(unchanged, read_back(unchanged), {2, 7, 6, 3});
}

// Said otherwise, of the same layers: the factors of channels are numbers, and a mean of all of a map, which the window
// does not cover, is called that.
TEST(OnnxNetwork, EveryKindIsReadAsItself) {
    struct Said {
        const char *corpus, *written, *read;
    };
    for (const Said& said : {Said{"every_imported_kind", "channels=4 0", "channels=4 4"},
                             {"every_kind", "average_pool(edge, window=2x3, stride=2x2, pad=1x0x0x1, other_maps=whole)",
                              "reduce(edge, by=mean)"}}) {
        std::string expected = corpus(said.corpus);
        expected.replace(expected.find(said.written), std::string_view(said.written).size(), said.read);
        EXPECT_EQ(read_back(weights_for(corpus(said.corpus))).network, expected);
    }
}

TEST(OnnxNetwork, AnySizeWhereLayersMeanTheSame) {
    const Weights open = weights_for(
        "logits: class\n"
        "input = image(size=12x16, channels=3)\n"
        "edge = conv(input, channels=4, window=3x3, pad=same, stride=2x2, activation=relu)\n"
        "mean = average_pool(edge, window=6x8, other_maps=whole)\n"
        "class = dense(mean, channels=5)\n");
    const OnnxNetwork network = onnx_network(open);
    EXPECT_TRUE(network.any_size);
    EXPECT_THAT(network.graph.inputs[0].shape, ElementsAre(-1, 3, -1, -1));
    EXPECT_THAT(network.outputs.at("class"), ElementsAre(-1, 5));
    const Weights read = read_back(open);
    EXPECT_EQ(read.network, to_string(parse_architecture(open.network)));
    expect_same_values(open, read, {3, 9, 21, 3});
    const OnnxNetwork fixed =
        onnx_network(weights_for("input = image(size=12x16, channels=3)\n"
                                 "class = dense(input, channels=5)\n"));
    EXPECT_FALSE(fixed.any_size);
    EXPECT_THAT(fixed.graph.inputs[0].shape, ElementsAre(-1, 3, 12, 16));
}

TEST(OnnxNetwork, OutputsBeginWithLogitsAndTheirSoftmax) {
    const Weights weights = weights_for(corpus("every_kind"));
    EXPECT_THAT(onnx_network(weights).graph.outputs, ElementsAre("digit", "probability", "slant"));
}

TEST(OnnxNetwork, SameWeightsMakeTheSameBytes) {
    const Weights weights = trained_patterns();
    EXPECT_EQ(write_onnx_network(weights), write_onnx_network(weights));
}

// What another program has changed is read as it is now: the text beside the graph names layers, and no more.
TEST(OnnxNetwork, WhatTheGraphSaysCounts) {
    OnnxNetwork network = onnx_network(weights_for(kForms));
    for (ImportNode& node : network.graph.nodes)
        if (node.name == "gate") node.op = "Sigmoid", node.attributes.clear();
    network.graph.metadata[own_metadata::kProperties] = "logits: gone\n";
    const Weights read = read_back(write_onnx(network.graph, network.outputs));
    EXPECT_THAT(read.network, HasSubstr("gate = sigmoid(excited)\n"));
    EXPECT_THAT(read.network, HasSubstr("logits: class_pre_activation\n"));
}

TEST(OnnxNetwork, ShownChannelsSurvive) {
    const std::string text =
        "input = image(size=6x6, channels=5, shown=3 2 1)\n"
        "edge = conv(input, channels=2, window=3x3)\n";
    EXPECT_EQ(read_back(weights_for(text)).network, to_string(parse_architecture(text)));
}

}  // namespace
}  // namespace limpid::testing
