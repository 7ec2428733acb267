// Random transforms of an image, differentiable, whose randomness is an input of the graph: sampled on the host from a
// counter, so the same seed and step give the same transform in any batch, on any device, after any resume (Olah et al.
// 2017; Lucid, transform.py).
//
// As text: pad(12); jitter(8); scale(0.9..1.1/11); rotate(-10..10, 0*5); jitter(4)
//   a..b   a, a+1, ..., b        a..b/n   n values from a to b        x*k   k times x, which may be a range
// The name of a set stands for its transforms: "standard; crop_or_pad(224)".
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "graph/graph.h"

namespace limpid {

// pad(width, value, mode): adds `width` pixels on every side.
struct Pad {
    int64_t width = 0;
    PadMode mode = PadMode::constant;
    float value = 0.5f;
    bool uniform = false;  // mode constant: another value each step, uniform in [0,1)
    bool operator==(const Pad&) const = default;
};
// jitter(distance): crops to (h - distance, w - distance) at a random place: offsets uniform integers in [0, distance].
struct Jitter {
    int64_t distance = 0;
    bool operator==(const Jitter&) const = default;
};
// scale(factors): resizes by one of the factors to trunc(factor * size), TensorFlow-1 bilinear. Changes the size of
// everything after it.
struct RandomScale {
    std::vector<double> factors;
    bool operator==(const RandomScale&) const = default;
};
// rotate(degrees): rotates by one of the angles about the centre, nearest neighbour, black outside. Like Lucid, a
// degree is 3.14/180 radians.
struct RandomRotate {
    std::vector<double> degrees;
    bool operator==(const RandomRotate&) const = default;
};
// crop(height, width): a random window.
struct RandomCrop {
    int64_t height = 1, width = 1;
    bool operator==(const RandomCrop&) const = default;
};
// crop_or_pad(height, width): the middle, or zeros around.
struct CropOrPad {
    int64_t height = 1, width = 1;
    bool operator==(const CropOrPad&) const = default;
};
// collapse_alpha(sd, decay): lays colour by opacity over a new random picture each step; takes the last channel away.
struct CollapseAlpha {
    double deviation = 0.5, decay_power = 1;
    bool operator==(const CollapseAlpha&) const = default;
};
// gamma(exponent): x^exponent, of linear light 1/2.2.
struct Gamma {
    double exponent = 1;
    bool operator==(const Gamma&) const = default;
};
// normalize_gradient(scale): the image passes; the gradient of each image gets the length `scale`.
struct NormalizeGradient {
    double scale = 1;
    bool operator==(const NormalizeGradient&) const = default;
};
using Transform = std::variant<Pad, Jitter, RandomScale, RandomRotate, RandomCrop, CropOrPad, CollapseAlpha, Gamma,
                               NormalizeGradient>;
using Transforms = std::vector<Transform>;

// Lucid's standard_transforms: pad 12 (0.5), jitter 8, scale 0.90..1.10, rotate -10..10 degrees, jitter 4.
Transforms standard_transforms();
// "none", "standard", "robust" (of Lucid's older notebooks) or "alpha" (for pictures with opacity). Throws UsageError.
Transforms named_transforms(const std::string& name);
// parse_transforms(to_string(t)) == t. Throws UsageError with the column.
Transforms parse_transforms(const std::string& text);
std::string to_string(const Transforms& transforms);

// One draw for a step: which factor each RandomScale takes (it decides shapes, hence the plan), and the numbers of the
// others.
struct TransformSample {
    std::vector<int> scales;                // one per RandomScale: the first of the factors that give this size
    std::vector<std::vector<float>> knobs;  // one per random transform but RandomScale, in order
};
// h and w: size of the image that enters the first transform. Refilling a sample of the same transforms allocates
// nothing.
void sample(const Transforms& transforms, int64_t h, int64_t w, uint64_t seed, uint32_t step, TransformSample& result);
inline TransformSample sample(const Transforms& transforms, int64_t h, int64_t w, uint64_t seed, uint32_t step) {
    TransformSample result;
    sample(transforms, h, w, seed, step, result);
    return result;
}

// All combinations of scale choices that sample() gives for this size, e.g. {{0},{1},...,{10}}: the plans a render can
// meet.
std::vector<std::vector<int>> all_scales(const Transforms& transforms, int64_t h, int64_t w);

struct Transformed {
    NodeId image;
    std::vector<NodeId> knobs;  // inputs to bind to TransformSample::knobs, {draws,1,1,count}
};
// draws: 1, one draw for all images, as in Lucid; or as many as there are images, one for each.
Transformed transform(Graph& graph, const Transforms& transforms, const std::vector<int>& scales, NodeId image,
                      int64_t draws = 1);

}  // namespace limpid
