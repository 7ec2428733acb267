// The variants of GoogLeNet as tables. Sources: Lucid's frozen graph (inception5h), BVLC's deploy.prototxt (bvlc).
#pragma once

#include <array>
#include <string_view>

#include "kernels/lrn/lrn.h"
#include "nets/net.h"

namespace limpid {

// Output channels of an inception block's convolutions.
struct InceptionRow {
    std::string_view name;
    int64_t c1x1, c3x3_bottleneck, c3x3, c5x5_bottleneck, c5x5, pool_reduce;
};

struct GoogLeNetVariant {
    std::string_view name;
    std::array<InceptionRow, 9> blocks;
    int64_t classes;
    LayerSpec::Padding padding;  // of convolutions and pools
    LrnParameters lrn;
};

inline constexpr std::array<GoogLeNetVariant, 2> kGoogLeNetVariants{{
    {"inception5h",
     {{{"mixed3a", 64, 96, 128, 16, 32, 32},
       {"mixed3b", 128, 128, 192, 32, 96, 64},
       {"mixed4a", 192, 96, 204, 16, 48, 64},  // 204, not the paper's 208
       {"mixed4b", 160, 112, 224, 24, 64, 64},
       {"mixed4c", 128, 128, 256, 24, 64, 64},
       {"mixed4d", 112, 144, 288, 32, 64, 64},
       {"mixed4e", 256, 160, 320, 32, 128, 128},
       {"mixed5a", 256, 160, 320, 48, 128, 128},  // 48, not the paper's 32
       {"mixed5b", 384, 192, 384, 48, 128, 128}}},
     1008,
     LayerSpec::Padding::same,
     {5, 2.0f, 1e-4f, 0.5f}},
    {"bvlc",
     {{{"mixed3a", 64, 96, 128, 16, 32, 32},
       {"mixed3b", 128, 128, 192, 32, 96, 64},
       {"mixed4a", 192, 96, 208, 16, 48, 64},
       {"mixed4b", 160, 112, 224, 24, 64, 64},
       {"mixed4c", 128, 128, 256, 24, 64, 64},
       {"mixed4d", 112, 144, 288, 32, 64, 64},
       {"mixed4e", 256, 160, 320, 32, 128, 128},
       {"mixed5a", 256, 160, 320, 32, 128, 128},
       {"mixed5b", 384, 192, 384, 48, 128, 128}}},
     1000,
     LayerSpec::Padding::caffe,
     {2, 1.0f, 1e-4f / 5, 0.75f}},  // Caffe divides alpha by the window
}};

}  // namespace limpid
