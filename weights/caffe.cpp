// Reads a .caffemodel: a binary NetParameter, with layers of the deprecated V1 form or of the current one.
//
// Field numbers are those of caffe.proto. Blobs are kept as places in the file until the name table has accepted their
// shapes. What the layers compute is compared with the network that nets/ builds (graph_list.h).
#include <algorithm>

#include "weights/caffe_layers.h"
#include "weights/parameters.h"
#include "weights/readers.h"

namespace limpid {
namespace {

// Far more than any network has; they bound the bookkeeping that a file of a few bytes per record could ask for.
constexpr size_t kMostLayers = 10000, kMostLayerInputs = 16, kMostBlobAxes = 8;

constexpr const char* kRawData = "has its values as raw data, expected float or double";

const ParameterFormat kCaffeFormat{" weight", " bias", true};

std::vector<float> read_blob(const FoundParameter& parameter) {
    std::vector<float> values;
    values.reserve(static_cast<size_t>(checked_size(parameter.shape)));
    Message blob(parameter.record, parameter.offset);
    for (Field field; blob.next(field);) {
        if (field.number == 5) append_floats(field, values);
        if (field.number == 8) append_doubles(field, values);
    }
    return values;
}

FoundParameter parameter_in_blob(const Field& record) {
    FoundParameter parameter;
    parameter.record = record.bytes;
    parameter.offset = record.offset;
    parameter.read = read_blob;
    std::vector<int64_t> legacy(4, 0);
    bool has_legacy = false, has_shape = false, raw = false;
    uint64_t floats = 0, doubles = 0;
    Message blob = record.message();
    for (Field field; blob.next(field);) {
        switch (field.number) {
            case 1:
            case 2:
            case 3:
            case 4:  // num, channels, height, width
                // int32 in the format: a negative one is sign-extended to 64 bits, and stays negative here.
                legacy[field.number - 1] = static_cast<int64_t>(field.integer());
                has_legacy = true;
                break;
            case 5:
                floats += count_floats(field);
                break;
            case 8:
                doubles += count_doubles(field);
                break;
            case 7: {
                has_shape = true;
                Message shape = field.message();
                for (Field dim; shape.next(dim);) {
                    if (dim.number == 1) append_integers(dim, parameter.shape, kMostBlobAxes);
                }
                break;
            }
            case 12:  // NVIDIA's raw_data
                raw |= !field.content().empty();
                break;
            default:
                break;  // diff and double_diff: gradients of somebody's training
        }
    }
    if (!has_shape && has_legacy) parameter.shape = legacy;
    const int64_t size = checked_size(parameter.shape);
    if (raw && floats + doubles == 0) {
        parameter.fault = kRawData;
    } else if (floats > 0 && doubles > 0) {
        parameter.fault = "has values both as float and as double, expected one of them";
    } else if (!has_shape && !has_legacy) {
        parameter.fault = concat("has no shape, and ", floats + doubles, " values");
    } else if (size < 0 || static_cast<uint64_t>(size) != floats + doubles) {
        parameter.fault = concat("has ", floats + doubles, " values, but its shape is ", shape_text(parameter.shape));
    }
    return parameter;
}

void add_parameters(const CaffeLayer& layer, FoundParameters& found, Problems& problems) {
    for (size_t i = 0; i < layer.blobs.size(); ++i) {
        const std::string suffix = i == 0   ? kCaffeFormat.weight_suffix
                                   : i == 1 ? kCaffeFormat.bias_suffix
                                            : concat(" blob ", i);
        if (!found.emplace(layer.name + suffix, parameter_in_blob(layer.blobs[i])).second)
            problems.add(concat(printable(layer.name), suffix, " appears twice"));
    }
}

bool has_operator(const FoundNodes& nodes, std::string_view op) {
    return std::ranges::any_of(nodes, [&](const auto& each) { return each.second.op == op; });
}

// The likeliest reason why a file is not the known network, with what to do.
std::string probable_cause(const KnownNetwork& network, const CaffeGraph& graph, const FoundParameters& found,
                           std::string_view name) {
    if (std::ranges::any_of(found, [](const auto& each) { return each.second.fault == kRawData; }))
        return "its values are half precision, as NVIDIA's Caffe writes them; save it with float32 blobs";
    if (const std::string prefix = foreign_prefix(network.parameters, kCaffeFormat, found); !prefix.empty())
        return concat("its names begin with ", printable(prefix), "; remove that from the layers' names");
    if (has_operator(graph.nodes(), "BatchNorm") || has_operator(graph.nodes(), "BN"))
        return "it has batch normalisation, so it is another network than BVLC GoogLeNet, which alone is read";
    if (const int64_t classes = other_classes(network.parameters, kCaffeFormat, found); classes > 0)
        return concat("it is a GoogLeNet for ", classes, " classes; BVLC's for 1000 alone is read");
    const auto known = std::ranges::count_if(network.parameters, [&](const NameRow& row) {
        return found.contains(row.source + kCaffeFormat.weight_suffix);
    });
    if (known == 0)
        return concat("it is another network", name.empty() ? "" : concat(" (", printable(name), ")"),
                      " than BVLC GoogLeNet, which alone is read, or its layers were renamed");
    return "expected BVLC GoogLeNet as published, which alone is read; is this another network, or a fine-tuned copy "
           "with other layers?";
}

}  // namespace

Weights read_caffemodel(Bytes file, const KnownNetwork& network) {
    Weights weights;
    FoundParameters found;
    Problems problems;
    CaffeGraph graph(network.graph);
    std::string_view name;
    size_t layers = 0, v1_layers = 0, inputs = 0;
    Message net(file);
    for (Field field; net.next(field);) {
        if (field.number == 1) name = field.text();
        if (field.number == 3 && ++inputs <= kMostLayerInputs) graph.add_input(field);
        const bool v1 = field.number == 2, current = field.number == 100;
        if (!v1 && !current) continue;
        if (++layers > kMostLayers) {
            throw Error(concat("byte ", field.offset, ": more than ", kMostLayers,
                               " layers, expected about 150; the file is damaged, or no GoogLeNet"));
        }
        v1_layers += v1;
        add_parameters(graph.add(field, v1, problems), found, problems);
    }
    if (graph.has_v0_layers())
        throw Error(
            "is of Caffe's first form (V0), expected V1 or current layers; bring it up to date with Caffe's "
            "upgrade_net_proto_binary first");
    if (v1_layers > 0 && v1_layers < layers) problems.add("has layers of the V1 and of the current form, expected one");
    std::set<std::string> groups = groups_of(network.graph, graph.nodes());
    groups.merge(groups_of(network.parameters, kCaffeFormat, found));
    check_graph(network.graph, groups, graph.nodes(), problems);
    take_parameters(network.parameters, kCaffeFormat, groups, found, problems, weights);
    problems.throw_if_any(problems.empty() ? "" : probable_cause(network, graph, found, name));
    return weights;
}

}  // namespace limpid
