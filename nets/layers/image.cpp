// Where a network begins.
//
//   input = image(size=224x224, channels=3)         values in [0,1]; of three channels: RGB. Any other size will do,
//                                                   where the layers can; this one is canonical.
//   input = image(size=64, channels=13, shown=3 2 1)  three channels, from 0, that people see as red, green and blue;
//                                                   else the first three
//   g = grey(input)                                 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), of a network that sees no
//                                                   colours
//   x = normalise(input, scale=255, mean=117)       x[j] = scale[j] * input[order[j]] - mean[j]. One number stands for
//                                                   all channels; order=2 1 0 is a network that takes BGR.
#include <algorithm>
#include <limits>

#include "graph/ops.h"
#include "kernels/error.h"
#include "nets/layers/kinds.h"

namespace limpid::kinds {

namespace {

using Form = SettingRule::Form;

constexpr SettingRule kImageSettings[] = {
    {"size", Form::size, kRequired, 1, 65536},
    {"channels", Form::whole, kRequired, 1, 65536},
    {"shown", Form::wholes, "", 0, 65535},
};

constexpr double kLargest = std::numeric_limits<float>::max();
constexpr SettingRule kNormaliseSettings[] = {
    {"order", Form::wholes, "", 0, 65535},
    {"scale", Form::numbers, "1", -kLargest, kLargest},
    {"mean", Form::numbers, "0", -kLargest, kLargest},
};

// Images are given, never computed.
void build_image(LayerBuilder&, const Layer&, std::span<const NodeId>) {}

void build_grey(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    if (b.graph.shape(in[0]).c != 3)
        throw Error(concat("takes ", b.graph.shape(in[0]).c, " channels, expected the 3 of RGB"));
    const NodeId weights = b.graph.constant(HostTensor({1, 1, 3, 1}, {0.299f, 0.587f, 0.114f}));
    b.put(layer.name, ops::matmul(b.graph, in[0], weights, {}, layer.name));
}

bool uniform(const std::vector<double>& values) {
    return std::ranges::all_of(values, [&](double value) { return value == values[0]; });
}

// One number for each channel.
HostTensor by_channel(const std::vector<double>& values, int64_t channels, float sign) {
    HostTensor result({1, 1, 1, channels});
    for (size_t i = 0; i < result.values.size(); i++)
        result.values[i] = sign * float(values[values.size() == 1 ? 0 : i]);
    return result;
}

void build_normalise(LayerBuilder& b, const Layer& layer, std::span<const NodeId> in) {
    const auto &scale = layer.numbers("scale"), &mean = layer.numbers("mean"), &order = layer.numbers("order");
    const int64_t channels = b.graph.shape(in[0]).c;
    for (const auto* values : {&scale, &mean})
        if (values->size() != 1 && int64_t(values->size()) != channels)
            throw Error(concat("has ", values->size(), values == &scale ? " scales" : " means", ", expected 1 or ",
                               channels, ", one for each channel"));
    NodeId x = in[0];
    if (!order.empty()) {
        std::vector<double> sorted = order;
        std::ranges::sort(sorted);
        for (size_t j = 0; j < sorted.size() || int64_t(j) < channels; j++)
            if (int64_t(sorted.size()) != channels || sorted[j] != double(j))
                throw Error(concat("has an order of ", order.size(), " numbers, expected each of 0 to ", channels - 1,
                                   " once"));
        std::vector<NodeId> parts;
        for (const double source : order) parts.push_back(ops::slice_channels(b.graph, x, int64_t(source), 1));
        x = ops::concatenate(b.graph, std::move(parts), 3);
    }
    if (uniform(scale) && uniform(mean))
        return b.put(layer.name, ops::affine(b.graph, x, float(scale[0]), -float(mean[0]), layer.name));
    const NodeId factor =
        uniform(scale) ? b.graph.scalar(float(scale[0])) : b.graph.constant(by_channel(scale, channels, 1));
    b.put(layer.name, ops::ternary(b.graph, Ternary::multiply_add, x, factor,
                                   b.graph.constant(by_channel(mean, channels, -1)), layer.name));
}

}  // namespace

constinit const LayerKind image{"image", 0, 0, kImageSettings, build_image};
constinit const LayerKind grey{"grey", 1, 1, {}, build_grey};
constinit const LayerKind normalise{"normalise", 1, 1, kNormaliseSettings, build_normalise};

}  // namespace limpid::kinds
