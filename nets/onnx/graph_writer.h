// The ONNX graph of a network while it is written, layer by layer: what the functions of kinds.h write to.
//
// A layer {n,h,w,c} is a value {N,C,H,W} of its name, or {N,C} where it has one place whatever the picture. Each node is
// named after what it makes; the parts that a layer takes more than one node for are LAYER:PART, which is no layer's
// name.
#pragma once

#include "nets/architecture.h"
#include "weights/import_graph.h"
#include "weights/weights.h"

namespace limpid::onnx {

// How a layer lies in the graph.
struct Value {
    size_t rank = 4;       // {N,C,H,W}; 2: {N,C}
    bool settled = false;  // its height and width are the same for pictures of every size
};

class GraphWriter {
  public:
    using Attributes = std::map<std::string, ImportAttribute>;

    // Both must outlive it.
    GraphWriter(const Architecture& architecture, const Weights& weights);

    // What the function of each kind returns is remembered of its layer.
    void put(const Layer& layer, Value value) { values_[layer.name] = value; }
    const Value& value(const std::string& layer) const { return values_.at(layer); }
    bool settled(const Layer& layer) const;                                           // all that it takes is
    Shape shape(const std::string& layer) const { return shapes_.layers.at(layer); }  // at the canonical size
    const HostTensor& parameter(const std::string& name) const { return weights_.tensors.at(name); }

    // The layer as {N,C,H,W}, and as {N,C*H*W}; moved to that by a node where it lies otherwise.
    std::string map(const std::string& layer);
    std::string flat(const std::string& layer);
    std::vector<std::string> maps(const std::vector<std::string>& layers);

    // A node that makes this value, which it returns.
    std::string node(const std::string& op, std::vector<std::string> inputs, const std::string& makes,
                     Attributes attributes = {});
    void remark(const std::string& key, const std::string& value);  // in the metadata of the last node
    // The name of a constant: that one, or another where a layer has it. One that is there already stays: parts(4), which
    // is no layer's name either, may be the constant of several.
    std::string constant(const std::string& name, ImportTensor tensor);
    std::string number(const std::string& name, float value) {
        return constant(name, tensor_of(std::vector{value}, {}));
    }
    std::string wholes(const std::string& name, std::vector<int64_t> values);
    void input(const Layer& layer, Dimensions shape);

    // What has been written is right for pictures of the canonical size alone.
    void fix_size() { any_size_ = false; }
    bool any_size() const { return any_size_; }
    ImportGraph take() { return std::move(graph_); }

  private:
    const Weights& weights_;
    ArchitectureShapes shapes_;
    std::map<std::string, Value> values_;
    std::map<std::string, std::string> moved_;  // what map and flat have made
    ImportGraph graph_;
    bool any_size_ = true;
};

// LAYER:PART
inline std::string part_of(const Layer& layer, const char* part) { return layer.name + ":" + part; }

}  // namespace limpid::onnx
