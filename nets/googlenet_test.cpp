// GoogLeNet in both variants, on random weights: against the double oracle; names, counts, messages.
#include "nets/googlenet.h"

#include <gtest/gtest.h>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/googlenet_table.h"
#include "nets/known_networks.h"
#include "nets/layers/kind.h"
#include "nets/net.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "tests/harness/random_net.h"
#include "weights/graph_list.h"

namespace limpid {
namespace {

using testing::he_uniform;
using testing::random_weights;

// Every layer with a parameter or a concatenation, and the gradient of one logit.
struct WholeNet {
    Graph graph;
    std::vector<std::string> names;
    std::vector<NodeId> outputs;

    WholeNet(const Net& net, Shape image) {
        const NodeId input = graph.input("image", image);
        const Layers layers = apply(net, graph, input);
        for (const auto& [name, id] : layers) {
            if (name == "input") continue;
            names.push_back(name);
            outputs.push_back(id);
        }
        const NodeId logit = ops::slice_channels(graph, layers.at(net.logits), 7, 1);
        names.push_back("gradient");
        outputs.push_back(grad(graph, logit, {input})[0]);
    }
};

TEST(GoogLeNet, AgreesWithTheOracleOnRandomWeights) {
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants) {
        const Net net = make_net(random_weights(variant));
        for (const Shape image : {Shape{1, 64, 64, 3}, Shape{1, 75, 61, 3}}) {
            const WholeNet whole(net, image);
            const std::vector<HostTensor> inputs{he_uniform(image, 24, 1)};  // within [-0.5, 0.5]
            Stream reference({DeviceKind::reference, 0}), cpu({DeviceKind::cpu, 0});
            const auto expected = evaluate(whole.graph, whole.outputs, reference, inputs);
            const auto actual = evaluate(whole.graph, whole.outputs, cpu, inputs);
            // Errors add up over 22 layers of sums of up to 1,728 terms.
            for (size_t i = 0; i < expected.size(); i++)
                EXPECT_TRUE(testing::matches(expected[i], actual[i], testing::sum_tolerance(22 * 1728)))
                    << variant.name << " " << whole.names[i];
        }
    }
}

// Follows a network's table through the list that files are held against, in one format.
class ListFollower {
  public:
    ListFollower(const GoogLeNetVariant& variant, const std::string& file)
        : caffe_(variant.name == "bvlc"), list_(parse_graph_list(embedded(file + "_graph.txt"))) {
        for (const NameRow& row : parse_name_table(embedded(file + ".txt"))) sources_[row.layer] = row.source;
        value_["preprocessed"] = caffe_ ? "data" : "input";
        const std::string text = inception_text(variant, variant.classes, true, preprocessing_line({}));
        for (const Layer& layer : parse_architecture(text).layers) follow(layer);
    }
    size_t rows_seen() const { return seen_.size(); }
    const GraphList& list() const { return list_; }

  private:
    // The row of that operator with these inputs; of several, as convolutions of a block, the one of that name.
    const GraphRow& row(const std::string& op, const std::vector<std::string>& inputs, const std::string& name = "") {
        for (const GraphRow& each : list_.rows)
            if (each.op == op && each.inputs == inputs && (name.empty() || each.name == name)) {
                seen_.insert(each.name);
                for (const std::string& input : each.inputs) seen_.insert(input);
                return each;
            }
        ADD_FAILURE() << "no " << op << " of " << (inputs.empty() ? "" : inputs[0]) << " " << name;
        return list_.rows[0];
    }
    std::string attribute(const GraphRow& row, const std::string& name) {
        if (const auto found = row.attributes.find(name); found != row.attributes.end()) return found->second;
        for (const AttributeRule& rule : list_.find_operator(row.op)->attributes)
            if (rule.name == name) return rule.usual;
        return "no attribute";
    }
    void expect(const GraphRow& at, const std::string& name, const std::string& value) {
        EXPECT_EQ(attribute(at, name), value) << at.name << " " << name;
    }
    std::string pair(const std::vector<double>& size) {
        return caffe_ ? concat(size.at(0), 'x', size.at(1)) : concat("1,", size.at(0), ',', size.at(1), ",1");
    }

    std::string activated(const Layer& spec, std::string value) {
        if (!caffe_) value = row("BiasAdd", {value, sources_.at(stem(spec)) + "_b"}).name;
        return spec.says("activation", "relu") ? row(caffe_ ? "ReLU" : "Relu", {value}).name : value;
    }
    static std::string stem(const Layer& spec) { return spec.name.substr(0, spec.name.find("_pre_activation")); }

    void follow(const Layer& spec) {
        const std::string_view kind = spec.kind->name;
        if (kind == "image" || kind == "normalise") return;  // what the file calls its input
        std::vector<std::string> inputs;
        for (const std::string& input : spec.inputs) inputs.push_back(value_.at(input));
        std::string& value = value_[spec.name];
        const bool average = kind == "average_pool";
        if (kind == "conv") {
            const std::string source = sources_.at(spec.name);
            const GraphRow& conv =
                caffe_ ? row("Convolution", inputs, source) : row("Conv2D", {inputs[0], source + "_w"});
            expect(conv, caffe_ ? "stride" : "strides", pair(spec.numbers("stride")));
            if (caffe_)
                expect(conv, "kernel", pair(spec.numbers("window"))), expect(conv, "pad", pair(spec.numbers("pad")));
            value = activated(spec, conv.name);
        } else if (kind == "max_pool" || average) {
            // A head's pool shares its input with that of the next block.
            const std::string head = !caffe_ || !spec.name.starts_with("head") ? ""
                                     : spec.name[4] == '0'                     ? "loss1/ave_pool"
                                                                               : "loss2/ave_pool";
            const GraphRow& pool = row(caffe_ ? "Pooling" : average ? "AvgPool" : "MaxPool", inputs, head);
            expect(pool, caffe_ ? "kernel" : "ksize", pair(spec.numbers("window")));
            expect(pool, caffe_ ? "stride" : "strides", pair(spec.numbers("stride")));
            if (caffe_) expect(pool, "pad", pair(spec.numbers("pad"))), expect(pool, "pool", average ? "AVE" : "MAX");
            if (!caffe_) expect(pool, "padding", spec.says("pad", "same") ? "SAME" : "VALID");
            value = pool.name;
        } else if (kind == "lrn") {
            const GraphRow& lrn = row("LRN", inputs);
            const int64_t radius = spec.whole("radius"), window = 2 * radius + 1;
            const auto number = [&](const char* key) { return float(spec.numbers(key).at(0)); };
            expect(lrn, caffe_ ? "local_size" : "depth_radius", std::to_string(caffe_ ? window : radius));
            EXPECT_FLOAT_EQ(std::stof(attribute(lrn, "alpha")), number("alpha") * float(caffe_ ? window : 1));
            EXPECT_FLOAT_EQ(std::stof(attribute(lrn, "beta")), number("beta"));
            EXPECT_FLOAT_EQ(std::stof(attribute(lrn, caffe_ ? "k" : "bias")), number("bias"));
            value = lrn.name;
        } else if (kind == "concat") {
            if (!caffe_) inputs.insert(inputs.begin(), spec.name + "/concat_dim");
            value = row("Concat", inputs).name;
        } else if (kind == "dense") {
            const std::string source = sources_.at(stem(spec));
            if (caffe_) {
                value = activated(spec, row("InnerProduct", inputs, source).name);
            } else {
                const std::string flat = row("Reshape", {inputs[0], inputs[0] + "/reshape/shape"}).name;
                value = activated(spec, row("MatMul", {flat, source + "_w"}).name);
            }
        } else if (kind == "softmax") {
            // Caffe's auxiliary heads end in losses.
            if (!caffe_ || spec.name == "softmax2") value = row("Softmax", inputs).name;
        } else {
            value = inputs[0];
        }
    }

    bool caffe_;
    GraphList list_;
    std::map<std::string, std::string> sources_, value_;
    std::set<std::string> seen_;  // rows, and what they take
};

// What a file must say is what is computed: every row of the lists, and nothing else.
TEST(GoogLeNet, ComputesWhatTheListsOfFilesSay) {
    const char* const files[] = {"inception5h_pb", "bvlc_caffemodel"};
    for (size_t i = 0; i < 2; i++) {
        const ListFollower follower(kGoogLeNetVariants[i], files[i]);
        // Beside rows: the input, and in graphs the parameters.
        const size_t others = i == 0 ? 2 * parse_name_table(embedded("inception5h_pb.txt")).size() : 1;
        EXPECT_EQ(follower.rows_seen(), follower.list().rows.size() + others) << files[i];
    }
}

TEST(GoogLeNet, HasEveryNameOfLucidsGraph) {
    const Net net = make_net(random_weights(kGoogLeNetVariants[0]));
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, 224, 224, 3}));
    for (const char* name : {"input",
                             "conv2d0_pre_relu/conv",
                             "conv2d0_pre_relu",
                             "conv2d0",
                             "maxpool0",
                             "localresponsenorm0",
                             "localresponsenorm1",
                             "maxpool1",
                             "mixed3a",
                             "mixed3a_pre_relu",
                             "mixed4d_3x3_bottleneck_pre_relu",
                             "mixed4b_pool_reduce_pre_relu",
                             "mixed4e_pool",
                             "maxpool4",
                             "maxpool10",
                             "mixed5b",
                             "avgpool0",
                             "avgpool0/reshape",
                             "softmax2_pre_activation/matmul",
                             "softmax2_pre_activation",
                             "softmax2",
                             "output2"})
        EXPECT_TRUE(layers.contains(name)) << name;
    const std::map<std::string, int64_t> depths{{"conv2d2", 192}, {"mixed3b", 480}, {"mixed4a", 508},
                                                {"mixed4d", 528}, {"mixed5a", 832}, {"mixed5b", 1024}};
    for (const auto& [name, depth] : depths) EXPECT_EQ(graph.shape(layers.at(name)).c, depth) << name;
    EXPECT_EQ(graph.shape(layers.at("mixed4d")).h, 14);
}

TEST(GoogLeNet, CountsParametersAndMultiplyAdds) {
    int64_t parameters = 0, at224 = 0, at128 = 0;
    const Net net = make_net(random_weights(kGoogLeNetVariants[0]));
    for (const LayerInfo& info : describe(net, 224, 224)) parameters += info.parameters, at224 += info.multiply_adds;
    for (const LayerInfo& info : describe(net, 128, 128))
        if (!info.name.starts_with("softmax")) at128 += info.multiply_adds;
    EXPECT_EQ(parameters, 7066380);  // spec: trunk and softmax2
    EXPECT_EQ(at224, 1584881536);
    EXPECT_EQ(at128, 517175296);
}

TEST(GoogLeNet, ListsEverythingThatIsWrongWithWeights) {
    Weights weights = random_weights(kGoogLeNetVariants[0]);
    weights.tensors.erase("mixed3a_1x1_b");
    weights.tensors["mixed4a_3x3_w"] = HostTensor({3, 3, 96, 208});
    try {
        make_net(std::move(weights));
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("mixed3a_1x1_b is missing"), std::string::npos) << text;
        EXPECT_NE(text.find("mixed4a_3x3_w is 3x3x96x208, expected 3x3x96x204"), std::string::npos) << text;
    }
}

TEST(GoogLeNet, SaysWhatIsNearWhenANameIsWrong) {
    const Net net = make_net(random_weights(kGoogLeNetVariants[1]));
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, 64, 64, 3}));
    try {
        layer(net, layers, "mixed4g");
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("mixed4"), std::string::npos) << error.what();
    }
}

TEST(GoogLeNet, FindsClassesByNameNumberAndSynonym) {
    Weights weights = random_weights(kGoogLeNetVariants[1]);
    weights.labels.assign(1000, "");
    weights.labels[0] = "tench, Tinca tinca";
    weights.labels[967] = "espresso";
    weights.labels[134] = "crane";  // a bird
    weights.labels[517] = "crane";
    weights.labels[657] = "missile";
    weights.labels[744] = "projectile, missile";
    weights.labels[1] = "goldfish, carp";
    weights.labels[2] = "ray, carp";
    const Net net = make_net(std::move(weights));
    EXPECT_EQ(find_class(net, "espresso"), 967);
    EXPECT_EQ(find_class(net, "Espresso"), 967);
    EXPECT_EQ(find_class(net, "967"), 967);
    EXPECT_EQ(find_class(net, "tinca TINCA"), 0);
    EXPECT_THROW(find_class(net, "1000"), UsageError);
    try {
        find_class(net, "expresso");
        FAIL() << "nothing was thrown";
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("espresso"), std::string::npos) << error.what();
    }
    EXPECT_EQ(find_class(net, "missile"), 657) << "a label comes before synonyms";
    EXPECT_THROW(find_class(net, "carp"), UsageError);
    EXPECT_EQ(find_class(net, "goldfish, carp"), 1);
    EXPECT_EQ(find_class(net, "134"), 134);
    try {
        find_class(net, "Crane");
        FAIL() << "one of two was taken";
    } catch (const UsageError& error) {
        EXPECT_EQ(std::string(error.what()),
                  "class \"Crane\" may be 134 (crane), 517 (crane); give its number, as in class:134");
    }
}

}  // namespace
}  // namespace limpid
