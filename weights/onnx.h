// Reads and writes the wire format of ONNX models (onnx.proto): a ModelProto and an import graph.
#pragma once

#include <functional>
#include <string>

#include "weights/import_graph.h"
#include "weights/protobuf.h"
#include "weights/wire_writer.h"

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
// Its counterpart.
WireWriter written_onnx_tensor(const std::string& name, const ImportTensor& tensor);

// The graph as a model of opset 19, which is the first whose average pools have dilations; all operators are meant as
// that has them. Constants come in order of name. shapes: of the outputs; -1: any size. Throws Error where the file
// would be larger than 2 GiB, which is more than protocol buffers may be.
inline constexpr int64_t kWrittenOpset = 19;
std::string write_onnx(ImportGraph graph, const std::map<std::string, Dimensions>& shapes);

// Keys of the metadata of models that this program writes (nets/onnx/), by which it reads them as what they were
// (import/own_model.h).
namespace own_metadata {
// "1". Each node is named after what it makes: a layer, or a part of it, LAYER:PART. The picture goes in as it is.
inline constexpr const char* kFormat = "limpid.format";
inline constexpr const char* kProperties = "limpid.network";  // the lines of the text that have a colon
inline constexpr const char* kSize = "limpid.size";           // canonical: 224x224
inline constexpr const char* kShown = "limpid.shown";         // channels that people see: 3 2 1
inline constexpr const char* kPad = "limpid.pad";             // of windows whose pads are numbers: same
inline constexpr const char* kAlpha = "limpid.alpha";         // of an LRN node: for each element of the window
}  // namespace own_metadata
// Names of the classes, a line for each output.
inline constexpr const char* kLabelsMetadata = "labels";

}  // namespace limpid
