// A network: an architecture (layers as text) and their parameters; `apply` turns an image into layers. Everything above
// talks to networks only through this header, so it works for any network that can be written as such a text.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "nets/architecture.h"
#include "nets/layers/layer_builder.h"
#include "weights/weights.h"

namespace limpid {

// Inherits, because it is an architecture to everyone who looks at layers: to_string(net) is its text.
struct Net : Architecture {
    // For images in RGB order, whatever the network was trained on; checksum and source stay the file's.
    std::shared_ptr<const Weights> weights;
    // Parameters used instead of those of `weights`, by experiments.
    std::map<std::string, std::shared_ptr<const HostTensor>> replaced;

    const std::vector<std::string>& labels() const { return weights->labels; }
    std::shared_ptr<const HostTensor> parameter(const std::string& tensor) const;
};

// Adds the network to the graph. image {N,h,w,c}: in [0,1]; of three channels, RGB. Layers that cannot exist at this
// size (the auxiliary heads flatten a 4x4 map) are left out; asking for them is an error that says so.
Layers apply(const Net& net, Graph& graph, NodeId image);
// The same from layers that are given, by name: only what can be computed from them is added. {"input", image} is the
// whole network; {"mixed4d", x} is what comes after mixed4d, for x {N,h,w,528} of any origin. A given layer is never
// computed, whatever else is given. Throws Error when a given name is not that of a layer of the text, or when x has
// another number of channels.
//
// parameters: nodes that stand for tensors of the weights, by name: training feeds them anew at each run.
using Parameters = std::map<std::string, NodeId>;
Layers apply(const Net& net, Graph& graph, Layers given, const Parameters& parameters = {});

// The node of that name; UsageError with the nearest known names.
NodeId layer(const Net& net, const Layers& layers, const std::string& name);
// The layer before its ReLU, where it has one of that name ("mixed4a_pre_relu"), else the layer: what a unit can
// be driven below zero in.
std::string before_relu(const Net& net, const std::string& layer);

// The layer that is asked for, unless that is empty; then the first of default_layers for that purpose.
std::string usual_layer(const Net& net, const std::string& asked, const std::string& purpose = "");

// Index of the output called `label`: a number, a label, or else one of the comma-separated synonyms, in any case.
// UsageError with the nearest names, or with all classes of that name where there are several.
int64_t find_class(const Net& net, const std::string& label);

// Every layer that exists at this size, in order of the text.
std::vector<LayerInfo> describe(const Net& net, int64_t height, int64_t width);

// The network that these weights belong to: that of their text, else of their variant. Throws Error listing every
// parameter that is missing or misshapen.
Net make_net(Weights weights);

}  // namespace limpid
