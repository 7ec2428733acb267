// The terms of the sums that each kind of layer computes.
#include "tests/onnx_vectors/rounding.h"

#include <algorithm>

#include "nets/layers/kind.h"
#include "weights/layer_names.h"

namespace limpid::testing {
namespace {

int64_t places(const Shape& shape) { return shape.h * shape.w * shape.c; }

// 0: nothing is rounded.
int64_t terms_of(const Net& net, const Layer& layer, const std::map<std::string, Shape>& shapes) {
    static constexpr std::string_view kExact[] = {"image",    "slice",    "pad",  "rearrange", "concat",
                                                  "alias",    "constant", "relu", "relu6",     "clip",
                                                  "max_pool", "max",      "min",  "neg",       "abs"};
    const std::string_view kind = layer.kind->name;
    if (std::ranges::count(kExact, kind) > 0) return 0;
    if (kind == "conv" || kind == "dense") {
        const Shape w = net.weights->tensors.at(weight_of(layer.name)).shape;
        const bool depthwise = kind == "conv" && layer.whole("groups") > 1 && w.w == layer.whole("groups");
        return depthwise ? w.n * w.h : w.n * w.h * w.w;
    }
    if (kind == "average_pool") return layer.whole("window", 0) * layer.whole("window", 1);
    if (kind == "reduce")
        return layer.says("by", "max") ? 0 : places(shapes.at(layer.inputs[0])) / places(shapes.at(layer.name));
    if (kind == "lrn") return 2 * layer.whole("radius") + 1;
    if (kind == "softmax" || kind == "log_softmax") return shapes.at(layer.name).c;
    return 1;
}

}  // namespace

Tolerance network_tolerance(const Net& net) {
    const std::map<std::string, Shape> shapes = shapes_of(net).layers;
    Tolerance tolerance;
    for (const Layer& layer : net.layers)
        if (const int64_t terms = terms_of(net, layer, shapes); terms > 0)
            tolerance.relative += sum_tolerance(terms).relative;
    return tolerance;
}

}  // namespace limpid::testing
