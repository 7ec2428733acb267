// How windows lie on a map, as attributes of Conv and of pools.
#pragma once

#include "nets/onnx/graph_writer.h"

namespace limpid::onnx {

// kernel_shape, and of strides, pads or auto_pad, and dilations those that are not usual. pad=same of windows with a
// dilation, which onnxruntime refuses, are the numbers of the canonical size.
GraphWriter::Attributes window_attributes(GraphWriter& writer, const Layer& layer);
// The metadata of the node, once it is there.
void remark_windows(GraphWriter& writer, const Layer& layer);

}  // namespace limpid::onnx
