// Reverse-mode differentiation: adds to a graph the nodes that compute derivatives. Gradients are ordinary nodes, so
// they can be differentiated again, planned, printed and fused like any others.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace limpid {

// Replaces an operation's own vjp: given the graph, the operation's node and dy, returns one id per input (invalid:
// zero).
using VjpRule = std::function<std::vector<NodeId>(Graph&, NodeId node, NodeId dy)>;
// By Op::kind(), e.g. {"relu", redirected_relu}. An argument of grad, never global.
using VjpOverrides = std::map<std::string, VjpRule>;

// d(sum of all elements of score) / d(wrt[i]) for each i, of the shape of wrt[i]. A wrt that score does not depend on
// gets zeros.
std::vector<NodeId> grad(Graph& graph, NodeId score, const std::vector<NodeId>& wrt,
                         const VjpOverrides& overrides = {});

}  // namespace limpid
