// An operation of one's own: y = log cosh x, element by element; a smooth |x|.
#pragma once

#include "graph/graph.h"

namespace example {

limpid::NodeId log_cosh(limpid::Graph& graph, limpid::NodeId x);

}  // namespace example
