// A visual world whose truth is known: pictures of named patterns with masks that say which pixels carry them.
//
// A picture is a pure function of (seed, index): of the counter-based random numbers of kernels/random, on any number
// of threads. It shows a pattern of random colours, size, angle and place, whole or inside a shape, on a background,
// perhaps behind plain obstacles, in random light and noise. A composite shows several patterns in places of their own.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

inline constexpr std::array<std::string_view, 25> kPatternNames{"horizontal stripes",
                                                                "vertical stripes",
                                                                "rising stripes",
                                                                "falling stripes",
                                                                "checkers",
                                                                "plaid",
                                                                "hatching",
                                                                "bricks",
                                                                "honeycomb",
                                                                "zigzag",
                                                                "waves",
                                                                "scales",
                                                                "rings",
                                                                "spiral",
                                                                "rays",
                                                                "blobs",
                                                                "gradient",
                                                                "fur",
                                                                "dots",
                                                                "stars",
                                                                "crosses",
                                                                "corners",
                                                                "curves",
                                                                "eyes",
                                                                "flowers"};
inline constexpr int kPatterns = int(kPatternNames.size());
inline constexpr int64_t kWorldSize = 64;  // pixels: what the network is trained on

// Figures, dots to flowers, stand on a ground; the other patterns are textures that cover a surface.
constexpr bool is_figure(int pattern) { return pattern >= 18; }
static_assert(is_figure(18) && kPatternNames[18] == "dots");

// What a mirror image (left and right exchanged) shows of pattern p: another for slanted stripes, else p.
int mirrored_pattern(int pattern);

// The pattern of picture `index`: each is as likely.
int pattern_of(uint64_t seed, uint32_t index);

// Picture `index` of the world into image {1,h,w,3}, RGB in [0,1]. mask {1,h,w,1}, which may be empty, becomes 1 where
// a pixel carries the pattern and 0 elsewhere: of textures the whole surface, of figures the figures themselves;
// never where an obstacle is in front. Safe to call from many threads at once.
void paint_world(uint64_t seed, uint32_t index, MutView image, MutView mask = {});
// The same with a pattern of the caller's choice. Throws Error unless 0 <= pattern < kPatterns.
void paint_pattern(uint64_t seed, uint32_t index, int pattern, MutView image, MutView mask = {});

// Several patterns in one picture, no two the same, each in its own part.
struct Composite {
    HostTensor image;               // {1,h,w,3}
    std::vector<int> patterns;      // what is shown
    std::vector<HostTensor> masks;  // {1,h,w,1} of each; they do not overlap
};
// Throws Error unless 2 <= patterns <= 4 and size >= 32.
Composite paint_composite(uint64_t seed, uint32_t index, int patterns, int64_t size);

}  // namespace limpid
