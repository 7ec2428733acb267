// Tests of what the layers of a .caffemodel compute: every operator and attribute of the list, the wiring, what does
// not matter, and the forms in which the same is written.
#include "weights/caffe_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "weights/readers.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Every operator of the real list, in a net of a dozen layers.
std::string graph_text() {
    const std::string real(embedded("bvlc_caffemodel_graph.txt"));
    return real.substr(0, real.find("\nnode ")) +
           "\nnode trunk conv Convolution data num_output=64 pad=3x3 kernel=7x7 stride=2x2\n"
           "node trunk relu ReLU conv\n"
           "node trunk pool Pooling relu kernel=3x3 stride=2x2\n"
           "node trunk norm LRN pool alpha=0.0001\n"
           "node trunk left Convolution norm num_output=8 kernel=1x1\n"
           "node trunk average Pooling norm pool=AVE kernel=3x3 pad=1x1\n"
           "node trunk both Concat left,average\n"
           "node trunk fc InnerProduct both num_output=10\n"
           "node head aux InnerProduct norm num_output=10\n"
           "node output prob Softmax fc\n";
}

const KnownNetwork& network() {
    static const KnownNetwork known = parse_network("", graph_text());
    return known;
}

WireWriter numbers(std::initializer_list<std::pair<uint32_t, uint64_t>> fields) {
    WireWriter message;
    for (const auto& [field, value] : fields) message.integer(field, value);
    return message;
}

// As a training net has it: data, splits, dropout and losses among the layers.
std::vector<SmallLayer> layers() {
    return {{"data",
             {},
             "Data",
             {},
             {"data", "label"},
             WireWriter().integer(3, 224).number_f32(4, 104).number_f32(4, 117).number_f32(4, 123),
             {}},
            {"conv", {}, "Convolution", {"data"}, {"c"}, numbers({{1, 64}, {3, 3}, {4, 7}, {6, 2}}), {}},
            {"relu", {}, "ReLU", {"c"}, {"c"}, {}, {}},
            {"pool", {}, "Pooling", {"c"}, {"p"}, numbers({{1, 0}, {2, 3}, {3, 2}}), {}},
            {"norm", {}, "LRN", {"p"}, {"n"}, WireWriter().integer(1, 5).number_f32(2, 1e-4f).number_f32(3, 0.75f), {}},
            {"split", {}, "Split", {"n"}, {"n_0", "n_1"}, {}, {}},
            {"left", {}, "Convolution", {"n_0"}, {"l"}, numbers({{1, 8}, {4, 1}}), {}},
            {"average", {}, "Pooling", {"n_1"}, {"a"}, numbers({{1, 1}, {2, 3}, {4, 1}}), {}},
            {"both", {}, "Concat", {"l", "a"}, {"b"}, {}, {}},
            {"drop", {}, "Dropout", {"b"}, {"b"}, WireWriter().number_f32(1, 0.4f), {}},
            {"fc", {}, "InnerProduct", {"b"}, {"f"}, numbers({{1, 10}}), {}},
            {"loss", {}, "SoftmaxWithLoss", {"f", "label"}, {"loss"}, {}, {}},
            {"right", {}, "Accuracy", {"f", "label"}, {"right"}, {}, {}}};
}

SmallLayer& named(std::vector<SmallLayer>& all, const std::string& name) {
    return *std::ranges::find(all, name, &SmallLayer::name);
}

std::string outcome(const std::string& file) {
    try {
        read_caffemodel(as_bytes(file), network());
    } catch (const Error& error) {
        return error.what();
    }
    return "read";
}

// In both forms: the answers must agree.
std::string outcome(const std::vector<SmallLayer>& all) {
    const std::string current = outcome(current_caffemodel(all)), v1 = outcome(v1_caffemodel(all));
    EXPECT_EQ(current, v1);
    return current;
}

// With the operator's parameters of one layer replaced.
std::string with(const std::string& layer, const WireWriter& parameters) {
    std::vector<SmallLayer> all = layers();
    named(all, layer).parameters = parameters;
    return outcome(all);
}

TEST(CaffeLayers, TheKnownNetworkIsReadInTrainingAndInUse) {
    EXPECT_EQ(outcome(layers()), "read");
    std::vector<SmallLayer> all = layers();
    all.resize(11);  // without losses
    all.push_back({"prob", {}, "Softmax", {"f"}, {"prob"}, {}, {}});
    all.push_back({"aux", {}, "InnerProduct", {"n"}, {"x"}, numbers({{1, 10}}), {}});
    EXPECT_EQ(outcome(all), "read");
    std::erase_if(all, [](const SmallLayer& layer) { return layer.type == "Split" || layer.type == "Dropout"; });
    named(all, "left").bottoms = named(all, "average").bottoms = {"n"};
    named(all, "relu").tops = {"r"}, named(all, "pool").bottoms = {"r"};  // not in place
    EXPECT_EQ(outcome(all), "read");
    // Deployed: the data is an input of the net.
    all.erase(all.begin());
    EXPECT_EQ(outcome(WireWriter().text(3, "data").bytes() + current_caffemodel(all)), "read");
    EXPECT_THAT(outcome(all), HasSubstr("conv takes the unknown data, expected data"));
}

TEST(CaffeLayers, TheSameIsWrittenInSeveralWays) {
    const WireWriter packed = WireWriter().varint(3).varint(3);
    for (const WireWriter& conv :
         {numbers({{1, 64}, {9, 3}, {10, 3}, {11, 7}, {12, 7}, {13, 2}, {14, 2}}),                // h and w
          numbers({{1, 64}, {3, 3}, {3, 3}, {4, 7}, {4, 7}, {6, 2}, {6, 2}}),                     // repeated
          WireWriter().integer(1, 64).text(3, packed.bytes()).integer(4, 7).integer(6, 2),        // packed
          numbers({{1, 64}, {3, 3}, {4, 7}, {6, 2}, {2, 1}, {5, 1}, {16, 1}, {18, 1}, {15, 2}}),  // defaults, engine
          numbers({{1, 1}, {1, 64}, {3, 3}, {4, 7}, {6, 2}})})                                    // the last one counts
        EXPECT_EQ(with("conv", conv), "read");
    EXPECT_EQ(with("pool", numbers({{5, 3}, {6, 3}, {7, 2}, {8, 2}, {11, 1}, {12, 0}, {13, 0}})), "read");
    EXPECT_EQ(with("norm", WireWriter().number_f32(2, 1e-4f)), "read");
    EXPECT_EQ(with("norm", WireWriter().number_f32(2, 1e-4f).number_f32(5, 1).integer(4, 0).integer(6, 1)), "read");
    EXPECT_EQ(with("relu", WireWriter().number_f32(1, 0).integer(2, 1)), "read");
    EXPECT_EQ(with("both", numbers({{2, 1}, {1, 1}})), "read");
    EXPECT_EQ(with("data", WireWriter()
                               .number_f32(1, 1)
                               .number_f32(4, 104.00699f)
                               .number_f32(4, 116.66877f)
                               .number_f32(4, 122.67892f)),
              "read");
    EXPECT_EQ(
        with("data", WireWriter().text(4 + 0, std::string("\x00\x00\xd0\x42\x00\x00\xea\x42\x00\x00\xf6\x42", 12))),
        "read");  // packed
    // Two messages are one.
    std::vector<SmallLayer> all = layers();
    named(all, "conv").parameters = numbers({{1, 64}, {3, 3}});
    named(all, "conv").more = WireWriter().message(106, numbers({{4, 7}, {6, 2}}));
    EXPECT_EQ(outcome(current_caffemodel(all)), "read");
}

TEST(CaffeLayers, OtherAttributesAreNamed) {
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {6, 2}, {18, 2}})),
                HasSubstr("conv (Convolution) has dilation 2x2, expected 1x1"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {6, 1}})), HasSubstr("has stride 1x1, expected 2x2"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}})), HasSubstr("stride 1x1 (by default), expected 2x2"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {4, 7}, {6, 2}})), HasSubstr("pad 0x0 (by default), expected 3x3"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {6, 2}})), HasSubstr("has no kernel, expected 7x7"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {9, 3}, {4, 7}, {6, 2}})), HasSubstr("has pad 3x0, expected 3x3"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {4, 5}, {6, 2}})), HasSubstr("has kernel 7x5"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {11, 7}, {12, 7}, {6, 2}})),
                HasSubstr("has kernel given more than once, expected 7x7"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {6, 2}, {5, 2}})), HasSubstr("has group 2, expected 1"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {6, 2}, {2, 0}})),
                HasSubstr("has bias_term false, expected true"));
    EXPECT_THAT(with("conv", numbers({{1, 64}, {3, 3}, {4, 7}, {6, 2}, {99, 0}})),
                HasSubstr("conv (Convolution) has the field 99 among its parameters, expected none such"));
    EXPECT_THAT(with("conv", {}), HasSubstr("conv (Convolution) has no num_output, expected 64"));
    EXPECT_THAT(with("relu", WireWriter().number_f32(1, 0.1f)),
                HasSubstr("relu (ReLU) has negative_slope 0.1, expected 0"));
    EXPECT_THAT(with("pool", numbers({{1, 1}, {2, 3}, {3, 2}})), HasSubstr("has pool AVE, expected MAX"));
    EXPECT_THAT(with("average", numbers({{2, 3}, {4, 1}})), HasSubstr("has pool MAX (by default), expected AVE"));
    EXPECT_THAT(with("pool", numbers({{1, 7}, {2, 3}, {3, 2}})), HasSubstr("has pool number 7, expected MAX"));
    EXPECT_THAT(with("pool", numbers({{2, 3}, {3, 2}, {4, 1}})), HasSubstr("has pad 1x1, expected 0x0"));
    EXPECT_THAT(with("pool", numbers({{2, 3}, {3, 2}, {12, 1}})), HasSubstr("has global_pooling true"));
    EXPECT_THAT(with("pool", numbers({{2, 3}, {3, 2}, {13, 1}})), HasSubstr("has round_mode FLOOR, expected CEIL"));
    EXPECT_THAT(with("norm", {}), HasSubstr("norm (LRN) has alpha 1 (by default), expected 0.0001"));
    EXPECT_THAT(with("norm", WireWriter().integer(1, 3).number_f32(2, 1e-4f)),
                HasSubstr("has local_size 3, expected 5"));
    EXPECT_THAT(with("norm", WireWriter().number_f32(2, 2e-4f)), HasSubstr("expected 0.0001"));
    EXPECT_THAT(with("norm", WireWriter().number_f32(2, 1e-4f).number_f32(3, 0.5f)), HasSubstr("has beta 0.5"));
    EXPECT_THAT(with("norm", WireWriter().number_f32(2, 1e-4f).number_f32(5, 2)), HasSubstr("has k 2, expected 1"));
    EXPECT_THAT(with("norm", WireWriter().number_f32(2, 1e-4f).integer(4, 1)),
                HasSubstr("has norm_region WITHIN_CHANNEL, expected ACROSS_CHANNELS"));
    EXPECT_THAT(with("both", numbers({{2, 2}})), HasSubstr("has axis 2, expected 1"));
    EXPECT_THAT(with("fc", numbers({{1, 10}, {6, 1}})), HasSubstr("has transpose true, expected false"));
    EXPECT_THAT(with("fc", numbers({{1, 11}})), HasSubstr("has num_output 11, expected 10"));
    EXPECT_THAT(with("drop", WireWriter().integer(2, 0)), HasSubstr("drop (Dropout) has the field 2 among"));
    EXPECT_THAT(with("data", WireWriter().number_f32(1, 1.0f / 255)), HasSubstr("data (Data) has scale"));
    EXPECT_THAT(with("data", WireWriter().number_f32(4, 127.5f)),
                HasSubstr("has mean_value 127.5, expected 104,117,123"));
    EXPECT_THAT(with("norm", WireWriter().number_f32(2, std::numeric_limits<float>::quiet_NaN())),
                HasSubstr("alpha nan"));
}

TEST(CaffeLayers, OtherOperatorsAndWiringAreNamed) {
    std::vector<SmallLayer> all = layers();
    const std::vector<SmallLayer> original = all;
    named(all, "relu").type = "TanH";
    EXPECT_THAT(outcome(all), HasSubstr("relu is TanH, expected ReLU"));
    all = original;
    std::erase_if(all, [](const SmallLayer& layer) { return layer.name == "relu"; });
    EXPECT_THAT(outcome(all), AllOf(HasSubstr("relu (ReLU) is missing; pool takes conv, expected relu")));
    all = original;
    all.insert(all.begin() + 3, {"scale", {}, "Scale", {"c"}, {"c"}, {}, {}});
    EXPECT_THAT(outcome(current_caffemodel(all)), AllOf(HasSubstr("pool takes scale, expected relu"),
                                                        HasSubstr("scale (Scale) is no part of the known network")));
    all = original;  // on the answer, after all that is listed
    all.push_back({"power", {}, "Power", {"f"}, {"f"}, {}, {}});
    EXPECT_THAT(outcome(current_caffemodel(all)), HasSubstr("power (Power) is no part of the known network"));
    all = original;
    named(all, "both").bottoms = {"a", "l"};
    EXPECT_THAT(outcome(all), HasSubstr("both takes average, left, expected left, average"));
    all = original;
    named(all, "both").type = "Eltwise";
    EXPECT_THAT(outcome(all), HasSubstr("both is Eltwise, expected Concat"));
    all = original;
    named(all, "average").bottoms = {"p"};
    EXPECT_THAT(outcome(all), HasSubstr("average takes pool, expected norm"));
    all = original;
    std::swap(all[3], all[4]);  // a layer may take what is above it only
    EXPECT_THAT(outcome(all), HasSubstr("norm takes the unknown p, expected pool"));
    all = original;  // data under the name of a layer
    all.insert(all.begin() + 5, {"more", {}, "Data", {}, {"norm"}, {}, {}});
    named(all, "split").bottoms = {"norm"};
    EXPECT_THAT(outcome(all), HasSubstr("left takes the data norm, expected norm"));
    all = original;
    named(all, "split").bottoms = {"n", "p"};
    EXPECT_THAT(outcome(all), HasSubstr("left takes the unknown n_0, expected norm"));
    all = original;
    all.push_back(named(all, "fc"));
    EXPECT_THAT(outcome(all), HasSubstr("fc appears twice"));
    all = original;
    named(all, "fc").blobs.assign(3, {{1}, {0}});
    EXPECT_THAT(outcome(all), HasSubstr("fc (InnerProduct) has 3 arrays, expected at most 2"));
}

TEST(CaffeLayers, OtherFieldsOfALayerAreNamed) {
    std::vector<SmallLayer> all = layers();
    named(all, "conv").more = WireWriter().message(123, WireWriter().number_f32(1, 0.1f));  // a ReLU's parameters
    EXPECT_THAT(outcome(current_caffemodel(all)),
                HasSubstr("conv (Convolution) has the field 123, expected none such"));
    named(all, "conv").more = WireWriter().message(8, WireWriter().integer(1, 0));  // include { phase: TRAIN }
    EXPECT_THAT(outcome(current_caffemodel(all)), HasSubstr("conv (Convolution) is left out in training or in use"));
    named(all, "conv").more = WireWriter().message(6, WireWriter().number_f32(3, 2)).integer(11, 1).number_f32(5, 1);
    EXPECT_EQ(outcome(current_caffemodel(all)), "read");  // learning rates and the like
    EXPECT_THAT(outcome(current_caffemodel(layers()) + v1_caffemodel({})), "read");
    std::vector<SmallLayer> first = layers(), last(first.begin() + 5, first.end());
    first.resize(5);
    EXPECT_THAT(outcome(v1_caffemodel(first) + current_caffemodel(last)),
                HasSubstr("has layers of the V1 and of the current form, expected one"));
}

TEST(CaffeLayers, ListsOfTheNetworksAreWhole) {
    const GraphList bvlc = parse_graph_list(embedded("bvlc_caffemodel_graph.txt"));
    EXPECT_EQ(bvlc.rows.size(), 153u);
    std::set<std::string> names;
    for (const GraphRow& row : bvlc.rows) {
        EXPECT_NE(bvlc.find_operator(row.op), nullptr) << row.name;
        for (const std::string& input : row.inputs)
            EXPECT_TRUE(input == "data" || names.contains(input) || row.group != "trunk") << row.name;
        names.insert(row.name);
    }
    for (const NameRow& row : parse_name_table(embedded("bvlc_caffemodel.txt")))
        EXPECT_TRUE(names.contains(row.source)) << row.source;
}

}  // namespace
}  // namespace limpid::testing
