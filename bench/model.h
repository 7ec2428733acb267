// What the kernels of a GPU must do, computed and not measured.
#pragma once

namespace limpid {

// A table on stdout, one line per case of kernels_bench: launches, operations, bytes, and the least
// time on known GPUs.
void print_model();

}  // namespace limpid
