// How the interpolations are spelt.
#include "kernels/warp/warp.h"

namespace limpid {

const char* name(Interpolation interpolation) {
    return interpolation == Interpolation::nearest ? "nearest" : "bilinear";
}

}  // namespace limpid
