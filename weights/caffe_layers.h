// The layers of a .caffemodel as nodes of a graph: operators, parameters of operators, and the wiring through named
// blobs, in the deprecated V1 form or the current one.
#pragma once

#include <string_view>
#include <vector>

#include "weights/graph_list.h"
#include "weights/protobuf.h"

namespace limpid {

// One layer: what it is called, and where its arrays lie.
struct CaffeLayer {
    std::string name;
    std::vector<Field> blobs;
};

// Layers are added in the order of the file, which is that of computation: a blob is what the last layer before wrote
// to it, as ReLU does in place.
class CaffeGraph {
  public:
    explicit CaffeGraph(const GraphList& list) : list_(list) {}

    // A top of the whole network (field "input"): the picture.
    void add_input(const Field& field) { add_source(std::string(field.text())); }
    // A record of field `layers` (V1) or `layer`.
    CaffeLayer add(const Field& record, bool v1, Problems& problems);
    // The network's layers; data, losses and what does nothing are left out.
    const FoundNodes& nodes() const { return nodes_; }
    bool has_v0_layers() const { return v0_; }

  private:
    struct Record;
    void take_field(const Field& field, bool v1, Record& record);
    void read_parameters(const Record& record, FoundNode& node) const;
    const GraphRow* row_of(const std::string& name) const;
    void add_source(const std::string& blob);
    const std::string& value_of(const std::string& blob);

    const GraphList& list_;
    FoundNodes nodes_;
    std::map<std::string, std::string> values_;  // blob: the layer whose output it holds
    bool v0_ = false;
};

}  // namespace limpid
