// How variables follow the gradient where it is not by Adam: plain ascent, and what holds the picture together after
// each step (Simonyan et al. 2013; Yosinski et al. 2015, section 3 and its toolbox).
//
//   ascent(rate=100); decay(0.0001); blur(sigma=1, every=4)
//   x <- r_k(... r_1(x + rate * g)), g the gradient of the score
//
// x are the variables as a picture, one for each image. Most of these rules presume that 0 means nothing there, as it
// does with --param 'pixel; rgb; centred', whose variables are grey levels about the network's mean.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// Every value within [low, high].
struct ClampValues {
    double low = -117, high = 138;  // grey levels 0 and 255 about 117
    bool operator==(const ClampValues&) const = default;
};
// x <- (1 - factor) * x
struct DecayValues {
    double factor = 0;
    bool operator==(const DecayValues&) const = default;
};
// Each channel with a Gaussian of `sigma` pixels, cut at 4 sigma, the border mirrored with its edge (scipy's
// gaussian_filter); at updates 0, every, 2*every, ...
struct BlurValues {
    double sigma = 1;
    int64_t every = 1;
    bool operator==(const BlurValues&) const = default;
};
// What lies below the percentile of all of the image becomes 0: values by magnitude, pixels by the length of their
// channels, pixels by what they give to the score, sum over channels of -x*g, or its magnitude.
struct SmallValues {
    double percent = 0;
    bool operator==(const SmallValues&) const = default;
};
struct SmallPixels {
    double percent = 0;
    bool operator==(const SmallPixels&) const = default;
};
struct SmallContributions {
    double percent = 0;
    bool magnitude = false;
    bool operator==(const SmallContributions&) const = default;
};
using Regulariser = std::variant<ClampValues, DecayValues, BlurValues, SmallValues, SmallPixels, SmallContributions>;

struct PlainAscent {
    double rate = 1;
    // Not 0: rate is min(rate, progress / |g|^2), which raises the score by about `progress`.
    double progress = 0;
    std::vector<Regulariser> rules;
    bool operator==(const PlainAscent&) const = default;
};

// Adam where there is none. parse_optimiser(to_string(o)) == o; "adam", "ascent(...); rule; ...", or the name of one of
// the four settings of Yosinski's table 1: "yosinski1" to "yosinski4". Throws UsageError with the column.
using Optimiser = std::optional<PlainAscent>;
Optimiser parse_optimiser(const std::string& text);
std::string to_string(const Optimiser& optimiser);

// One update of one image: x {1,h,w,c} in place, by its gradient of the same shape; `update` counts from 0. In double,
// on the host.
void ascend(const PlainAscent& ascent, int64_t update, ConstView gradient, MutView x);

}  // namespace limpid
