// Activation grids, and the history of one optimisation.
#include <algorithm>

#include "viz/image/visible.h"
#include "viz/report/figure.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kGridMargin = 2;
constexpr int64_t kHistoryCell = 112;

// Pixels of a cell after its margin is cut off, by the rows of the layer's map: the article's, which has 40 for
// mixed4a.
int64_t cell_of(int64_t rows) { return rows > 20 ? 26 : 46; }

ordered_json grid_json(const Scene& scene, const ActivationGrid& grid) {
    ordered_json norms = ordered_json::array();
    for (int64_t y = 0; y < grid.rows; y++)
        norms.push_back(rounded(std::span(grid.norms).subspan(size_t(y * grid.columns), size_t(grid.columns))));
    return {{"rows", grid.rows},
            {"columns", grid.columns},
            {"cell", grid.icons.shape.h},
            {"steps", scene.options.profile.grid_steps},
            {"sprite", jpeg_uri(visible(scene.net, grid_picture(grid)).view())},
            {"norms", norms}};
}

}  // namespace

GridOptions grid_options(const Scene& scene, const std::string& layer) {
    const Shape s = scene.at(layer).shape;
    GridOptions options;
    options.margin = kGridMargin;
    options.size = cell_of(s.h) + 2 * kGridMargin;
    options.steps = scene.options.profile.grid_steps;
    options.groups = std::min<int64_t>({options.groups, s.c, s.h * s.w});
    // Large grids would be drawn too rarely.
    options.batch = std::max(options.batch, s.h * s.w / 4);
    return options;
}

FigureParts grid_parts(Scene& scene) {
    FigureParts parts{{"grids", "/grids", "", 0, [](const PartWatcher&) { return ordered_json::object(); }}};
    for (const std::string& layer : scene.options.layers.grids) {
        const GridOptions options = grid_options(scene, layer);
        const auto make = [&scene, layer, options](const PartWatcher& watcher) -> std::optional<ordered_json> {
            bool stopped = false;
            const ActivationGrid grid = activation_grid(
                scene.net, layer, scene.at(layer), options, scene.stream,
                [&](const RenderProgress& p) { return !(stopped = !watcher(double(p.done) / double(p.total))); });
            if (stopped) return std::nullopt;
            return grid_json(scene, grid);
        };
        parts.push_back({"grids", "/grids/" + layer, concat("grid of ", layer, ", ", options.steps + 1, " updates"),
                         update_work(scene.net, options.size, layer, options.batch, options.steps), make});
    }
    return parts;
}

int64_t history_size(const Net& net) {
    constexpr int64_t kUsual = 128;
    const std::vector<LayerInfo> there = describe(net, kUsual, kUsual);
    const bool exists = std::ranges::any_of(there, [&](const LayerInfo& layer) { return layer.name == net.logits; });
    return exists ? kUsual : std::max(net.image().h, net.image().w);
}

FigureParts history_parts(Scene& scene) {
    if (scene.classes.empty()) return {};
    const std::vector<int64_t>& steps = scene.options.profile.history_steps;
    const std::string objective = concat("class:", scene.classes[0]);
    const auto make = [&scene, steps, objective](const PartWatcher& watcher) -> std::optional<ordered_json> {
        RenderOptions options;
        options.param.height = options.param.width = history_size(scene.net);
        options.steps = steps.back();
        options.thresholds = steps;
        const Rendering r = render(scene.net, parse_objective(objective), options, scene.stream,
                                   [&](const RenderProgress& p) { return watcher(double(p.done) / double(p.total)); });
        if (r.stopped) return std::nullopt;
        std::vector<HostTensor> seen;
        for (const HostTensor& picture : r.history) seen.push_back(visible(scene.net, picture));
        std::vector<ConstView> pictures;
        for (const HostTensor& picture : seen) pictures.push_back(picture.view());
        CHECK(pictures.size() == steps.size());
        ordered_json scores = ordered_json::array();
        for (const std::vector<float>& score : r.scores) scores.push_back(rounded(double(score[0])));
        ordered_json result{{"objective", objective}, {"steps", steps}};
        result.update(sprite(pictures, kHistoryCell, int64_t(pictures.size())));
        result["scores"] = scores;
        return result;
    };
    return {{"history", "/history", concat("history of ", objective, ", ", steps.back() + 1, " updates"),
             update_work(scene.net, history_size(scene.net), scene.net.logits, 1, steps.back()), make}};
}

}  // namespace limpid
