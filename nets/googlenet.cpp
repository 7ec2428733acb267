// Unrolls a variant's table into layers, and checks the weights against it.
#include "nets/googlenet.h"

#include "kernels/error.h"
#include "nets/googlenet_table.h"
#include "weights/parameters.h"

namespace limpid {

namespace {

using Kind = LayerSpec::Kind;

class Unroller {
  public:
    Unroller(const GoogLeNetVariant& variant, int64_t classes) : variant_(variant), classes_(classes) {}

    std::vector<LayerSpec> layers(bool auxiliary_heads) {
        std::string x = conv("conv2d0", "preprocessed", variant_.stem.conv2d0, variant_.stem.window, 2);
        x = pool("maxpool0", x, 3, 2);
        x = lrn("localresponsenorm0", x);
        x = conv("conv2d1", x, variant_.stem.conv2d1, 1);
        x = conv("conv2d2", x, variant_.stem.conv2d2, 3);
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
        average.window = variant_.last_map;
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
        if (!variant_.lrn) return input;
        LayerSpec spec;
        spec.kind = Kind::lrn;
        spec.name = name;
        spec.inputs = {input};
        spec.lrn = *variant_.lrn;
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
        dense("softmax" + k + "_pre_activation", x, classes_, false);
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
    const int64_t classes_;
    std::vector<LayerSpec> layers_;
};

// Shapes that the layers need against shapes that the weights have.
void check_parameters(const Net& net) {
    Problems problems;
    for (const auto& [name, shape] : parameter_shapes(net.layers)) {
        const auto found = net.weights->tensors.find(name);
        if (found == net.weights->tensors.end()) {
            problems.add(concat(name, " is missing"));
        } else if (!(found->second.shape == shape)) {
            problems.add(concat(name, " is ", found->second.shape, ", expected ", shape));
        }
    }
    with_context(concat("weights ", net.weights->source), [&] {
        problems.throw_if_any(concat("expected those of ", net.name, "; are these of another network?"));
    });
}

}  // namespace

std::vector<LayerSpec> inception_layers(const GoogLeNetVariant& variant, int64_t classes, bool auxiliary_heads) {
    return Unroller(variant, classes).layers(auxiliary_heads);
}

Net inception_net(const GoogLeNetVariant& variant, std::string name, Weights weights) {
    Net net;
    net.name = std::move(name);
    const auto last = weights.tensors.find("softmax2_b");
    const int64_t own = last == weights.tensors.end() ? 0 : last->second.shape.c;
    net.layers =
        inception_layers(variant, variant.classes > 0 ? variant.classes : own, weights.tensors.contains("nn0_w"));
    net.weights = std::make_shared<const Weights>(std::move(weights));
    net.image_size = variant.image_size;
    check_parameters(net);
    return net;
}

Net googlenet(Weights weights) {
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants)
        if (weights.variant == variant.name)
            return inception_net(variant, concat("GoogLeNet (", variant.name, ")"), std::move(weights));
    std::string known;
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants) known += concat(known.empty() ? "" : ", ", variant.name);
    throw Error(concat("weights ", weights.source, ": variant \"", weights.variant, "\" is not known; expected one of ",
                       known));
}

}  // namespace limpid
