// Partial sorts, one per position.
#include "viz/dictionary/dictionary.h"

#include <algorithm>
#include <numeric>

#include "kernels/error.h"

namespace limpid {

Dictionary make_dictionary(const HostTensor& activations, int64_t top) {
    const Shape s = activations.shape;
    require(s.n == 1 && s.pixels() > 0 && s.c > 0, "a dictionary of ", s, ", expected the activations of one image");
    if (top < 1) throw UsageError(concat("the ", top, " largest channels; expected at least 1"));
    Dictionary result;
    result.rows = s.h, result.columns = s.w;
    result.most = activations.at(0, 0, 0, 0);
    std::vector<int64_t> order(static_cast<size_t>(s.c));
    for (int64_t y = 0; y < s.h; y++)
        for (int64_t x = 0; x < s.w; x++) {
            const float* values = activations.view().pixel(0, y, x);
            std::iota(order.begin(), order.end(), 0);
            const auto end = order.begin() + std::min(top, s.c);
            std::partial_sort(order.begin(), end, order.end(), [&](int64_t a, int64_t b) {
                return values[a] != values[b] ? values[a] > values[b] : a < b;
            });
            std::vector<DictionaryEntry> entries;
            for (auto it = order.begin(); it != end; ++it) entries.push_back({*it, values[*it]});
            if (entries[0].value > result.most) {
                result.most = entries[0].value;
                result.initial_x = x, result.initial_y = y;
            }
            result.positions.push_back(std::move(entries));
        }
    return result;
}

}  // namespace limpid
