// The picture, and what becomes of it first.
//
//   image        an input {N,C,H,W}
//   grey         Conv of one place, without bias
//   normalise    Gather of the channels in their order, Mul by the scale, Sub of the mean
#include <algorithm>

#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"

namespace limpid::onnx {

namespace {

Value write_image(GraphWriter& w, const Layer& layer) {
    const Shape s = w.shape(layer.name);
    w.input(layer, {-1, s.c, s.h, s.w});
    return {4, false};
}

Value write_grey(GraphWriter& w, const Layer& layer) {
    const std::vector<float> parts{0.299f, 0.587f, 0.114f};  // as nets/layers/image.cpp
    const std::string weights = w.constant(part_of(layer, "weights"), tensor_of(parts, {1, 3, 1, 1}));
    w.node("Conv", {w.map(layer.inputs[0]), weights}, layer.name, {{"kernel_shape", std::vector<int64_t>{1, 1}}});
    return {4, w.settled(layer)};
}

// One number for all channels, or one for each.
ImportTensor numbers_for_channels(const std::vector<double>& numbers) {
    const std::vector<float> values(numbers.begin(), numbers.end());
    const int64_t count = int64_t(values.size());
    return tensor_of(values, count == 1 ? Dimensions{} : Dimensions{count, 1, 1});
}

Value write_normalise(GraphWriter& w, const Layer& layer) {
    std::string x = w.map(layer.inputs[0]);
    const std::vector<double>& order = layer.numbers("order");
    if (!order.empty()) {
        const std::string places = w.wholes(part_of(layer, "order"), {order.begin(), order.end()});
        x = w.node("Gather", {x, places}, part_of(layer, "ordered"), {{"axis", int64_t(1)}});
    }
    const std::string scale = w.constant(part_of(layer, "scale"), numbers_for_channels(layer.numbers("scale"))),
                      mean = w.constant(part_of(layer, "mean"), numbers_for_channels(layer.numbers("mean")));
    w.node("Sub", {w.node("Mul", {x, scale}, part_of(layer, "scaled")), mean}, layer.name);
    return {4, w.settled(layer)};
}

constexpr WrittenKind kImageKinds[] = {
    {&kinds::image, write_image},
    {&kinds::grey, write_grey},
    {&kinds::normalise, write_normalise},
};

}  // namespace

std::span<const WrittenKind> image_kinds() { return kImageKinds; }

}  // namespace limpid::onnx
