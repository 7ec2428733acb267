// The judge of attribution methods: composites of two concepts whose masks are known, and what every method's maps are
// worth there.
//
// A composite is judged when the network's two largest logits are the two concepts shown: where it does not see a
// concept, the place of its evidence says nothing about the method. Both concepts are asked for; numbers of a composite
// are means over both, so that composites are independent samples.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "viz/attribution/methods.h"
#include "viz/judge/estimate.h"

namespace limpid {

struct JudgeOptions {
    int64_t count = 16;                             // composites to judge
    uint64_t seed = 0;                              // of the world, of what methods draw, of random weights
    int64_t size = 96;                              // of the composites
    std::vector<const AttributionMethod*> methods;  // empty: all
    MethodSettings settings{.window = 12};          // about the part of the picture that 32 is of a photo of 224
    int64_t curve_steps = 24;                       // of deletion and insertion
    RunOptions run = {};

    // Of the pointing game, pixels: 15 at 224 (Zhang et al. 2016).
    int64_t pointing_tolerance() const { return size * 15 / 224; }
};

struct MethodScores {
    std::string name, from;  // from: empty for the references
    Estimate energy;         // inside the mask of the asked concept (map_scores.h)
    Estimate gain;           // the same divided by the masks' area: 1 is what a map is worth that says nothing
    Estimate pointing;       // within pointing_tolerance()
    Estimate discrimination;
    Estimate deletion, insertion;  // areas (faithfulness.h) of the asked class's probability
    Estimate control;  // rank correlation with the map of a network whose weights are all random; 1: the network plays
                       // no part
};

struct Judgement {
    int64_t judged = 0, painted = 0;  // composites
    double area = 0;                  // mean of the masks'
    // References first: the mask itself, a bump in the middle of the picture, uniform noise. They do not look at the
    // network.
    std::vector<MethodScores> rows;
};

// Told how much of the work is done, before each method; false ends it: the composites that are finished count.
using JudgeWatcher = std::function<bool(int64_t done, int64_t total)>;

// Throws Error unless the network's classes are those of the world, and where it recognises too few composites.
Judgement judge_methods(const Net& net, const JudgeOptions& options, Stream& stream, const JudgeWatcher& watcher = {});

// Throws Error unless the labels are the world's.
void check_knows_world(const Net& net);

}  // namespace limpid
