// One augmenting path for each row, with potentials that keep all reduced costs non-negative.
#include "viz/layout/raster.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"

namespace limpid {

std::vector<int64_t> cheapest_assignment(const HostArray<double>& costs, const Stop& stop) {
    const auto rows = size_t(costs.shape.w), columns = size_t(costs.shape.c);
    require(rows <= columns, "an assignment with costs ", costs.shape, ", expected at least as many columns as rows");
    const size_t none = columns;  // the column where a path starts
    std::vector<double> of_row(rows, 0), of_column(columns + 1, 0);
    std::vector<size_t> row_at(columns + 1, rows), before(columns);
    for (size_t first = 0; first < rows; first++) {
        std::vector<double> least(columns, HUGE_VAL);
        std::vector<bool> done(columns + 1, false);
        row_at[none] = first;
        size_t at = none;
        while (row_at[at] != rows) {
            stop.check();
            done[at] = true;
            const size_t row = row_at[at];
            double step = HUGE_VAL;
            size_t next = none;
            for (size_t c = 0; c < columns; c++) {
                if (done[c]) continue;
                const double reduced = costs.values[row * columns + c] - of_row[row] - of_column[c];
                if (reduced < least[c]) least[c] = reduced, before[c] = at;
                if (least[c] < step) step = least[c], next = c;
            }
            require(next != none, "costs of an assignment that are not finite");
            for (size_t c = 0; c <= columns; c++) {
                if (done[c])
                    of_row[row_at[c]] += step, of_column[c] -= step;
                else
                    least[c] -= step;
            }
            at = next;
        }
        for (; at != none; at = before[at]) row_at[at] = row_at[before[at]];
    }
    std::vector<int64_t> taken(rows);
    for (size_t c = 0; c < columns; c++)
        if (row_at[c] != rows) taken[row_at[c]] = int64_t(c);
    return taken;
}

namespace {

// Into [0,1]; few far points do not squeeze the rest (Carter et al. 2019, normalize_layout, whose upper margin counts
// from the lower one).
std::vector<double> normalized(std::vector<double> values) {
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    const auto percentile = [&](double share) {
        const double place = share * double(sorted.size() - 1);
        const auto below = size_t(place);
        return std::lerp(sorted[below], sorted[std::min(below + 1, sorted.size() - 1)], place - double(below));
    };
    const double first = percentile(0.01), last = percentile(0.99);
    const double low = first - 0.1 * (last - first), high = last + 0.1 * (last - low);
    for (double& v : values) v = std::clamp(v, low, high);
    const auto [least, most] = std::ranges::minmax(values);
    for (double& v : values) v = most > least ? (v - least) / (most - least) : 0.5;
    return values;
}

}  // namespace

Raster to_raster(const std::vector<std::array<double, 2>>& points, const RasterOptions& options) {
    require(!points.empty() && options.room >= 1, points.size(), " points with room ", options.room,
            ", expected at least one, and room 1");
    Raster raster;
    const double cells = options.room * double(points.size());
    raster.columns = std::max<int64_t>(1, std::llround(std::sqrt(cells * options.aspect)));
    raster.rows = std::max<int64_t>(1, int64_t(std::ceil(cells / double(raster.columns))));
    std::vector<double> x, y;
    for (const auto& point : points) x.push_back(point[0]), y.push_back(point[1]);
    x = normalized(std::move(x)), y = normalized(std::move(y));
    HostArray<double> costs({1, 1, int64_t(points.size()), raster.columns * raster.rows});
    for (size_t i = 0; i < points.size(); i++)
        for (int64_t c = 0; c < costs.shape.c; c++) {
            const double dx = x[i] * double(raster.columns) - (double(c % raster.columns) + 0.5),
                         dy = y[i] * double(raster.rows) - (double(c / raster.columns) + 0.5);
            costs.at(0, 0, int64_t(i), c) = dx * dx + dy * dy;
        }
    raster.cells = cheapest_assignment(costs, options.stop);
    return raster;
}

}  // namespace limpid
