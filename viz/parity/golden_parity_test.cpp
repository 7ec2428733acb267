// The comparison with published numbers, on numbers published by ourselves: right ones pass, planted errors do not.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/end_to_end/program.h"
#include "tests/harness/golden.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "viz/dictionary/dictionary.h"
#include "viz/factor/groups.h"
#include "viz/image/image.h"
#include "viz/parity/parity.h"
#include "viz/parity/published.h"
#include "weights/npy.h"

namespace limpid {
namespace {

using nlohmann::json;
using testing::random_tensor;
using testing::TemporaryFolder;
using testing::write_text;

const ParityRow& row(const std::vector<ParityRow>& rows, const std::string& reference, const std::string& what = "") {
    for (const ParityRow& r : rows)
        if (r.reference == reference && (what.empty() || r.what == what)) return r;
    throw Error(reference + " is not on the list");
}

// Factors of random activations in the article's files, for two and three groups.
void publish_factors(const TemporaryFolder& folder, double planted, double planted_magnitude) {
    std::filesystem::create_directories(folder / "nmf");
    const HostTensor a = random_tensor({1, 4, 5, 12}, 0, 8);
    write_npy(folder / "nmf/pig_mixed4d_activations.npy", a);
    HostTensor maps({2, 4, 5, 3});
    json info{{"num_4d", {2, 3}}, {"data", json::array()}};
    for (int64_t b = 0; b < 2; b++) {
        const Groups groups = find_groups(a, b + 2);
        for (int64_t p = 0; p < 20; p++)
            for (int64_t i = 0; i < groups.count(); i++)
                maps.values[size_t((b * 20 + p) * 3 + i)] = groups.spatial.values[size_t(p * groups.count() + i)];
        json each = json::array();
        for (const double m : magnitudes(groups)) each.push_back({{"magnitude", m}});
        info["data"].push_back({{"mixed4d", {{"each_group", each}}}});
    }
    maps.at(1, 2, 3, 1) += float(planted);
    json& magnitude = info["data"][1]["mixed4d"]["each_group"][2]["magnitude"];
    magnitude = magnitude.get<double>() * (1 + planted_magnitude);
    write_npy(folder / "nmf/pig_mixed4d_nmf.npy", maps);
    write_text(folder / "nmf/pig_info.json", info.dump());
}

TEST(GoldenParity, FactorsNeedNoWeights) {
    const TemporaryFolder folder;
    Stream stream({DeviceKind::cpu, 0});
    publish_factors(folder, 0, 0);
    std::vector<ParityRow> rows = check_parity(folder.path(), nullptr, "no weights here", stream);
    EXPECT_TRUE(row(rows, "nmf/pig_mixed4d_nmf.npy").ok());
    EXPECT_TRUE(row(rows, "nmf/pig_mixed4d_nmf.npy").skipped.empty());
    EXPECT_TRUE(row(rows, "nmf/pig_info.json").ok());
    EXPECT_EQ(row(rows, "lucid/notebook_channel_attr.json").skipped, "no weights here");
    EXPECT_NE(row(rows, "nmf/chain_info.json").skipped.find("is not in the folder"), std::string::npos);

    publish_factors(folder, 0.01, 0);
    rows = check_parity(folder.path(), nullptr, "", stream);
    EXPECT_FALSE(row(rows, "nmf/pig_mixed4d_nmf.npy").ok());
    EXPECT_NEAR(row(rows, "nmf/pig_mixed4d_nmf.npy").error, 0.01, 1e-5);
    EXPECT_TRUE(row(rows, "nmf/pig_info.json").ok());

    publish_factors(folder, NAN, 0.01);
    rows = check_parity(folder.path(), nullptr, "", stream);
    EXPECT_FALSE(row(rows, "nmf/pig_mixed4d_nmf.npy").ok());
    EXPECT_FALSE(row(rows, "nmf/pig_info.json").ok());

    write_text(folder / "nmf/pig_info.json", "{\"num_4d\": [2");
    EXPECT_THROW(check_parity(folder.path(), nullptr, "", stream), Error);
    write_text(folder / "nmf/pig_info.json", "{\"num_4d\": [2]}");
    EXPECT_THROW(check_parity(folder.path(), nullptr, "", stream), Error);
}

TEST(GoldenParity, DictionariesAreComparedChannelByChannel) {
    const TemporaryFolder folder;
    Stream stream({DeviceKind::cpu, 0});
    std::filesystem::create_directories(folder / "lucid");
    write_png(folder / "lucid/input_flowers.png", random_tensor({1, 64, 64, 3}, 0, 1).view());
    const HostTensor photo = load_image(folder / "lucid/input_flowers.png").rgb;
    const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    const HostTensor a = activations(net, {"mixed4d"}, photo, stream)[0];
    const Dictionary d = make_dictionary(a, 4);
    const auto publish = [&](int64_t swapped, double factor) {
        json rows = json::array();
        for (int64_t y = 0; y < d.rows; y++) {
            rows.push_back(json::array());
            for (int64_t x = 0; x < d.columns; x++) {
                rows.back().push_back(json::array());
                for (const DictionaryEntry& e : d.at(y, x)) rows.back().back().push_back({e.channel, e.value});
            }
        }
        json& entry = rows[1][2][0];
        entry = {(entry[0].get<int64_t>() + swapped) % 528, entry[1].get<double>() * factor};
        write_text(folder / "lucid/notebook_semantic_dict_flowers.json",
                   json{{"layer", "mixed4d"}, {"top4", rows}}.dump());
        return row(check_parity(folder.path(), &net, "", stream), "lucid/notebook_semantic_dict_flowers.json");
    };
    EXPECT_TRUE(publish(0, 1).ok());
    EXPECT_TRUE(publish(0, 1).skipped.empty());
    EXPECT_FALSE(publish(1, 1).ok()) << "another channel";
    EXPECT_FALSE(publish(0, 1.1).ok()) << "another value";
}

// The article's channel_attr.json: probabilities of classes, channels of the output, classes of channels.
TEST(GoldenParity, ChannelAttributionsAndProbabilities) {
    const TemporaryFolder folder;
    Stream stream({DeviceKind::cpu, 0});
    const std::string file = "article/attributions/dog_cat/channel_attr.json", layer = "mixed4d";
    std::filesystem::create_directories(folder / "lucid");
    std::filesystem::create_directories(folder / "article/attributions/dog_cat");
    write_png(folder / "lucid/input_dog_cat.png", random_tensor({1, 64, 64, 3}, 0, 1).view());
    const HostTensor photo = load_image(folder / "lucid/input_dog_cat.png").rgb;
    const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    const std::vector<HostTensor> values = activations(net, {layer, net.logits}, photo, stream);
    double sum = 0;
    for (const float v : values[1].values) sum += std::exp(double(v));
    Section section(net, layer, values[0].shape, net.logits, stream);
    const auto owed = [&](int64_t index, size_t channel) {
        return sum_positions(linear_attribution(section, values[0], class_target(net, index))).values[channel];
    };
    struct Planted {
        double probability = 0, output = 0, channel = 0;
    };
    const auto publish = [&](const Planted& planted) {
        const auto p = [&](size_t c) { return std::exp(double(values[1].values[c])) / sum; };
        const json output{{"l", {{{"c", 7}, {"v", p(7) + planted.probability}}, {{"c", 3}, {"v", p(3)}}, 1.0}},
                          {layer, {{{"c", 11}, {"v", owed(7, 11) + planted.output}}, 1.5}}};
        const json channels{
            {"20", {{"l", {{{"c", 3}, {"v", owed(3, 20)}}, {{"c", 5}, {"v", owed(5, 20) + planted.channel}}, 2.5}}}}};
        write_text(folder / file, json{{"output", output}, {layer, channels}}.dump());
        const auto rows = check_parity(folder.path(), &net, "", stream);
        std::string missed;
        for (const char* what : {"softmax of classes", "channels of the first class", "classes of channels"}) {
            EXPECT_TRUE(row(rows, file, what).skipped.empty());
            if (!row(rows, file, what).ok()) missed += std::string(what) + ";";
        }
        return missed;
    };
    EXPECT_EQ(publish({}), "");
    EXPECT_EQ(publish({.probability = 0.003}), "softmax of classes;");
    EXPECT_EQ(publish({.output = -0.003}), "channels of the first class;");
    EXPECT_EQ(publish({.channel = 0.003}), "classes of channels;");
    write_text(folder / file, json{{"output", {{"l", {1.0}}}}}.dump());
    EXPECT_THROW(check_parity(folder.path(), &net, "", stream), Error);
}

TEST(GoldenParity, PublishedFactors) {
    SKIP_WITHOUT_SHARED();
    Stream stream({DeviceKind::cpu, 0});
    int checked = 0;
    for (const ParityRow& r : check_parity(testing::shared_file("golden"), nullptr, "no weights", stream)) {
        EXPECT_TRUE(r.ok()) << r.reference << " " << r.error;
        checked += r.skipped.empty();
    }
    EXPECT_EQ(checked, 4) << "maps and magnitudes of two photos";
}

TEST(GoldenParity, WorstDifference) {
    EXPECT_EQ(worst_difference({1, 2}, {1, 4}), 2);
    EXPECT_TRUE(std::isinf(worst_difference({1}, {1, 4})));
    EXPECT_TRUE(std::isinf(worst_difference({}, {})));
    EXPECT_TRUE(std::isinf(worst_difference({NAN}, {1})));
    ParityRow missing{"", "", NAN, 1, ""};
    EXPECT_FALSE(missing.ok());
}

}  // namespace
}  // namespace limpid
