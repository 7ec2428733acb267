// limpid grid: what a layer sees at every position of a photo, as a grid of pictures.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/photo_input.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "viz/grid/grid.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

struct GridArguments {
    RunArguments run;
    PhotoArguments photo;
    std::string layer, out = "grid.png";
    GridOptions options;
    MagnitudeScale scale = MagnitudeScale::article;
    bool quiet = false;
};

const std::map<std::string, MagnitudeScale> kScales{{"article", MagnitudeScale::article},
                                                    {"area", MagnitudeScale::area}};

// Fields after those of provenance(): layer, rows, columns, cell_px, groups (0: very naive), steps, batch, seed,
// complete, norms [row][column] of the activations, scores (mean over the batch, per update).
ordered_json to_json(const GridArguments& a, const ActivationGrid& grid, bool complete) {
    ordered_json norms = ordered_json::array();
    for (int64_t y = 0; y < grid.rows; y++) {
        const auto begin = grid.norms.begin() + y * grid.columns;
        norms.push_back(std::vector<double>(begin, begin + grid.columns));
    }
    return {{"layer", a.layer},           {"rows", grid.rows},
            {"columns", grid.columns},    {"cell_px", grid.icons.shape.h},
            {"groups", a.options.groups}, {"steps", a.options.steps},
            {"batch", a.options.batch},   {"seed", a.options.seed},
            {"complete", complete},       {"norms", norms},
            {"scores", grid.scores}};
}

ExitStatus write_grid(GridArguments a) {
    const std::string json_path = json_beside(a.out);
    const std::string magnitude_path = a.out.substr(0, a.out.size() - 4) + "-magnitude.png";
    refuse_trace(a.run);
    check_files(a.run, {a.out, magnitude_path, json_path}, {a.photo.path});
    const Net net = load_net(a.run);
    a.layer = usual_layer(net, a.layer);
    const HostTensor photo = load_photo(a.photo, net);
    Stream stream = open_stream(a.run);
    const Inspection inspection(a.run, stream);
    const HostTensor values = activations(net, {a.layer}, photo, stream, inspection.options())[0];
    keep_results();
    bool complete = true;
    ActivationGrid grid;
    {
        Progress progress("grid", a.quiet);
        const auto watcher = [&](const RenderProgress& p) {
            progress.report(p.done, p.total, concat("score ", p.score));
            return complete = !interrupted();
        };
        grid = activation_grid(net, a.layer, values, a.options, stream, watcher, inspection.options());
        grid.icons = visible(net, std::move(grid.icons));
    }
    ordered_json result = provenance(a.photo, photo, net, stream);
    result.update(to_json(a, grid, complete));
    write_png(a.out, grid_picture(grid).view());
    write_png(magnitude_path, magnitude_picture(grid, a.scale).view());
    write_json(json_path, result);
    announce_choice(a.run, net, stream, a.quiet);
    std::cout << a.out << '\n' << magnitude_path << '\n' << json_path << '\n';
    return complete ? kDone : kPartlyDone;
}

}  // namespace

Run declare_grid(CLI::App& app) {
    const auto a = std::make_shared<GridArguments>();
    GridOptions& o = a->options;
    declare_photo(app, a->photo);
    app.add_option("--layer", a->layer, "the layer; by default mixed4d, or the last inception block");
    app.add_option("--groups", o.groups,
                   "neuron groups that the pictures share; 0: every picture by itself (very naive)")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    app.add_option("--size", o.size, "of a picture, of which 2 pixels are cut off on each side")
        ->check(CLI::Range(8, 1024))
        ->capture_default_str();
    app.add_option("--steps", o.steps, "the pictures are taken after STEPS + 1 updates")
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    app.add_option("--batch", o.batch, "pictures per update")->check(CLI::Range(1, 4096))->capture_default_str();
    app.add_option("--seed", o.seed, "of the start, the transforms and the drawn positions")->capture_default_str();
    app.add_option("--magnitude", a->scale, "how pictures shrink in NAME-magnitude.png: article, or area")
        ->transform(CLI::CheckedTransformer(kScales));
    app.add_option("-o,--out", a->out, "the grid; NAME-magnitude.png and NAME.json are written beside it")
        ->capture_default_str();
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return write_grid(*a); };
}

}  // namespace limpid
