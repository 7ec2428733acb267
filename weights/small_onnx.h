// Writes small ONNX models, for tests and the fuzz corpus.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "weights/wire_writer.h"

namespace limpid::testing {

// A TensorProto: floats or integers as raw data.
inline WireWriter onnx_tensor(const std::string& name, const std::vector<int64_t>& shape,
                              const std::vector<float>& values) {
    WireWriter tensor;
    for (const int64_t size : shape) tensor.integer(1, uint64_t(size));
    return tensor.integer(2, 1).text(8, name).packed(9, values);
}
inline WireWriter onnx_integers(const std::string& name, const std::vector<int64_t>& values) {
    return WireWriter().integer(1, values.size()).integer(2, 7).text(8, name).packed(9, values);
}

// AttributeProtos.
inline WireWriter onnx_attribute(const std::string& name, int64_t value) {
    return WireWriter().text(1, name).integer(3, uint64_t(value)).integer(20, 2);
}
inline WireWriter onnx_attribute(const std::string& name, const std::vector<int64_t>& values) {
    WireWriter attribute;
    attribute.text(1, name);
    for (const int64_t value : values) attribute.integer(8, uint64_t(value));
    return attribute.integer(20, 7);
}
inline WireWriter onnx_attribute(const std::string& name, const WireWriter& tensor) {
    return WireWriter().text(1, name).message(5, tensor).integer(20, 4);
}

struct OnnxNode {
    std::string op;
    std::vector<std::string> inputs, outputs;
    std::vector<WireWriter> attributes = {};
    std::string name = {}, scopes = {};  // scopes: as torch writes them
};

inline WireWriter onnx_value(const std::string& name, const std::vector<int64_t>& shape) {
    WireWriter dimensions;
    for (const int64_t size : shape)
        dimensions.message(1, size > 0 ? WireWriter().integer(1, uint64_t(size)) : WireWriter().text(2, "any"));
    return WireWriter().text(1, name).message(
        2, WireWriter().message(1, WireWriter().integer(1, 1).message(2, dimensions)));
}

struct OnnxModel {
    std::vector<OnnxNode> nodes;
    std::vector<WireWriter> constants;
    std::vector<std::pair<std::string, std::vector<int64_t>>> inputs{{"x", {1, 3, 6, 5}}};
    std::vector<std::string> outputs{"y"};
    int64_t opset = 17;
    std::vector<std::pair<std::string, std::string>> metadata = {};

    std::string bytes() const {
        WireWriter graph;
        for (const OnnxNode& node : nodes) {
            WireWriter message;
            for (const std::string& input : node.inputs) message.text(1, input);
            for (const std::string& output : node.outputs) message.text(2, output);
            message.text(3, node.name).text(4, node.op);
            for (const WireWriter& attribute : node.attributes) message.message(5, attribute);
            if (!node.scopes.empty())
                message.message(9, WireWriter().text(1, "pkg.torch.onnx.name_scopes").text(2, node.scopes));
            graph.message(1, message);
        }
        for (const WireWriter& constant : constants) graph.message(5, constant);
        for (const auto& [name, shape] : inputs) graph.message(11, onnx_value(name, shape));
        for (const std::string& output : outputs) graph.message(12, onnx_value(output, {}));
        WireWriter model;
        model.integer(1, 8).message(7, graph).message(8, WireWriter().text(1, "").integer(2, uint64_t(opset)));
        for (const auto& [key, value] : metadata) model.message(14, WireWriter().text(1, key).text(2, value));
        return model.bytes();
    }
};

// counting(n): 1/8, 2/8, ...
inline std::vector<float> counting(int64_t count) {
    std::vector<float> values;
    for (int64_t i = 1; i <= count; i++) values.push_back(float(i) / 8);
    return values;
}

// Every way by which a file goes through the importer: a filter that batch norm folds into, arithmetic on shapes,
// channels that are shuffled, a matrix on a flattened map.
inline OnnxModel small_onnx_model() {
    OnnxModel model;
    model.constants = {onnx_tensor("filter", {4, 3, 3, 2}, counting(72)),
                       onnx_tensor("four", {4}, counting(4)),
                       onnx_tensor("matrix", {5, 24}, counting(120)),
                       onnx_tensor("bias", {5}, counting(5)),
                       onnx_integers("zero", {0}),
                       onnx_integers("groups", {2, 2, 3, 2}),
                       onnx_integers("whole", {4, 3, 2})};
    model.nodes = {
        {"Conv",
         {"x", "filter"},
         {"a"},
         {onnx_attribute("strides", {2, 2}), onnx_attribute("pads", {1, 0, 1, 0})},
         "",
         "['', 'stem', 'stem.conv', 'conv2d']"},
        {"BatchNormalization", {"a", "four", "four", "four", "four"}, {"b"}},
        {"Relu", {"b"}, {"c"}, {}, "", "['', 'stem', 'stem.act', 'relu']"},
        {"Shape", {"c"}, {"s"}},
        {"Gather", {"s", "zero"}, {"n"}},
        {"Concat", {"n", "groups"}, {"t"}, {onnx_attribute("axis", 0)}},
        {"Concat", {"n", "whole"}, {"u"}, {onnx_attribute("axis", 0)}},
        {"Reshape", {"c", "t"}, {"d"}},
        {"Transpose", {"d"}, {"e"}, {onnx_attribute("perm", {0, 2, 1, 3, 4})}},
        {"Reshape", {"e", "u"}, {"f"}},
        {"MaxPool", {"f"}, {"g"}, {onnx_attribute("kernel_shape", {1, 1})}},
        {"Add", {"g", "c"}, {"h"}},
        {"Flatten", {"h"}, {"i"}},
        {"Gemm", {"i", "matrix", "bias"}, {"j"}, {onnx_attribute("transB", 1)}, "/head/Gemm"},
        {"Softmax", {"j"}, {"y"}, {onnx_attribute("axis", 1)}},
    };
    return model;
}

// A model as this program writes it (nets/onnx/), with every form that is put together again.
inline OnnxModel small_own_model() {
    OnnxModel model;
    model.opset = 19;
    const auto add = [&](const std::string& op, const std::vector<std::string>& inputs, const std::string& name,
                         std::vector<WireWriter> attributes = {}) {
        model.nodes.push_back({op, inputs, {name}, std::move(attributes), name});
    };
    const auto one = [](const std::string& name, float value) { return onnx_tensor(name, {}, {value}); };
    model.constants = {onnx_integers("p:order", {2, 1, 0}),
                       one("p:scale", 255),
                       onnx_tensor("p:mean", {3, 1, 1}, counting(3)),
                       onnx_tensor("c_w", {4, 3, 3, 3}, counting(108)),
                       onnx_tensor("c_b", {4}, counting(4)),
                       one("a:scale", 2),
                       one("a:shift", 3),
                       onnx_tensor("t_w", {1, 4, 1, 1}, counting(4)),
                       one("q:exponent", 2),
                       onnx_integers("r:factors", {0, 2, 2, 2, 3}),
                       onnx_integers("r:sizes", {0, 4, 2, 3}),
                       onnx_tensor("d_w", {4, 5}, counting(20)),
                       onnx_tensor("d_b", {5}, counting(5)),
                       onnx_tensor("g:weights", {1, 3, 1, 1}, {0.299f, 0.587f, 0.114f})};
    model.inputs = {{"input", {-1, 3, 4, 5}}};
    model.outputs = {"d"};
    add("Conv", {"input", "g:weights"}, "g", {onnx_attribute("kernel_shape", {1, 1})});
    add("Gather", {"input", "p:order"}, "p:ordered", {onnx_attribute("axis", int64_t(1))});
    add("Mul", {"p:ordered", "p:scale"}, "p:scaled");
    add("Sub", {"p:scaled", "p:mean"}, "p");
    add("Conv", {"p", "c_w", "c_b"}, "c_pre_relu", {onnx_attribute("kernel_shape", {3, 3})});
    add("Relu", {"c_pre_relu"}, "c");
    add("Mul", {"c", "a:scale"}, "a:scaled");
    add("Add", {"a:scaled", "a:shift"}, "a");
    add("Identity", {"t_w"}, "t");
    add("Pow", {"a", "q:exponent"}, "q");
    add("Sigmoid", {"q"}, "s:gate");
    add("Mul", {"q", "s:gate"}, "s");
    add("Mul", {"t", "s"}, "m:1");
    add("Mul", {"m:1", "q"}, "m");
    add("Reshape", {"m", "r:factors"}, "r:split");
    add("Transpose", {"r:split"}, "r:ordered", {onnx_attribute("perm", {0, 2, 1, 3, 4})});
    add("Reshape", {"r:ordered", "r:sizes"}, "r:joined");
    add("Identity", {"r:joined"}, "r");
    add("AveragePool", {"r"}, "w", {onnx_attribute("kernel_shape", {2, 3})});
    add("GlobalAveragePool", {"r"}, "v");
    add("Identity", {"v"}, "also v");
    add("Flatten", {"v"}, "v:flat", {onnx_attribute("axis", int64_t(1))});
    add("Gemm", {"v:flat", "d_w", "d_b"}, "d");
    model.metadata = {{"limpid.format", "1"},
                      {"limpid.network", "network: own\nlogits: d\ndefault: c, a\ncolumns: c 2\n"},
                      {"labels", "one\n\nthree\nfour\n\n"}};
    return model;
}

}  // namespace limpid::testing
