// The atlas: positions of all photos, alike ones side by side (after Carter et al. 2019). Its pictures are those of the
// photos' grids; there are few positions, so each has a place of its own and nothing is averaged.
#include <algorithm>
#include <numeric>

#include "viz/layout/raster.h"
#include "viz/layout/tsne.h"
#include "viz/report/figure.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr double kPairWork = 15;  // multiply-additions of a pair of positions in one step of t-SNE, about
constexpr int64_t kMostPositions = 1000;

struct Position {
    size_t photo;
    int64_t y, x;
};

// All positions of all photos; where they are too many, every second row and column, every third, ...
std::vector<Position> positions_of(const std::vector<Scene>& scenes, const std::string& layer) {
    for (int64_t stride = 1;; stride++) {
        std::vector<Position> positions;
        for (size_t i = 0; i < scenes.size(); i++) {
            const Shape s = scenes[i].at(layer).shape;
            for (int64_t y = stride / 2; y < s.h; y += stride)
                for (int64_t x = stride / 2; x < s.w; x += stride) positions.push_back({i, y, x});
        }
        if (int64_t(positions.size()) <= std::max(kMostPositions, int64_t(scenes.size()))) return positions;
    }
}

// 1 - cosine of their activations.
HostArray<double> cosine_distances(const std::vector<Scene>& scenes, const std::string& layer,
                                   const std::vector<Position>& positions) {
    std::vector<std::vector<double>> units;
    for (const Position& p : positions) {
        const ConstView a = scenes[p.photo].at(layer).view();
        units.push_back(unit_vector({a.pixel(0, p.y, p.x), size_t(a.shape.c)}));
    }
    const auto n = int64_t(units.size());
    HostArray<double> distances({1, 1, n, n});
    for (int64_t i = 0; i < n; i++) {
        scenes[0].stream.stop().check();
        for (int64_t j = 0; j < i; j++) {
            const std::vector<double>&u = units[size_t(i)], &v = units[size_t(j)];
            const double dot = std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
            distances.at(0, 0, i, j) = distances.at(0, 0, j, i) = std::max(0.0, 1 - dot);
        }
    }
    return distances;
}

// The class that a position speaks for most; none where nothing speaks.
ordered_json class_of(const ordered_json& photo, const std::string& layer, const Position& p) {
    const ordered_json::json_pointer list("/spatial/position_classes/" + layer);
    if (!photo.contains(list)) return nullptr;
    const ordered_json& best = photo[list][size_t(p.y)][size_t(p.x)];
    return best.empty() || best[0][1].get<double>() <= 0 ? ordered_json(nullptr) : best[0][0];
}

}  // namespace

double atlas_work(const std::vector<Scene>& scenes) {
    const auto n = double(positions_of(scenes, scenes[0].options.layers.dictionary).size());
    return n * n * kPairWork * double(TsneOptions().steps);
}

ordered_json atlas_json(const std::vector<Scene>& scenes, const ordered_json& photos) {
    const std::string& layer = scenes[0].options.layers.dictionary;
    const std::vector<Position> positions = positions_of(scenes, layer);
    const Stop& stop = scenes[0].stream.stop();
    const Raster raster = to_raster(tsne(cosine_distances(scenes, layer, positions), {.stop = stop}), {.stop = stop});
    ordered_json items = ordered_json::array();
    for (size_t i = 0; i < positions.size(); i++) {
        const Position& p = positions[i];
        items.push_back({{"photo", p.photo},
                         {"y", p.y},
                         {"x", p.x},
                         {"at", {raster.cells[i] % raster.columns, raster.cells[i] / raster.columns}},
                         {"class", class_of(photos[p.photo], layer, p)}});
    }
    return {{"layer", layer}, {"size", {raster.columns, raster.rows}}, {"items", items}};
}

}  // namespace limpid
