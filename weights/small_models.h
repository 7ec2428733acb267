// Small weight files of every form that the importers accept, for tests and fuzz corpora.
//
// They hold a network of three layers (a 2x3 convolution, a matrix on a flattened 2x3x2 map, a classifier) described by
// kSmallTable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "weights/graph_list.h"
#include "weights/weights.h"
#include "weights/wire_writer.h"

namespace limpid::testing {

// Asymmetric in every axis, so that no swapped pair of axes goes unnoticed.
constexpr const char* kSmallTable =
    "conv2d0   2 3 4 5  conv1/2x3         conv   trunk\n"
    "softmax2  1 1 4 5  loss3/classifier  dense  trunk\n"
    "nn0       1 1 12 2 loss1/fc          2x3x2  head0\n";
constexpr const char* kSmallCaffeGraph =
    "harmless 5 6 7 10 11\n"
    "harmless_v1 6 7 8 35 1001 1002\n"
    "operator Data source 5\n"
    "operator Convolution layer 4\n"
    "message 106 10\n"
    "1 num_output integer -\n"
    "3 pad sizes 0x0\n"
    "4 kernel sizes -\n"
    "11 kernel size_h\n"
    "12 kernel size_w\n"
    "operator ReLU layer 18\n"
    "operator InnerProduct layer 14\n"
    "message 117 17\n"
    "1 num_output integer -\n"
    "node trunk conv1/2x3 Convolution data num_output=5 kernel=2x3\n"
    "node trunk relu ReLU conv1/2x3\n"
    "node head0 loss1/fc InnerProduct relu num_output=2\n"
    "node trunk loss3/classifier InnerProduct relu num_output=5\n";

// The same for graphs, where the names are ours.
constexpr const char* kSmallGraphTable =
    "conv2d0   2 3 4 5  conv2d0   conv   trunk\n"
    "softmax2  1 1 4 5  softmax2  dense  trunk\n"
    "nn0       1 1 12 2 nn0       2x3x2  head0\n";
constexpr const char* kSmallGraph =
    "operator Placeholder layer\n"
    "operator Const layer\n"
    "dtype type - int32\n"
    "value tensor -\n"
    "operator Conv2D layer\n"
    "T type - float32\n"
    "strides integers - 1,2,2,1\n"
    "padding text - SAME\n"
    "data_format text NHWC\n"
    "operator LRN layer\n"
    "depth_radius integer 5\n"
    "bias real 1 2\n"
    "alpha real 1 0.0001\n"
    "beta real 0.5\n"
    "operator Concat layer\n"
    "operator Identity pass\n"
    "node trunk input Placeholder -\n"
    "node trunk conv2d0_pre_relu/conv Conv2D input,conv2d0_w\n"
    "node trunk localresponsenorm0 LRN conv2d0_pre_relu/conv\n"
    "node trunk mixed3a/concat_dim Const - value=3\n"
    "node trunk mixed3a Concat mixed3a/concat_dim,localresponsenorm0,conv2d0_pre_relu/conv\n"
    "node head0 head0_bottleneck/reshape/shape Const - value=-1,2048\n";

KnownNetwork small_caffe_network();
KnownNetwork small_graph_network();

// Values that identify their place: 100 * array + index, times 2^-10.
std::vector<float> counting_values(int array, int64_t count);

// One array as Caffe stores it.
struct CaffeBlob {
    std::vector<int64_t> shape;
    std::vector<float> values;
    enum class Form { packed, single, doubles } form = Form::packed;
    bool legacy_shape = false;  // num, channels, height, width instead of BlobShape
};
struct SmallLayer {
    std::string name;
    std::vector<CaffeBlob> blobs;
    std::string type;
    std::vector<std::string> bottoms, tops;
    WireWriter parameters;  // the message of the operator; not written when empty
    WireWriter more;        // further fields of the layer, as they are
};
std::vector<SmallLayer> small_caffe_layers();
std::string v1_caffemodel(const std::vector<SmallLayer>& layers);
std::string current_caffemodel(const std::vector<SmallLayer>& layers);

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
WireWriter op_node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs);
// With one more attribute: an AttrValue of an integer, a real, a text, a type, a list of integers.
WireWriter with_integer(WireWriter node, const std::string& key, int64_t value);
WireWriter with_real(WireWriter node, const std::string& key, float value);
WireWriter with_text(WireWriter node, const std::string& key, const std::string& value);
WireWriter with_type(WireWriter node, const std::string& key, uint64_t type);
WireWriter with_integers(WireWriter node, const std::string& key, const std::vector<int64_t>& values);
WireWriter lrn_node(const std::string& name, const std::string& input);
WireWriter conv_node(const std::string& name, const std::vector<int64_t>& strides, const std::string& padding);
std::string graph_file(const std::vector<WireWriter>& nodes);
// The constants above, and the nodes around them as Lucid's graph has them.
std::vector<WireWriter> small_graph_nodes();

// What every one of these files holds, in our layout; head0 included.
std::map<std::string, HostTensor> small_tensors();
// The same as converted weights, for .h5 files.
Weights small_weights();

}  // namespace limpid::testing
