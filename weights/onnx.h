// Reads the wire format of ONNX models (onnx.proto): a ModelProto becomes an import graph.
#pragma once

#include <functional>
#include <string>

#include "weights/import_graph.h"
#include "weights/protobuf.h"

namespace limpid {

inline constexpr int64_t kOldestOpset = 7;

// Opset `oldest` and later: before 7, operators of two tensors were broadcast otherwise. Tensors stay where they lie:
// `file` must outlive the graph. folder: where the model lies; tensors of another file ("external data") are read from
// it, and from nowhere else; "": there are none. Throws Error for damage, for older opsets, for nodes without order
// (sort_nodes), and for files that cannot be read.
ImportGraph read_onnx(Bytes file, const std::string& folder = "", int64_t oldest = kOldestOpset);

// Whether it seems to be one: it has an IR version and a graph.
bool looks_like_onnx(Bytes file);

// Of a TensorProto (onnx_tensor.cpp): its values, undecoded where they lie in one piece.
struct OnnxTensor {
    std::string name;
    ImportTensor tensor;
};
// The bytes of the file of that name beside the model.
using ExternalFile = std::function<Bytes(const std::string& location)>;
OnnxTensor read_onnx_tensor(Message message, const ExternalFile& external);

}  // namespace limpid
