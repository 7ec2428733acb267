// From small ONNX models to network texts and parameters.
#include "weights/import/import_network.h"

#include <gmock/gmock.h>

#include "weights/import/preprocess.h"
#include "weights/onnx.h"
#include "weights/small_onnx.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

ImportedNetwork imported(const OnnxModel& model) {
    const std::string bytes = model.bytes();
    NetworkOptions options;
    options.title = "small";
    options.preprocess = "none";
    ImportedNetwork network = import_network(read_onnx(as_bytes(bytes)), options);
    check_has_filters(network);
    return network;
}

TEST(ImportNetwork, SaysWhatTheGraphComputes) {
    const ImportedNetwork network = imported(small_onnx_model());
    EXPECT_EQ(network.text,
              "network: small\n"
              "logits: head\n"
              "outputs: y\n"
              "default: h\n"
              "default dictionary: h\n"
              "default groups: h\n"
              "default grad-cam: h\n"
              "default grids: h\n"
              "default spatial: h\n"
              "default channels: h\n"
              "input = image(size=6x5, channels=3)\n"
              "stem.conv = conv(input, channels=4, window=3x2, stride=2x2, pad=1x0)\n"
              "b = batch_norm(stem.conv)\n"
              "stem.act = relu(b)\n"
              "g_moved = rearrange(stem.act, channels=2 2, order=0 1 3 2, into=1 1 2)\n"
              "g = max_pool(g_moved)\n"
              "h = add(g, stem.act)\n"
              "head = dense(h, channels=5)\n"
              "y = softmax(head)\n");
    EXPECT_EQ(network.classes, 5);
    EXPECT_THAT(network.notes, ::testing::IsEmpty());
}

// The convolution keeps its own value and name; plans fold the batch norm into it (graph/rewrite.h).
TEST(ImportNetwork, KeepsBatchNormsAsLayers) {
    const ImportedNetwork network = imported(small_onnx_model());
    const HostTensor &w = network.parameters.at("stem.conv_w"), &scale = network.parameters.at("b_w"),
                     &shift = network.parameters.at("b_b");
    EXPECT_EQ(w.shape, (Shape{3, 2, 3, 4}));
    for (int64_t k = 0; k < 4; k++) {
        const double p = double(k + 1) / 8;  // mean, variance, scale and shift alike
        EXPECT_FLOAT_EQ(w.at(2, 1, 0, k), float((double(k) * 18 + 6) / 8));
        EXPECT_FLOAT_EQ(scale.at(0, 0, 0, k), float(p / std::sqrt(p + 1e-5f)));
        EXPECT_FLOAT_EQ(shift.at(0, 0, 0, k), float(p - p * p / std::sqrt(p + 1e-5f)));
    }
}

TEST(ImportNetwork, PutsRowsOfAMatrixInTheOrderOfTheMap) {
    const HostTensor w = imported(small_onnx_model()).parameters.at("head_w");
    ASSERT_EQ(w.shape, (Shape{1, 1, 24, 5}));
    // Row (h,w,c) here is (c,h,w) there, of a map of 3x2 with 4 channels.
    for (int64_t h = 0; h < 3; h++)
        for (int64_t x = 0; x < 2; x++)
            for (int64_t c = 0; c < 4; c++)
                EXPECT_EQ(w.at(0, 0, (h * 2 + x) * 4 + c, 2), float(2 * 24 + (c * 3 + h) * 2 + x + 1) / 8);
}

TEST(ImportNetwork, MovesAValueOnceForAllThatNeedItSo) {
    OnnxModel model = small_onnx_model();
    const auto pool = std::ranges::find(model.nodes, "MaxPool", &OnnxNode::op);
    ASSERT_NE(pool, model.nodes.end());
    OnnxNode more = *pool;
    more.name = more.outputs[0] = "beside";
    model.nodes.insert(pool, more);
    model.outputs.push_back("beside");
    const std::string text = imported(model).text;
    EXPECT_THAT(text, HasSubstr("beside_moved = rearrange(stem.act, "));
    EXPECT_THAT(text, HasSubstr("beside = max_pool(beside_moved)\n"));
    EXPECT_THAT(text, HasSubstr("\ng = max_pool(beside_moved)\n"));
}

TEST(ImportNetwork, IsCutWhereAnOperatorIsNotKnown) {
    OnnxModel model = small_onnx_model();
    model.nodes[11].op = "Warp";
    model.nodes[11].name = "warp";
    const ImportedNetwork network = imported(model);
    EXPECT_THAT(network.text, HasSubstr("g = max_pool(g_moved)\n"));
    EXPECT_THAT(network.text, ::testing::Not(HasSubstr("head")));
    ASSERT_EQ(network.notes.size(), 1u);
    EXPECT_THAT(network.notes[0], HasSubstr("the network ends at g: Warp (warp: is no operator that is known here)"));
}

TEST(ImportNetwork, ListsAllThatCannotBeRead) {
    OnnxModel model;
    for (int i = 0; i < 5; i++) model.nodes.push_back({"Warp", {"x"}, {concat("warp", i)}});
    model.nodes.push_back({"Fold", {"x"}, {"y"}});
    for (int i = 0; i < 5; i++) model.outputs.push_back(concat("warp", i));
    try {
        imported(model);
        FAIL() << "was read";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("no convolution or matrix that can be read"));
        EXPECT_THAT(error.what(), HasSubstr("Fold (y: is no operator"));
        EXPECT_THAT(error.what(), HasSubstr("Warp (warp0, warp1, warp2 and 2 more: is no operator"));
    }
}

TEST(ImportNetwork, NamesAreThoseOfModules) {
    OnnxModel model;
    model.constants = {onnx_tensor("w", {3, 3, 1, 1}, counting(9))};
    model.nodes = {{"Conv", {"x", "w"}, {"a"}, {}, "/layer1/layer1.0/conv1/Conv"},
                   {"Relu", {"a"}, {"b"}, {}, "/layer1/layer1.0/relu/Relu"},
                   {"Conv", {"b", "w"}, {"c"}, {}, "conv 2:a(x)"},
                   {"Add", {"b", "c"}, {"d"}, {}, "/layer1/layer1.0/Add"},
                   {"Relu", {"d"}, {"y"}, {}, "/layer1/layer1.0/relu/Relu_1"}};
    const std::string text = imported(model).text;
    for (const char* name : {"layer1.0.conv1 = conv", "layer1.0.relu = relu", "conv_2_a_x_ = conv",
                             "layer1.0.add = add", "layer1.0.relu__1 = relu"})
        EXPECT_THAT(text, HasSubstr(name));
}

TEST(ImportNetwork, ReadsWhatThisProgramWrote) {
    const std::string bytes = small_own_model().bytes();
    const ImportedNetwork network = import_network(read_onnx(as_bytes(bytes)), {});
    EXPECT_EQ(network.text,
              "network: own\n"
              "logits: d\n"
              "default: c, a\n"
              "columns: c 2\n"
              "input = image(size=4x5, channels=3)\n"
              "g = grey(input)\n"
              "p = normalise(input, order=2 1 0, scale=255, mean=0.125 0.25 0.375)\n"
              "c = conv(p, channels=4, window=3x3, activation=relu)\n"
              "a = affine(c, scale=2, shift=3)\n"
              "t = constant(size=1x1, channels=4)\n"
              "q = square(a)\n"
              "s = silu(q)\n"
              "m = mul(t, s, q)\n"
              "r = rearrange(m, channels=2 2, order=0 1 3 2, into=1 1 2)\n"
              "w = average_pool(r, window=2x3)\n"
              "v = average_pool(r, window=2x3, other_maps=whole)\n"
              "also_v = alias(v)\n"
              "d = dense(v, channels=5)\n");
    EXPECT_THAT(network.notes, ::testing::IsEmpty());
    EXPECT_EQ(network.classes, 5);
    EXPECT_EQ(network.labels, "one\n\nthree\nfour\n\n");
}

// Only what has the form of one layer is put together.
TEST(ImportNetwork, BelievesTheNodesOfWhatThisProgramWrote) {
    OnnxModel model = small_own_model();
    for (OnnxNode& node : model.nodes)
        for (std::string& input : node.inputs) {
            if (node.name == "w" && input == "r") input = "c_pre_relu";  // the ReLU is not the only one that takes it
            if (node.name == "s" && input == "s:gate") input = "q";
        }
    model.metadata[1].second = "logits: nothing\n";
    const std::string bytes = model.bytes();
    const ImportedNetwork network = import_network(read_onnx(as_bytes(bytes)), {});
    for (const char* line : {"c_pre_relu = conv(p, channels=4, window=3x3)\n", "c__1 = relu(c_pre_relu)\n",
                             "s = mul(q, q)\n", "s_gate = sigmoid(q)\n", "logits: d\n"})
        EXPECT_THAT(network.text, HasSubstr(line));
}

TEST(ImportNetwork, MakesNoParametersWithoutBound) {
    OnnxModel model;
    model.constants = {onnx_integers("shape", {1 << 20, 3, 1 << 10, 1})};
    model.nodes = {{"ConstantOfShape", {"shape"}, {"w"}}, {"Conv", {"x", "w"}, {"y"}}};
    EXPECT_THROW(imported(model), Error);
}

TEST(Preprocessing, ByNameAndBySettings) {
    EXPECT_EQ(preprocessing_settings("none", 7), "");
    EXPECT_EQ(preprocessing_settings("tensorflow", 1), "scale=2, mean=1");
    EXPECT_EQ(preprocessing_settings("scale=255; mean=1 2 3", 3), "scale=255, mean=1 2 3");
    EXPECT_THROW(preprocessing_settings("torchvision", 1), UsageError);
    EXPECT_THROW(preprocessing_settings("imagenet", 3), UsageError);
    EXPECT_THAT(assumed_preprocessing({}, 3).note, HasSubstr("guessed torchvision"));
    EXPECT_EQ(assumed_preprocessing({{"Image.BitmapPixelFormat", "Gray8"}}, 1).note, "");
    const auto of_range = [](const char* range) {
        return assumed_preprocessing({{"Image.BitmapPixelFormat", "Rgb8"}, {"Image.NominalPixelRange", range}}, 3);
    };
    EXPECT_EQ(of_range("NominalRange_0_255").text, "scale=255");
    EXPECT_EQ(of_range("Normalized_0_1").text, "");
    EXPECT_EQ(of_range("Normalized_1_1").text, "scale=2, mean=1");
    EXPECT_EQ(of_range("Normalized_0_1").note, "");
}

}  // namespace
}  // namespace limpid::testing
