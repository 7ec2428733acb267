// A digest of all that kernels wrote in a run of a test program, one for each device and suite of tests. The file that
// LIMPID_DIGESTS names receives them as lines "cpu:avx2 kernels/PoolTest 0123456789abcdef". The same kernels write the
// same bits on every processor that has their instructions; tests/machines/digests.txt is what they wrote.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid::testing {

void note_output(const Device& device, const HostTensor& output);

}  // namespace limpid::testing
