// Blocks of known architectures, as torch exports them: outputs against onnxruntime's, gradients against torch's. The
// files and what they were compared with: testdata/blocks/make.py.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/net.h"
#include "tests/harness/compare.h"
#include "weights/file.h"
#include "weights/import/import_network.h"
#include "weights/onnx.h"

namespace limpid::testing {
namespace {

namespace fs = std::filesystem;

// {N,C,H,W} or {N,F}, as {N,H,W,C}.
HostTensor as_map(const ImportTensor& tensor) {
    const Dimensions& s = tensor.shape;
    const Shape shape{s[0], s.size() == 4 ? s[2] : 1, s.size() == 4 ? s[3] : 1, s[1]};
    HostTensor result(shape);
    const std::vector<float> values = tensor.reals();
    size_t i = 0;
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = 0; c < shape.c; c++)
            for (int64_t h = 0; h < shape.h; h++)
                for (int64_t w = 0; w < shape.w; w++) result.at(n, h, w, c) = values[i++];
    return result;
}

// cos(0, 1, 2, ...) in the order of the file.
ImportTensor probe_of(const Dimensions& shape) {
    std::vector<float> values(size_t(element_count(shape)));
    for (size_t i = 0; i < values.size(); i++) values[i] = std::cos(float(i));
    return tensor_of(std::move(values), shape);
}

class OnnxBlocks : public ::testing::TestWithParam<const char*> {};

TEST_P(OnnxBlocks, ComputesWhatOthersComputed) {
    const fs::path path = fs::path(LIMPID_SOURCE_DIR) / "nets/testdata/blocks" / concat(GetParam(), ".onnx");
    const std::vector<std::byte> file = read_file(path.string());
    const ImportGraph read = read_onnx(file);
    const HostTensor input = as_map(read.constants.at("expected input")),
                     expected = as_map(read.constants.at("expected output")),
                     gradient = as_map(read.constants.at("expected gradient")),
                     probe = as_map(probe_of(read.constants.at("expected output").shape));
    NetworkOptions options;
    options.title = GetParam();
    options.preprocess = "none";
    ImportedNetwork imported = import_network(read, options);
    ASSERT_TRUE(imported.notes.empty()) << imported.notes[0];
    Weights weights;
    weights.network = imported.text;
    weights.tensors = std::move(imported.parameters);
    SCOPED_TRACE(imported.text);
    const Net net = make_net(std::move(weights));
    ASSERT_EQ(net.outputs.size(), 1u);

    Graph graph;
    const NodeId image = graph.input("image", input.shape);
    const std::string first = sees_grey(net) ? "grey" : "input";  // of one channel: what has become of the picture
    const NodeId output = layer(net, apply(net, graph, {{first, image}}), net.outputs[0]);
    const NodeId score =
        ops::reduce(graph, Reduce::sum, {true, true, true, true}, ops::mul(graph, output, graph.constant(probe)));
    Stream stream(Device{}, 1);
    const std::vector<HostTensor> values = evaluate(graph, {output, grad(graph, score, {image})[0]}, stream, {input});
    EXPECT_TRUE(matches(expected, values[0], {1e-4}));
    EXPECT_TRUE(matches(gradient, values[1], {1e-4}));
}

INSTANTIATE_TEST_SUITE_P(, OnnxBlocks,
                         ::testing::Values("residual", "depthwise_gate", "shuffle", "dense", "inception", "head",
                                           "functions", "channels"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace limpid::testing
