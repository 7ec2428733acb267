// Rewrites of a finished graph (differentiated already) into one that computes the same values faster. Each rule is
// exact in real arithmetic; none depends on the device. The planner applies them in this order:
//
//   remove_dead           what the outputs do not need
//   fold_channel_maps     s*(conv2d(x, w) + b) + t                    ->  conv2d(x, s*w) + (s*b + t): batch norms; and in
//                         the gradient conv2d_grad_input(s*g, w)      ->  conv2d_grad_input(g, s*w). Depthwise ones
//                         likewise
//   fuse_bias_relu        conv2d, add bias, relu                      ->  conv2d {bias, relu}
//   hoist_relu_grad       relu_grad(y_i, slice_i(g)), M = concat(y)   ->  slice_i(relu_grad(M, g)): one mask for all
//   merge_siblings        1x1 convolutions of one image               ->  slices of one convolution
//   merge_sibling_grads   sums of gradients of those                  ->  one gradient of a concatenation
//   fuse_epilogues        add and relu_grad after a gradient kernel   ->  its epilogue
#pragma once

#include <vector>

#include "graph/constants.h"
#include "graph/graph.h"

namespace limpid {

struct RewriteOptions {
    bool fuse = true;  // everything but remove_dead; off for debugging: every node of the graph is then a step
};

struct Rewritten {
    Graph graph;
    std::vector<NodeId> outputs;
};

Rewritten rewrite(const Graph& graph, const std::vector<NodeId>& outputs, ConstantStore& constants,
                  RewriteOptions options = {});

}  // namespace limpid
