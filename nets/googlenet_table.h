// The variants of GoogLeNet as tables. Sources: Lucid's frozen graph (inception5h), BVLC's deploy.prototxt (bvlc), and
// one of our own (patterns).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/lrn/lrn.h"

namespace limpid {

// Output channels of an inception block's convolutions.
struct InceptionRow {
    std::string_view name;
    int64_t c1x1, c3x3_bottleneck, c3x3, c5x5_bottleneck, c5x5, pool_reduce;
};

// Output channels of the convolutions before the blocks, and the window of the first.
struct StemRow {
    int64_t conv2d0, window, conv2d1, conv2d2;
};

struct GoogLeNetVariant {
    std::string_view name, title;
    StemRow stem;
    std::span<const InceptionRow> blocks;
    int64_t classes;  // 0: as many as the weights have
    bool caffe;       // windows are padded by pixels and pools round up; else TensorFlow's SAME
    std::optional<LrnParameters> lrn;
    int64_t image_size;  // canonical height and width
    int64_t last_map;    // height and width of the last block's output at that size
};

inline constexpr StemRow kGoogLeNetStem{64, 7, 64, 192};
inline constexpr std::array<InceptionRow, 9> kInception5hBlocks{{
    {"mixed3a", 64, 96, 128, 16, 32, 32},
    {"mixed3b", 128, 128, 192, 32, 96, 64},
    {"mixed4a", 192, 96, 204, 16, 48, 64},  // 204, not the paper's 208
    {"mixed4b", 160, 112, 224, 24, 64, 64},
    {"mixed4c", 128, 128, 256, 24, 64, 64},
    {"mixed4d", 112, 144, 288, 32, 64, 64},
    {"mixed4e", 256, 160, 320, 32, 128, 128},
    {"mixed5a", 256, 160, 320, 48, 128, 128},  // 48, not the paper's 32
    {"mixed5b", 384, 192, 384, 48, 128, 128},
}};
inline constexpr std::array<InceptionRow, 9> kBvlcBlocks{{
    {"mixed3a", 64, 96, 128, 16, 32, 32},
    {"mixed3b", 128, 128, 192, 32, 96, 64},
    {"mixed4a", 192, 96, 208, 16, 48, 64},
    {"mixed4b", 160, 112, 224, 24, 64, 64},
    {"mixed4c", 128, 128, 256, 24, 64, 64},
    {"mixed4d", 112, 144, 288, 32, 64, 64},
    {"mixed4e", 256, 160, 320, 32, 128, 128},
    {"mixed5a", 256, 160, 320, 32, 128, 128},
    {"mixed5b", 384, 192, 384, 48, 128, 128},
}};
// Multiples of 16 channels: what the kernels like.
inline constexpr std::array<InceptionRow, 5> kPatternsBlocks{{
    {"mixed3a", 32, 32, 48, 16, 16, 16},
    {"mixed3b", 48, 48, 80, 16, 32, 32},
    {"mixed4a", 64, 64, 128, 16, 32, 32},
    {"mixed4b", 96, 80, 160, 16, 32, 32},
    {"mixed4c", 128, 128, 256, 32, 64, 64},
}};

inline constexpr std::array<GoogLeNetVariant, 2> kGoogLeNetVariants{{
    {"inception5h", "GoogLeNet (inception5h)", kGoogLeNetStem, kInception5hBlocks, 1008, false,
     LrnParameters{5, 2.0f, 1e-4f, 0.5f}, 224, 7},
    {"bvlc", "GoogLeNet (bvlc)", kGoogLeNetStem, kBvlcBlocks, 1000, true, LrnParameters{2, 1.0f, 1e-4f / 5, 0.75f}, 224,
     7},  // Caffe divides alpha by the window
}};
// The same network in small, for pictures of 64 pixels, without normalisation: what limpid train trains.
inline constexpr GoogLeNetVariant kPatternsVariant{
    "patterns", "patterns", {32, 5, 32, 64}, kPatternsBlocks, 0, false, {}, 64, 4};

}  // namespace limpid
