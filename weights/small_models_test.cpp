// Builds the small weight files; part of the test program, not of the library.
#include "weights/small_models.h"

#include <algorithm>
#include <iterator>

namespace limpid::testing {
namespace {

// One AttrValue under its key.
WireWriter attribute(const std::string& key, const WireWriter& value) {
    return WireWriter().text(1, key).message(2, value);
}

WireWriter node(const std::string& name, const std::string& op) { return WireWriter().text(1, name).text(2, op); }

// Numbers of caffe.proto.
struct Operator {
    const char* name;
    uint32_t v1_number, v1_message, message;
};
constexpr Operator kOperators[] = {{"Data", 5, 36, 100},
                                   {"Convolution", 4, 10, 106},
                                   {"ReLU", 18, 30, 123},
                                   {"Pooling", 17, 19, 121},
                                   {"LRN", 15, 18, 118},
                                   {"Concat", 3, 9, 104},
                                   {"Softmax", 20, 39, 125},
                                   {"InnerProduct", 14, 17, 117},
                                   {"Split", 22, 999, 999},
                                   {"Dropout", 6, 12, 108},
                                   {"Eltwise", 25, 24, 110},
                                   {"TanH", 23, 37, 127},
                                   {"SoftmaxWithLoss", 21, 42, 101},
                                   {"Accuracy", 1, 27, 102}};

const Operator& operator_named(const std::string& name) {
    static constexpr Operator kUnknown{"", 38, 998, 998};
    const auto found = std::ranges::find(kOperators, name, &Operator::name);
    return found != std::end(kOperators) ? *found : kUnknown;
}

WireWriter blob_message(const CaffeBlob& blob) {
    WireWriter message;
    if (blob.legacy_shape) {
        for (uint32_t axis = 0; axis < 4; ++axis) {
            const size_t missing = 4 - blob.shape.size();
            message.integer(axis + 1, axis < missing ? 1 : uint64_t(blob.shape[axis - missing]));
        }
    } else {
        WireWriter dims;
        for (const int64_t length : blob.shape) dims.varint(uint64_t(length));
        message.message(7, WireWriter().text(1, dims.bytes()));
    }
    switch (blob.form) {
        case CaffeBlob::Form::packed:
            message.packed(5, blob.values);
            break;
        case CaffeBlob::Form::single:
            for (const float value : blob.values) message.number_f32(5, value);
            break;
        case CaffeBlob::Form::doubles:
            message.packed(8, std::vector<double>(blob.values.begin(), blob.values.end()));
            break;
    }
    return message;
}

WireWriter shape_message(const std::vector<int64_t>& shape) {
    WireWriter message;
    for (const int64_t length : shape) message.message(2, WireWriter().integer(1, uint64_t(length)));
    return message;
}

}  // namespace

KnownNetwork small_caffe_network() { return parse_network(kSmallTable, kSmallCaffeGraph); }
KnownNetwork small_graph_network() { return parse_network(kSmallGraphTable, kSmallGraph); }

std::vector<float> counting_values(int array, int64_t count) {
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) values.push_back(float(100 * array + i) / 1024);
    return values;
}

std::vector<SmallLayer> small_caffe_layers() {
    const auto integer = [](uint32_t field, uint64_t value) { return WireWriter().integer(field, value); };
    return {{"data", {}, "Data", {}, {"data", "label"}, {}, {}},
            {"conv1/2x3",
             {{{5, 4, 2, 3}, counting_values(1, 120)}, {{5}, counting_values(2, 5)}},
             "Convolution",
             {"data"},
             {"conv1/2x3"},
             integer(1, 5).integer(11, 2).integer(12, 3),
             {}},
            {"relu", {}, "ReLU", {"conv1/2x3"}, {"conv1/2x3"}, {}, {}},
            {"loss1/fc",
             {{{2, 12}, counting_values(5, 24)}, {{2}, counting_values(6, 2)}},
             "InnerProduct",
             {"conv1/2x3"},
             {"loss1/fc"},
             integer(1, 2),
             {}},
            {"loss3/classifier",
             {{{5, 4}, counting_values(3, 20)}, {{5}, counting_values(4, 5)}},
             "InnerProduct",
             {"conv1/2x3"},
             {"loss3/classifier"},
             integer(1, 5),
             {}}};
}

std::string v1_caffemodel(const std::vector<SmallLayer>& layers) {
    WireWriter net;
    net.text(1, "SmallNet");
    for (const SmallLayer& layer : layers) {
        WireWriter message;
        for (const std::string& bottom : layer.bottoms) message.text(2, bottom);
        for (const std::string& top : layer.tops) message.text(3, top);
        const Operator& op = operator_named(layer.type);
        message.text(4, layer.name).integer(5, op.v1_number);
        for (const CaffeBlob& blob : layer.blobs) message.message(6, blob_message(blob));
        message.number_f32(7, 1.0f);  // blobs_lr
        if (!layer.parameters.bytes().empty()) message.message(op.v1_message, layer.parameters);
        net.text(2, message.bytes() + layer.more.bytes());
    }
    return net.bytes();
}

std::string current_caffemodel(const std::vector<SmallLayer>& layers) {
    WireWriter net;
    net.text(1, "SmallNet");
    for (const SmallLayer& layer : layers) {
        WireWriter message;
        message.text(1, layer.name).text(2, layer.type);
        for (const std::string& bottom : layer.bottoms) message.text(3, bottom);
        for (const std::string& top : layer.tops) message.text(4, top);
        for (const CaffeBlob& blob : layer.blobs) message.message(7, blob_message(blob));
        message.integer(10, 1);  // phase
        if (!layer.parameters.bytes().empty()) message.message(operator_named(layer.type).message, layer.parameters);
        net.text(100, message.bytes() + layer.more.bytes());
    }
    return net.bytes();
}

std::vector<GraphConstant> small_graph_constants() {
    const std::map<std::string, HostTensor> tensors = small_tensors();
    std::vector<GraphConstant> constants;
    for (const auto& [name, tensor] : tensors) {
        const Shape& s = tensor.shape;
        const bool vector = name.ends_with("_b"), filter = name == "conv2d0_w";
        constants.push_back({name,
                             vector   ? std::vector<int64_t>{s.c}
                             : filter ? std::vector<int64_t>{s.n, s.h, s.w, s.c}
                                      : std::vector<int64_t>{s.w, s.c},
                             tensor.values});
    }
    return constants;
}

WireWriter const_node(const GraphConstant& constant) {
    WireWriter tensor;
    tensor.integer(1, 1).message(2, shape_message(constant.shape));
    switch (constant.form) {
        case GraphConstant::Form::content:
            tensor.packed(4, constant.values);
            break;
        case GraphConstant::Form::packed:
            tensor.packed(5, constant.values);
            break;
        case GraphConstant::Form::single:
            for (const float value : constant.values) tensor.number_f32(5, value);
            break;
    }
    return node(constant.name, "Const")
        .message(5, attribute("dtype", WireWriter().integer(6, 1)))
        .message(5, attribute("value", WireWriter().message(8, tensor)));
}

WireWriter int_const_node(const std::string& name, const std::vector<int64_t>& values) {
    WireWriter tensor, packed;
    for (const int64_t value : values) packed.varint(uint64_t(value));
    tensor.integer(1, 3)
        .message(2, values.size() == 1 ? WireWriter() : shape_message({int64_t(values.size())}))
        .text(7, packed.bytes());
    return with_type(node(name, "Const"), "dtype", 3).message(5, attribute("value", WireWriter().message(8, tensor)));
}

WireWriter op_node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs) {
    WireWriter result = node(name, op);
    for (const std::string& input : inputs) result.text(3, input);
    return result;
}

WireWriter with_integer(WireWriter node, const std::string& key, int64_t value) {
    return node.message(5, attribute(key, WireWriter().integer(3, uint64_t(value))));
}

WireWriter with_real(WireWriter node, const std::string& key, float value) {
    return node.message(5, attribute(key, WireWriter().number_f32(4, value)));
}

WireWriter with_text(WireWriter node, const std::string& key, const std::string& value) {
    return node.message(5, attribute(key, WireWriter().text(2, value)));
}

WireWriter with_type(WireWriter node, const std::string& key, uint64_t type) {
    return node.message(5, attribute(key, WireWriter().integer(6, type)));
}

WireWriter with_integers(WireWriter node, const std::string& key, const std::vector<int64_t>& values) {
    WireWriter packed;
    for (const int64_t value : values) packed.varint(uint64_t(value));
    return node.message(5, attribute(key, WireWriter().message(1, WireWriter().text(3, packed.bytes()))));
}

WireWriter lrn_node(const std::string& name, const std::string& input) {
    return with_real(with_real(with_integer(op_node("LRN", name, {input}), "depth_radius", 5), "bias", 2), "alpha",
                     1e-4f);
}

WireWriter conv_node(const std::string& name, const std::vector<int64_t>& strides, const std::string& padding) {
    return with_type(with_text(with_integers(op_node("Conv2D", name, {"input", "conv2d0_w"}), "strides", strides),
                               "padding", padding),
                     "T", 1);
}

std::string graph_file(const std::vector<WireWriter>& nodes) {
    WireWriter graph;
    for (const WireWriter& each : nodes) graph.message(1, each);
    graph.message(4, WireWriter().integer(1, 8));  // versions
    return graph.bytes();
}

std::vector<WireWriter> small_graph_nodes() {
    std::vector<WireWriter> nodes{node("input", "Placeholder")};
    for (const GraphConstant& constant : small_graph_constants()) nodes.push_back(const_node(constant));
    nodes.push_back(conv_node("conv2d0_pre_relu/conv", {1, 2, 2, 1}, "SAME"));
    nodes.push_back(lrn_node("localresponsenorm0", "conv2d0_pre_relu/conv:0"));
    nodes.push_back(int_const_node("mixed3a/concat_dim", {3}));
    nodes.push_back(op_node("Identity", "same", {"localresponsenorm0", "^input"}));
    nodes.push_back(op_node("Concat", "mixed3a", {"mixed3a/concat_dim", "same", "conv2d0_pre_relu/conv"}));
    nodes.push_back(int_const_node("head0_bottleneck/reshape/shape", {-1, 2048}));
    return nodes;
}

std::map<std::string, HostTensor> small_tensors() {
    HostTensor filter({2, 3, 4, 5}), matrix({1, 1, 12, 2}), classifier({1, 1, 4, 5});
    for (int64_t k = 0; k < 5; ++k) {
        for (int64_t c = 0; c < 4; ++c) {
            for (int64_t r = 0; r < 2; ++r) {
                for (int64_t s = 0; s < 3; ++s)
                    filter.at(r, s, c, k) = counting_values(1, 120)[size_t(k * 24 + c * 6 + r * 3 + s)];
            }
        }
    }
    // The file's columns run (c, h, w) over 2 x 2 x 3, our rows (h, w, c).
    for (int64_t out = 0; out < 2; ++out) {
        for (int64_t c = 0; c < 2; ++c) {
            for (int64_t h = 0; h < 2; ++h) {
                for (int64_t w = 0; w < 3; ++w) {
                    matrix.at(0, 0, h * 6 + w * 2 + c, out) =
                        counting_values(5, 24)[size_t(out * 12 + c * 6 + h * 3 + w)];
                }
            }
        }
    }
    for (int64_t out = 0; out < 5; ++out) {
        for (int64_t in = 0; in < 4; ++in) classifier.at(0, 0, in, out) = counting_values(3, 20)[size_t(out * 4 + in)];
    }
    return {{"conv2d0_w", filter},      {"conv2d0_b", HostTensor({1, 1, 1, 5}, counting_values(2, 5))},
            {"nn0_w", matrix},          {"nn0_b", HostTensor({1, 1, 1, 2}, counting_values(6, 2))},
            {"softmax2_w", classifier}, {"softmax2_b", HostTensor({1, 1, 1, 5}, counting_values(4, 5))}};
}

Weights small_weights() {
    Weights weights;
    weights.variant = "tiny";
    weights.source = "tiny.caffemodel";
    weights.source_sha256 = std::string(64, 'a');
    weights.tensors = small_tensors();
    weights.checksum = checksum_of(weights.tensors);
    weights.preprocessing = {{2, 1, 0}, 255.0f, {104.00698793f, 116.66876762f, 122.67891434f}};
    weights.labels = {"tench, Tinca tinca", "", "crane", "crane", "caf\xc3\xa9"};
    return weights;
}

}  // namespace limpid::testing
