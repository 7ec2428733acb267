// Copies, passes, and means over windows.
#include "viz/attribution/variants.h"

#include <algorithm>

#include "kernels/error.h"

namespace limpid {

void run_variants(Section& section, const HostTensor& photo, int64_t count,
                  const std::function<void(int64_t, MutView)>& change,
                  const std::function<void(int64_t, ConstView)>& use, const PassWatcher& watcher) {
    require(photo.shape.n == 1, "variants of ", photo.shape, ", expected one photo");
    const int64_t at_once = section.images_at_once(count, false);
    for (int64_t first = 0; first < count; first += at_once) {
        HostTensor batch({std::min(at_once, count - first), photo.shape.h, photo.shape.w, photo.shape.c});
        for (int64_t k = 0; k < batch.shape.n; k++) {
            std::ranges::copy(photo.values, batch.values.begin() + k * photo.shape.size());
            change(first + k, batch.view().image(k));
        }
        const HostTensor results = section.forward(batch);
        for (int64_t k = 0; k < batch.shape.n; k++) use(first + k, results.view().image(k));
        if (watcher && !watcher(first + batch.shape.n, count)) throw Stopped();
    }
}

std::vector<int64_t> window_places(int64_t size, int64_t window, int64_t stride) {
    std::vector<int64_t> places;
    for (int64_t at = 0; at + window <= size; at += stride) places.push_back(at);
    if (places.back() + window < size) places.push_back(size - window);
    return places;
}

void WindowMean::add(int64_t top, int64_t left, int64_t window, double value) {
    for (int64_t y = top; y < top + window; y++)
        for (int64_t x = left; x < left + window; x++) {
            sum_[size_t(y * w_ + x)] += value;
            count_[size_t(y * w_ + x)] += 1;
        }
}

HostTensor WindowMean::map() const {
    HostTensor result({1, int64_t(sum_.size()) / w_, w_, 1});
    for (size_t i = 0; i < sum_.size(); i++) result.values[i] = count_[i] > 0 ? float(sum_[i] / count_[i]) : 0;
    return result;
}

void check_window(const HostTensor& photo, int64_t window, int64_t stride) {
    if (window < 1 || stride < 1 || stride > window || window > std::min(photo.shape.h, photo.shape.w))
        throw UsageError(concat("window ", window, " and stride ", stride, " for a photo of ", photo.shape.w, "x",
                                photo.shape.h, "; expected 1 <= stride <= window <= the shorter side"));
}

}  // namespace limpid
