// The nodes of a TensorFlow GraphDef: names, operators, inputs, attributes, and the small tensors of constants.
#pragma once

#include <string_view>
#include <vector>

#include "weights/graph_list.h"
#include "weights/protobuf.h"

namespace limpid {

struct TensorFlowNode {
    std::string_view name, op;
    std::vector<std::string_view> inputs;
    std::vector<std::pair<std::string_view, Field>> attributes;  // the field is an AttrValue message
};
TensorFlowNode read_tensorflow_node(const Field& record);

// The TensorProto of a Const node; number 0: it is none.
Field constant_of(const TensorFlowNode& node);

// What a TensorProto holds, without its floats.
struct TensorFlowConstant {
    uint64_t type = 0;
    std::vector<int64_t> shape;
    bool unknown_rank = false;
    uint64_t content_bytes = 0, floats = 0;
    std::vector<int64_t> integers;  // of a small int32 tensor, all of them
};
TensorFlowConstant read_constant(const Field& tensor);
std::string type_name(uint64_t type);  // of DataType: "float32"; "number 42"

class TensorFlowGraph {
  public:
    explicit TensorFlowGraph(const GraphList& list) : list_(list) {}
    void add(const TensorFlowNode& node, Problems& problems);
    bool is_listed(std::string_view name) const;
    // All nodes but constants that are not listed, which are parameters or do no harm; Identity is looked through.
    FoundNodes take_nodes();

  private:
    const GraphList& list_;
    FoundNodes nodes_;
    std::map<std::string, std::string, std::less<>> passes_;  // name: its input
};

}  // namespace limpid
