// Whether rendered pictures show what their class is: what the network takes them for, and their statistics beside
// those of the world's own pictures.
//
// For each concept, `samples` of the world's pictures give the mean of a statistic and its tolerance: the 95th
// percentile of their own distances from that mean. A concept defines a statistic when at most half of the pictures of
// all concepts are as near to its mean: horizontal stripes define an angle, stars do not. (A half was
// chosen after trying stricter shares, which left one or two frequencies to compare.) What a concept defines is
// compared: the rendered picture agrees when it is as near as 95 % of the world's own.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/run.h"
#include "nets/net.h"
#include "viz/judge/picture_statistics.h"

namespace limpid {

// Statistics as one number each, on a line or a circle.
enum class Statistic { angle, frequency, hue };
inline constexpr std::array<Statistic, 3> kStatistics{Statistic::angle, Statistic::frequency, Statistic::hue};
const char* name_of(Statistic statistic);  // "angle", ...
const char* unit_of(Statistic statistic);  // "degrees", "cycles/pixel"
double value_of(Statistic statistic, const PictureStatistics& measured);
// How far two values are from each other: degrees on the circle of 180 or 360; of frequencies octaves.
double distance(Statistic statistic, double a, double b);
// The mean on that circle, or the geometric mean of frequencies.
double mean_of(Statistic statistic, std::span<const double> values);

// What the world says of one statistic of one concept.
struct Norm {
    double mean = 0, tolerance = 0;
    bool defined = false;
    bool accepts(Statistic statistic, double value) const { return distance(statistic, mean, value) <= tolerance; }
};
using Norms = std::array<Norm, kStatistics.size()>;

// [concept], from `samples` pictures of each, of the given size.
std::vector<Norms> world_norms(uint64_t seed, int64_t samples, int64_t size, const Stop& stop = {});

struct VisualisationOptions {
    int64_t samples = 200;
    int64_t steps = 256;
    uint64_t seed = 0;
    RunOptions run = {};
};

struct JudgedVisualisation {
    int concept_index = 0, taken_for = 0;
    double probability = 0;  // of the concept
    PictureStatistics measured;
    bool right() const { return taken_for == concept_index; }
};

struct VisualisationJudgement {
    std::vector<Norms> norms;
    std::vector<JudgedVisualisation> rows;  // one for each concept
    HostTensor pictures;                    // {concepts, size, size, 3}
};

// What a picture of a concept is worth, whoever made it. pictures: {n,h,w,3}, picture i of concept i.
std::vector<JudgedVisualisation> judge_pictures(const Net& net, const HostTensor& pictures, Stream& stream,
                                                const RunOptions& run = {});

// Renders class after class of the network, as `limpid render class:NAME` does, at the size that it was trained on. The
// watcher is told the updates; false ends it, and then there are no rows. Throws Error unless the network's classes are
// the world's.
VisualisationJudgement judge_visualisations(const Net& net, const VisualisationOptions& options, Stream& stream,
                                            const std::function<bool(int64_t, int64_t)>& watcher = {});

}  // namespace limpid
