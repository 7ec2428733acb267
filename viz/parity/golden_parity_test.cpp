// The comparison with published numbers, on numbers published by ourselves: right ones pass, planted errors do not.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "graph/npy.h"
#include "tests/end_to_end/program.h"
#include "tests/harness/golden.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "viz/dictionary/dictionary.h"
#include "viz/factor/groups.h"
#include "viz/image/image.h"
#include "viz/parity/parity.h"
#include "viz/parity/published.h"

namespace limpid {
namespace {

using nlohmann::json;
using testing::random_tensor;
using testing::TemporaryFolder;
using testing::write_text;

const ParityRow& row(const std::vector<ParityRow>& rows, const std::string& reference) {
    for (const ParityRow& r : rows)
        if (r.reference == reference) return r;
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
