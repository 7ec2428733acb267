// NodeProto, GraphProto and ModelProto, written. Field numbers are those of onnx.proto.
#include "weights/onnx.h"

namespace limpid {
namespace {

constexpr uint64_t kIrVersion = 9;  // of onnx 1.14, which brought opset 19
constexpr size_t kMostModelBytes = size_t(INT32_MAX);

struct AttributeWriter {
    WireWriter& message;

    void operator()(std::monostate) const { CHECK(false, "an attribute says nothing"); }
    void operator()(int64_t value) const { message.integer(3, uint64_t(value)).integer(20, 2); }
    void operator()(float value) const { message.number_f32(2, value).integer(20, 1); }
    void operator()(const std::string& value) const { message.text(4, value).integer(20, 3); }
    void operator()(const ImportTensor& value) const {
        message.message(5, written_onnx_tensor("", value)).integer(20, 4);
    }
    void operator()(const std::vector<int64_t>& values) const {
        for (const int64_t value : values) message.integer(8, uint64_t(value));
        message.integer(20, 7);
    }
    void operator()(const std::vector<float>& values) const {
        for (const float value : values) message.number_f32(7, value);
        message.integer(20, 6);
    }
    void operator()(const std::vector<std::string>& values) const {
        for (const std::string& value : values) message.text(9, value);
        message.integer(20, 8);
    }
};

WireWriter entry(const std::string& key, const std::string& value) { return WireWriter().text(1, key).text(2, value); }

WireWriter written_node(const ImportNode& node) {
    WireWriter message;
    for (const std::string& input : node.inputs) message.text(1, input);
    for (const std::string& output : node.outputs) message.text(2, output);
    message.text(3, node.name).text(4, node.op);
    for (const auto& [key, value] : node.attributes) {
        WireWriter attribute;
        attribute.text(1, key);
        std::visit(AttributeWriter{attribute}, value);
        message.message(5, attribute);
    }
    for (const auto& [key, value] : node.metadata) message.message(9, entry(key, value));
    return message;
}

// names: of the axes of any size; "": that axis has none. Sizes of one name are the same.
WireWriter written_value(const std::string& name, const Dimensions& shape, const std::vector<const char*>& names) {
    WireWriter dimensions;
    for (size_t axis = 0; axis < shape.size(); axis++) {
        const std::string_view called = axis < names.size() ? names[axis] : "";
        WireWriter dimension;
        if (shape[axis] >= 0)
            dimension.integer(1, uint64_t(shape[axis]));
        else if (!called.empty())
            dimension.text(2, called);
        dimensions.message(1, dimension);
    }
    const WireWriter tensor = WireWriter().integer(1, 1).message(2, dimensions);  // of float32
    return WireWriter().text(1, name).message(2, WireWriter().message(1, tensor));
}

}  // namespace

std::string write_onnx(ImportGraph graph, const std::map<std::string, Dimensions>& shapes) {
    WireWriter written;
    for (const ImportNode& node : graph.nodes) written.message(1, written_node(node));
    written.text(2, graph.name);
    size_t all = 0;
    for (const auto& [name, tensor] : graph.constants) all += tensor.bytes.size();
    if (all > kMostModelBytes)
        throw Error(concat("would have ", all, " bytes of parameters, expected at most 2 GiB, as ONNX files have"));
    // The parameters are nearly all of the file: each is let go when it is written.
    for (auto& [name, tensor] : graph.constants) {
        written.message(5, written_onnx_tensor(name, tensor));
        tensor = ImportTensor();
    }
    for (const ImportInput& input : graph.inputs)
        written.message(11, written_value(input.name, input.shape, {"N", "C", "H", "W"}));
    for (const std::string& output : graph.outputs)
        written.message(12, written_value(output, shapes.at(output), {"N"}));
    WireWriter model;
    model.integer(1, kIrVersion).text(2, "limpid").message(7, written);
    written = WireWriter();
    model.message(8, WireWriter().text(1, "").integer(2, uint64_t(kWrittenOpset)));
    for (const auto& [key, value] : graph.metadata) model.message(14, entry(key, value));
    if (model.bytes().size() > kMostModelBytes)
        throw Error(concat("would have ", model.bytes().size(), " bytes, expected at most 2 GiB, as ONNX files have"));
    return std::move(model).bytes();
}

}  // namespace limpid
