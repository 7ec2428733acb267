// The text of a network: what prints parses, and what is wrong is refused with its line.
#include "nets/architecture.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <random>
#include <set>

#include "kernels/error.h"
#include "nets/googlenet.h"
#include "nets/known_networks.h"
#include "nets/layers/kind.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "weights/attribute_text.h"
#include "weights/file.h"

namespace limpid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Every network that is known without a text, by its variant; GoogLeNet with its auxiliary heads.
std::map<std::string, Architecture> built_in_architectures() {
    std::map<std::string, Architecture> result;
    const std::string bgr = preprocessing_line({{2, 1, 0}, 255.0f, {104.00698793f, 116.66876762f, 122.67891434f}});
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants)
        result[std::string(variant.name)] = parse_architecture(
            inception_text(variant, variant.classes, true, variant.caffe ? bgr : preprocessing_line({})));
    result["patterns"] = architecture_of(trained_patterns());
    result["tiny"] = architecture_of(tiny_weights());
    return result;
}

TEST(NetworkText, OfEveryBuiltInNetworkPrintsAndParses) {
    for (const auto& [name, architecture] : built_in_architectures()) {
        const std::string text = to_string(architecture);
        EXPECT_TRUE(parse_architecture(text) == architecture) << name;
        EXPECT_EQ(to_string(parse_architecture(text)), text) << name;
    }
    EXPECT_EQ(to_string(built_in_architectures().at("tiny")),
              "network: tiny (built in)\n"
              "input = image(size=64x64, channels=3)\n"
              "preprocessed = normalise(input, scale=255, mean=127.5)\n"
              "gabor = conv(preprocessed, channels=24, window=9x9, pad=same, activation=relu)\n"
              "pool = max_pool(gabor, window=3x3, stride=2x2, pad=same)\n"
              "texture = conv(pool, channels=16, window=7x7, pad=same, activation=relu)\n");
}

TEST(NetworkText, DiffersWhereTheNetworkDoes) {
    const Architecture bvlc = built_in_architectures().at("bvlc");
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = to_string(bvlc);
        const size_t at = text.find(from);
        EXPECT_NE(at, text.npos) << from;
        return !(parse_architecture(text.replace(at, from.size(), to)) == bvlc);
    };
    EXPECT_TRUE(changed("beta=0.75", "beta=0.5"));
    EXPECT_TRUE(changed("order=2 1 0", "order=2 0 1"));
    EXPECT_TRUE(changed("116.66877", "116.66878"));
    EXPECT_TRUE(changed("round=up", "round=down"));
    EXPECT_TRUE(changed("mixed4d 22", "mixed4d 21"));
    EXPECT_TRUE(changed("GoogLeNet (bvlc)", "another"));
    EXPECT_FALSE(changed("GoogLeNet (bvlc)", "GoogLeNet (bvlc)"));
}

// What says the same in other words is the same.
TEST(NetworkText, ReadsWhatPeopleWrite) {
    const Architecture by_hand = parse_architecture(
        "# A comment, then a blank line.\r\n\n"
        "\tinput=image( channels=1 ,size = 28 )   # square\n"
        "edge = conv(input, window=5x3, channels=8, pad=1x1x1x1, stride=1)\n"
        "network:   by hand  ");
    EXPECT_EQ(to_string(by_hand),
              "network: by hand\n"
              "input = image(size=28x28, channels=1)\n"
              "edge = conv(input, channels=8, window=5x3, pad=1x1)\n");
    EXPECT_EQ(by_hand.image(), (Shape{1, 28, 28, 1}));
    const ArchitectureShapes shapes = shapes_of(by_hand);
    EXPECT_EQ(shapes.layers.at("edge"), (Shape{1, 26, 28, 8}));
    EXPECT_EQ(shapes.parameters.at("edge_w"), (Shape{5, 3, 1, 8}));
    EXPECT_EQ(shapes.parameters.at("edge_b"), (Shape{1, 1, 1, 8}));
}

TEST(NetworkText, KnowsTrunkAndDefaults) {
    const std::map<std::string, Architecture> nets = built_in_architectures();
    for (const char* name : {"inception5h", "bvlc"})
        EXPECT_THAT(trunk_layers(nets.at(name)),
                    ElementsAre("conv2d0", "conv2d1", "conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c",
                                "mixed4d", "mixed4e", "mixed5a", "mixed5b"));
    EXPECT_THAT(trunk_layers(nets.at("patterns")),
                ElementsAre("conv2d0", "conv2d1", "conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c"));
    EXPECT_THAT(trunk_layers(nets.at("tiny")), ElementsAre("gabor", "texture"));
    EXPECT_THAT(default_layers(nets.at("bvlc")), ElementsAre("mixed4d"));
    EXPECT_THAT(default_layers(nets.at("bvlc"), "grad-cam"), ElementsAre("mixed5b"));
    EXPECT_THAT(default_layers(nets.at("bvlc"), "lime"), ElementsAre("mixed4d"));
    EXPECT_THAT(default_layers(nets.at("patterns"), "grad-cam"), ElementsAre("mixed4c"));
    EXPECT_THAT(default_layers(nets.at("tiny")), ElementsAre("texture"));
    EXPECT_EQ(nets.at("patterns").columns.at("mixed3b"), 21);
    EXPECT_FALSE(nets.at("patterns").columns.contains("mixed4d"));
}

std::string error_of_text(const std::string& text) {
    try {
        parse_architecture(text);
    } catch (const Error& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
        return error.what();
    }
    return "";
}

// Each text has one mistake; the message says where, what was found and what was expected.
TEST(NetworkText, HostileOnesAreRefusedWithTheirLine) {
    const std::string image = "input = image(size=32, channels=3)\n", a = image + "a = conv(input, channels=4)\n";
    const struct {
        std::string text, message;
    } rows[] = {
        {"", "the text has no layer, expected NAME = KIND(INPUT, ...) lines"},
        {"network: x\n", "the text has no layer"},
        {image + "a = convv(input)\n",
         "line 2: kind \"convv\" is not known, expected one of image, normalise, grey, conv, dense, max_pool"},
        {image + "a = conv\n", "line 2: a is \"conv\", expected KIND(INPUT, ..., KEY=VALUE, ...)"},
        {image + "a = conv(input, channels=4) b\n", "line 2: a is \"conv(input, channels=4) b\", expected KIND("},
        {image + "a = conv(input, channels=4), b = softmax(a)\n", "line 2: a is"},
        {image + "a\n", "line 2: is \"a\", expected NAME = KIND(INPUT, ...) or WORD: ..."},
        {image + "a = conv(b, channels=4)\nb = conv(a, channels=4)\n",
         "line 2: a: takes \"b\", which no line before it makes, expected a layer that is there; did you mean input?"},
        {image + "a = conv(a, channels=4)\n", "line 2: a: takes \"a\", which no line before it makes"},
        {a + "a = softmax(input)\n", "line 3: layer a is there twice, expected another name"},
        {image + "a b = softmax(input)\n", "line 2: \"a b\" is no name of a layer, expected 1 to 200 letters"},
        {image + std::string(201, 'a') + " = softmax(input)\n", "is no name of a layer"},
        {image + "a\x1b[31m = softmax(input)\n", "line 2: \"a?[31m\" is no name of a layer"},
        {image + " = softmax(input)\n", "line 2: \"\" is no name of a layer"},
        {image + "a = softmax(input, )\n", "line 2: \"\" is no name of a layer"},
        {image + "a = softmax()\n", "line 2: a: softmax has 0 inputs, expected 1"},
        {a + "b = conv(a, input, channels=3)\n", "line 3: b: conv has 2 inputs, expected 1"},
        {image + "a = concat()\n", "line 2: a: concat has 0 inputs, expected 1 to 4096"},
        {image + "a = conv(input)\n", "line 2: a: conv does not say its channels, expected channels=VALUE"},
        {image + "a = conv(input, channels=4, channels=4)\n", "line 2: a: channels is there twice"},
        {image + "a = conv(input, channels=)\n", "line 2: a: channels says nothing, expected one value"},
        {image + "a = conv(input, width=4)\n",
         "line 2: a: conv has no \"width\", expected channels, window, stride, pad, groups, dilation, "
         "activation"},
        {image + "a = softmax(input, axis=1)\n", "line 2: a: softmax has no \"axis\", expected inputs alone"},
        {image + "a = conv(input, channels=0)\n", "line 2: a: channels is \"0\", expected a whole number from 1 to"},
        {image + "a = conv(input, channels=-1)\n", "channels is \"-1\""},
        {image + "a = conv(input, channels=4.5)\n", "channels is \"4.5\""},
        {image + "a = conv(input, channels=99999999999999999999999)\n", "channels is \"99999"},
        {image + "a = conv(input, channels=4 4)\n", "channels is \"4 4\""},
        {image + "a = conv(input, channels=4, window=0x3)\n", "window is \"0x3\", expected HEIGHTxWIDTH from 1 to"},
        {image + "a = conv(input, channels=4, window=3x3x3)\n", "window is \"3x3x3\", expected HEIGHTxWIDTH"},
        {image + "a = conv(input, channels=4, window=3x)\n", "window is \"3x\""},
        {image + "a = conv(input, channels=4, stride=0)\n", "stride is \"0\""},
        {image + "a = conv(input, channels=4, pad=valid)\n",
         "pad is \"valid\", expected same or YxX or TOPxLEFTxBOTTOMxRIGHT from 0 to"},
        {image + "a = conv(input, channels=4, pad=1x2x3)\n", "pad is \"1x2x3\""},
        {image + "a = conv(input, channels=4, activation=tanh)\n", "activation is \"tanh\", expected none or relu"},
        {image + "a = conv(input, channels=4, activation=1)\n", "activation is \"1\", expected none or relu"},
        {image + "a = lrn(input, radius=5, alpha=nan, beta=1)\n", "alpha is \"nan\", expected a number from 0 to"},
        {image + "a = lrn(input, radius=5, alpha=1 2, beta=1)\n", "alpha is \"1 2\", expected a number"},
        {image + "a = lrn(input, radius=5, alpha=1, bias=0, beta=1)\n", "bias is \"0\""},
        {image + "a = normalise(input, scale=1e99)\n", "scale is \"1e99\", expected numbers from"},
        {image + "a = normalise(input, scale=inf)\n", "scale is \"inf\""},
        {image + "a = normalise(input, mean=1 2)\n", "line 2: a: has 2 means, expected 1 or 3, one for each channel"},
        {image + "a = normalise(input, scale=1 2 3 4)\n", "line 2: a: has 4 scales, expected 1 or 3"},
        {image + "a = normalise(input, order=0 1)\n", "a: has an order of 2 numbers, expected each of 0 to 2 once"},
        {image + "a = normalise(input, order=0 1 1)\n", "a: has an order of 3 numbers, expected each of 0 to 2 once"},
        {image + "a = normalise(input, order=0 1 3)\n", "expected each of 0 to 2 once"},
        // Shapes.
        {image + "a = conv(input, channels=4, window=33)\n",
         "line 2: a: a/conv (conv2d): image 32x32 with its padding is smaller than the filter 33x33"},
        {image + "a = max_pool(input, window=40)\n", "line 2: a: a (max_pool): windows"},
        {image + "a = max_pool(input, window=3, pad=3)\n", "do not fit an image of 32x32"},
        {image + "a = average_pool(input, window=40)\n",
         "line 2: a: does not exist at the canonical size, expected a larger image"},
        {a + "b = conv(input, channels=4, stride=2)\nc = concat(a, b)\n",
         "line 4: c: c (concat): cannot concatenate 1x32x32x4 and 1x16x16x4"},
        {"input = image(size=0, channels=3)\n", "line 1: input: size is \"0\""},
        {"input = image(size=65537, channels=3)\n", "line 1: input: size is \"65537\""},
        {"input = image(size=65536, channels=3)\n", "line 1: input: input would be 1x65536x65536x3, expected at most"},
        {image + "a = dense(input, channels=16777216)\n",
         "line 2: a: a_w would be 1x1x3072x16777216, expected at most"},
        {image + "a = conv(input, channels=65536, window=65536, pad=65535)\n", "a_w would be 65536x65536x3x65536"},
        {image + "a = conv(input, channels=1, pad=65535)\n",
         "line 2: a: a/conv would be 1x131102x131102x1, expected at most"},
        // Names of parts.
        {image + "a_pre_relu = softmax(input)\na = conv(input, channels=4, activation=relu)\n",
         "line 3: a: makes a_pre_relu, which is there already"},
        {image + "a = conv(input, channels=4, activation=relu)\na_pre_relu = softmax(input)\n",
         "line 3: layer a_pre_relu is there already, as a part of another"},
        {image + "a = conv(input, channels=4)\na_pre_activation = conv(input, channels=4)\n",
         "line 3: a_pre_activation: has the parameter a_w, which another layer has, expected its own"},
        // Properties.
        {"x = image(size=32, channels=3)\n", "the text has no image called input, expected input = image("},
        {image + "input2 = softmax(input)\nlogits: digit\n", "line 3: takes \"digit\", which no line before it makes"},
        {a + "logits: a, a\n", "line 3: logits is \"a, a\", expected one layer"},
        {a + "logits: a\nlogits: a\n", "line 4: logits is there twice, expected once"},
        {a + "outputs: a, b\n", "line 3: takes \"b\""},
        {a + "default: b\n", "line 3: takes \"b\""},
        {a + "default x y: a\n", "line 3: \"x y\" is no name"},
        {a + "default:\n", "line 3: \"default\" says nothing"},
        {a + "columns: a\n", "line 3: columns has \"a\", expected LAYER and a number from 1 to 65536"},
        {a + "columns: a 0\n", "line 3: columns has \"a 0\""},
        {a + "columns: a 4, a 5\n", "line 3: columns has a twice, expected once"},
        {a + "columns: b 4\n", "line 3: takes \"b\""},
        {a + "weights: evil\n", "line 3: \"weights:\" is not known, expected network, logits, outputs, default"},
        {a + "network: " + std::string(300, 'x') + "\n", "line 3: network is \"xxx"},
        {a + "network: a\x1b[2J\n", "line 3: network is \"a?[2J\", expected at most 200 printable ASCII"},
        {std::string((size_t(4) << 20) + 1, '#'), "the text has 4194305 bytes, expected at most 4194304"},
    };
    for (const auto& row : rows)
        EXPECT_THAT(error_of_text(row.text), HasSubstr(row.message)) << row.text.substr(0, 200);
}

TEST(NetworkText, NobodyCanMakeItTakeLong) {
    // Every layer twice as wide as the one before.
    std::string wide = "input = image(size=1, channels=1)\nx0 = concat(input, input)\n";
    for (int i = 1; i < 80; i++) wide += concat("x", i, " = concat(x", i - 1, ", x", i - 1, ")\n");
    EXPECT_THAT(error_of_text(wide), HasSubstr("line 33: x31: x31 would be 1x1x1x4294967296, expected at most"));
    std::string deep = "input = image(size=1, channels=1)\nx0 = alias(input)\n";
    for (int i = 1; i < 20001; i++) deep += concat("x", i, " = alias(x", i - 1, ")\n");
    EXPECT_THAT(error_of_text(deep), HasSubstr("line 20001: is one more layer than 20000"));
}

// Texts with something cut out, doubled or changed are refused, or they are networks that print and parse.
TEST(NetworkText, DamagedOnesAreReadOrRefused) {
    std::minstd_rand random(1);
    int read = 0;
    for (const char* name : {"tiny", "bvlc"}) {
        std::string whole = to_string(built_in_architectures().at(name));
        whole.erase(0, whole.find("input = "));  // properties name layers that the beginning lacks
        whole.erase(std::min(whole.size(), whole.find('\n', 600)));
        for (int i = 0; i < 400; i++) {
            std::string text = whole;
            const size_t at = random() % text.size(), length = random() % 8;
            switch (random() % 3) {
                case 0:
                    text.erase(at, length);
                    break;
                case 1:
                    text.insert(at, text.substr(random() % text.size(), length));
                    break;
                default:
                    text[at] = char(random() % 256);
            }
            try {
                const Architecture architecture = parse_architecture(text);
                EXPECT_TRUE(parse_architecture(to_string(architecture)) == architecture) << text;
                read++;
            } catch (const Error&) {
            }
        }
    }
    EXPECT_GT(read, 20);
}

TEST(NetworkText, SaysWhatIsSeenAndWhatIsShown) {
    const Architecture grey = parse_architecture(
        "input = image(size=8, channels=3)\nlight = grey(input)\nx = normalise(light, scale=255, mean=3)\n");
    EXPECT_TRUE(sees_grey(grey));
    EXPECT_EQ(normalisation_of(grey).scale, std::vector<float>{255});
    EXPECT_EQ(normalisation_of(grey).mean, std::vector<float>{3});
    EXPECT_FALSE(sees_grey(parse_architecture("input = image(size=8, channels=3)\nx = relu(input)\n")));
    const std::string many = "input = image(size=8, channels=5";
    using Three = std::array<int64_t, 3>;
    EXPECT_EQ(shown_channels(parse_architecture(many + ", shown=4 2 0)\n")), (Three{4, 2, 0}));
    EXPECT_EQ(shown_channels(parse_architecture(many + ")\n")), (Three{0, 1, 2}));
    EXPECT_EQ(shown_channels(parse_architecture("input = image(size=8, channels=2)\n")), (Three{0, 1, 1}));
    for (const char* wrong : {", shown=4 2 5)\n", ", shown=1 2)\n"})
        EXPECT_THAT(error_of_text(many + wrong), HasSubstr("expected three of 0 to 4"));
}

// What the fuzzer starts from, and what it found.
TEST(NetworkText, CorpusOfTheFuzzerIsReadOrRefused) {
    const std::filesystem::path corpus = std::filesystem::path(LIMPID_SOURCE_DIR) / "tests/fuzz/corpus/network";
    std::set<std::string_view> kinds;
    for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
        const std::vector<std::byte> file = read_file(entry.path().string());
        try {
            const Architecture architecture = parse_architecture(as_text(file));
            EXPECT_TRUE(parse_architecture(to_string(architecture)) == architecture) << entry.path();
            for (const Layer& layer : architecture.layers) kinds.insert(layer.kind->name);
        } catch (const Error&) {
        }
    }
    for (const LayerKind* kind : layer_kinds()) EXPECT_TRUE(kinds.contains(kind->name)) << kind->name << " is in none";
}

TEST(LayerKinds, SettingsPrintAndParse) {
    for (const LayerKind* kind : layer_kinds()) {
        EXPECT_EQ(find_kind(kind->name), kind);
        for (const SettingRule& rule : kind->settings) {
            if (rule.usual == kRequired) continue;
            const Setting usual = parse_setting(rule, rule.usual);
            EXPECT_EQ(print_setting(rule, usual), rule.usual) << kind->name << " " << rule.key;
        }
    }
    EXPECT_EQ(find_kind("warp"), nullptr);
    for (const float value : {0.1f, 1e-4f / 5, 116.66876762f, 3e38f, -1e-38f, 1.0f / 3}) {
        const SettingRule rule{"mean", SettingRule::Form::numbers, "0", -3.4e38, 3.4e38};
        const Setting setting = parse_setting(rule, number_text(value));
        ASSERT_EQ(setting.numbers.size(), 1u);
        EXPECT_EQ(float(setting.numbers[0]), value);
    }
}

}  // namespace
}  // namespace limpid
