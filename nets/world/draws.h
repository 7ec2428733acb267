// A sequence of random numbers of one picture, drawn from the counter: the n-th draw is a pure function of the key.
#pragma once

#include "kernels/random/philox.h"

namespace limpid {

class Draws {
  public:
    explicit Draws(RandomKey key) : key_(key) {}

    // [0,1).
    float unit() { return random_uniform(key_, at_++); }
    // [low, high).
    float between(float low, float high) { return low + (high - low) * unit(); }
    // An integer in [0, n).
    int below(int n) { return random_below(key_, at_++, n); }
    bool chance(float probability) { return unit() < probability; }

  private:
    RandomKey key_;
    int64_t at_ = 0;
};

}  // namespace limpid
