// The invariant that spectral kernels of every device check.
#include "kernels/spectral/spectral.h"

namespace limpid {

void check_spectral_scratch(size_t needed_bytes, const Scratch& scratch) {
    CHECK(scratch.size_bytes >= needed_bytes, "scratch has ", scratch.size_bytes, " bytes, the kernel needs ",
          needed_bytes);
}

}  // namespace limpid
