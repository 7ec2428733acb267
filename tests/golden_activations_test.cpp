// The networks with real weights on real photos, against reference outputs of two other engines.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/run.h"
#include "nets/net.h"
#include "tests/end_to_end/program.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "tests/harness/unprofiled_photo.h"
#include "viz/image/image.h"

namespace limpid {
namespace {

using testing::read_npy;
using testing::shared_file;

// As the other engines took it.
HostTensor golden_photo(const std::string& name) {
    const testing::TemporaryFolder folder;
    return load_image(
               testing::unprofiled(shared_file("golden/bvlc_googlenet/" + name + "_224_rgb.png"), folder / "photo.png"))
        .rgb;
}

// BVLC's blob names, as ours.
std::string our_name(std::string name) {
    static const std::map<std::string, std::string> fixed{
        {"conv1_7x7_s2", "conv2d0"},     {"pool1_3x3_s2", "maxpool0"}, {"pool1_norm1", "localresponsenorm0"},
        {"conv2_3x3_reduce", "conv2d1"}, {"conv2_3x3", "conv2d2"},     {"conv2_norm2", "localresponsenorm1"},
        {"pool2_3x3_s2", "maxpool1"},    {"pool3_3x3_s2", "maxpool4"}, {"pool4_3x3_s2", "maxpool10"},
        {"pool5_7x7_s1", "avgpool0"},    {"prob", "softmax2"},         {"loss3_classifier", "softmax2_pre_activation"}};
    if (const auto found = fixed.find(name); found != fixed.end()) return found->second;
    const auto replace = [&](const std::string& from, const std::string& to) {
        if (const size_t at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
    };
    replace("inception_", "mixed");
    replace("_output", "");
    replace("_reduce", "_bottleneck");
    replace("_pool_proj", "_pool_reduce");
    return name;
}

HostTensor transposed_to_nhwc(const HostTensor& chw) {
    const int64_t c = chw.shape.h, h = chw.shape.w, w = chw.shape.c;
    HostTensor result({1, h, w, c});
    for (int64_t i = 0; i < c; i++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++) result.at(0, y, x, i) = chw.at(0, i, y, x);
    return result;
}

// The golden files hold norms to double precision; 1e-4 relative is what the float engine is asked for.
void expect_norms(const nlohmann::json& expected, const HostTensor& actual, const std::string& name) {
    double l1 = 0, l2 = 0, most = 0;
    for (const float value : actual.values) {
        l1 += std::fabs(double(value));
        l2 += double(value) * double(value);
        most = std::max(most, double(value));
    }
    EXPECT_NEAR(l1 / expected["l1"].get<double>(), 1, 1e-4) << name;
    EXPECT_NEAR(l2 / expected["l2"].get<double>(), 1, 1e-4) << name;
    EXPECT_NEAR(most / expected["max"].get<double>(), 1, 1e-4) << name;
}

TEST(GoldenActivations, OfBvlc) {
    SKIP_WITHOUT_SHARED();
    const Net net = make_net(import_weights(shared_file("models/bvlc_googlenet.caffemodel")));
    std::ifstream file(shared_file("golden/bvlc_googlenet/golden.json"));
    const nlohmann::json items = nlohmann::json::parse(file)["items"];
    ASSERT_EQ(items.size(), 3u);
    for (const auto& [photo, golden] : items.items()) {
        const HostTensor image = golden_photo(photo);
        Graph graph;
        const Layers layers = apply(net, graph, graph.input("image", image.shape));
        std::vector<std::string> names;
        std::vector<NodeId> outputs;
        for (const auto& [blob, norms] : golden["layers"].items()) {
            names.push_back(blob);
            ASSERT_TRUE(layers.contains(our_name(blob))) << blob;
            outputs.push_back(layers.at(our_name(blob)));
        }
        ASSERT_GT(names.size(), 70u);
        Stream stream({DeviceKind::cpu, 0});
        const auto values = evaluate(graph, outputs, stream, {image});
        for (size_t i = 0; i < names.size(); i++) {
            expect_norms(golden["layers"][names[i]], values[i], photo + " " + names[i]);
            const std::string base = "golden/bvlc_googlenet/" + photo;
            if (names[i] == "loss3_classifier") {
                EXPECT_TRUE(testing::matches(read_npy(shared_file(base + "_logits.npy")), values[i], {1e-4}));
            }
            if (names[i] == "prob") {
                EXPECT_TRUE(testing::matches(read_npy(shared_file(base + "_prob.npy")), values[i], {1e-4}));
            }
            if (names[i] == "inception_4d_output") {
                EXPECT_TRUE(testing::matches(
                    transposed_to_nhwc(read_npy(shared_file(base + "_inception_4d_output.npy"))), values[i], {1e-4}));
            }
        }
        const auto& best = golden["top5"][0];
        EXPECT_EQ(find_class(net, best["label"].get<std::string>().substr(10)), best["index"].get<int64_t>());
    }
}

TEST(GoldenActivations, OfLucidsGraph) {
    SKIP_WITHOUT_SHARED();
    const Net net = make_net(import_weights(
        shared_file("models/inception5h_hybrid.pb"),
        {.variant = "", .labels_file = shared_file("models/synset_words.txt"), .labels_first_output = 1}));
    std::ifstream file(shared_file("golden/inception5h_hybrid/golden.json"));
    const nlohmann::json items = nlohmann::json::parse(file)["items"];
    for (const auto& [photo, golden] : items.items()) {
        const HostTensor image = golden_photo(photo);
        Graph graph;
        const Layers layers = apply(net, graph, graph.input("image", image.shape));
        for (const char* head : {"head0_pool", "head0_bottleneck", "head0_bottleneck/reshape", "nn0", "softmax0",
                                 "softmax1_pre_activation", "output1"})
            EXPECT_TRUE(layers.contains(head)) << head;
        std::vector<std::string> names;
        std::vector<NodeId> outputs;
        for (const auto& [name, norms] : golden["layers"].items()) {
            names.push_back(name);
            outputs.push_back(layers.at(name));
        }
        Stream stream({DeviceKind::cpu, 0});
        const auto values = evaluate(graph, outputs, stream, {image});
        for (size_t i = 0; i < names.size(); i++) {
            expect_norms(golden["layers"][names[i]], values[i], photo + " " + names[i]);
            const std::string base = "golden/inception5h_hybrid/" + photo;
            if (names[i] == "mixed4d") {
                EXPECT_TRUE(testing::matches(read_npy(shared_file(base + "_mixed4d.npy")), values[i], {1e-4}));
            }
            if (names[i] == "softmax2") {
                EXPECT_TRUE(testing::matches(read_npy(shared_file(base + "_softmax2.npy")), values[i], {1e-4}));
            }
        }
    }
}

}  // namespace
}  // namespace limpid
