// Random transforms of an image, differentiable, whose randomness is an input of the graph: sampled on the host from a
// counter, so the same seed and step give the same transform in any batch, on any device, after any resume (Olah et al.
// 2017; Lucid, transform.py).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "graph/graph.h"

namespace limpid {

// Adds `width` pixels on every side.
struct Pad {
    int64_t width = 0;
    PadMode mode = PadMode::constant;
    float value = 0.5f;
    bool operator==(const Pad&) const = default;
};
// Crops to (h - distance, w - distance) at a random place: offsets uniform integers in [0, distance].
struct Jitter {
    int64_t distance = 0;
    bool operator==(const Jitter&) const = default;
};
// Resizes by one of the factors to trunc(factor * size), TensorFlow-1 bilinear. Changes the size of everything behind
// it.
struct RandomScale {
    std::vector<double> factors;
    bool operator==(const RandomScale&) const = default;
};
// Rotates by one of the angles about the centre, nearest neighbour, black outside. Like Lucid, a degree is 3.14/180
// radians.
struct RandomRotate {
    std::vector<double> degrees;
    bool operator==(const RandomRotate&) const = default;
};
using Transform = std::variant<Pad, Jitter, RandomScale, RandomRotate>;
using Transforms = std::vector<Transform>;

// Lucid's standard_transforms: pad 12 (0.5), jitter 8, scale 0.90..1.10, rotate -10..10 degrees, jitter 4.
Transforms standard_transforms();
// "none" or "standard". Throws UsageError.
Transforms named_transforms(const std::string& name);
std::string to_string(const Transforms& transforms);

// One draw for a step: which factor each RandomScale takes (it decides shapes, hence the plan), and the numbers of the
// others.
struct TransformSample {
    std::vector<int> scales;  // one per RandomScale
    std::vector<std::vector<float>>
        knobs;  // one per Jitter (2 offsets: y, x) and RandomRotate (6: an affine matrix), in order
};
// h and w: size of the image that enters the first transform. Refilling a sample of the same transforms allocates
// nothing.
void sample(const Transforms& transforms, int64_t h, int64_t w, uint64_t seed, uint32_t step, TransformSample& result);
inline TransformSample sample(const Transforms& transforms, int64_t h, int64_t w, uint64_t seed, uint32_t step) {
    TransformSample result;
    sample(transforms, h, w, seed, step, result);
    return result;
}

// All combinations of scale choices, e.g. {{0},{1},...,{10}}: the plans a render can meet.
std::vector<std::vector<int>> all_scales(const Transforms& transforms);

struct Transformed {
    NodeId image;
    std::vector<NodeId> knobs;  // inputs to bind to TransformSample::knobs, {draws,1,1,2} or {draws,1,1,6}
};
// draws: 1, one draw for all images, as in Lucid; or as many as there are images, one for each.
Transformed transform(Graph& graph, const Transforms& transforms, const std::vector<int>& scales, NodeId image,
                      int64_t draws = 1);

}  // namespace limpid
