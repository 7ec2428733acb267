// Layer by layer, then what is said of the whole.
#include "nets/onnx/write_network.h"

#include <algorithm>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"
#include "weights/bytes.h"
#include "weights/file.h"
#include "weights/onnx.h"

namespace limpid {

namespace onnx {

const WrittenKind* find_written(const LayerKind* kind) {
    for (const auto table : {image_kinds(), linear_kinds(), pool_kinds(), channel_kinds(), activation_kinds(),
                             arithmetic_kinds(), movement_kinds()})
        if (const auto found = std::ranges::find(table, kind, &WrittenKind::kind); found != table.end()) return &*found;
    return nullptr;
}

}  // namespace onnx

namespace {

std::vector<std::string> outputs_of(const Architecture& a) {
    std::vector<std::string> outputs;
    const auto add = [&](const std::string& name) {
        if (!name.empty() && std::ranges::count(outputs, name) == 0) outputs.push_back(name);
    };
    add(a.logits);
    for (const Layer& layer : a.layers)
        if (layer.kind == &kinds::softmax && layer.inputs[0] == a.logits) add(layer.name);
    for (const std::string& output : a.outputs) add(output);
    if (outputs.empty()) add(a.layers.back().name);
    return outputs;
}

// The lines with a colon.
std::string properties_of(Architecture a) {
    a.layers.clear();
    return to_string(a);
}

std::map<std::string, std::string> metadata_of(const Architecture& a, const Weights& weights) {
    const Layer& input = a.input();
    const Shape image = a.image();
    std::map<std::string, std::string> metadata{
        {own_metadata::kFormat, "1"},
        {own_metadata::kProperties, properties_of(a)},
        {own_metadata::kSize, concat(image.h, "x", image.w)},
        {"Image.NominalPixelRange", "Normalized_0_1"},
    };
    if (image.c == 3) metadata["Image.BitmapPixelFormat"] = "Rgb8", metadata["Image.ColorSpaceGamma"] = "SRGB";
    std::string shown, labels;
    for (const double channel : input.numbers("shown")) shown += concat(shown.empty() ? "" : " ", int64_t(channel));
    if (!shown.empty()) metadata[own_metadata::kShown] = shown;
    for (const std::string& label : weights.labels) labels += label + "\n";
    if (!labels.empty()) metadata[kLabelsMetadata] = labels;
    return metadata;
}

}  // namespace

OnnxNetwork onnx_network(const Weights& weights) {
    const Architecture architecture = architecture_of(weights);
    check_weights(architecture, weights);
    onnx::GraphWriter writer(architecture, weights);
    for (const Layer& layer : architecture.layers) {
        const onnx::WrittenKind* written = onnx::find_written(layer.kind);
        CHECK(written, "kind ", layer.kind->name, " has no row in nets/onnx");
        writer.put(layer, written->write(writer, layer));
    }
    OnnxNetwork network;
    network.any_size = writer.any_size();
    const std::vector<std::string> outputs = outputs_of(architecture);
    for (const std::string& output : outputs) {
        const onnx::Value& value = writer.value(output);
        const Shape s = writer.shape(output);
        const bool open = network.any_size && !value.settled;
        network.outputs[output] =
            value.rank == 2 ? Dimensions{-1, s.c} : Dimensions{-1, s.c, open ? -1 : s.h, open ? -1 : s.w};
    }
    network.graph = writer.take();
    if (network.any_size)
        for (ImportInput& input : network.graph.inputs) input.shape[2] = input.shape[3] = -1;
    network.graph.name = architecture.name.empty() ? "network" : architecture.name;
    network.graph.outputs = outputs;
    network.graph.metadata = metadata_of(architecture, weights);
    return network;
}

std::string write_onnx_network(const Weights& weights) {
    OnnxNetwork network = onnx_network(weights);
    return write_onnx(std::move(network.graph), network.outputs);
}

void save_onnx_network(const std::string& path, const Weights& weights) {
    const std::string bytes = with_context(path, [&] { return write_onnx_network(weights); });
    write_file_atomically(path, as_bytes(bytes));
}

}  // namespace limpid
