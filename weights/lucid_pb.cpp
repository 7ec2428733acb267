// Reads Lucid's frozen InceptionV1: a binary TensorFlow GraphDef whose Const nodes hold the parameters, already in our
// layout.
//
// Field numbers are those of graph.proto, attr_value.proto and tensor.proto. Node order does not matter. The attributes
// that decide what the graph computes are compared with the network that nets/ builds, because a graph of the same
// names and shapes with, say, another normalisation would give plausible, wrong pictures.
#include <algorithm>
#include <cmath>

#include "weights/parameters.h"
#include "weights/protobuf.h"
#include "weights/readers.h"

namespace limpid {
namespace {

constexpr size_t kMostConstants = 10000, kMostInputs = 1000, kMostAttributes = 100, kMostConstantAxes = 8;
constexpr uint64_t kFloat32 = 1, kInt32 = 3;  // DataType

const ParameterFormat kLucidFormat{"_w", "_b", false};

struct Node {
    std::string_view name, op;
    std::vector<std::string_view> inputs;
    std::vector<std::pair<std::string_view, Field>> attributes;  // the field is an AttrValue message

    const Field* attribute(std::string_view key) const {
        for (const auto& [name_of, value] : attributes) {
            if (name_of == key) return &value;
        }
        return nullptr;
    }
};

Node read_node(const Field& record) {
    Node node;
    Message message = record.message();
    for (Field field; message.next(field);) {
        if (field.number == 1) node.name = field.text();
        if (field.number == 2) node.op = field.text();
        if (field.number == 3) node.inputs.push_back(field.text());
        if (field.number == 5) {
            std::string_view key;
            Field value;
            Message entry = field.message();
            for (Field part; entry.next(part);) {
                if (part.number == 1) key = part.text();
                if (part.number == 2) value = part;
            }
            if (value.number == 2) node.attributes.emplace_back(key, value);
        }
        if (node.inputs.size() > kMostInputs || node.attributes.size() > kMostAttributes) {
            throw Error(concat("byte ", field.offset, ": node ", printable(node.name), " has more than ", kMostInputs,
                               " inputs or ", kMostAttributes,
                               " attributes, expected a few; the file is damaged, or of another kind"));
        }
    }
    return node;
}

// The member of an AttrValue with this field number; number 0: it has none.
Field member(const Field& attribute, uint32_t number) {
    Field result;
    Message message = attribute.message();
    for (Field field; message.next(field);) {
        if (field.number == number) result = field;
    }
    return result;
}

// TensorProto -------------------------------------------------------------------------------------

struct Constant {
    uint64_t type = 0;
    std::vector<int64_t> shape;
    bool unknown_rank = false;
    uint64_t content_bytes = 0, floats = 0;
    std::vector<int64_t> integers;  // the first few of int_val
};

Constant read_constant(const Field& tensor) {
    Constant constant;
    Message message = tensor.message();
    for (Field field; message.next(field);) {
        if (field.number == 1) constant.type = field.integer();
        if (field.number == 2) {
            Message shape = field.message();
            for (Field part; shape.next(part);) {
                if (part.number == 2) {
                    int64_t size = 0;  // proto3 leaves zero out
                    Message dim = part.message();
                    for (Field d; dim.next(d);) {
                        if (d.number == 1) size = static_cast<int64_t>(d.integer());
                    }
                    if (constant.shape.size() == kMostConstantAxes) {
                        throw Error(concat("byte ", part.offset, ": a shape of more than ", kMostConstantAxes,
                                           " axes, expected at most 4; the file is damaged, or of another kind"));
                    }
                    constant.shape.push_back(size);
                }
                if (part.number == 3) constant.unknown_rank = part.integer() != 0;
            }
        }
        if (field.number == 4) constant.content_bytes += field.content().size();
        if (field.number == 5) constant.floats += count_floats(field);
        if (field.number == 7 && constant.type == kInt32) append_integers(field, constant.integers, 4096);
    }
    return constant;
}

// tensor_content, or float_val; fewer values of the latter than elements: the last one fills the rest.
std::vector<float> read_const(const FoundParameter& parameter) {
    const auto size = static_cast<size_t>(checked_size(parameter.shape));
    std::vector<float> values;
    values.reserve(size);
    Message tensor(parameter.record, parameter.offset);
    for (Field field; tensor.next(field);) {
        if (field.number == 4 && !field.content().empty()) {
            values.resize(size);
            std::memcpy(values.data(), field.bytes.data(), size * sizeof(float));
        }
        if (field.number == 5) append_floats(field, values);
    }
    values.resize(size, values.empty() ? 0.0f : values.back());
    return values;
}

FoundParameter find_parameter(const Field& tensor) {
    const Constant constant = read_constant(tensor);
    FoundParameter parameter;
    parameter.record = tensor.bytes;
    parameter.offset = tensor.offset;
    parameter.shape = constant.shape;
    parameter.read = read_const;
    const int64_t size = checked_size(constant.shape);
    const uint64_t in_content = constant.content_bytes / sizeof(float);
    if (constant.type != kFloat32) {
        parameter.fault = concat("has TensorFlow type ", constant.type, ", expected ", kFloat32, " (float32)");
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

// The graph around the constants ------------------------------------------------------------------

void expect_number(const Node& node, const char* key, double expected, Problems& problems) {
    const Field* attribute = node.attribute(key);
    if (attribute == nullptr) return;
    const Field integer = member(*attribute, 3), real = member(*attribute, 4);
    const double found = integer.number == 3 ? double(static_cast<int64_t>(integer.integer()))
                         : real.number == 4  ? real.number_f32()
                                             : 0.0;
    // float32 attributes of decimal constants: equal to float rounding.
    if (!(std::abs(found - expected) <= 1e-6 * expected)) {
        problems.add(concat(printable(node.name), " has ", key, " ", found, ", expected ", expected));
    }
}

void expect_text(const Node& node, const char* key, std::string_view expected, Problems& problems) {
    const Field* attribute = node.attribute(key);
    if (attribute == nullptr) return;
    const Field text = member(*attribute, 2);
    const std::string_view found = text.number == 2 ? text.text() : std::string_view();
    if (found != expected)
        problems.add(concat(printable(node.name), " has ", key, " ", printable(found), ", expected ", expected));
}

void expect_integers(const Node& node, const char* key, const std::vector<int64_t>& expected, Problems& problems) {
    const Field* attribute = node.attribute(key);
    if (attribute == nullptr) return;
    std::vector<int64_t> found;
    if (const Field list = member(*attribute, 1); list.number == 1) {
        Message message = list.message();
        for (Field field; message.next(field);) {
            if (field.number == 3) append_integers(field, found, 64);
        }
    }
    if (found != expected) {
        problems.add(
            concat(printable(node.name), " has ", key, " ", shape_text(found), ", expected ", shape_text(expected)));
    }
}

// "name", "name:0" and "^name" mean the node of that name.
std::string_view node_of(std::string_view input) {
    if (input.starts_with("^")) input.remove_prefix(1);
    return input.substr(0, input.find(':'));
}

// Concatenation of a mixed block along channels, branches in the order that the table of nets/ has.
void expect_branches(const Node& node, Problems& problems) {
    const bool v2 = node.op == "ConcatV2";  // the axis is the last input, before it was the first
    std::vector<std::string> found, expected;
    for (const std::string_view input : node.inputs) found.emplace_back(printable(node_of(input)));
    if (!found.empty()) found.erase(v2 ? found.end() - 1 : found.begin());
    for (const char* branch : {"_1x1", "_3x3", "_5x5", "_pool_reduce"})
        expected.push_back(std::string(node.name) + branch);
    if (found == expected) return;
    std::string text;
    for (const std::string& input : found) text += " " + input;
    problems.add(concat(printable(node.name), " concatenates", printable(text, 300),
                        ", expected its branches in the order 1x1, 3x3, 5x5, pool_reduce"));
}

void check_node(const Node& node, Problems& problems) {
    if (node.op == "LRN") {
        expect_number(node, "depth_radius", 5, problems);
        expect_number(node, "bias", 2, problems);
        expect_number(node, "alpha", 1e-4, problems);
        expect_number(node, "beta", 0.5, problems);
    } else if (node.op == "Conv2D") {
        const int64_t stride = node.name.starts_with("conv2d0_") ? 2 : 1;
        expect_integers(node, "strides", {1, stride, stride, 1}, problems);
        expect_text(node, "padding", "SAME", problems);
        expect_text(node, "data_format", "NHWC", problems);
    } else if ((node.op == "Concat" || node.op == "ConcatV2") && node.name.starts_with("mixed")) {
        expect_branches(node, problems);
    } else if (node.op == "Const" && node.name.starts_with("mixed") && node.name.ends_with("/concat_dim")) {
        const Field* value = node.attribute("value");
        const Field tensor = value == nullptr ? Field{} : member(*value, 8);
        if (tensor.number != 8) return;
        const Constant axis = read_constant(tensor);
        if (!axis.integers.empty() && axis.integers != std::vector<int64_t>{3}) {
            problems.add(concat(printable(node.name), " is ", axis.integers[0], ", expected 3 (channels)"));
        }
    }
}

// Constants without values that a network would learn: shapes and axes.
bool is_parameter(const Constant& constant) { return constant.type == kFloat32 && !constant.shape.empty(); }

}  // namespace

Weights read_lucid_pb(Bytes file, const std::vector<NameRow>& table) {
    Weights weights;
    FoundParameters found;
    Problems problems;
    Message graph(file);
    for (Field field; graph.next(field);) {
        if (field.number != 1) continue;
        const Node node = read_node(field);
        check_node(node, problems);
        const Field* value = node.op == "Const" ? node.attribute("value") : nullptr;
        const Field tensor = value == nullptr ? Field{} : member(*value, 8);
        if (tensor.number != 8) continue;
        const bool named =
            node.name.ends_with(kLucidFormat.weight_suffix) || node.name.ends_with(kLucidFormat.bias_suffix);
        if (!named && !is_parameter(read_constant(tensor))) continue;
        if (found.size() == kMostConstants) {
            throw Error(concat("byte ", field.offset, ": more than ", kMostConstants,
                               " constants, expected about 140; the file is damaged, or no GoogLeNet"));
        }
        if (!found.emplace(std::string(node.name), find_parameter(tensor)).second)
            problems.add(concat(printable(node.name), " appears twice"));
    }
    take_parameters(table, kLucidFormat, found, problems, weights);
    problems.throw_if_any("expected Lucid's InceptionV1 (tensorflow_inception_graph.pb); is this another graph?");
    return weights;
}

}  // namespace limpid
