// A network and its parameters as an ONNX model, for other programs and for ours.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "weights/import_graph.h"
#include "weights/weights.h"

namespace limpid {

// As a graph: what is fed is `input` {N,C,H,W}, a picture in [0,1], of three channels RGB; preparing it is part of the
// graph. Outputs are the logits, their softmax where the network has one, and its other outputs; values are called as
// the layers. N is any number of pictures; H and W are any size where all layers mean the same at every size, else the
// canonical one.
struct OnnxNetwork {
    ImportGraph graph;
    std::map<std::string, Dimensions> outputs;  // their shapes; -1: any size
    bool any_size = false;
};
OnnxNetwork onnx_network(const Weights& weights);

// The bytes of the file, which are the same for the same weights. import_weights reads the network back as it is.
std::string write_onnx_network(const Weights& weights);
// Written atomically, as save_weights does.
void save_onnx_network(const std::string& path, const Weights& weights);

}  // namespace limpid
