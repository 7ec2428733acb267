// Tensors of any rank in layers {n,h,w,c}, and back.
#pragma once

#include "kernels/tensor.h"
#include "weights/import/placement.h"

namespace limpid::testing {

// As `view` has it.
HostTensor to_layer(const ImportTensor& tensor, const Placement& view);
// The values of the tensor whose elements lie in `layer` as `view` says.
std::vector<double> from_layer(const HostTensor& layer, const Placement& view);

}  // namespace limpid::testing
