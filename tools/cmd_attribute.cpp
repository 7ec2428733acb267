// limpid attribute: what an output, a channel or a position owes to the pixels of a photo, or to its activations.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <climits>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/photo_input.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "viz/attribution/faithfulness.h"
#include "viz/attribution/methods.h"
#include "viz/image/heat.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"
#include "viz/json_text.h"
#include "weights/file.h"
#include "weights/spilled_bytes.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

struct AttributeArguments {
    RunArguments run;
    PhotoArguments photo;
    std::string from, to, method = "linear", pool = "plain", out = "attribution.png", array;
    MethodSettings settings;
    bool faithful = false, quiet = false;
};

const std::map<std::string, VjpOverrides (*)()> kPools{{"plain", [] { return VjpOverrides{}; }},
                                                       {"smooth", smoothed_max_pool},
                                                       {"smooth+blur", smoothed_and_blurred_max_pool}};

ordered_json json_rows(ConstView map) {
    ordered_json rows = ordered_json::array();
    for (int64_t y = 0; y < map.shape.h; y++)
        rows.push_back(std::vector<float>(map.pixel(0, y, 0), map.pixel(0, y, 0) + map.shape.w));
    return rows;
}

// [[channel, sum over positions], ...] from the largest to the most negative.
ordered_json channels_of(const HostTensor& attribution) {
    const HostTensor sums = sum_positions(attribution);
    std::vector<size_t> order(sums.values.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return sums.values[a] > sums.values[b]; });
    ordered_json list = ordered_json::array();
    for (const size_t c : order) list.push_back({c, sums.values[c]});
    return list;
}

// What all positions of a layer take, before anything of it is computed; what is not allowed is refused.
struct PositionsPlan {
    std::string what;
    size_t bytes = 0;
};
PositionsPlan plan_positions(const AttributeArguments& a, const Section& section) {
    const Shape from = section.from_shape(), to = section.to_shape();
    PositionsPlan plan;
    plan.what = concat(to.h * to.w, " positions of ", a.to, " to ", from.h * from.w, " positions of ", section.from());
    // The array, the sprites of it in floats and in bytes, their file; the array's own file in the making.
    plan.bytes = position_attribution_bytes(section) * (a.array.empty() ? 4 : 8);
    constexpr const char* kAdvice = "a smaller picture or later layers need less";
    check_memory(section.stream(), plan.bytes, plan.what, kAdvice);
    if (position_attribution_bytes(section) / sizeof(float) > size_t(INT_MAX / 2))
        throw Error(concat(plan.what, ": are more than a picture of sprites can show; ", kAdvice));
    return plan;
}

// Says how long it lasts as soon as that is known.
HostTensor watched_positions(const AttributeArguments& a, const PositionsPlan& plan, Section& section,
                             const HostTensor& values) {
    Progress progress("attribute", a.quiet);
    bool said = a.quiet;
    const auto begin = std::chrono::steady_clock::now();
    return position_attribution(section, values, [&](int64_t done, int64_t total) {
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        if (!std::exchange(said, true))
            progress.say(concat("limpid attribute: ", plan.what, ": ", print_bytes(double(plan.bytes)), ", about ",
                                int64_t(seconds * double(total) / double(done) + 0.5), " s"));
        progress.report(done, total);
        return !interrupted();
    });
}

// The fields of `head` and "attribution", a row of positions at a time: as numbers in a document it would be many times
// as large as the array.
void append_json(SpilledBytes& json, const ordered_json& head, const HostTensor& all, Shape to, const Stop& stop) {
    std::string text = to_json_text(head);
    text.back() = ',';
    json.append(text + "\"attribution\":[");
    for (int64_t i = 0; i < to.h; i++) {
        json.append(i > 0 ? ",[" : "[");
        for (int64_t j = 0; j < to.w; j++) {
            stop.check();
            json.append((j > 0 ? "," : "") + to_json_text(json_rows(all.view().image(i * to.w + j))));
        }
        json.append("]");
    }
    json.append("]}\n");
}

// Every position of a later layer: a sprite for each, in its place.
//   from, to, shape [h,w,c] of from, to_shape, pool
//   attribution [i][j][y][x]: what position (i,j) of `to` owes to (y,x) of `from`
void attribute_positions(const AttributeArguments& a, const Net& net, const HostTensor& photo, Stream& stream,
                         const RunOptions& run, const std::string& json_path) {
    const std::string from = usual_layer(net, a.from);
    const Shape s = layer_shape(net, from, photo.shape);
    Section section(net, from, s, a.to, stream, {.overrides = kPools.at(a.pool)(), .run = run});
    const PositionsPlan plan = plan_positions(a, section);
    const Shape to = section.to_shape();
    const HostTensor values = activations(net, {from}, photo, stream, run)[0];
    const HostTensor all = watched_positions(a, plan, section, values);
    ordered_json result = provenance(a.photo, photo, net, stream);
    result.update({{"from", from},
                   {"to", a.to},
                   {"method", "linear"},
                   {"pool", a.pool},
                   {"shape", {s.h, s.w, s.c}},
                   {"to_shape", {to.h, to.w, to.c}}});
    SpilledBytes json(std::filesystem::path(json_path).parent_path().string());
    append_json(json, result, all, to, stream.stop());
    const HostTensor sprites = grey_sprites(all, to.w);
    keep_results();
    write_png(a.out, sprites.view());
    if (!a.array.empty())
        write_array_file(a.array, {{"attribution", all}}, {{"photo", a.photo.path}, {"net", net.name}});
    write_file_atomically(json_path, json.view());
}

// What a method says more than its map.
void add_notes(const AttributionMethod& method, const Explanation& explanation, ordered_json& result) {
    if (const auto& c = explanation.completeness)
        result["completeness"] = {{"sum", c->sum}, {"change", c->change}, {"relative_error", c->error()}};
    if (const auto& lime = explanation.lime)
        result["lime"] = {{"weights", lime->weights}, {"intercept", lime->intercept}, {"r2", lime->r2}};
    if (method.name == std::string("prediction-difference"))
        result["surroundings"] = "normal distribution with the autocovariance of the photo itself";
}

constexpr char kFaithfulNeedsClass[] = "--faithful follows the probability of a class; give --to class:LABEL";

// One target. Fields after those of provenance(): from, to, method, pool, shape [h,w,c] of from, value (the target's),
// sum (of all attributions), spatial [y][x] (sums over channels; of gradients the largest size), channels [[channel,
// sum over positions]] descending where there is more than one, completeness / lime where the method has them; with
// --faithful deletion and insertion {probability, area}.
void attribute_target(const AttributeArguments& a, const AttributionMethod& method, const Net& net,
                      const HostTensor& photo, Stream& stream, const RunOptions& run, const std::string& json_path) {
    const Target target = parse_target(net, a.to);
    const bool pixels = a.from.empty() && method.from == std::string("input");
    const std::string from = pixels ? "input" : usual_layer(net, a.from, method.name);
    if (method.pixels_only && from != "input")
        throw UsageError(concat("--method ", method.name, " changes pixels; expected --from input"));
    if (a.faithful && target.terms[0].kind != Target::Kind::logit) throw UsageError(kFaithfulNeedsClass);
    const HostTensor values = from == "input" ? photo : activations(net, {from}, photo, stream, run)[0];
    VjpOverrides overrides = kPools.at(a.pool)();
    if (method.overrides) overrides.merge(method.overrides());
    Section section(net, from, values.shape, target.layer, stream, {.overrides = overrides, .run = run});
    ordered_json result = provenance(a.photo, photo, net, stream);
    result.update({{"from", from},
                   {"to", to_string(target)},
                   {"method", method.name},
                   {"pool", a.pool},
                   {"shape", {values.shape.h, values.shape.w, values.shape.c}},
                   {"value", limpid::values(section, values, target)[0]}});
    Explanation explanation;
    {
        Progress progress("attribute", a.quiet || !method.pixels_only);
        MethodSettings settings = a.settings;
        settings.watcher = [&](int64_t done, int64_t total) {
            progress.report(done, total);
            return !interrupted();
        };
        explanation = method.explain(section, values, target, settings);
    }
    const HostTensor& attribution = explanation.attribution;
    add_notes(method, explanation, result);
    const HostTensor map = attribution_map(method, attribution);
    result["sum"] = std::accumulate(attribution.values.begin(), attribution.values.end(), 0.0);
    if (attribution.shape.c > 3) result["channels"] = channels_of(attribution);
    result["spatial"] = json_rows(map.view());
    if (a.faithful) {
        Section whole(net, "input", photo.shape, net.logits, stream);
        const HostTensor wide = resize(map.view(), photo.shape.h, photo.shape.w);
        const int64_t index = target.terms[0].channel;
        for (const auto& [name, curve] : {std::pair{"deletion", deletion(whole, photo, wide, index)},
                                          {"insertion", insertion(whole, photo, wide, index)}})
            result[name] = {{"area", curve.area()}, {"probability", curve.probability}};
    }
    const HostTensor heat = heat_over(visible(net, photo).view(), map);
    keep_results();
    write_png(a.out, heat.view());
    if (!a.array.empty())
        write_array_file(a.array, {{"attribution", attribution}}, {{"photo", a.photo.path}, {"net", net.name}});
    write_json(json_path, result);
    std::cout << method.name << " of " << one_line(to_string(target)) << " (" << result["value"].get<double>()
              << ") to " << from << ": sum " << result["sum"].get<double>();
    for (const char* name : {"deletion", "insertion"})
        if (result.contains(name)) std::cout << ", " << name << ' ' << result[name]["area"].get<double>();
    std::cout << '\n';
    if (result.contains("channels")) {
        const ordered_json& channels = result["channels"];
        const size_t shown = std::min<size_t>(5, channels.size() / 2);
        for (size_t i = 0; i < 2 * shown; i++) {
            const ordered_json& entry = channels[i < shown ? i : channels.size() - 2 * shown + i];
            std::cout << "  " << from << ':' << entry[0].get<int64_t>() << "  " << entry[1].get<double>() << '\n';
        }
    }
}

ExitStatus attribute(const AttributeArguments& a) {
    const std::string json_path = json_beside(a.out);
    const AttributionMethod& method = attribution_method(a.method);
    if (!a.array.empty()) check_array_file(a.array, 1);
    const bool one_target = a.to == "logsumexp" || a.to.find(':') != std::string::npos;
    if (!one_target && method.name != std::string("linear"))
        throw UsageError(concat("--to ", a.to,
                                " is a layer: every position of it is attributed linearly; expected no --method ",
                                method.name));
    if (!one_target && a.faithful) throw UsageError(kFaithfulNeedsClass);
    refuse_trace(a.run);
    check_files(a.run, {a.out, json_path, a.array}, {a.photo.path});
    const Net net = load_net(a.run);
    const HostTensor photo = load_photo(a.photo, net);
    Stream stream = open_stream(a.run);
    const Inspection inspection(a.run, stream);
    const RunOptions& run = inspection.options();
    if (one_target) {
        attribute_target(a, method, net, photo, stream, run, json_path);
    } else {
        attribute_positions(a, net, photo, stream, run, json_path);
    }
    announce_choice(a.run, net, stream, a.quiet);
    std::cout << a.out << '\n' << json_path << '\n';
    return kDone;
}

}  // namespace

Run declare_attribute(CLI::App& app) {
    const auto a = std::make_shared<AttributeArguments>();
    declare_photo(app, a->photo);
    app.add_option(
           "--to", a->to,
           "what is explained: class:LABEL, logsumexp, LAYER:CHANNEL, LAYER:ROW,COLUMN (norm of a position; rows "
           "from the top, columns from the left, from 0), several of one layer joined by \" + \" and \" - \"; or "
           "LAYER (every position of it)")
        ->required();
    app.add_option("--from", a->from,
                   "what it is owed to: a layer, or input (the pixels); by default mixed4d (mixed5b for grad-cam, or "
                   "the last inception block), input "
                   "for methods about pixels");
    app.add_option("--method", a->method, attribution_method_names())->capture_default_str();
    app.add_option("--pool", a->pool, "gradient of max pooling: plain, smooth (relaxed), smooth+blur")
        ->check(CLI::IsMember({"plain", "smooth", "smooth+blur"}))
        ->capture_default_str();
    app.add_option("--steps", a->settings.steps,
                   "steps of a path, samples of noise, sets of segments; 0: the method's default")
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    app.add_option("--window", a->settings.window,
                   "side of the window of occlusion and prediction-difference; 0: their default")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
    app.add_option("--stride", a->settings.stride, "from window to window")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    app.add_option("--seed", a->settings.seed, "of methods that draw")->capture_default_str();
    app.add_flag("--faithful", a->faithful, "also deletion and insertion curves");
    app.add_option(
           "-o,--out", a->out,
           "a picture: the map over the photo, orange for, blue against; for a LAYER one sprite per position. A "
           ".json beside it has the numbers")
        ->capture_default_str();
    app.add_option("--array", a->array, "also the whole attribution, every channel, as .npy or .h5");
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return attribute(*a); };
}

}  // namespace limpid
