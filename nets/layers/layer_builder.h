// What a layer kind adds its nodes with.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "nets/architecture.h"

namespace limpid {

// Every named node that the image's size allows, by name, and "input": the image itself.
using Layers = std::map<std::string, NodeId>;

// One layer, as it was built: what `limpid info` shows.
struct LayerInfo {
    std::string name;
    Shape shape;
    int64_t parameters = 0, multiply_adds = 0;
    std::vector<std::string> parameter_names;
};

class LayerBuilder {
  public:
    // The node of a parameter; the shape is what the layer would need of it.
    using ParameterSource = std::function<NodeId(const std::string& name, Shape shape)>;

    // given: layers that are not computed. most_values: of a layer or a parameter; more are an Error.
    LayerBuilder(Graph& graph_, Layers given, ParameterSource source, double most_values = 0x1p62)
        : graph(graph_), layers_(std::move(given)), source_(std::move(source)), most_values_(most_values) {}

    // Adds the layer and returns what it is; a layer that is given, and one without its inputs (which do not exist at
    // this size, or lie before what is given), stays as it is. Errors name the layer.
    LayerInfo add(const Layer& layer);
    const Layers& layers() const { return layers_; }
    Layers take() { return std::move(layers_); }

    // For kinds:
    Graph& graph;
    NodeId parameter(const std::string& name, Shape shape);
    // The layer's output, or a part of it that has a name of its own.
    void put(const std::string& name, NodeId node);
    NodeId find(const std::string& name) const;  // invalid: there is none
    // This node's multiplications are the layer's.
    void count(NodeId node);

  private:
    void check_size(const std::string& name, Shape shape) const;

    Layers layers_;
    ParameterSource source_;
    double most_values_;
    LayerInfo info_;  // of the layer being added
};

}  // namespace limpid
