// Unrolls a variant's table into layers, and checks the weights against it.
#include "nets/googlenet.h"

#include "kernels/error.h"
#include "nets/googlenet_table.h"

namespace limpid {

namespace {

using Kind = LayerSpec::Kind;

class Unroller {
  public:
    explicit Unroller(const GoogLeNetVariant& variant) : variant_(variant) {}

    std::vector<LayerSpec> layers(bool auxiliary_heads) {
        std::string x = conv("conv2d0", "preprocessed", 64, 7, 2);
        x = pool("maxpool0", x, 3, 2);
        x = lrn("localresponsenorm0", x);
        x = conv("conv2d1", x, 64, 1);
        x = conv("conv2d2", x, 192, 3);
        x = lrn("localresponsenorm1", x);  // before the pool here, behind it above
        x = pool("maxpool1", x, 3, 2);
        for (const InceptionRow& row : variant_.blocks) {
            if (row.name == "mixed4a") x = pool("maxpool4", x, 3, 2);
            if (row.name == "mixed5a") x = pool("maxpool10", x, 3, 2);
            x = inception(row, x);
            if (auxiliary_heads && row.name == "mixed4a") head("0", x);
            if (auxiliary_heads && row.name == "mixed4d") head("1", x);
        }
        LayerSpec average;
        average.kind = Kind::average_pool;
        average.name = "avgpool0";
        average.inputs = {x};
        average.window = 7;
        average.padding = LayerSpec::Padding::valid;
        average.whole_image = true;
        layers_.push_back(average);
        alias("avgpool0/reshape", "avgpool0");
        classifier("2", "avgpool0/reshape");
        if (auxiliary_heads) alias("output", "softmax0"), alias("output1", "softmax1");
        alias("output2", "softmax2");
        return std::move(layers_);
    }

  private:
    std::string conv(const std::string& name, const std::string& input, int64_t channels, int64_t window,
                     int64_t stride = 1) {
        LayerSpec spec;
        spec.kind = Kind::conv;
        spec.name = name;
        spec.inputs = {input};
        spec.channels = channels;
        spec.window = window;
        spec.stride = stride;
        spec.padding = variant_.padding;
        spec.pad = window / 2;
        layers_.push_back(spec);
        return name;
    }

    std::string pool(const std::string& name, const std::string& input, int64_t window, int64_t stride) {
        LayerSpec spec;
        spec.kind = Kind::max_pool;
        spec.name = name;
        spec.inputs = {input};
        spec.window = window;
        spec.stride = stride;
        spec.padding = variant_.padding;
        spec.pad = stride == 1 ? window / 2 : 0;  // Caffe's strided pools are not padded
        layers_.push_back(spec);
        return name;
    }

    std::string lrn(const std::string& name, const std::string& input) {
        LayerSpec spec;
        spec.kind = Kind::lrn;
        spec.name = name;
        spec.inputs = {input};
        spec.lrn = variant_.lrn;
        layers_.push_back(spec);
        return name;
    }

    std::string inception(const InceptionRow& row, const std::string& x) {
        const std::string m(row.name);
        conv(m + "_1x1", x, row.c1x1, 1);
        conv(m + "_3x3_bottleneck", x, row.c3x3_bottleneck, 1);
        conv(m + "_3x3", m + "_3x3_bottleneck", row.c3x3, 3);
        conv(m + "_5x5_bottleneck", x, row.c5x5_bottleneck, 1);
        conv(m + "_5x5", m + "_5x5_bottleneck", row.c5x5, 5);
        pool(m + "_pool", x, 3, 1);
        conv(m + "_pool_reduce", m + "_pool", row.pool_reduce, 1);
        LayerSpec spec;
        spec.kind = Kind::concat;
        spec.name = m;
        spec.inputs = {m + "_1x1", m + "_3x3", m + "_5x5", m + "_pool_reduce"};
        layers_.push_back(spec);
        return m;
    }

    void head(const std::string& k, const std::string& x) {
        LayerSpec average;
        average.kind = Kind::average_pool;
        average.name = "head" + k + "_pool";
        average.inputs = {x};
        average.window = 5;
        average.stride = 3;
        average.padding = LayerSpec::Padding::valid;
        layers_.push_back(average);
        conv("head" + k + "_bottleneck", average.name, 128, 1);
        dense("nn" + k, "head" + k + "_bottleneck", 1024, true);
        alias("nn" + k + "/reshape", "nn" + k);
        classifier(k, "nn" + k);
    }

    void classifier(const std::string& k, const std::string& x) {
        dense("softmax" + k + "_pre_activation", x, variant_.classes, false);
        LayerSpec spec;
        spec.kind = Kind::softmax;
        spec.name = "softmax" + k;
        spec.inputs = {"softmax" + k + "_pre_activation"};
        layers_.push_back(spec);
    }

    void dense(const std::string& name, const std::string& input, int64_t channels, bool relu) {
        LayerSpec spec;
        spec.kind = Kind::dense;
        spec.name = name;
        spec.inputs = {input};
        spec.channels = channels;
        spec.relu = relu;
        layers_.push_back(spec);
    }

    void alias(const std::string& name, const std::string& of) {
        LayerSpec spec;
        spec.kind = Kind::alias;
        spec.name = name;
        spec.inputs = {of};
        layers_.push_back(spec);
    }

    const GoogLeNetVariant& variant_;
    std::vector<LayerSpec> layers_;
};

// Shapes that the layers need against shapes that the weights have.
void check_parameters(const Net& net) {
    std::map<std::string, int64_t> width{{"preprocessed", 3}};
    std::string problems;
    const auto expect = [&](const std::string& name, Shape shape) {
        const auto found = net.weights->tensors.find(name);
        if (found == net.weights->tensors.end()) {
            problems += concat("; ", name, " is missing");
        } else if (!(found->second.shape == shape)) {
            problems += concat("; ", name, " is ", found->second.shape, ", expected ", shape);
        }
    };
    for (const LayerSpec& spec : net.layers) {
        int64_t in = 0;
        for (const std::string& input : spec.inputs) in += width[input];
        width[spec.name] = spec.kind == Kind::conv || spec.kind == Kind::dense ? spec.channels : in;
        if (spec.kind == Kind::conv) {
            expect(spec.name + "_w", {spec.window, spec.window, in, spec.channels});
            expect(spec.name + "_b", {1, 1, 1, spec.channels});
        } else if (spec.kind == Kind::dense) {
            const std::string stem = spec.relu ? spec.name : spec.name.substr(0, spec.name.find("_pre_activation"));
            expect(stem + "_w",
                   {1, 1, spec.relu ? in * 16 : in, spec.channels});  // the auxiliary heads flatten a 4x4 map
            expect(stem + "_b", {1, 1, 1, spec.channels});
        }
    }
    if (!problems.empty())
        throw Error(concat("weights ", net.weights->source, " are not those of ", net.name, problems,
                           "; try another --variant"));
}

}  // namespace

Net googlenet(Weights weights) {
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants) {
        if (weights.variant != variant.name) continue;
        Net net;
        net.name = concat("GoogLeNet (", variant.name, ")");
        net.layers = Unroller(variant).layers(weights.tensors.contains("nn0_w"));
        net.weights = std::make_shared<const Weights>(std::move(weights));
        check_parameters(net);
        return net;
    }
    std::string known;
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants) known += concat(known.empty() ? "" : ", ", variant.name);
    throw Error(concat("weights ", weights.source, ": variant \"", weights.variant, "\" is not known; expected one of ",
                       known));
}

}  // namespace limpid
