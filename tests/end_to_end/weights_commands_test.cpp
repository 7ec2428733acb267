// convert, info and fetch as a user runs them, and where weights are found when nobody names a file.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "tests/end_to_end/program.h"
#include "weights/weights.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A network of one layer: 2x1x3x4 filter and 4 biases.
Weights one_layer() {
    Weights weights;
    weights.variant = "bvlc";
    weights.source = "model\033[31m.caffemodel";  // names come from files of strangers
    weights.source_sha256 = std::string(64, 'a');
    weights.labels = {"tench", "goldfish", "shark"};
    weights.tensors["conv2d0_w"] = HostTensor({2, 1, 3, 4}, 0.5f);
    weights.tensors["conv2d0_b"] = HostTensor({1, 1, 1, 4}, 0.25f);
    weights.checksum = checksum_of(weights.tensors);
    return weights;
}

class WeightsCommands : public ::testing::Test {
  protected:
    // Saves the network above under this name in the folder.
    std::string saved(const std::string& name) {
        save_weights(folder_ / name, one_layer());
        return folder_ / name;
    }
    TemporaryFolder folder_;
};

// A file of before is of a known variant; converted, it says what network it holds.
TEST_F(WeightsCommands, ConvertKeepsTheNetworkAsTextAndInfoShowsIt) {
    const Weights tiny = tiny_weights();
    save_weights(folder_ / "old.h5", tiny);
    const Finished before = run_limpid({"info", folder_ / "old.h5", "--text"});
    ASSERT_EQ(before.status, 0) << before.err;
    EXPECT_EQ(before.out, to_string(architecture_of(tiny)));
    ASSERT_EQ(run_limpid({"convert", folder_ / "old.h5", folder_ / "new.h5"}).status, 0);
    const Weights converted = load_weights(folder_ / "new.h5");
    EXPECT_EQ(converted.network, before.out);
    EXPECT_EQ(converted.checksum, tiny.checksum);
    EXPECT_EQ(run_limpid({"info", folder_ / "new.h5", "--text"}).out, before.out);
    EXPECT_EQ(run_limpid({"info", "patterns", "--text"}).out, to_string(architecture_of(trained_patterns())));

    Weights forged = converted;
    forged.network += "more = conv(texture, channels=4)\n";
    save_weights(folder_ / "forged.h5", forged);
    const Finished refused = run_limpid({"classify", "photo.png", "--weights", folder_ / "forged.h5"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("2 problems: more_b is missing; more_w is missing; expected those of tiny"));
    const Finished shown = run_limpid({"info", folder_ / "forged.h5"});
    EXPECT_EQ(shown.status, 0);
    EXPECT_THAT(shown.out, HasSubstr("\nincomplete  "));
    EXPECT_EQ(run_limpid({"info", folder_ / "forged.h5", "--text"}).status, 1);
    EXPECT_EQ(run_limpid({"convert", folder_ / "forged.h5", folder_ / "no.h5"}).status, 1);
    EXPECT_EQ(run_limpid({"info", folder_ / "new.h5", "--text", "--json"}).status, 2);
}

TEST_F(WeightsCommands, InfoShowsOriginLayersAndSize) {
    const std::string file = saved("net.h5");
    const Finished text = run_limpid({"info", file});
    ASSERT_EQ(text.status, 0) << text.err;
    for (const std::string& words : {std::string("variant     bvlc\n"), "checksum    " + one_layer().checksum,
                                     std::string("2x1x3x4"), std::string("classes     3 labels")})
        EXPECT_THAT(text.out, HasSubstr(words));
    EXPECT_THAT(text.out, Not(HasSubstr("\033"))) << "control characters of a file reach the terminal";

    const Finished json = run_limpid({"info", file, "--json"});
    ASSERT_EQ(json.status, 0) << json.err;
    const nlohmann::json info = nlohmann::json::parse(json.out);
    EXPECT_EQ(info.at("parameters"), 28);
    EXPECT_EQ(info.at("layers").size(), 1u);
    EXPECT_EQ(info.at("layers")[0].at("name"), "conv2d0");
    EXPECT_EQ(info.at("layers")[0].at("filter"), (std::vector<int>{2, 1, 3, 4}));
    EXPECT_EQ(info.at("source"), one_layer().source);
    EXPECT_THAT(info.at("flaw"), HasSubstr("conv2d0")) << "one layer is no GoogLeNet";
    EXPECT_THAT(text.out, HasSubstr("\nincomplete  "));
}

TEST_F(WeightsCommands, ConvertWritesWhatItRead) {
    const std::string file = saved("net.h5"), copy = folder_ / "copy.h5";
    const Finished run = run_limpid({"convert", file, copy});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.out, StartsWith(copy + ": bvlc, 2 arrays, checksum " + one_layer().checksum));
    EXPECT_EQ(load_weights(copy).tensors.at("conv2d0_w").values, one_layer().tensors.at("conv2d0_w").values);
}

TEST_F(WeightsCommands, ConvertHalvesTheFileOnRequest) {
    Weights large = one_layer();
    large.tensors["conv2d0_w"] = HostTensor({16, 16, 8, 16}, 1.0f / 3);
    large.checksum = checksum_of(large.tensors);
    save_weights(folder_ / "net.h5", large);
    const std::string file = folder_ / "net.h5", half = folder_ / "half.h5";
    const Finished run = run_limpid({"convert", file, half, "--storage", "float16"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_LT(std::filesystem::file_size(half), 0.6 * double(std::filesystem::file_size(file)));
    EXPECT_EQ(load_weights(half).tensors.at("conv2d0_w").values[0], 0x1.554p-2f);  // the half nearest to 1/3
    EXPECT_TRUE(fails_with(2, "--storage", run_limpid({"convert", file, half, "--storage", "float8"})));
}

TEST_F(WeightsCommands, ConvertRefusesWrongInputsAndKeepsWhatIsThere) {
    const std::string file = saved("net.h5"), text = folder_ / "letter.pb", out = folder_ / "out.h5";
    write_text(text, "Dear network,\n");
    write_text(out, "precious");
    EXPECT_TRUE(fails_with(1, "letter.pb", run_limpid({"convert", text, out})));
    EXPECT_TRUE(fails_with(1, "absent.pb", run_limpid({"convert", folder_ / "absent.pb", out})));
    EXPECT_TRUE(fails_with(1, folder_.path(), run_limpid({"convert", folder_.path(), out})));
    EXPECT_EQ(read_text(out), "precious");
    // Swapped arguments must not overwrite a model.
    EXPECT_TRUE(fails_with(2, "ends in .h5", run_limpid({"convert", file, text})));
    EXPECT_EQ(read_text(text), "Dear network,\n");
    EXPECT_TRUE(fails_with(1, "no/such", run_limpid({"convert", file, folder_ / "no/such/out.h5"})));
    EXPECT_TRUE(fails_with(2, "required", run_limpid({"convert", file})));
    EXPECT_TRUE(fails_with(2, "--labels", run_limpid({"convert", file, out, "--labels-first", "1"})));
    EXPECT_EQ(folder_.names().size(), 3u) << "temporary files were left";
}

TEST_F(WeightsCommands, WeightsAreFoundByFolder) {
    const std::map<std::string, std::string> models{{"LIMPID_MODELS", folder_.path()}};
    EXPECT_TRUE(fails_with(1, "limpid fetch googlenet", run_limpid({"info"}, models)));
    saved("b.h5");
    EXPECT_THAT(run_limpid({"info"}, models).out, StartsWith("file        " + (folder_ / "b.h5")));
    saved("a.h5");
    EXPECT_TRUE(fails_with(2, "2 files to choose from", run_limpid({"info"}, models)));
    saved("bvlc.h5");
    EXPECT_THAT(run_limpid({"info"}, models).out, StartsWith("file        " + (folder_ / "bvlc.h5")));
    saved("googlenet.h5");
    EXPECT_THAT(run_limpid({"info"}, models).out, StartsWith("file        " + (folder_ / "googlenet.h5")));
    EXPECT_THAT(run_limpid({"info", "a"}, models).out, StartsWith("file        " + (folder_ / "a.h5")));
    EXPECT_TRUE(fails_with(1, "no such file, and no c.h5 in " + folder_.path(), run_limpid({"info", "c"}, models)));
    EXPECT_TRUE(fails_with(1, "not set", run_limpid({"info"})));
}

TEST_F(WeightsCommands, WeightsAreFoundInTheDataFolder) {
    std::filesystem::create_directories(folder_ / ".local/share/limpid");
    saved(".local/share/limpid/net.h5");
    EXPECT_EQ(run_limpid({"info"}, {{"HOME", folder_.path()}}).status, 0);
    EXPECT_EQ(run_limpid({"info"}, {{"XDG_DATA_HOME", folder_ / ".local/share"}}).status, 0);
    // LIMPID_MODELS decides alone where it is set.
    EXPECT_EQ(run_limpid({"info"}, {{"HOME", folder_.path()}, {"LIMPID_MODELS", folder_.path()}}).status, 1);
}

TEST_F(WeightsCommands, FetchKnowsWhatIsThereAndWhatIsNot) {
    EXPECT_TRUE(fails_with(2, "googlenet, bvlc", run_limpid({"fetch", "vgg"})));
    EXPECT_TRUE(fails_with(1, "name the folder", run_limpid({"fetch", "bvlc"})));
    const std::string file = saved("bvlc.h5");
    const Finished run = run_limpid({"fetch", "bvlc", "--to", folder_.path()});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.out, StartsWith(file + ": is there already"));
    write_text(folder_ / "googlenet.h5", "broken");
    EXPECT_TRUE(fails_with(1, "googlenet.h5", run_limpid({"fetch", "googlenet", "--to", folder_.path()})));
    EXPECT_EQ(read_text(folder_ / "googlenet.h5"), "broken");
    write_text(folder_ / "plain", "");
    EXPECT_TRUE(fails_with(1, "plain", run_limpid({"fetch", "bvlc", "--to", folder_ / "plain"})));
}

TEST_F(WeightsCommands, RealModelsConvert) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (!shared) GTEST_SKIP() << "LIMPID_SHARED is not set: no models";
    const std::string models = std::string(shared) + "/models/";
    struct Row {
        std::string file, variant;
        int64_t parameters;
        std::string sha256;
    };
    for (const Row& row : {Row{"bvlc_googlenet.caffemodel", "bvlc", 6998552,
                               "ab22b168d07cd301fcad71954b4c9dff8b529231b19e208d471d24154cd96a12"},
                           Row{"inception5h_hybrid.pb", "inception5h", 13461996,
                               "5355ac4ee82844dab17bf7b5b6440df14d8a42e93c90b9eb4f3a6adaff030713"}}) {
        const std::string out = folder_ / (row.variant + ".h5");
        const Finished run = run_limpid({"convert", models + row.file, out});
        ASSERT_EQ(run.status, 0) << run.err;
        const nlohmann::json converted = nlohmann::json::parse(run_limpid({"info", out, "--json"}).out);
        EXPECT_EQ(converted.at("variant"), row.variant);
        EXPECT_EQ(converted.at("parameters"), row.parameters);
        int64_t multiply_adds = 0;
        for (const auto& layer : converted.at("layers")) {
            if (!layer.contains("filter")) continue;  // pools and the like
            // Every weight is used once at every place of the output.
            const std::vector<int64_t> filter = layer.at("filter"), output = layer.at("output");
            EXPECT_EQ(layer.at("multiply_adds"), filter[0] * filter[1] * filter[2] * filter[3] * output[0] * output[1])
                << layer;
            multiply_adds += layer.at("multiply_adds").get<int64_t>();
        }
        EXPECT_EQ(converted.at("multiply_adds"), multiply_adds);
        EXPECT_GT(multiply_adds, 1500000000) << "GoogLeNet has 1.58 billion at 224x224";
        EXPECT_EQ(converted.at("flaw"), "");
        EXPECT_EQ(converted.at("source"), row.file);
        EXPECT_EQ(converted.at("source_sha256"), row.sha256);
        // The original shows the same, except where it lies.
        nlohmann::json original = nlohmann::json::parse(run_limpid({"info", models + row.file, "--json"}).out);
        original["file"] = converted.at("file");
        EXPECT_EQ(original, converted);
    }
}

}  // namespace
}  // namespace limpid::testing
