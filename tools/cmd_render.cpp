// limpid render: a picture of what a unit responds to.
#include <CLI/CLI.hpp>
#include <algorithm>
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
#include "viz/image/array_file.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"
#include "viz/json_text.h"
#include "viz/render/limits.h"
#include "viz/render/render.h"
#include "weights/file.h"
#include "weights/npy.h"

namespace limpid {

namespace {

struct RenderArguments {
    RunArguments run;
    std::vector<std::string> units, references;
    std::string out = "out.png", sheet, param = "fft", transforms = "standard", optimiser = "adam", start;
    RenderOptions options;
    int64_t size = 128, columns = 6;
    bool each = false, no_decorrelate = false, no_redirect = false, plan = false, quiet = false;
};

// "dir/name.png" -> "dir/name-3.png" for picture 3 of several.
std::string numbered(const std::string& path, int64_t i, int64_t count) {
    if (count == 1) return path;
    std::filesystem::path result(path);
    result.replace_filename(concat(result.stem().string(), "-", i, result.extension().string()));
    return result.string();
}

std::string with_suffix(const std::string& path, const std::string& suffix) {
    std::filesystem::path result(path);
    result.replace_filename(result.stem().string() + suffix);
    return result.string();
}

std::string json_of(const std::string& picture) {
    return std::filesystem::path(picture).replace_extension(".json").string();
}
std::string texture_of(const std::string& picture) {
    return with_suffix(picture, concat("-texture", std::filesystem::path(picture).extension().string()));
}
std::string history_of(const std::string& picture) { return with_suffix(picture, "-history.png"); }

// All that `count` pictures are written to.
std::vector<std::string> outputs_of(const RenderArguments& a, int64_t count) {
    std::vector<std::string> files{a.sheet};
    for (int64_t i = 0; i < count; i++) {
        const std::string picture = numbered(a.out, i, count);
        files.insert(files.end(), {picture, json_of(picture)});
        if (a.options.param.texture) files.push_back(texture_of(picture));
        if (!a.options.thresholds.empty()) files.push_back(history_of(picture));
    }
    return files;
}

// Photos and arrays that are read.
std::vector<std::string> inputs_of(const RenderArguments& a, const std::vector<Objective>& objectives) {
    std::vector<std::string> files = files_of(a.options.param);
    for (const Objective& objective : objectives) std::ranges::copy(files_of(objective), std::back_inserter(files));
    std::ranges::copy(a.references, std::back_inserter(files));
    files.push_back(a.start);
    return files;
}

// What is rendered in one batch: an objective for all pictures, or one for each.
struct Drawing {
    std::vector<Objective> objectives;
    const Objective& of(int64_t picture) const { return objectives[objectives.size() == 1 ? 0 : size_t(picture)]; }
    // Whether a picture is the same alone. Otherwise pictures are made together or not at all.
    bool separable(const RenderOptions& o) const {
        return std::ranges::all_of(objectives, per_image) && o.param.per_image();
    }
};

// The command that makes the picture again.
std::string command_of(const RenderArguments& a, const Drawing& drawing, const Stream& stream, int64_t picture) {
    const RenderOptions &o = a.options, otherwise;
    const bool alone = drawing.separable(o);
    std::string words = "limpid render";
    const auto add = [&](const std::string& option, const auto& value) {
        words += concat(" --", option, " ", shell_word(concat(value)));
    };
    for (size_t i = 0; i < drawing.objectives.size(); i++)
        if (!alone || &drawing.objectives[i] == &drawing.of(picture))
            words += " " + shell_word(to_string(drawing.objectives[i]));
    add("steps", o.steps);
    add("size", a.size);
    add("seed", o.seed);
    add("job", int64_t(o.first_job) + (alone ? picture : 0));
    add("learning-rate", o.adam.rate);
    add("transforms", to_string(o.transforms));
    if (to_string(o.param) != to_string(otherwise.param)) add("param", to_string(o.param));
    if (o.optimiser) add("optimiser", to_string(o.optimiser));
    if (o.adam.beta1 != otherwise.adam.beta1) add("beta1", o.adam.beta1);
    if (o.adam.beta2 != otherwise.adam.beta2) add("beta2", o.adam.beta2);
    if (o.adam.epsilon != otherwise.adam.epsilon) add("epsilon", o.adam.epsilon);
    if (!a.start.empty()) add("start", a.start);
    for (const std::string& reference : a.references) add("reference", reference);
    if (a.no_redirect) words += " --no-redirect";
    if (!alone && drawing.objectives.size() > 1) words += " --each";
    if (!alone && drawing.objectives.size() == 1) add("batch", o.batch);
    if (!a.run.net.empty()) add("net", a.run.net);
    if (stream.device().precision != Precision::fp32) add("precision", a.run.precision);
    return words;
}

// All that makes the picture again, and how its score grew. No times: the same command writes the same bytes.
nlohmann::ordered_json record(const RenderArguments& a, const Drawing& drawing, const Net& net, const Stream& stream,
                              const Rendering& rendering, int64_t picture) {
    std::vector<float> scores;
    for (const std::vector<float>& step : rendering.scores)
        scores.push_back(step[std::min(size_t(picture), step.size() - 1)]);
    const RenderOptions& o = a.options;
    return {{"command", command_of(a, drawing, stream, picture)},
            {"objective", to_string(drawing.of(picture))},
            {"net", net.name},
            {"weights",
             {{"source", net.weights->source}, {"variant", net.weights->variant}, {"checksum", net.weights->checksum}}},
            {"seed", o.seed},
            {"job", int64_t(o.first_job) + (drawing.separable(o) ? picture : 0)},
            {"size", a.size},
            {"param", to_string(o.param)},
            {"transforms", to_string(o.transforms)},
            {"optimiser", to_string(o.optimiser)},
            {"adam",
             {{"rate", o.adam.rate}, {"beta1", o.adam.beta1}, {"beta2", o.adam.beta2}, {"epsilon", o.adam.epsilon}}},
            {"thresholds", o.thresholds},
            {"updates", rendering.updates},
            {"complete", !rendering.stopped},
            {"device", stream.backend().name},
            {"version", LIMPID_VERSION},
            {"commit", LIMPID_COMMIT},
            {"scores", scores}};
}

HostTensor copy_of(ConstView picture) {
    return {picture.shape, std::vector<float>(picture.data, picture.data + picture.shape.size())};
}

// For sheets, which have no background of their own: on white, where there is opacity.
HostTensor opaque(const Net& net, ConstView picture) {
    if (picture.shape.c != net.image().c + 1 || net.image().c != 3) return visible(net, copy_of(picture));
    Image image{HostTensor({1, picture.shape.h, picture.shape.w, 3}),
                HostTensor({1, picture.shape.h, picture.shape.w, 1})};
    for (int64_t y = 0; y < picture.shape.h; y++)
        for (int64_t x = 0; x < picture.shape.w; x++) {
            std::copy_n(picture.pixel(0, y, x), 3, image.rgb.view().pixel(0, y, x));
            image.alpha.at(0, y, x, 0) = picture.at(0, y, x, 3);
        }
    return flatten(image);
}

void write_sheet(const std::string& path, const std::vector<HostTensor>& pictures, int64_t columns) {
    std::vector<ConstView> views;
    for (const HostTensor& picture : pictures) views.push_back(picture.view());
    write_png(path, tile(views, std::min<int64_t>(columns, int64_t(views.size())), 4).view());
}

void write_picture(const std::string& path, const Net& net, ConstView picture) {
    if (path.ends_with(".npy")) {
        write_file_atomically(path, npy_bytes(copy_of(picture)));
    } else {
        write_png(path, visible(net, copy_of(picture)).view());
    }
}

// Renders a drawing and writes its pictures, the first of them number `first` of `count`; they are added to `all`.
ExitStatus render_drawing(const RenderArguments& a, const Drawing& drawing, const Net& net, Stream& stream,
                          int64_t first, int64_t count, std::vector<HostTensor>& all) {
    const RenderOptions& options = a.options;
    Renderer renderer(net, drawing.objectives, options, stream);
    if (a.plan) {
        std::cout << renderer.typical_plan().print() << "device memory: " << renderer.device_bytes() << " bytes\n";
        return kDone;
    }
    renderer.reserve();
    const Inspection inspection(a.run, stream);
    if (!a.quiet)
        std::cerr << "limpid render: " << to_string(drawing.of(0)) << (drawing.objectives.size() > 1 ? ", ..." : "")
                  << " of " << net.name << " on " << stream.backend().name << ", " << options.steps + 1 << " updates, "
                  << renderer.device_bytes() << " bytes\n";
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
        write_picture(path, net, picture);
        if (!rendering.textures.values.empty())
            write_picture(texture_of(path), net, rendering.textures.view().image(i));
        const std::string text = to_json_text(record(a, drawing, net, stream, rendering, i), 1) + "\n";
        write_file_atomically(json_of(path), as_bytes(text));
        const std::vector<float>& scores = rendering.scores.back();
        std::cout << path << "  " << to_string(drawing.of(i)) << "  score "
                  << scores[std::min(size_t(i), scores.size() - 1)] << '\n';
        all.push_back(opaque(net, picture));
        if (rendering.history.empty()) continue;
        std::vector<HostTensor> history;
        for (const HostTensor& images : rendering.history) history.push_back(opaque(net, images.view().image(i)));
        const std::string strip = history_of(path);
        write_sheet(strip, history, int64_t(history.size()));
        std::cout << strip << '\n';
    }
    if (!a.quiet)
        std::cerr << "limpid render: " << std::fixed << std::setprecision(2) << rendering.updates << " updates in "
                  << seconds << " s, " << 1e3 * seconds / double(rendering.updates) << " ms each\n";
    return rendering.stopped ? kPartlyDone : kDone;
}

HostTensor references_of(const RenderArguments& a) {
    HostTensor all;
    for (const std::string& path : a.references) {
        const HostTensor photo = load_photo(path, a.size, a.size, a.options.param.alpha);
        if (all.values.empty()) all.shape = {0, photo.shape.h, photo.shape.w, photo.shape.c};
        if (photo.shape.h != all.shape.h || photo.shape.w != all.shape.w || photo.shape.c != all.shape.c)
            throw Error(concat(path, ": is ", photo.shape, ", the other references differ"));
        all.shape.n += photo.shape.n;
        all.values.insert(all.values.end(), photo.values.begin(), photo.values.end());
    }
    return all;
}

ExitStatus render_units(RenderArguments& a) {
    std::vector<Objective> objectives;
    for (const std::string& unit : a.units) objectives.push_back(parse_objective(unit));
    if (!a.out.ends_with(".png") && !a.out.ends_with(".npy"))
        throw UsageError(concat(a.out, ": pictures are PNG files (or arrays, .npy); end the name with .png"));
    if (!a.sheet.empty() && !a.sheet.ends_with(".png"))
        throw UsageError(concat(a.sheet, ": pictures are PNG files; end the name with .png"));
    RenderOptions& options = a.options;
    options.param = parse_param(a.param);
    options.param.height = options.param.width = a.size;
    if (a.no_decorrelate && options.param.colour != ImageParam::Colour::usual)
        throw UsageError(concat("--no-decorrelate and --param '", a.param, "' both decide the colours; drop one"));
    if (a.no_decorrelate) options.param.colour = ImageParam::Colour::rgb;
    options.transforms = parse_transforms(a.transforms);
    options.optimiser = parse_optimiser(a.optimiser);
    if (a.no_redirect) options.redirected_relu_updates = 0;
    if (!options.thresholds.empty()) options.steps = std::ranges::max(options.thresholds);
    std::vector<Drawing> drawings;
    if (a.each) {
        for (const Objective& objective : objectives)
            if (!per_image(objective) || !same_form(objective, objectives[0]))
                throw UsageError(concat("--each: ", to_string(objectives[0]), " and ", to_string(objective),
                                        " cannot be scored in one batch; expected objectives of one form, each of one "
                                        "image"));
        options.batch = int64_t(objectives.size());
        drawings.push_back({objectives});
    } else {
        for (const Objective& objective : objectives) drawings.push_back({{objective}});
    }
    const int64_t count = int64_t(drawings.size()) * options.batch;
    check_files(a.run, outputs_of(a, count), inputs_of(a, objectives));
    const Net net = load_net(a.run);
    if (!a.start.empty()) {
        const ImageParam flat = options.param.flat();
        options.start = load_photo(a.start, flat.height, flat.width, flat.alpha);
    }
    options.references = references_of(a);
    Stream stream = open_stream(a.run);
    // What one of them lacks is said before the first is drawn.
    for (const Drawing& drawing : drawings) check_objectives(net, drawing.objectives, options, stream);
    say_old_forms("render", objectives);
    say_missing_threads(a.run, stream);
    std::vector<HostTensor> pictures;
    ExitStatus status = kDone;
    keep_results();
    try {
        for (size_t i = 0; i < drawings.size() && status == kDone; i++) {
            status = render_drawing(a, drawings[i], net, stream, int64_t(i) * options.batch, count, pictures);
        }
    } catch (const Stopped&) {  // within the first update of a picture
        if (pictures.empty()) throw;
        status = kPartlyDone;
    }
    if (!a.sheet.empty() && !pictures.empty()) {
        write_sheet(a.sheet, pictures, a.columns);
        std::cout << a.sheet << '\n';
    }
    return status;
}

}  // namespace

// As a shell takes it for one word. Bytes that are not UTF-8 and control characters are written in $'...', which bash,
// zsh and POSIX (2024) know: so a command can be shown and copied.
std::string shell_word(const std::string& text) {
    if (!text.empty() &&
        text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./") ==
            std::string::npos)
        return text;
    if (!is_utf8(text) || one_line(text) != text) {
        std::string quoted = "$'";
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            char octal[8];
            std::snprintf(octal, sizeof octal, "\\%03o", byte);
            quoted += byte < 0x20 || byte > 0x7e || c == '\'' || c == '\\' ? octal : std::string(1, c);
        }
        return quoted + "'";
    }
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    return quoted + "'";
}

Run declare_render(CLI::App& app) {
    const auto a = std::make_shared<RenderArguments>();
    RenderOptions& o = a->options;
    app.add_option(
           "UNIT", a->units,
           "what to draw: LAYER:CHANNEL such as mixed4a:476, class:NAME such as class:espresso, or an expression "
           "such as 'mixed4a:476 - 1e2*diversity(mixed5a)'; one or more")
        ->required();
    app.add_option("--reference", a->references,
                   "a photo that the objective compares with: image 0, 1, ... of the batch")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option("--thresholds", o.thresholds,
                   "updates after which the picture is kept, e.g. 1,32,128,512: a strip beside it")
        ->delimiter(',')
        ->check(CLI::Range(kStepLimits.least, kStepLimits.most));
    // Of the others the last counts, so that recipes can be changed.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("-o,--out", a->out,
                   "the picture; several are numbered: NAME-0.png, ...; a .json beside each says how to make it again; "
                   ".npy keeps all digits")
        ->capture_default_str();
    app.add_option("--sheet", a->sheet, "also one picture of all pictures");
    app.add_option("--columns", a->columns, "of the sheet")->check(CLI::Range(1, 1000))->capture_default_str();
    app.add_option("--steps", o.steps, "Lucid's threshold: the picture is taken after STEPS + 1 updates")
        ->check(CLI::Range(kStepLimits.least, kStepLimits.most))
        ->capture_default_str()
        ->excludes("--thresholds");
    app.add_option("--size", a->size, "height and width in pixels")
        ->check(CLI::Range(kSizeLimits.least, kSizeLimits.most))
        ->capture_default_str();
    app.add_option("--batch", o.batch, "pictures of each unit to make at once, with different starts")
        ->check(CLI::Range(kBatchLimits.least, kBatchLimits.most))
        ->capture_default_str();
    app.add_flag("--each", a->each, "one batch with a picture for each UNIT, instead of one after another")
        ->excludes("--batch");
    app.add_option(
           "--param", a->param,
           "how the picture is made of variables: fft, pixel, laplacian, lowres, cppn, ... added with +, then ; "
           "and rgb, grey, alpha, clip, raw, centred, texture(uv=FILE). photo(FILE) + linf_ball(0.02) stays close to "
           "a photo with '; rgb; raw' alone: sources are added before colours and range")
        ->capture_default_str();
    app.add_option("--start", a->start, "start from this photo instead of noise");
    app.add_option("--seed", o.seed, "seed of the start and of the transforms")->capture_default_str();
    app.add_option("--job", o.first_job, "number of the first picture: together with the seed it decides the start")
        ->capture_default_str();
    app.add_option("--learning-rate", o.adam.rate, "of Adam")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--beta1", o.adam.beta1, "of Adam")->check(CLI::Range(0.0, 0.999999))->capture_default_str();
    app.add_option("--beta2", o.adam.beta2, "of Adam")->check(CLI::Range(0.0, 0.999999))->capture_default_str();
    app.add_option("--epsilon", o.adam.epsilon, "of Adam")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option(
           "--transforms", a->transforms,
           "none, standard (Lucid's), robust, alpha, or a list such as 'pad(12); jitter(8); scale(0.9..1.1/11); "
           "rotate(-10..10)'")
        ->capture_default_str();
    app.add_option(
           "--optimiser", a->optimiser,
           "adam, or plain ascent and what follows each step: 'ascent(rate=100); decay(0.0001); blur(1, every=4)'; "
           "yosinski1 to yosinski4: the settings of their table; best with --param 'pixel(sd=10); rgb; centred'")
        ->capture_default_str();
    app.add_flag("--no-decorrelate", a->no_decorrelate, "optimise in RGB instead of decorrelated colours");
    app.add_flag("--no-redirect,--no-redirected-relu", a->no_redirect, "plain ReLU gradients from the first update");
    app.add_flag("--plan", a->plan, "print the steps and the exact bytes of a typical update, and stop");
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return render_units(*a); };
}

}  // namespace limpid
