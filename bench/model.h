// What the kernels of a GPU must do, computed and not measured.
#pragma once

#include "bench/case.h"
#include "bench/machine.h"

namespace limpid {

// The least time of one call by these kernels on this machine, partial sums included.
double model_seconds(const Case& one, const KernelTable& kernels, const Machine& machine, Precision precision);

// A table on stdout, one line per case of kernels_bench: launches, operations, bytes, and the least
// time on known GPUs.
void print_model();

}  // namespace limpid
