// What layers of an imported network are called.
#pragma once

#include <string>

#include "weights/import_graph.h"

namespace limpid {

// The module of a node by the name that older versions of torch gave it: "/layer1/layer1.0/conv1/Conv" is layer1.0.conv1. Newer ones put node_ before what belongs to no module: node_cat is cat.
// Any other name stays as it is.
std::string module_of_name(const std::string& name, const std::string& op);

// Whether the text of a network may have a layer of that name (nets/architecture.h).
bool is_layer_name(const std::string& name);

// Letters, digits, '_' and '.', for which every command has a use; all other characters become '_', and '/' '.'. Long
// names are cut. Never empty.
std::string legal_layer_name(const std::string& name);

}  // namespace limpid
