// Names of the reductions, as they appear in messages and printed graphs.
#include "kernels/reduce/reduce.h"

namespace limpid {

const char* name(Reduce reduce) {
    static const char* const kNames[kReduceCount] = {"sum", "mean", "max", "argmax", "sum_squares", "max_abs"};
    return kNames[int(reduce)];
}

}  // namespace limpid
