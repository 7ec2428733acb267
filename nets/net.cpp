// The interpreter of layer tables.
#include "nets/net.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "graph/ops.h"
#include "kernels/error.h"
#include "nets/googlenet.h"
#include "nets/nearest.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "nets/trimmed.h"

namespace limpid {

namespace {

using Kind = LayerSpec::Kind;
using Placement = LayerSpec::Padding;

constexpr std::array<int, 3> kRgb{0, 1, 2};

ops::ConvGeometry conv_geometry(const LayerSpec& spec, Shape x) {
    if (spec.padding == Placement::same) return ops::same_geometry(x, spec.window, spec.window, spec.stride);
    ops::ConvGeometry g;
    g.stride_y = g.stride_x = spec.stride;
    if (spec.padding == Placement::caffe) g.pad_top = g.pad_bottom = g.pad_left = g.pad_right = spec.pad;
    return g;
}

ops::PoolGeometry pool_geometry(const LayerSpec& spec, Shape x) {
    switch (spec.padding) {
        case Placement::same:
            return ops::same_pool(x, spec.window, spec.stride);
        case Placement::valid:
            return ops::valid_pool(x, spec.window, spec.stride);
        case Placement::caffe:
            return ops::caffe_pool(x, spec.window, spec.stride, spec.pad);
    }
    CHECK(false);
}

// softmax2_pre_activation's parameters are called softmax2_w and softmax2_b.
std::string stem(const LayerSpec& spec) {
    const std::string suffix = "_pre_activation";
    return spec.name.ends_with(suffix) ? spec.name.substr(0, spec.name.size() - suffix.size()) : spec.name;
}

class Builder {
  public:
    Builder(const Net& net, Graph& graph, Layers given, const Parameters& parameters)
        : net_(net), graph_(graph), parameters_(parameters), layers_(std::move(given)) {
        if (layers_.contains("input") && !layers_.contains("preprocessed"))
            layers_["preprocessed"] = preprocess(layers_.at("input"));
        for (const LayerSpec& spec : net.layers)
            if (!layers_.contains(spec.name)) with_context(spec.name, [&] { add(spec); });
    }
    Layers take() { return std::move(layers_); }

  private:
    // x = 255*t - mean, in RGB order: that of every Net.
    NodeId preprocess(NodeId image) {
        const Preprocessing& p = net_.weights->preprocessing;
        if (p.mean[0] == p.mean[1] && p.mean[1] == p.mean[2])
            return ops::affine(graph_, image, p.scale, -p.mean[0], "preprocessed");
        CHECK(p.source == kRgb);
        HostTensor shift({1, 1, 1, 3}, {-p.mean[0], -p.mean[1], -p.mean[2]});
        return ops::ternary(graph_, Ternary::multiply_add, image, graph_.scalar(p.scale),
                            graph_.constant(std::move(shift)), "preprocessed");
    }

    NodeId parameter(const std::string& name) {
        const auto given = parameters_.find(name);
        return given != parameters_.end() ? given->second : graph_.constant(net_.parameter(name), name);
    }

    void add(const LayerSpec& spec) {
        std::vector<NodeId> in;
        for (const std::string& name : spec.inputs) {
            const auto found = layers_.find(name);
            if (found == layers_.end()) return;  // its source does not exist at this size, or lies before what is given
            in.push_back(found->second);
        }
        const Shape x = graph_.shape(in[0]);
        switch (spec.kind) {
            case Kind::conv:
                return activate(spec, ops::conv2d(graph_, in[0], parameter(spec.name + "_w"), conv_geometry(spec, x),
                                                  pre(spec) + "/conv"));
            case Kind::dense:
                return add_dense(spec, in[0]);
            case Kind::max_pool:
                return put(spec.name, ops::max_pool(graph_, in[0], pool_geometry(spec, x), spec.name));
            case Kind::average_pool:
                return add_average(spec, in[0]);
            case Kind::lrn:
                return put(spec.name, ops::lrn(graph_, in[0], spec.lrn, spec.name));
            case Kind::softmax:
                return put(spec.name, ops::softmax(graph_, in[0], spec.name));
            case Kind::alias:
                return put(spec.name, in[0]);
            case Kind::concat: {
                put(spec.name, ops::concatenate(graph_, in, 3, spec.name));
                std::vector<NodeId> before;
                for (const std::string& name : spec.inputs)
                    if (const auto found = layers_.find(name + "_pre_relu"); found != layers_.end())
                        before.push_back(found->second);
                if (before.size() == in.size())
                    put(spec.name + "_pre_relu", ops::concatenate(graph_, before, 3, spec.name + "_pre_relu"));
                return;
            }
        }
    }

    // The value in front of the activation: "mixed3a_1x1_pre_relu"; a layer without ReLU is its own.
    static std::string pre(const LayerSpec& spec) { return spec.relu ? spec.name + "_pre_relu" : spec.name; }

    void activate(const LayerSpec& spec, NodeId linear) {
        put(pre(spec) + (spec.kind == Kind::conv ? "/conv" : "/matmul"), linear);
        const NodeId biased = ops::add(graph_, linear, parameter(bias_name(spec)), pre(spec));
        put(pre(spec), biased);
        if (spec.relu) put(spec.name, ops::relu(graph_, biased, spec.name));
    }

    static std::string bias_name(const LayerSpec& spec) { return stem(spec) + "_b"; }

    void add_dense(const LayerSpec& spec, NodeId x) {
        const NodeId w = parameter(stem(spec) + "_w");
        const Shape shape = graph_.shape(x);
        const int64_t flat = shape.h * shape.w * shape.c;
        if (flat != graph_.shape(w).w) return;  // another image size: this head does not exist
        if (flat != shape.c) {
            x = ops::reshape(graph_, x, {shape.n, 1, 1, flat}, spec.inputs[0] + "/reshape");
            put(spec.inputs[0] + "/reshape", x);
        }
        activate(spec, ops::matmul(graph_, x, w, {}, pre(spec) + "/matmul"));
    }

    void add_average(const LayerSpec& spec, NodeId x) {
        const Shape shape = graph_.shape(x);
        if (spec.whole_image && (shape.h != spec.window || shape.w != spec.window))
            return put(spec.name, ops::reduce(graph_, Reduce::mean, {false, true, true, false}, x, spec.name));
        const ops::PoolGeometry geometry = pool_geometry(spec, shape);
        if (geometry.p < 1 || geometry.q < 1) return;  // too small for this head
        put(spec.name, ops::average_pool(graph_, x, geometry, spec.name));
    }

    void put(const std::string& name, NodeId id) { layers_[name] = id; }

    const Net& net_;
    Graph& graph_;
    const Parameters& parameters_;
    Layers layers_;
};

std::string lower(std::string text) {
    for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// The synonyms of a label, which commas separate.
std::vector<std::string> synonyms(const std::string& label) {
    std::vector<std::string> names;
    for (size_t begin = 0; begin <= label.size();) {
        const size_t comma = std::min(label.find(',', begin), label.size());
        names.push_back(trimmed(label.substr(begin, comma - begin)));
        begin = comma + 1;
    }
    return names;
}

// Input channels in RGB order, so that x'[source[j]] meets the filter that x[j] met.
HostTensor filter_in_rgb(const HostTensor& filter, const std::array<int, 3>& source) {
    HostTensor result(filter.shape);
    for (int64_t r = 0; r < filter.shape.n; r++)
        for (int64_t s = 0; s < filter.shape.h; s++)
            for (int64_t j = 0; j < 3; j++)
                for (int64_t k = 0; k < filter.shape.c; k++)
                    result.at(r, s, source[size_t(j)], k) = filter.at(r, s, j, k);
    return result;
}

// The weights for images in RGB order. The checksum stays that of the file, by which reports and caches know it.
Weights weights_in_rgb(Weights weights, const std::vector<LayerSpec>& layers) {
    Preprocessing& p = weights.preprocessing;
    for (const LayerSpec& spec : layers) {
        if (spec.kind != Kind::conv || spec.inputs[0] != "preprocessed") continue;
        const auto filter = weights.tensors.find(spec.name + "_w");
        if (filter == weights.tensors.end() || filter->second.shape.w != 3)
            throw Error(concat("weights ", weights.source, ": no ", spec.name,
                               "_w for 3 channels, expected it; is the variant ", weights.variant, " right?"));
        filter->second = filter_in_rgb(filter->second, p.source);
    }
    const std::array<float, 3> mean = p.mean;
    for (size_t j = 0; j < 3; j++) p.mean[size_t(p.source[j])] = mean[j];
    p.source = kRgb;
    return weights;
}

// Output channels of every row; those of pools and the like are those of their sources.
std::map<std::string, int64_t> channel_counts(const Net& net) {
    std::map<std::string, int64_t> counts{{"input", 3}, {"preprocessed", 3}};
    for (const LayerSpec& spec : net.layers) {
        int64_t sum = 0;
        for (const std::string& input : spec.inputs) sum += counts[input];
        counts[spec.name] = spec.kind == Kind::conv || spec.kind == Kind::dense ? spec.channels : sum;
    }
    return counts;
}

}  // namespace

std::shared_ptr<const HostTensor> Net::parameter(const std::string& tensor) const {
    if (const auto found = replaced.find(tensor); found != replaced.end()) return found->second;
    const auto found = weights->tensors.find(tensor);
    if (found == weights->tensors.end())
        throw Error(concat("weights ", weights->source, ": parameter ", tensor, " is missing; is the variant ",
                           weights->variant, " right?"));
    return {weights, &found->second};
}

Layers apply(const Net& net, Graph& graph, NodeId image) { return apply(net, graph, Layers{{"input", image}}); }

Layers apply(const Net& net, Graph& graph, Layers given, const Parameters& parameters) {
    const std::map<std::string, int64_t> counts = channel_counts(net);
    for (const auto& [name, id] : given) {
        const auto count = counts.find(name);
        if (count == counts.end()) {
            std::vector<std::string> names;
            for (const auto& [known, channels] : counts) names.push_back(known);
            throw Error(concat("layer \"", name, "\" cannot be given to ", net.name, "; did you mean ",
                               nearest_names(name, names), "?"));
        }
        if (name == "input" && graph.shape(id).c != 3)
            throw UsageError(concat("the image has ", graph.shape(id).c, " channels, ", net.name, " takes 3: ",
                                    graph.shape(id).c == 4
                                        ? "no network sees opacity; add collapse_alpha to the transforms, or use the "
                                          "set alpha"
                                        : "images of other channels are for networks of your own, in C++"));
        if (graph.shape(id).c != count->second)
            throw Error(concat("layer ", name, " is given with shape ", graph.shape(id), ", expected ", count->second,
                               " channels"));
    }
    return Builder(net, graph, std::move(given), parameters).take();
}

std::map<std::string, Shape> parameter_shapes(const std::vector<LayerSpec>& layers) {
    std::map<std::string, int64_t> width{{"preprocessed", 3}};
    std::map<std::string, Shape> shapes;
    for (const LayerSpec& spec : layers) {
        int64_t in = 0;
        for (const std::string& input : spec.inputs) in += width[input];
        const bool conv = spec.kind == Kind::conv, dense = spec.kind == Kind::dense;
        width[spec.name] = conv || dense ? spec.channels : in;
        if (conv) shapes[spec.name + "_w"] = {spec.window, spec.window, in, spec.channels};
        // The auxiliary heads flatten a 4x4 map.
        if (dense) shapes[stem(spec) + "_w"] = {1, 1, spec.relu ? in * 16 : in, spec.channels};
        if (conv || dense) shapes[stem(spec) + "_b"] = {1, 1, 1, spec.channels};
    }
    return shapes;
}

NodeId layer(const Net& net, const Layers& layers, const std::string& name) {
    if (const auto found = layers.find(name); found != layers.end()) return found->second;
    for (const LayerSpec& spec : net.layers)
        if (spec.name == name || spec.name + "_pre_relu" == name)
            throw UsageError(concat("layer ", name, " does not exist at this image size; it needs ", net.image_size,
                                    "x", net.image_size));
    std::vector<std::string> names;
    for (const auto& [known, id] : layers) names.push_back(known);
    throw UsageError(concat("layer \"", name, "\" is not in ", net.name, "; did you mean ", nearest_names(name, names),
                            "? (limpid info lists all)"));
}

std::string before_relu(const Net& net, const std::string& layer) {
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, net.image_size, net.image_size, 3}));
    const std::string before = layer + "_pre_relu";
    return layers.contains(before) ? before : layer;
}

int64_t find_class(const Net& net, const std::string& label) {
    const std::vector<std::string>& labels = net.labels();
    int64_t outputs = int64_t(labels.size());
    for (const LayerSpec& spec : net.layers)
        if (spec.name == net.logits) outputs = spec.channels;
    int64_t index = -1;
    const char *begin = label.data(), *end = begin + label.size();
    if (const auto parsed = std::from_chars(begin, end, index); parsed.ptr == end && parsed.ec == std::errc()) {
        if (index < 0 || index >= outputs)
            throw UsageError(concat("class ", index, " is not one of the outputs 0..", outputs - 1, " of ", net.name));
        return index;
    }
    const std::string wanted = lower(trimmed(label));
    std::vector<std::string> names;
    std::vector<int64_t> found, found_by_synonym;
    for (size_t i = 0; i < labels.size(); i++) {
        if (labels[i].empty()) continue;
        if (lower(labels[i]) == wanted) found.push_back(int64_t(i));
        const std::vector<std::string> more = synonyms(labels[i]);
        if (std::ranges::count(more, wanted, lower) > 0) found_by_synonym.push_back(int64_t(i));
        names.insert(names.end(), more.begin(), more.end());
    }
    // "missile" is that class rather than "projectile, missile".
    if (found.empty()) found = found_by_synonym;
    if (found.size() == 1) return found[0];
    if (!found.empty()) {
        std::string candidates;
        for (const int64_t i : found)
            candidates += concat(candidates.empty() ? "" : ", ", i, " (", labels[size_t(i)], ")");
        throw UsageError(
            concat("class \"", label, "\" may be ", candidates, "; give its number, as in class:", found[0]));
    }
    if (labels.empty())
        throw UsageError(
            concat("class \"", label, "\": these weights carry no labels; give a number, or convert with --labels"));
    throw UsageError(concat("class \"", label, "\" is not a label of ", net.name, "; did you mean ",
                            nearest_names(label, names), "?"));
}

std::vector<LayerInfo> describe(const Net& net, int64_t height, int64_t width) {
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, height, width, 3}));
    std::vector<LayerInfo> result;
    for (const LayerSpec& spec : net.layers) {
        const auto found = layers.find(spec.name);
        if (found == layers.end() || spec.kind == Kind::alias) continue;
        LayerInfo info{spec.name, graph.shape(found->second), 0, 0};
        if (spec.kind == Kind::conv || spec.kind == Kind::dense) {
            const std::string pre = spec.relu ? spec.name + "_pre_relu" : spec.name;
            const Node& linear = graph[layers.at(pre + (spec.kind == Kind::conv ? "/conv" : "/matmul"))];
            const Shape x = graph.shape(linear.inputs[0]), w = graph.shape(linear.inputs[1]), shapes[] = {x, w};
            info.parameters = w.size() + info.shape.c;
            info.multiply_adds = int64_t(linear.op->cost(shapes, linear.shape).operations / 2);
        }
        result.push_back(info);
    }
    return result;
}

Net make_net(Weights weights) {
    Net net;
    if (weights.variant == "tiny") {
        net = tiny(std::move(weights));
    } else if (weights.variant == kPatternsVariant.name) {
        net = patterns(std::move(weights));
    } else {
        net = googlenet(std::move(weights));
    }
    if (net.weights->preprocessing.source != kRgb)
        net.weights = std::make_shared<const Weights>(weights_in_rgb(*net.weights, net.layers));
    return net;
}

}  // namespace limpid
