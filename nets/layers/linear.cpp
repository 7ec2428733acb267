// Layers that multiply by a filter or matrix L_w and add a bias L_b. With activation=relu a layer L adds L_pre_relu,
// the value before it; L_pre_relu/conv (of a layer without activation: L/conv) is the product alone.
//
//   y = conv(x, channels=64, window=7x7, stride=2x2, pad=3x3)     w {r,s,c,channels}; pad=same: TensorFlow's
//   y = conv(x, channels=64, groups=4)                            w {r,s,c/4,channels}: each fourth of the channels of
//                                                                 y sees that fourth of the channels of x alone. Where
//                                                                 each channel of x is a group, w is {r,s,c,m}, and
//                                                                 channel i*m+j of y is that of filter j on channel i
//   y = conv(x, channels=64, window=3x3, dilation=2x2)            the cells of a window lie 2 apart
//   y = dense(x, channels=1000)                                   w {1,1,h*w*c,channels}, of the map flattened as h w c.
//                                                                 Where another size of the image makes another map
//                                                                 the layer does not exist.
#include "graph/ops.h"
#include "kernels/error.h"
#include "nets/layers/grouped_conv.h"
#include "nets/layers/kinds.h"
#include "nets/layers/window.h"
#include "weights/layer_names.h"

namespace limpid::kinds {

namespace {

using Form = SettingRule::Form;

constexpr SettingRule kChannels{"channels", Form::whole, kRequired, 1, 1 << 24};
constexpr SettingRule kActivation{"activation", Form::word, "none", 0, 0, "none relu"};

constexpr SettingRule kGroups{"groups", Form::whole, "1", 1, 1 << 24};

constexpr SettingRule kConvSettings[] = {kChannels, kWindow, kStride, kPad, kGroups, kDilation, kActivation};
constexpr SettingRule kDenseSettings[] = {kChannels, kActivation};

// The layer's name before its activation, which a layer without one is itself.
std::string pre(const Layer& layer) { return layer.says("activation", "relu") ? pre_relu_of(layer.name) : layer.name; }

void finish(LayerBuilder& b, const Layer& layer, NodeId product, const char* part) {
    b.put(pre(layer) + part, product);
    const NodeId bias = b.parameter(bias_of(layer.name), {1, 1, 1, layer.whole("channels")});
    const NodeId biased = ops::add(b.graph, product, bias, pre(layer));
    b.put(pre(layer), biased);
    if (layer.says("activation", "relu")) b.put(layer.name, ops::relu(b.graph, biased, layer.name));
}

void build_conv(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const Shape x = b.graph.shape(in[0]);
    const int64_t channels = layer.whole("channels"), groups = layer.whole("groups");
    if (x.c % groups != 0 || channels % groups != 0)
        throw Error(concat("has ", groups, " groups for ", x.c, " channels and ", channels,
                           " filters, expected a number that divides both"));
    Shape filter{layer.whole("window", 0), layer.whole("window", 1), x.c / groups, channels};
    if (is_depthwise(x.c, groups)) filter = {filter.n, filter.h, x.c, channels / groups};
    NodeId w = b.parameter(weight_of(layer.name), filter);
    const int64_t dilation_y = layer.whole("dilation", 0), dilation_x = layer.whole("dilation", 1);
    const ops::ConvGeometry g = conv_geometry(layer, x);
    const std::string name = pre(layer) + "/conv";
    if (is_depthwise(x.c, groups)) {
        const NodeId product = ops::depthwise_conv2d(
            b.graph, in[0], w,
            {g.stride_y, g.stride_x, dilation_y, dilation_x, g.pad_top, g.pad_bottom, g.pad_left, g.pad_right}, name);
        b.count(product);
        return finish(b, layer, product, "/conv");
    }
    w = spread(b.graph, w, dilation_y, dilation_x);
    if (groups == 1) {
        const NodeId product = ops::conv2d(b.graph, in[0], w, g, name);
        b.count(product);
        return finish(b, layer, product, "/conv");
    }
    const GroupedConv product = grouped_conv(b.graph, in[0], w, groups, g, name);
    for (const NodeId part : product.multiplies) b.count(part);
    finish(b, layer, product.value, "/conv");
}

void build_dense(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    NodeId x = in[0];
    const Shape shape = b.graph.shape(x);
    const int64_t flat = shape.h * shape.w * shape.c;
    const NodeId w = b.parameter(weight_of(layer.name), {1, 1, flat, layer.whole("channels")});
    if (flat != b.graph.shape(w).w) return;
    if (flat != shape.c) {
        const std::string name = layer.inputs[0] + "/reshape";
        x = ops::reshape(b.graph, x, {shape.n, 1, 1, flat}, name);
        if (!b.find(name).valid()) b.put(name, x);  // else another dense layer of the same map has put it
    }
    const NodeId product = ops::matmul(b.graph, x, w, {}, pre(layer) + "/matmul");
    b.count(product);
    finish(b, layer, product, "/matmul");
}

}  // namespace

constinit const LayerKind conv{"conv", 1, 1, kConvSettings, build_conv, true};
constinit const LayerKind dense{"dense", 1, 1, kDenseSettings, build_dense};

}  // namespace limpid::kinds
