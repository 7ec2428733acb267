// What the target loses when a window is grey.
#include "viz/attribution/variants.h"

namespace limpid {

HostTensor occlusion(Section& section, const HostTensor& photo, const Target& target, const OcclusionOptions& options,
                     const PassWatcher& watcher) {
    check_window(photo, options.window, options.stride);
    const Shape s = photo.shape;
    const std::vector<int64_t> rows = window_places(s.h, options.window, options.stride);
    const std::vector<int64_t> columns = window_places(s.w, options.window, options.stride);
    const auto top = [&](int64_t i) { return rows[size_t(i) / columns.size()]; };
    const auto left = [&](int64_t i) { return columns[size_t(i) % columns.size()]; };
    const double whole = values(section, photo, target)[0];
    WindowMean mean(s.h, s.w);
    run_variants(
        section, photo, int64_t(rows.size() * columns.size()),
        [&](int64_t i, MutView copy) {
            for (int64_t y = top(i); y < top(i) + options.window; y++)
                std::fill_n(copy.pixel(0, y, left(i)), options.window * s.c, options.fill);
        },
        [&](int64_t i, ConstView result) { mean.add(top(i), left(i), options.window, whole - value(target, result)); },
        watcher);
    return mean.map();
}

}  // namespace limpid
