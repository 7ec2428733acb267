// Tests of the GraphDef reader: every form of constants, other node orders, graphs that differ, and the published
// structure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/harness/compare.h"
#include "weights/readers.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::map<std::string, HostTensor> read_small(const std::vector<WireWriter>& nodes) {
    const std::string file = graph_file(nodes);
    return read_lucid_pb(as_bytes(file), parse_name_table(kSmallGraphTable)).tensors;
}

std::string error_of(const std::vector<WireWriter>& nodes) {
    try {
        read_small(nodes);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

// The small graph with one more node, or with one constant changed.
std::string error_with(const WireWriter& node) {
    std::vector<WireWriter> nodes = small_graph_nodes();
    nodes.push_back(node);
    return error_of(nodes);
}

std::vector<WireWriter> nodes_of(const std::vector<GraphConstant>& constants) {
    std::vector<WireWriter> nodes;
    for (const GraphConstant& constant : constants) nodes.push_back(const_node(constant));
    return nodes;
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

TEST(LucidPb, AllProblemsAreListedAtOnce) {
    std::vector<GraphConstant> constants = small_graph_constants();
    ASSERT_EQ(constants[1].name, "conv2d0_w");
    constants[1].shape = {3, 2, 4, 5};
    constants[3].values.pop_back();
    constants[4].name = "softmax2_renamed_b";
    std::vector<WireWriter> nodes = nodes_of(constants);
    nodes.push_back(int_const_node("softmax2_b", {1, 2, 3, 4, 5}));
    nodes.push_back(const_node(constants[0]));
    EXPECT_THAT(error_of(nodes), AllOf(HasSubstr("4 problems: "), HasSubstr("conv2d0_b appears twice; "),
                                       HasSubstr("conv2d0_w is 3x2x4x5, expected 2x3x4x5; "),
                                       HasSubstr("softmax2_b has TensorFlow type 3, expected 1 (float32); "),
                                       HasSubstr("nn0_w has 92 bytes of values, but its shape is 12x2; "),
                                       HasSubstr("is this another graph?"), Not(HasSubstr("\n"))));
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

// Same names and shapes, another computation.
TEST(LucidPb, GraphsThatComputeSomethingElseAreRefused) {
    EXPECT_EQ(error_with(lrn_node("localresponsenorm1", 5, 2.0f, 9.999999747378752e-05f, 0.5f)), "no error");
    EXPECT_THAT(error_with(lrn_node("localresponsenorm1", 2, 1.0f, 2e-5f, 0.75f)),
                AllOf(HasSubstr("localresponsenorm1 has depth_radius 2, expected 5; "),
                      HasSubstr("localresponsenorm1 has bias 1, expected 2; "),
                      HasSubstr("localresponsenorm1 has alpha 2e-05, expected 0.0001; "),
                      HasSubstr("localresponsenorm1 has beta 0.75, expected 0.5; ")));
    EXPECT_EQ(error_with(conv_node("mixed3a_1x1_pre_relu/conv", {1, 1, 1, 1}, "SAME")), "no error");
    EXPECT_THAT(error_with(conv_node("mixed3a_1x1_pre_relu/conv", {1, 2, 2, 1}, "VALID")),
                AllOf(HasSubstr("mixed3a_1x1_pre_relu/conv has strides 1x2x2x1, expected 1x1x1x1; "),
                      HasSubstr("has padding VALID, expected SAME; ")));
    EXPECT_THAT(error_with(int_const_node("mixed3b/concat_dim", {1})),
                HasSubstr("mixed3b/concat_dim is 1, expected 3 (channels)"));
    EXPECT_EQ(error_with(concat_node("ConcatV2", "mixed3b",
                                     {"mixed3b_1x1", "mixed3b_3x3", "mixed3b_5x5", "mixed3b_pool_reduce", "axis"})),
              "no error");
    EXPECT_THAT(error_with(concat_node("Concat", "mixed3b",
                                       {"axis", "mixed3b_1x1", "mixed3b_5x5", "mixed3b_3x3", "mixed3b_pool_reduce"})),
                HasSubstr("mixed3b concatenates mixed3b_1x1 mixed3b_5x5 mixed3b_3x3 mixed3b_pool_reduce, expected its "
                          "branches in the order"));
    EXPECT_THAT(error_with(concat_node("Concat", "mixed3b", {})), HasSubstr("mixed3b concatenates, expected"));
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
