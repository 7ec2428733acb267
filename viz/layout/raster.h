// Points onto the cells of a raster, each on one of its own, as near to where they are as that allows.
#pragma once

#include <array>
#include <vector>

#include "kernels/stop.h"
#include "kernels/tensor.h"

namespace limpid {

// Which column each row of the matrix takes, no column twice, so that the sum of what they cost is least. costs
// {1,1,rows,columns}, rows <= columns. Shortest augmenting paths (Jonker and Volgenant 1987): rows^2 * columns.
std::vector<int64_t> cheapest_assignment(const HostArray<double>& costs, const Stop& stop = {});

struct Raster {
    int64_t columns = 0, rows = 0;
    std::vector<int64_t> cells;  // of each point: row * columns + column
};

struct RasterOptions {
    double room = 1.3, aspect = 1.4;
    Stop stop{};
};
// The points' range, without far outliers, is stretched over a raster with `room` cells for each point, `aspect` times
// as wide as high; then the sum of squared ways is least.
Raster to_raster(const std::vector<std::array<double, 2>>& points, const RasterOptions& options = {});

}  // namespace limpid
