// Tests of the GraphDef reader: every form of constants, other node orders, graphs that differ, and the published
// structure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/harness/compare.h"
#include "weights/protobuf.h"
#include "weights/readers.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::map<std::string, HostTensor> read_small(const std::vector<WireWriter>& nodes) {
    const std::string file = graph_file(nodes);
    return read_lucid_pb(as_bytes(file), small_graph_network()).tensors;
}

std::string error_of(const std::vector<WireWriter>& nodes) {
    try {
        read_small(nodes);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

// The small graph with these constants.
std::vector<WireWriter> nodes_of(const std::vector<GraphConstant>& constants) {
    std::vector<WireWriter> nodes = small_graph_nodes();
    for (size_t i = 0; i < constants.size(); ++i) nodes[i + 1] = const_node(constants[i]);  // after the placeholder
    return nodes;
}

// With one node in place of the one that has its name, or added.
std::string error_with(const std::string& name, const WireWriter& node) {
    std::vector<WireWriter> nodes = small_graph_nodes();
    const auto has_name = [&](const WireWriter& each) {
        Message message(as_bytes(each.bytes()));
        Field field;
        return message.next(field) && field.text() == name;
    };
    std::erase_if(nodes, has_name);
    nodes.push_back(node);
    return error_of(nodes);
}

void expect_same(const std::map<std::string, HostTensor>& expected, const std::map<std::string, HostTensor>& actual) {
    ASSERT_EQ(expected.size(), actual.size());
    for (const auto& [name, tensor] : expected) {
        ASSERT_EQ(actual.count(name), 1u) << name;
        EXPECT_TRUE(same_bits(tensor, actual.at(name))) << name;
    }
}

TEST(LucidPb, ReadsConstants) { expect_same(small_tensors(), read_small(small_graph_nodes())); }

TEST(LucidPb, ReadsFloatValInBothForms) {
    for (const auto form : {GraphConstant::Form::packed, GraphConstant::Form::single}) {
        std::vector<GraphConstant> constants = small_graph_constants();
        for (GraphConstant& constant : constants) constant.form = form;
        expect_same(small_tensors(), read_small(nodes_of(constants)));
    }
}

TEST(LucidPb, LastFloatValFillsTheRest) {
    for (const auto form : {GraphConstant::Form::packed, GraphConstant::Form::single}) {
        std::vector<GraphConstant> constants = small_graph_constants();
        constants[0].form = form;
        std::map<std::string, HostTensor> expected = small_tensors();
        constants[0].values = {7.5f};
        expected[constants[0].name].values.assign(5, 7.5f);
        expect_same(expected, read_small(nodes_of(constants)));
        constants[0].values = {1.0f, 7.5f};
        expected[constants[0].name].values[0] = 1.0f;
        expect_same(expected, read_small(nodes_of(constants)));
    }
}

TEST(LucidPb, OrderOfNodesDoesNotMatter) {
    std::vector<WireWriter> nodes = small_graph_nodes();
    for (int i = 0; i < 5; ++i) {
        std::rotate(nodes.begin(), nodes.begin() + 3, nodes.end());
        expect_same(small_tensors(), read_small(nodes));
    }
    std::reverse(nodes.begin(), nodes.end());
    expect_same(small_tensors(), read_small(nodes));
}

TEST(LucidPb, ManyProblemsAreCounted) {
    std::vector<GraphConstant> constants = small_graph_constants();
    ASSERT_EQ(constants[1].name, "conv2d0_w");
    constants[1].shape = {3, 2, 4, 5};
    constants[3].values.pop_back();
    constants[4].name = "softmax2_renamed_b";
    std::vector<WireWriter> nodes = nodes_of(constants);
    nodes.push_back(int_const_node("softmax2_b", {1, 2, 3, 4, 5}));
    nodes.push_back(const_node(constants[0]));
    EXPECT_THAT(error_of(nodes),
                AllOf(HasSubstr("4 problems, the first three: conv2d0_b appears twice; conv2d0_w is 3x2x4x5, expected "
                                "2x3x4x5; softmax2_b has values of type int32, expected float32; 1 unused: "
                                "softmax2_renamed_b (5); "),
                      HasSubstr("is this another graph"), Not(HasSubstr("\n"))));
    constants = small_graph_constants();
    constants[3].values.pop_back();
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("nn0_w has 92 bytes of values, but its shape is 12x2; "));
}

TEST(LucidPb, MisshapenConstantsAreRefused) {
    std::vector<GraphConstant> constants = small_graph_constants();
    constants[0].values = {};
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("conv2d0_b has 0 values, but its shape is 5"));
    constants[0].values = {1, 2, 3, 4, 5, 6};
    constants[0].form = GraphConstant::Form::packed;
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("conv2d0_b has 6 values, but its shape is 5"));
    constants[0].values = {1};
    constants[0].shape = {int64_t(1) << 40, int64_t(1) << 40};
    EXPECT_THAT(error_of(nodes_of(constants)),
                HasSubstr("conv2d0_b has the impossible shape 1099511627776x1099511627776"));
    // One value repeated a trillion times: the shape is refused before anything is allocated.
    constants[0].shape = {int64_t(1) << 40};
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("conv2d0_b is 1099511627776, expected 5"));
    constants[0].shape = {-1};
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("conv2d0_b has the impossible shape -1"));
    constants[0].shape = std::vector<int64_t>(9, 1);
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("a shape of more than 8 axes"));
}

WireWriter conv() { return conv_node("conv2d0_pre_relu/conv", {1, 2, 2, 1}, "SAME"); }
std::string error_with_conv(const WireWriter& node) { return error_with("conv2d0_pre_relu/conv", node); }

// Same names and shapes, another computation.
TEST(LucidPb, OtherAttributesAreNamed) {
    EXPECT_EQ(error_with_conv(conv()), "no error");
    EXPECT_EQ(error_with_conv(with_text(conv(), "data_format", "NHWC")), "no error");
    EXPECT_EQ(error_with_conv(with_text(conv(), "_note", "of a tool")), "no error");
    EXPECT_THAT(error_with_conv(with_text(conv(), "data_format", "NCHW")),
                HasSubstr("conv2d0_pre_relu/conv (Conv2D) has data_format NCHW, expected NHWC"));
    EXPECT_THAT(
        error_with_conv(conv_node("conv2d0_pre_relu/conv", {1, 1, 1, 1}, "VALID")),
        AllOf(HasSubstr("has strides 1,1,1,1, expected 1,2,2,1; "), HasSubstr("has padding VALID, expected SAME; ")));
    EXPECT_THAT(error_with_conv(with_integers(conv(), "rates", {1, 2, 2, 1})),
                HasSubstr("conv2d0_pre_relu/conv (Conv2D) has rates, expected none such"));
    EXPECT_THAT(error_with_conv(with_text(conv(), "padding", "SAME")), HasSubstr("has padding twice"));
    EXPECT_THAT(error_with_conv(with_type(op_node("Conv2D", "conv2d0_pre_relu/conv", {"input", "conv2d0_w"}), "T", 19)),
                AllOf(HasSubstr("has T float16, expected float32; "), HasSubstr("has no strides, expected 1,2,2,1; "),
                      HasSubstr("has no padding, expected SAME; ")));
    const auto lrn = [] { return op_node("LRN", "localresponsenorm0", {"conv2d0_pre_relu/conv"}); };
    const auto error_with_lrn = [](const WireWriter& node) { return error_with("localresponsenorm0", node); };
    EXPECT_THAT(error_with_lrn(lrn()),
                AllOf(HasSubstr("localresponsenorm0 (LRN) has bias 1 (by default), expected 2; "),
                      HasSubstr("has alpha 1 (by default), expected 0.0001; ")));
    const WireWriter right = with_real(with_real(lrn(), "bias", 2), "alpha", 9.999999747378752e-05f);
    EXPECT_EQ(error_with_lrn(right), "no error");
    EXPECT_THAT(error_with_lrn(with_real(right, "beta", 0.75f)), HasSubstr("has beta 0.75, expected 0.5"));
    EXPECT_THAT(error_with_lrn(with_integer(right, "depth_radius", 2)), HasSubstr("has depth_radius 2, expected 5"));
    EXPECT_THAT(error_with_lrn(with_integer(right, "beta", 0)), HasSubstr("has beta of another type, expected 0.5"));
}

TEST(LucidPb, OtherOperatorsAndWiringAreNamed) {
    EXPECT_THAT(error_with("localresponsenorm0", op_node("Relu6", "localresponsenorm0", {"conv2d0_pre_relu/conv"})),
                HasSubstr("localresponsenorm0 is Relu6, expected LRN"));
    EXPECT_THAT(error_with("x", op_node("Softmax", "x", {"mixed3a"})),
                HasSubstr("x (Softmax) is no part of the known network"));
    EXPECT_THAT(error_with("bn", op_node("FusedBatchNorm", "bn", {"mixed3a"})),
                HasSubstr("it has batch normalisation, so it is another network than Lucid's InceptionV1"));
    const auto lrn_of = [](const std::string& input) { return lrn_node("localresponsenorm0", input); };
    EXPECT_EQ(error_with("localresponsenorm0", lrn_of("conv2d0_pre_relu/conv")), "no error");
    EXPECT_THAT(error_with("localresponsenorm0", lrn_of("input")),
                HasSubstr("localresponsenorm0 takes input, expected conv2d0_pre_relu/conv"));
    EXPECT_THAT(error_with("localresponsenorm0", lrn_of("conv2d0_pre_relu/conv:1")),
                HasSubstr("takes conv2d0_pre_relu/conv:1, expected"));
    EXPECT_THAT(error_with("mixed3a/concat_dim", int_const_node("mixed3a/concat_dim", {1})),
                HasSubstr("mixed3a/concat_dim (Const) has value 1, expected 3"));
    EXPECT_THAT(error_with("head0_bottleneck/reshape/shape", int_const_node("head0_bottleneck/reshape/shape", {-1})),
                HasSubstr("has value -1, expected -1,2048"));
    const auto concat_of = [](const std::string& op, const std::vector<std::string>& inputs) {
        return error_with("mixed3a", op_node(op, "mixed3a", inputs));
    };
    EXPECT_EQ(concat_of("ConcatV2", {"localresponsenorm0", "conv2d0_pre_relu/conv", "mixed3a/concat_dim"}), "no error");
    EXPECT_THAT(concat_of("ConcatV2", {"mixed3a/concat_dim", "localresponsenorm0", "conv2d0_pre_relu/conv"}),
                HasSubstr("mixed3a takes conv2d0_pre_relu/conv, mixed3a/concat_dim, localresponsenorm0, expected"));
    EXPECT_THAT(concat_of("Concat", {"mixed3a/concat_dim", "conv2d0_pre_relu/conv", "localresponsenorm0"}),
                HasSubstr("mixed3a takes mixed3a/concat_dim, conv2d0_pre_relu/conv, localresponsenorm0, expected"));
    EXPECT_THAT(concat_of("Concat", {}), HasSubstr("mixed3a takes nothing, expected"));
    std::vector<WireWriter> nodes = small_graph_nodes();
    nodes.pop_back();
    EXPECT_THAT(error_of(nodes), HasSubstr("head0_bottleneck/reshape/shape (Const) is missing"));
    // Identity is looked through, a ring of it too.
    EXPECT_THAT(error_with("same", op_node("Identity", "same", {"same"})),
                HasSubstr("mixed3a takes mixed3a/concat_dim, same,"));
}

TEST(LucidPb, CausesAreNamed) {
    std::vector<GraphConstant> constants = small_graph_constants();
    for (GraphConstant& constant : constants) constant.name = "import/" + constant.name;
    EXPECT_THAT(error_of(nodes_of(constants)),
                HasSubstr("its names begin with import/, as in a graph that was imported"));
    constants = small_graph_constants();
    constants[4] = {"softmax2_b", {7}, counting_values(4, 7)};
    EXPECT_THAT(error_of(nodes_of(constants)), HasSubstr("it is a GoogLeNet for 7 classes"));
    EXPECT_THAT(error_with("x", op_node("VariableV2", "x", {})), HasSubstr("it is not frozen"));
    EXPECT_THAT(error_with("x", op_node("Dequantize", "x", {})), HasSubstr("its values are quantised"));
    const WireWriter half = WireWriter().integer(1, 19).message(2, WireWriter()).text(4, "hh");
    const WireWriter value = WireWriter().text(1, "value").message(2, WireWriter().message(8, half));
    EXPECT_THAT(error_with("conv2d0_b", op_node("Const", "conv2d0_b", {}).message(5, value)),
                AllOf(HasSubstr("conv2d0_b has values of type float16, expected float32"),
                      HasSubstr("its values are half precision")));
}

// The values of a tensor lie in one field; where there are two, the last one counts.
TEST(LucidPb, ValuesInPartsAreRefused) {
    const WireWriter shape = WireWriter().message(2, WireWriter().integer(1, 5));
    const std::string ten(10, '\0');
    const WireWriter halves = WireWriter().integer(1, 1).message(2, shape).text(4, ten).text(4, ten);
    const WireWriter value = WireWriter().text(1, "value").message(2, WireWriter().message(8, halves));
    EXPECT_THAT(error_with("conv2d0_b", op_node("Const", "conv2d0_b", {}).message(5, value)),
                HasSubstr("conv2d0_b has 10 bytes of values, but its shape is 5"));
}

TEST(LucidPb, TheListOfTheNetworkIsWhole) {
    const GraphList list = parse_graph_list(embedded("inception5h_pb_graph.txt"));
    EXPECT_EQ(list.rows.size(), 239u);
    std::set<std::string> inputs, names;
    for (const GraphRow& row : list.rows) {
        EXPECT_NE(list.find_operator(row.op), nullptr) << row.name;
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        inputs.insert(row.inputs.begin(), row.inputs.end());
    }
    for (const NameRow& row : parse_name_table(embedded("inception5h_pb.txt")))
        for (const char* suffix : {"_w", "_b"}) EXPECT_EQ(inputs.erase(row.source + suffix), 1u) << row.source;
    for (const std::string& input : inputs) EXPECT_TRUE(names.contains(input)) << input;
}

TEST(LucidPb, ReadsTheGraphWithLucidsStructure) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "LIMPID_SHARED is not set: no real weights";
    const std::string models = std::string(shared) + "/models/";
    ImportOptions options;
    options.labels_file = models + "synset_words.txt";
    options.labels_first_output = 1;
    const Weights weights = import_weights(models + "inception5h_hybrid.pb", options);
    EXPECT_EQ(weights.variant, "inception5h");
    EXPECT_EQ(weights.source_sha256, "5355ac4ee82844dab17bf7b5b6440df14d8a42e93c90b9eb4f3a6adaff030713");
    EXPECT_EQ(weights.preprocessing, Preprocessing());
    EXPECT_TRUE(weights.unused.empty());
    int64_t parameters = 0;
    for (const auto& [name, tensor] : weights.tensors) parameters += tensor.shape.size();
    EXPECT_EQ(parameters, 13461996);
    EXPECT_EQ(weights.tensors.at("mixed4a_3x3_w").shape, (Shape{3, 3, 96, 204}));
    EXPECT_EQ(weights.tensors.at("nn1_w").shape, (Shape{1, 1, 2048, 1024}));
    // The first value of the file's first constant, seen in a hex dump: bytes bd 78 6a 3e.
    EXPECT_EQ(weights.tensors.at("conv2d0_w").values[0], std::bit_cast<float>(0x3e6a78bdu));
    ASSERT_EQ(weights.labels.size(), 1008u);
    EXPECT_EQ(weights.labels[0], "");
    EXPECT_EQ(weights.labels[1], "tench, Tinca tinca");
    EXPECT_EQ(weights.labels[286], "Egyptian cat");
    EXPECT_EQ(weights.labels[1001], "");
}

}  // namespace
}  // namespace limpid::testing
