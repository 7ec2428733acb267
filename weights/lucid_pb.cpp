// Reads Lucid's frozen InceptionV1: a binary TensorFlow GraphDef whose Const nodes hold the parameters, already in our
// layout.
//
// Field numbers are those of graph.proto, attr_value.proto and tensor.proto. Node order does not matter. What the nodes
// compute is compared with the network that nets/ builds (graph_list.h), because a graph of the same names and shapes
// with, say, another normalisation would give plausible, wrong pictures.
#include <algorithm>

#include "weights/parameters.h"
#include "weights/readers.h"
#include "weights/tensorflow_nodes.h"

namespace limpid {
namespace {

constexpr size_t kMostNodes = 10000;
constexpr uint64_t kFloat32 = 1, kHalf = 19, kBfloat16 = 14;  // DataType

const ParameterFormat kLucidFormat{"_w", "_b", false};

// tensor_content, or float_val; fewer values of the latter than elements: the last one fills the rest.
std::vector<float> read_const(const FoundParameter& parameter) {
    const auto size = static_cast<size_t>(checked_size(parameter.shape));
    std::vector<float> values;
    values.reserve(size);
    Message tensor(parameter.record, parameter.offset);
    for (Field field; tensor.next(field);) {
        if (field.number == 4 && field.content().size() == size * sizeof(float)) {
            values.resize(size);
            std::memcpy(values.data(), field.bytes.data(), size * sizeof(float));
        }
        if (field.number == 5) append_floats(field, values);
    }
    values.resize(size, values.empty() ? 0.0f : values.back());
    return values;
}

FoundParameter parameter_in_const(const Field& tensor) {
    const TensorFlowConstant constant = read_constant(tensor);
    FoundParameter parameter;
    parameter.record = tensor.bytes;
    parameter.offset = tensor.offset;
    parameter.shape = constant.shape;
    parameter.read = read_const;
    const int64_t size = checked_size(constant.shape);
    const uint64_t in_content = constant.content_bytes / sizeof(float);
    if (constant.type != kFloat32) {
        parameter.fault = concat("has values of type ", type_name(constant.type), ", expected float32");
    } else if (constant.unknown_rank || size < 0) {
        parameter.fault = concat("has the impossible shape ", shape_text(constant.shape));
    } else if (constant.content_bytes > 0 && constant.floats > 0) {
        parameter.fault = "has values both as tensor_content and as float_val, expected one of them";
    } else if (constant.content_bytes > 0 &&
               (constant.content_bytes % sizeof(float) != 0 || in_content != uint64_t(size))) {
        parameter.fault =
            concat("has ", constant.content_bytes, " bytes of values, but its shape is ", shape_text(constant.shape));
    } else if (constant.content_bytes == 0 && (constant.floats == 0 || constant.floats > uint64_t(size))) {
        parameter.fault = concat("has ", constant.floats, " values, but its shape is ", shape_text(constant.shape));
    }
    return parameter;
}

bool has_operator(const FoundNodes& nodes, std::initializer_list<std::string_view> ops) {
    return std::ranges::any_of(nodes, [&](const auto& each) { return std::ranges::count(ops, each.second.op) > 0; });
}

// The likeliest reason why a graph is not the known network, with what to do.
std::string probable_cause(const KnownNetwork& network, const FoundNodes& nodes, const FoundParameters& found,
                           bool half) {
    if (half) return "its values are half precision; freeze the graph with float32 values";
    if (const std::string prefix = foreign_prefix(network.parameters, kLucidFormat, found); !prefix.empty())
        return concat("its names begin with ", printable(prefix),
                      ", as in a graph that was imported by another and written again; take the original graph, or "
                      "remove that from the names");
    if (has_operator(nodes, {"Dequantize", "FakeQuantWithMinMaxVars"}) ||
        std::ranges::any_of(found, [](const auto& each) { return each.first.ends_with("_quantized_const"); }))
        return "its values are quantised; take the graph before that";
    if (has_operator(nodes, {"Variable", "VariableV2", "VarHandleOp"}))
        return "it is not frozen: its parameters are variables, which lie in a checkpoint; freeze the graph first";
    if (has_operator(nodes,
                     {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "BatchNormWithGlobalNormalization"}))
        return "it has batch normalisation, so it is another network than Lucid's InceptionV1, which alone is read";
    if (const int64_t classes = other_classes(network.parameters, kLucidFormat, found); classes > 0)
        return concat("it is a GoogLeNet for ", classes, " classes; Lucid's InceptionV1 alone is read");
    return "expected Lucid's InceptionV1 as published (tensorflow_inception_graph.pb), which alone is read; is this "
           "another graph, or another form of it?";
}

}  // namespace

Weights read_lucid_pb(Bytes file, const KnownNetwork& network) {
    Weights weights;
    FoundParameters found;
    Problems problems;
    TensorFlowGraph graph(network.graph);
    bool half = false;
    size_t nodes = 0;
    Message message(file);
    for (Field field; message.next(field);) {
        if (field.number != 1) continue;
        if (++nodes > kMostNodes) {
            throw Error(concat("byte ", field.offset, ": more than ", kMostNodes,
                               " nodes, expected about 370; the file is damaged, or no GoogLeNet"));
        }
        const TensorFlowNode node = read_tensorflow_node(field);
        graph.add(node, problems);
        const Field tensor = constant_of(node);
        if (tensor.number == 0 || graph.is_listed(node.name)) continue;
        const uint64_t type = read_constant(tensor).type;
        half |= type == kHalf || type == kBfloat16;
        if (!found.emplace(std::string(node.name), parameter_in_const(tensor)).second)
            problems.add(concat(printable(node.name), " appears twice"));
    }
    const FoundNodes found_nodes = graph.take_nodes();
    std::set<std::string> groups = groups_of(network.graph, found_nodes);
    groups.merge(groups_of(network.parameters, kLucidFormat, found));
    check_graph(network.graph, groups, found_nodes, problems);
    take_parameters(network.parameters, kLucidFormat, groups, found, problems, weights);
    problems.throw_if_any(problems.empty() ? "" : probable_cause(network, found_nodes, found, half));
    return weights;
}

}  // namespace limpid
