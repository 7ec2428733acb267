// Passes over an import graph, which make it smaller and change nothing that it computes.
#pragma once

#include <functional>
#include <optional>

#include "weights/import_graph.h"

namespace limpid {

// drop_identities.cpp: operators that hand their input on (Identity, Dropout); an output of the graph
// keeps its name as far as it can.
void drop_identities(ImportGraph& graph);

// drop_identities.cpp, too: nodes that no output depends on.
void drop_unused(ImportGraph& graph);

// fold_constants.cpp: what the node makes of constants: shape arithmetic on integers, constants made by a rule, casts
// and movements of small tensors. nullopt: it is no such node, or takes something that is not constant. shape_of: the
// shape of a value that is no constant, where it is known.
using ShapeOf = std::function<std::optional<Dimensions>(const std::string& value)>;
std::optional<std::vector<ImportTensor>> folded(const ImportNode& node, const ImportGraph& graph,
                                                const ShapeOf& shape_of);

// fold_rules.cpp: the part of it that computes with numbers.
std::optional<ImportTensor> folded_by_rule(const ImportNode& node, const ImportGraph& graph);

// fold_constants.cpp, too: all nodes that need constants alone.
void fold_constants(ImportGraph& graph);
// Adds what `folded` made of a node. Throws Error where a graph makes more than 2^24 values of its own.
void add_constants(ImportGraph& graph, const ImportNode& node, std::vector<ImportTensor> constants);

// The constant of that name; null: there is none.
const ImportTensor* find_constant(const ImportGraph& graph, const std::string& name);
// The integers that newer versions take as an input, older ones as an attribute; nullopt: neither is there.
std::optional<std::vector<int64_t>> integers_of(const ImportNode& node, const ImportGraph& graph, size_t input,
                                                const std::string& attribute);

}  // namespace limpid
