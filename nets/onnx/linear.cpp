// Filters and matrices: Conv and Gemm; with activation=relu, LAYER_pre_relu and Relu.
#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"
#include "nets/onnx/windows.h"
#include "weights/layer_names.h"
#include "weights/layout.h"

namespace limpid::onnx {

namespace {

// What the product makes; finish adds the activation.
std::string before_activation(const Layer& layer) {
    return layer.says("activation", "relu") ? pre_relu_of(layer.name) : layer.name;
}

void finish(GraphWriter& w, const Layer& layer) {
    if (layer.says("activation", "relu")) w.node("Relu", {pre_relu_of(layer.name)}, layer.name);
}

std::string bias(GraphWriter& w, const Layer& layer) {
    const std::string name = bias_of(layer.name);
    return w.constant(name, tensor_of(w.parameter(name).values, {layer.whole("channels")}));
}

Value write_conv(GraphWriter& w, const Layer& layer) {
    const std::string name = weight_of(layer.name);
    const int64_t channels = layer.whole("channels"), groups = layer.whole("groups");
    HostTensor filter = w.parameter(name);
    // Depthwise, {r,s,c,m}: filter j of channel i makes channel i*m+j.
    filter.shape = {filter.shape.n, filter.shape.h, w.shape(layer.inputs[0]).c / groups, channels};
    const Shape f = filter.shape;
    GraphWriter::Attributes attributes = window_attributes(w, layer);
    if (groups != 1) attributes["group"] = groups;
    w.node("Conv",
           {w.map(layer.inputs[0]), w.constant(name, tensor_of(kcrs_from_rsck(filter), {f.c, f.w, f.n, f.h})),
            bias(w, layer)},
           before_activation(layer), std::move(attributes));
    remark_windows(w, layer);
    finish(w, layer);
    return {4, w.settled(layer)};
}

// Rows for a map that is flattened as c h w.
std::vector<float> rows_by_channel(const HostTensor& matrix, Shape map) {
    const int64_t out = matrix.shape.c;
    std::vector<float> rows;
    rows.reserve(matrix.values.size());
    for (int64_t c = 0; c < map.c; c++)
        for (int64_t place = 0; place < map.h * map.w; place++) {
            const float* row = &matrix.at(0, 0, place * map.c + c, 0);
            rows.insert(rows.end(), row, row + out);
        }
    return rows;
}

Value write_dense(GraphWriter& w, const Layer& layer) {
    const std::string &x = layer.inputs[0], name = weight_of(layer.name);
    const HostTensor& matrix = w.parameter(name);
    if (!w.value(x).settled) w.fix_size();
    w.node(
        "Gemm",
        {w.flat(x), w.constant(name, tensor_of(rows_by_channel(matrix, w.shape(x)), {matrix.shape.w, matrix.shape.c})),
         bias(w, layer)},
        before_activation(layer));
    finish(w, layer);
    return {2, true};
}

constexpr WrittenKind kLinearKinds[] = {{&kinds::conv, write_conv}, {&kinds::dense, write_dense}};

}  // namespace

std::span<const WrittenKind> linear_kinds() { return kLinearKinds; }

}  // namespace limpid::onnx
