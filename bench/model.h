// What the kernels of a GPU must do, computed and not measured.
#pragma once

namespace limpid {

// A table on stdout, one line per convolution and product of bench/shapes: launches, operations, bytes, and the least
// time on known GPUs.
void print_model();

}  // namespace limpid
