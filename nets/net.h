// A network as data: a list of layers and their parameters; `apply` turns an image into layers. Everything above talks
// to networks only through this header, so it works for any network that can be written as such a list.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "weights/weights.h"

namespace limpid {

// One row of a network's table. A convolution L adds the nodes L_pre_relu/conv, L_pre_relu and L; a concatenation M of
// such layers adds M and M_pre_relu, the branches before their ReLU: the node names of Lucid's graph.
struct LayerSpec {
    enum class Kind { conv, max_pool, average_pool, lrn, concat, dense, softmax, alias };
    // How windows are placed: TensorFlow SAME or VALID; Caffe: `pad` on all sides, pools round their size up.
    enum class Padding { same, valid, caffe };

    Kind kind = Kind::conv;
    std::string name;
    std::vector<std::string> inputs;
    int64_t channels = 0;  // conv, dense: outputs
    int64_t window = 1, stride = 1, pad = 0;
    Padding padding = Padding::same;
    bool relu = true;          // conv, dense
    bool whole_image = false;  // average_pool: at sizes other than the canonical one, take the mean of the whole map
                               // (not Lucid's graph)
    LrnParameters lrn;
};

struct Net {
    std::string name;  // "GoogLeNet (bvlc)"
    std::vector<LayerSpec> layers;
    std::shared_ptr<const Weights> weights;
    int64_t image_size = 224;  // canonical height and width
    std::string logits = "softmax2_pre_activation";
    // Parameters used instead of those of `weights`, by experiments. (`weights` are for RGB, whatever the network was
    // trained on: make_net turns the first filter and the preprocessing round; checksum and source stay the file's.)
    std::map<std::string, std::shared_ptr<const HostTensor>> replaced;

    const std::vector<std::string>& labels() const { return weights->labels; }
    std::shared_ptr<const HostTensor> parameter(const std::string& tensor) const;
};

// Every named node that the image's size allows, by name, and "input": the image itself.
using Layers = std::map<std::string, NodeId>;

// Adds the network to the graph. image {N,h,w,3}: RGB in [0,1]. Layers that cannot exist at this size (the auxiliary
// heads flatten a 4x4 map) are left out; asking for them is an error that says so.
Layers apply(const Net& net, Graph& graph, NodeId image);
// The same from layers that are given, by name: only what can be computed from them is added. {"input", image} is the
// whole network; {"mixed4d", x} is what lies behind mixed4d, for x {N,h,w,528} of any origin. A given layer is never
// computed, whatever else is given. Throws Error when a given name is not that of a row of the table, or when x has
// another number of channels.
//
// parameters: nodes that stand for tensors of the weights, by name: training feeds them anew at each run.
using Parameters = std::map<std::string, NodeId>;
Layers apply(const Net& net, Graph& graph, Layers given, const Parameters& parameters = {});

// The parameters that a table's rows need: name and shape.
std::map<std::string, Shape> parameter_shapes(const std::vector<LayerSpec>& layers);

// The node of that name; UsageError with the nearest known names.
NodeId layer(const Net& net, const Layers& layers, const std::string& name);
// The layer in front of its ReLU, where it has one of that name ("mixed4a_pre_relu"), else the layer: what a unit can
// be driven below zero in.
std::string before_relu(const Net& net, const std::string& layer);

// Index of the output called `label`: a number, a label, or else one of the comma-separated synonyms, in any case.
// UsageError with the nearest names, or with all classes of that name where there are several.
int64_t find_class(const Net& net, const std::string& label);

// What `limpid info` shows: per layer with parameters or arithmetic.
struct LayerInfo {
    std::string name;
    Shape shape;
    int64_t parameters = 0, multiply_adds = 0;
};
std::vector<LayerInfo> describe(const Net& net, int64_t height, int64_t width);

// The network that these weights belong to, by their variant. Throws Error listing every parameter that is missing or
// misshapen.
Net make_net(Weights weights);

}  // namespace limpid
