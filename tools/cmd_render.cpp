// limpid render: a picture of what a unit responds to.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "tools/version.h"
#include "viz/image/image.h"
#include "viz/render/render.h"
#include "weights/file.h"

namespace limpid {

namespace {

struct Arguments {
    RunArguments run;
    std::vector<std::string> units;
    std::string out = "out.png", sheet, transforms = "standard";
    RenderOptions options;
    int64_t size = 128, columns = 6;
    bool no_decorrelate = false, no_redirect = false, plan = false, quiet = false;
};

// "dir/name.png" -> "dir/name-3.png" for picture 3 of several.
std::string numbered(const std::string& path, int64_t i, int64_t count) {
    if (count == 1) return path;
    std::filesystem::path result(path);
    result.replace_filename(concat(result.stem().string(), "-", i, result.extension().string()));
    return result.string();
}

// All that makes the picture again, and how its score grew. No times: the same command writes the same bytes.
nlohmann::ordered_json record(const Arguments& a, const Objective& objective, const Net& net, const Stream& stream,
                              const Rendering& rendering, int64_t picture) {
    std::vector<float> scores;
    for (const std::vector<float>& step : rendering.scores) scores.push_back(step[size_t(picture)]);
    const RenderOptions& o = a.options;
    std::string command = concat("limpid render ", to_string(objective), " --steps ", o.steps, " --size ", a.size,
                                 " --seed ", o.seed, " --job ", int64_t(o.first_job) + picture, " --learning-rate ",
                                 o.adam.rate, " --transforms ", a.transforms);
    if (a.no_decorrelate) command += " --no-decorrelate";
    if (a.no_redirect) command += " --no-redirected-relu";
    if (!a.run.net.empty()) command += " --net " + a.run.net;
    if (stream.device().precision != Precision::fp32) command += concat(" --precision ", a.run.precision);
    return {{"command", command},
            {"objective", to_string(objective)},
            {"net", net.name},
            {"weights",
             {{"source", net.weights->source}, {"variant", net.weights->variant}, {"checksum", net.weights->checksum}}},
            {"seed", o.seed},
            {"job", int64_t(o.first_job) + picture},
            {"size", a.size},
            {"transforms", to_string(o.transforms)},
            {"adam",
             {{"rate", o.adam.rate}, {"beta1", o.adam.beta1}, {"beta2", o.adam.beta2}, {"epsilon", o.adam.epsilon}}},
            {"updates", rendering.updates},
            {"complete", !rendering.stopped},
            {"device", stream.backend().name},
            {"version", LIMPID_VERSION},
            {"commit", LIMPID_COMMIT},
            {"scores", scores}};
}

// Renders one unit and writes its pictures, the first of them number `first` of `count`; they are added to `all`.
ExitStatus render_unit(const Arguments& a, const Objective& objective, const Net& net, Stream& stream, int64_t first,
                       int64_t count, std::vector<HostTensor>& all) {
    const RenderOptions& options = a.options;
    Renderer renderer(net, objective, options, stream);
    if (a.plan) {
        std::cout << renderer.typical_plan().print() << "device memory: " << renderer.device_bytes() << " bytes\n";
        return kDone;
    }
    const Inspection inspection(a.run);
    if (!a.quiet)
        std::cerr << "limpid render: " << to_string(objective) << " of " << net.name << " on " << stream.backend().name
                  << ", " << options.steps + 1 << " updates, " << renderer.device_bytes() << " bytes\n";
    const auto start = std::chrono::steady_clock::now();
    Rendering rendering;
    {
        Progress progress("render", a.quiet);
        rendering = renderer.run(
            [&](const RenderProgress& p) {
                progress.report(p.done, p.total, concat("score ", p.score));
                return !interrupted();
            },
            inspection.options());
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    inspection.report(renderer.typical_plan());
    for (int64_t i = 0; i < options.batch; i++) {
        const std::string path = numbered(a.out, first + i, count);
        const ConstView picture = rendering.images.view().image(i);
        write_png(path, picture);
        const std::string text = record(a, objective, net, stream, rendering, i).dump(1) + "\n";
        write_file_atomically(std::filesystem::path(path).replace_extension(".json").string(), as_bytes(text));
        std::cout << path << "  " << to_string(objective) << "  score " << rendering.scores.back()[size_t(i)] << '\n';
        all.emplace_back(picture.shape, std::vector<float>(picture.data, picture.data + picture.shape.size()));
    }
    if (!a.quiet)
        std::cerr << std::fixed << std::setprecision(2) << rendering.updates << " updates in " << seconds << " s, "
                  << 1e3 * seconds / double(rendering.updates) << " ms each\n";
    return rendering.stopped ? kPartlyDone : kDone;
}

ExitStatus render_units(Arguments& a) {
    std::vector<Objective> objectives;
    for (const std::string& unit : a.units) objectives.push_back(parse_objective(unit));
    for (const std::string& path : {a.out, a.sheet})
        if (!path.empty() && !path.ends_with(".png"))
            throw UsageError(concat(path, ": pictures are PNG files; end the name with .png"));
    RenderOptions& options = a.options;
    options.param.height = options.param.width = a.size;
    options.param.decorrelate = !a.no_decorrelate;
    options.transforms = named_transforms(a.transforms);
    if (a.no_redirect) options.redirected_relu_updates = 0;
    const Net net = load_net(a.run);
    Stream stream(choose_device(a.run), a.run.threads);
    const int64_t count = int64_t(objectives.size()) * options.batch;
    std::vector<HostTensor> pictures;
    ExitStatus status = kDone;
    watch_interrupts();
    for (size_t i = 0; i < objectives.size() && status == kDone; i++)
        status = with_context(to_string(objectives[i]), [&] {
            return render_unit(a, objectives[i], net, stream, int64_t(i) * options.batch, count, pictures);
        });
    if (!a.sheet.empty() && !pictures.empty()) {
        std::vector<ConstView> views;
        for (const HostTensor& picture : pictures) views.push_back(picture.view());
        write_png(a.sheet, tile(views, std::min<int64_t>(a.columns, int64_t(views.size())), 4).view());
        std::cout << a.sheet << '\n';
    }
    return status;
}

}  // namespace

Run declare_render(CLI::App& app) {
    const auto a = std::make_shared<Arguments>();
    RenderOptions& o = a->options;
    app.add_option("UNIT", a->units,
                   "LAYER:CHANNEL such as mixed4a:476, or class:NAME such as class:espresso; one or more")
        ->required();
    app.add_option("-o,--out", a->out,
                   "the picture; several are numbered: NAME-0.png, ...; a .json beside each says how to make it again")
        ->capture_default_str();
    app.add_option("--sheet", a->sheet, "also one picture of all pictures");
    app.add_option("--columns", a->columns, "of the sheet")->check(CLI::Range(1, 1000))->capture_default_str();
    app.add_option("--steps", o.steps, "Lucid's threshold: the picture is taken after STEPS + 1 updates")
        ->check(CLI::Range(int64_t(0), int64_t(1) << 31))
        ->capture_default_str();
    app.add_option("--size", a->size, "height and width in pixels")->check(CLI::Range(8, 8192))->capture_default_str();
    app.add_option("--batch", o.batch, "pictures of each unit to make at once, with different starts")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    app.add_option("--seed", o.seed, "seed of the start and of the transforms")->capture_default_str();
    app.add_option("--job", o.first_job, "number of the first picture: together with the seed it decides the start")
        ->capture_default_str();
    app.add_option("--learning-rate", o.adam.rate, "of Adam")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--transforms", a->transforms, "standard (Lucid's) or none")->capture_default_str();
    app.add_flag("--no-decorrelate", a->no_decorrelate, "optimise in RGB instead of decorrelated colours");
    app.add_flag("--no-redirected-relu", a->no_redirect, "plain ReLU gradients from the first update");
    app.add_flag("--plan", a->plan, "print the steps and the exact bytes of a typical update, and stop");
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return render_units(*a); };
}

}  // namespace limpid
