// An append-only list of operations. Creation order is topological order, so a graph is read, differentiated and
// planned by plain loops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/op.h"

namespace limpid {

struct Node {
    OpPtr op;  // null for inputs and constants
    std::vector<NodeId> inputs;
    Shape shape;
    std::string name;                            // "" where nobody named it; names need not be unique
    std::shared_ptr<const HostTensor> constant;  // the value of a constant, else null
    bool is_input() const { return !op && !constant; }
};

class Graph {
  public:
    // A value given at each run.
    NodeId input(const std::string& name, Shape shape);
    // A value known now, shared, never copied.
    NodeId constant(std::shared_ptr<const HostTensor> value, const std::string& name = "");
    NodeId constant(HostTensor value, const std::string& name = "");
    NodeId scalar(float value);
    // Appends op(inputs). Throws Error naming the operation and the shapes when they do not fit.
    NodeId add(OpPtr op, std::vector<NodeId> inputs, const std::string& name = "");

    const Node& operator[](NodeId id) const;
    const Shape& shape(NodeId id) const { return (*this)[id].shape; }
    int size() const { return int(nodes_.size()); }
    void rename(NodeId id, const std::string& name);
    // The last node of that name, or invalid.
    NodeId find(const std::string& name) const;

    // "%12 = conv2d(%10, %11) {stride 2, pad 2 3 2 3} 1x112x112x64  conv2d0_pre_relu/conv"
    std::string print() const;
    std::string print(NodeId id) const;

  private:
    std::vector<Node> nodes_;
};

}  // namespace limpid
