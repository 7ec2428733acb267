// What the reader of ONNX models takes and refuses.
#include "weights/onnx.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "weights/file.h"
#include "weights/half.h"
#include "weights/readers.h"
#include "weights/small_onnx.h"

namespace limpid::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const OnnxModel& model, const std::string& folder = "") {
    const std::string bytes = model.bytes();
    try {
        read_onnx(as_bytes(bytes), folder);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

std::vector<float> values_of(const WireWriter& tensor) {
    const OnnxTensor read = read_onnx_tensor(Message(as_bytes(tensor.bytes())), nullptr);
    return read.tensor.reals();
}

TEST(Onnx, ReadsNodesAndConstants) {
    const std::string bytes = small_onnx_model().bytes();
    EXPECT_EQ(kind_of(as_bytes(bytes)), FileKind::onnx);
    const ImportGraph graph = read_onnx(as_bytes(bytes));
    EXPECT_EQ(graph.nodes.size(), 15u);
    EXPECT_EQ(graph.nodes[0].module, "stem.conv");
    EXPECT_THAT(graph.nodes[0].integers("pads", {}), ElementsAre(1, 0, 1, 0));
    EXPECT_THAT(graph.constants.at("groups").integers(9), ElementsAre(2, 2, 3, 2));
    EXPECT_EQ(graph.inputs[0].shape, (Dimensions{1, 3, 6, 5}));
}

TEST(Onnx, ReadsWhatItWrites) {
    ImportGraph graph;
    graph.name = "small";
    ImportNode node;
    node.op = "LRN";
    node.name = "even";
    node.inputs = {"input", "", "table"};
    node.outputs = {"even"};
    node.attributes = {{"alpha", 0.5f},
                       {"size", int64_t(-5)},
                       {"mode", std::string("edge")},
                       {"pads", std::vector<int64_t>{1, 0, -2}},
                       {"reals", std::vector<float>{1.5f, -2}},
                       {"texts", std::vector<std::string>{"a", ""}},
                       {"value", tensor_of(std::vector<int64_t>{7, -7}, {2})}};
    node.metadata["limpid.alpha"] = "0.1";
    graph.nodes = {node};
    graph.constants["table"] = tensor_of(counting(6), {3, 2});
    graph.inputs = {{"input", {-1, 3, 8, -1}}};
    graph.outputs = {"even"};
    graph.metadata["labels"] = "a\nb\n";
    const std::string file = write_onnx(graph, {{"even", {-1, 3, -1, -1}}});
    EXPECT_EQ(kind_of(as_bytes(file)), FileKind::onnx);
    const ImportGraph read = read_onnx(as_bytes(file), "", kWrittenOpset);
    ASSERT_EQ(read.nodes.size(), 1u);
    const ImportNode& same = read.nodes[0];
    EXPECT_EQ(described(same), "LRN even");
    EXPECT_EQ(same.inputs, node.inputs);
    EXPECT_EQ(same.outputs, node.outputs);
    EXPECT_EQ(same.metadata, node.metadata);
    EXPECT_EQ(same.real("alpha", 0), 0.5f);
    EXPECT_EQ(same.integer("size", 0), -5);
    EXPECT_EQ(same.text("mode", ""), "edge");
    EXPECT_THAT(same.integers("pads", {}), ElementsAre(1, 0, -2));
    EXPECT_THAT(std::get<std::vector<float>>(same.attributes.at("reals")), ElementsAre(1.5f, -2));
    EXPECT_THAT(std::get<std::vector<std::string>>(same.attributes.at("texts")), ElementsAre("a", ""));
    EXPECT_THAT(std::get<ImportTensor>(same.attributes.at("value")).integers(2), ElementsAre(7, -7));
    EXPECT_EQ(read.constants.at("table").reals(), counting(6));
    EXPECT_EQ(read.inputs[0].shape, (Dimensions{-1, 3, 8, -1}));
    EXPECT_EQ(read.metadata, graph.metadata);
    EXPECT_EQ(write_onnx(read, {{"even", {-1, 3, -1, -1}}}), file);
}

TEST(Onnx, ReadsEveryTypeInEitherPlace) {
    EXPECT_THAT(values_of(WireWriter().integer(1, 2).integer(2, 1).number_f32(4, 1.5f).number_f32(4, -2)),
                ElementsAre(1.5f, -2));
    EXPECT_THAT(values_of(WireWriter().integer(1, 2).integer(2, 1).packed(4, std::vector<float>{1.5f, -2})),
                ElementsAre(1.5f, -2));
    EXPECT_THAT(values_of(WireWriter().integer(1, 2).integer(2, 11).packed(10, std::vector<double>{1.5, -2})),
                ElementsAre(1.5f, -2));
    EXPECT_THAT(values_of(WireWriter().integer(1, 2).integer(2, 10).integer(5, to_half(1.5f)).integer(5, to_half(-2))),
                ElementsAre(1.5f, -2));
    EXPECT_THAT(values_of(WireWriter().integer(1, 1).integer(2, 16).packed(9, std::vector<uint16_t>{0x3fc0})),
                ElementsAre(1.5f));
    EXPECT_THAT(values_of(WireWriter().integer(1, 2).integer(2, 3).integer(5, uint64_t(-7)).integer(5, 8)),
                ElementsAre(-7, 8));
    EXPECT_THAT(values_of(WireWriter().integer(1, 2).integer(2, 2).packed(9, std::vector<uint8_t>{7, 200})),
                ElementsAre(7, 200));
    EXPECT_THAT(values_of(WireWriter().integer(1, 1).integer(2, 7).integer(7, uint64_t(-1))), ElementsAre(-1));
    EXPECT_THAT(values_of(WireWriter().integer(1, 1).integer(2, 6).packed(9, std::vector<int32_t>{-9})),
                ElementsAre(-9));
    EXPECT_THROW(values_of(WireWriter().integer(1, 3).integer(2, 1).number_f32(4, 1)), Error);
    EXPECT_THROW(values_of(WireWriter().integer(1, 1).integer(2, 8).text(6, "text")), Error);
}

TEST(Onnx, RefusesGraphsThatAreNone) {
    OnnxModel model = small_onnx_model();
    model.nodes[1].inputs[0] = "nothing";
    EXPECT_THAT(refusal(model), HasSubstr("BatchNormalization b takes nothing, which nothing makes"));
    model = small_onnx_model();
    model.nodes[0].inputs[0] = "y";
    EXPECT_THAT(refusal(model), HasSubstr("which depends on it, expected a graph without cycles"));
    model = small_onnx_model();
    model.nodes[5].outputs[0] = "c";
    EXPECT_THAT(refusal(model), HasSubstr("value c, which Concat c makes, is there already"));
    model = small_onnx_model();
    model.opset = 6;
    EXPECT_THAT(refusal(model), HasSubstr("is of opset 6, expected 7 or later"));
    model = small_onnx_model();
    model.constants.push_back(model.constants[0]);
    EXPECT_THAT(refusal(model), HasSubstr("initializer \"filter\" has no name or is there twice"));
    model = small_onnx_model();
    model.outputs.emplace_back("z");
    EXPECT_THAT(refusal(model), HasSubstr("output z is made by nothing"));
}

TEST(Onnx, PutsNodesInOrder) {
    OnnxModel model = small_onnx_model();
    std::ranges::reverse(model.nodes);
    const std::string bytes = model.bytes();
    EXPECT_EQ(read_onnx(as_bytes(bytes)).nodes.back().op, "Softmax");
}

TEST(Onnx, ReadsOtherFilesOfItsFolderAlone) {
    const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "limpid_onnx";
    std::filesystem::create_directories(folder / "inside");
    const std::vector<float> values = counting(72);
    write_file_atomically((folder / "inside/model.data").string(), std::as_bytes(std::span(values)));
    write_file_atomically((folder / "outside.data").string(), std::as_bytes(std::span(values)));
    const auto with_location = [](const std::string& location, const std::string& length) {
        const auto entry = [](const char* key, const std::string& value) {
            return WireWriter().text(1, key).text(2, value);
        };
        OnnxModel model = small_onnx_model();
        model.constants[0] = WireWriter().integer(1, 4).integer(1, 2).integer(1, 3).integer(1, 2).integer(2, 1);
        model.constants[0].text(8, "filter").message(13, entry("location", location)).integer(14, 1);
        model.constants[0].message(13, entry("offset", "96")).message(13, entry("length", length));
        return model;
    };
    const std::string inside = (folder / "inside").string(), bytes = with_location("model.data", "192").bytes();
    const ImportGraph graph = read_onnx(as_bytes(bytes), inside);
    EXPECT_EQ(graph.constants.at("filter").reals()[0], values[24]);
    EXPECT_THAT(refusal(with_location("model.data", "196"), inside), HasSubstr("which has 288 bytes"));
    EXPECT_THAT(refusal(with_location("model.data", "many"), inside), HasSubstr("expected a number of bytes"));
    for (const std::string& location : {std::string("../outside.data"), (folder / "outside.data").string(),
                                        std::string(), std::string("inside/../../outside.data")})
        EXPECT_THAT(refusal(with_location(location, "192"), inside),
                    HasSubstr("expected a file in the model's folder"));
    std::filesystem::remove(folder / "inside/link.data");
    std::filesystem::create_symlink(folder / "outside.data", folder / "inside/link.data");
    EXPECT_THAT(refusal(with_location("link.data", "192"), inside), HasSubstr("a link that leaves the model's folder"));
    EXPECT_THAT(refusal(with_location("model.data", "192")), HasSubstr("expected a file in the model's folder"));
}

}  // namespace
}  // namespace limpid::testing
