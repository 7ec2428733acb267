// Convolutions of groups of channels, composed of what graph/ops.h has.
#pragma once

#include <vector>

#include "graph/ops.h"

namespace limpid::kinds {

struct GroupedConv {
    NodeId value;
    std::vector<NodeId> multiplies;  // the nodes that its multiplications are in
};

inline bool is_depthwise(int64_t channels, int64_t groups) { return groups > 1 && groups == channels; }

// w {r,s,c/groups,k}: filters of group i, k/groups of them, see the i-th c/groups channels of x. y {n,p,q,k}.
GroupedConv grouped_conv(Graph& graph, NodeId x, NodeId w, int64_t groups, ops::ConvGeometry geometry,
                         const std::string& name);

// The filter with zeros between its cells, so that they lie that far apart: {(r-1)*dilation_y+1, ...}.
NodeId spread(Graph& graph, NodeId w, int64_t dilation_y, int64_t dilation_x);

// Every stride-th row and column: {n, (h-1)/stride_y+1, (w-1)/stride_x+1, c}.
NodeId every(Graph& graph, NodeId x, int64_t stride_y, int64_t stride_x);

}  // namespace limpid::kinds
