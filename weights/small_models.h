// Small weight files of every form that the importers accept, for tests and fuzz corpora.
//
// They hold a network of three layers (a 2x3 convolution, a matrix on a flattened 2x3x2 map, a classifier) described by
// kSmallTable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "weights/weights.h"
#include "weights/wire_writer.h"

namespace limpid::testing {

// Asymmetric in every axis, so that no swapped pair of axes goes unnoticed.
constexpr const char* kSmallTable =
    "conv2d0   2 3 4 5  conv1/2x3         conv   trunk\n"
    "softmax2  1 1 4 5  loss3/classifier  dense  trunk\n"
    "nn0       1 1 12 2 loss1/fc          2x3x2  head0\n";

// The same for graphs, where the names are ours.
constexpr const char* kSmallGraphTable =
    "conv2d0   2 3 4 5  conv2d0   conv   trunk\n"
    "softmax2  1 1 4 5  softmax2  dense  trunk\n"
    "nn0       1 1 12 2 nn0       2x3x2  head0\n";

// Values that identify their place: 100 * array + index, times 2^-10.
std::vector<float> counting_values(int array, int64_t count);

// One array as Caffe stores it.
struct CaffeBlob {
    std::vector<int64_t> shape;
    std::vector<float> values;
    enum class Form { packed, single, doubles } form = Form::packed;
    bool legacy_shape = false;  // num, channels, height, width instead of BlobShape
};
struct CaffeLayer {
    std::string name;
    std::vector<CaffeBlob> blobs;
};
std::vector<CaffeLayer> small_caffe_layers();
std::string v1_caffemodel(const std::vector<CaffeLayer>& layers);
std::string current_caffemodel(const std::vector<CaffeLayer>& layers);

// Nodes of a GraphDef.
struct GraphConstant {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> values;
    enum class Form { content, packed, single } form = Form::content;
};
std::vector<GraphConstant> small_graph_constants();
WireWriter const_node(const GraphConstant& constant);
WireWriter int_const_node(const std::string& name, const std::vector<int64_t>& values);
WireWriter lrn_node(const std::string& name, int64_t depth_radius, float bias, float alpha, float beta);
WireWriter conv_node(const std::string& name, const std::vector<int64_t>& strides, const std::string& padding);
WireWriter concat_node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs);
std::string graph_file(const std::vector<WireWriter>& nodes);
// The constants above, and the nodes around them as Lucid's graph has them.
std::vector<WireWriter> small_graph_nodes();

// What every one of these files holds, in our layout; head0 included.
std::map<std::string, HostTensor> small_tensors();
// The same as converted weights, for .h5 files.
Weights small_weights();

}  // namespace limpid::testing
