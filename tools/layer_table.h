// The layers of a network as limpid info lists them: a tree by the dots of their names.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

struct LayerRow {
    std::string name, kind;    // kind: "" for parameters that belong to no layer
    Shape filter{0, 0, 0, 0};  // empty without one
    int64_t parameters = 0;
    Shape output{0, 0, 0, 0};  // of one image; empty where the layer does not exist at this size
    int64_t multiply_adds = 0;
};

// One line for each layer. What several layers' names have in common before a dot is a line too, before them: the sums of all
// below it, and the output of the last.
void print_layers(std::ostream& out, const std::vector<LayerRow>& rows);

}  // namespace limpid
