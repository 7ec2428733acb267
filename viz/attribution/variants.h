// Many changed copies of a photo through a network, a pass at a time.
#pragma once

#include <functional>

#include "viz/attribution/perturbation_methods.h"

namespace limpid {

// For i in [0, count): change(i, copy of the photo), then use(i, what the section makes of it), in order.
void run_variants(Section& section, const HostTensor& photo, int64_t count,
                  const std::function<void(int64_t, MutView)>& change,
                  const std::function<void(int64_t, ConstView)>& use, const PassWatcher& watcher);

// First pixels of windows along an axis of `size`: every `stride`, and one that touches the end.
std::vector<int64_t> window_places(int64_t size, int64_t window, int64_t stride);

// The mean, for each pixel, of the values of the windows that cover it.
class WindowMean {
  public:
    WindowMean(int64_t h, int64_t w) : w_(w), sum_(size_t(h * w)), count_(size_t(h * w)) {}
    void add(int64_t top, int64_t left, int64_t window, double value);
    HostTensor map() const;

  private:
    int64_t w_;
    std::vector<double> sum_, count_;
};

// Throws UsageError unless 1 <= window <= the photo's sides and stride >= 1.
void check_window(const HostTensor& photo, int64_t window, int64_t stride);

}  // namespace limpid
