// The CPU kernels of this family: resizing, affine maps, mixtures of pixels.
#include "kernels/warp/warp_affine.h"
#include "kernels/warp/warp_mix.h"
#include "kernels/warp/warp_resize.h"

namespace limpid::CPU_NS {

extern constinit const WarpKernels warp_kernels{
    .resize = resize, .resize_grad = resize_grad, .affine = affine, .affine_grad = affine_grad, .mix = mix};

}  // namespace limpid::CPU_NS
