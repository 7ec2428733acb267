// One setting after another.
#include "nets/onnx/windows.h"

#include "nets/layers/window.h"
#include "weights/onnx.h"

namespace limpid::onnx {

namespace {

bool is_spread(const Layer& layer) {
    return layer.says("pad", "same") && (layer.whole("dilation", 0) > 1 || layer.whole("dilation", 1) > 1);
}

}  // namespace

GraphWriter::Attributes window_attributes(GraphWriter& writer, const Layer& layer) {
    const auto pair = [&](const char* key) { return std::vector<int64_t>{layer.whole(key, 0), layer.whole(key, 1)}; };
    const std::vector<int64_t> ones{1, 1}, stride = pair("stride"), dilation = pair("dilation");
    GraphWriter::Attributes attributes{{"kernel_shape", pair("window")}};
    if (stride != ones) attributes["strides"] = stride;
    if (dilation != ones) attributes["dilations"] = dilation;
    if (is_spread(layer)) {
        const bool strides = stride != ones;
        if (strides && !writer.settled(layer)) writer.fix_size();
        const ops::ConvGeometry g = kinds::conv_geometry(layer, writer.shape(layer.inputs[0]));
        attributes["pads"] = std::vector<int64_t>{g.pad_top, g.pad_left, g.pad_bottom, g.pad_right};
        return attributes;
    }
    if (layer.says("pad", "same")) {
        attributes["auto_pad"] = std::string("SAME_UPPER");
        return attributes;
    }
    const size_t behind = layer.numbers("pad").size() == 4 ? 2 : 0;
    const std::vector<int64_t> pads{layer.whole("pad", 0), layer.whole("pad", 1), layer.whole("pad", behind),
                                    layer.whole("pad", behind + 1)};
    if (pads != std::vector<int64_t>(4, 0)) attributes["pads"] = pads;
    return attributes;
}

void remark_windows(GraphWriter& writer, const Layer& layer) {
    if (is_spread(layer)) writer.remark(own_metadata::kPad, "same");
}

}  // namespace limpid::onnx
