// The table of figures; the order of the work; what is kept.
#include "viz/report/report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "graph/run.h"
#include "kernels/backend.h"
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "nets/nearest.h"
#include "viz/attribution/section.h"
#include "viz/batch/sprites.h"
#include "viz/factor/groups.h"
#include "viz/image/visible.h"
#include "viz/json_text.h"
#include "viz/render/render.h"
#include "viz/report/figure.h"
#include "viz/report/icon_cache.h"
#include "viz/report/page.h"
#include "viz/report/page_data.h"
#include "viz/report/unit_sheet.h"
#include "weights/sha256.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int kVersion = 1;  // of the data; with every change of a figure, so that what older programs kept is not read
constexpr int64_t kIconCell = 80;
constexpr int64_t kLeastSide = 16;  // of a photo

struct Figure {
    const char* name;
    FigureParts (*parts)(Scene&);
};

// Numbers first: what they name decides which icons are needed.
constexpr Figure kFigures[] = {
    {"dictionary", dictionary_parts}, {"teaser", teaser_parts}, {"spatial", spatial_parts}, {"channels", channel_parts},
    {"groups", group_parts},          {"flow", flow_parts},     {"grids", grid_parts},      {"history", history_parts},
};

std::string label_of(const Net& net, int64_t index) {
    return size_t(index) < net.labels().size() ? net.labels()[size_t(index)] : "";
}

std::vector<int64_t> best_classes(const Net& net, const std::vector<float>& logits, int64_t count) {
    std::vector<int64_t> best;
    for (const int64_t i : largest(logits, int64_t(logits.size())))
        if (int64_t(best.size()) < count && (net.labels().empty() || !label_of(net, i).empty())) best.push_back(i);
    return best;
}

std::vector<float> softmax(const std::vector<float>& logits) {
    std::vector<float> p;
    double sum = 0;
    const float most = *std::ranges::max_element(logits);
    for (const float v : logits) sum += elementary::exp(double(v - most));
    for (const float v : logits) p.push_back(float(elementary::exp(double(v - most)) / sum));
    return p;
}

std::set<std::string> used_layers(const ReportLayers& layers) {
    std::set<std::string> used{layers.dictionary, layers.groups};
    if (!layers.earlier.empty()) used.insert(layers.earlier);
    for (const auto* some : {&layers.grids, &layers.spatial, &layers.channels}) used.insert(some->begin(), some->end());
    return used;
}

// What a report holds at once: photos and the layers of them that figures use; of pairs of positions (similarities, the
// atlas) three matrices of doubles; the largest factorisation.
double report_bytes(const Net& net, const std::vector<ReportPhoto>& photos, const ReportOptions& options) {
    const std::set<std::string> used = used_layers(options.layers);
    const int64_t groups = std::ranges::max(options.profile.group_counts);
    double held = 0, positions = 0, factorised = 0;
    for (const ReportPhoto& photo : photos) {
        held += 3 * double(photo.picture.shape.size()) * sizeof(float);
        for (const LayerInfo& info : describe(net, photo.picture.shape.h, photo.picture.shape.w)) {
            if (!used.contains(info.name)) continue;
            held += double(info.shape.size()) * sizeof(float);
            if (info.name == options.layers.dictionary) positions += double(info.shape.pixels());
            if (info.name == options.layers.groups || info.name == options.layers.earlier)
                factorised = std::max(factorised, double(groups_bytes(info.shape, groups, groups)));
        }
    }
    const auto wants = [&](const char* figure) {
        return options.figures.empty() || std::ranges::count(options.figures, figure) > 0;
    };
    const bool pairs = wants("atlas") || wants("similarity");
    const bool factors = wants("groups") || wants("flow");
    return held + (pairs ? 3 * positions * positions * sizeof(double) : 0) + (factors ? factorised : 0);
}

// The layers in order of depth, with their shapes.
ordered_json layers_json(const Net& net, const Scene& scene) {
    ordered_json list = ordered_json::array();
    for (const Layer& layer : net.layers)
        if (scene.activations.contains(layer.name)) {
            const Shape s = scene.at(layer.name).shape;
            list.push_back({{"name", layer.name},
                            {"shape", {s.h, s.w, s.c}},
                            {"sprite_columns", sprite_columns(net, layer.name, s.c)}});
        }
    return list;
}

}  // namespace

const std::vector<std::string>& figure_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const Figure& figure : kFigures) list.emplace_back(figure.name);
        list.insert(list.end(), {"atlas", "maps", "similarity", "icons", "units"});
        return list;
    }();
    return names;
}

double pass_work(const Net& net, int64_t size, const std::string& from, const std::string& to) {
    double work = 0;
    bool counts = from == "input";
    for (const LayerInfo& info : describe(net, size, size)) {
        if (counts) work += double(info.multiply_adds);
        if (info.name == from) counts = true;
        if (info.name == to) break;
    }
    return 2 * work;  // there and back
}

double ReportPlan::seconds() const {
    double work = 0;
    for (const Part& part : parts) work += part.kept ? 0 : part.work;
    return work_per_second > 0 ? work / work_per_second : 0;
}

struct Report::State {
    const Net& net;
    std::vector<ReportPhoto> photos;
    ReportOptions options;
    Stream& stream;
    Kept& icons;
    Kept& figures;
    std::vector<Scene> scenes;
    std::vector<FigureParts> parts;  // of each photo
    double work_per_second = 0;

    bool wants(const std::string& figure) const {
        return options.figures.empty() || std::ranges::count(options.figures, figure) > 0;
    }

    void look_at(const ReportPhoto& photo) {
        Scene scene{net, photo, options, stream, {}, {}, {}, {}, {}};
        std::vector<std::string> names;
        for (const std::string& layer : used_layers(options.layers)) names.push_back(layer);
        const bool classes = !net.logits.empty();
        if (classes) names.push_back(net.logits);
        const Shape size = photo.picture.shape;
        if (std::min(size.h, size.w) < kLeastSide)
            throw Error(concat(photo.name, ": is of ", size.w, "x", size.h, " pixels, expected at least ", kLeastSide,
                               "x", kLeastSide, "; give a larger picture, or leave out --whole"));
        std::vector<HostTensor> values =
            with_context(photo.name, [&] { return activations(net, names, photo.picture, stream); });
        for (size_t i = 0; i < names.size(); i++) {
            const Shape map = values[i].shape;
            if (names[i] != net.logits && std::min(map.h, map.w) < 2)
                throw Error(concat(photo.name, ": of ", size.w, "x", size.h, " pixels ", names[i], " makes ", map.w,
                                   "x", map.h,
                                   " positions, expected at least 2x2; give a larger picture, or leave out --whole"));
            scene.activations[names[i]] = std::move(values[i]);
        }
        if (classes) {
            scene.logits = scene.at(net.logits).values;
            scene.activations.erase(net.logits);
            scene.probabilities = softmax(scene.logits);
            scene.classes = best_classes(net, scene.logits, options.profile.classes);
        }
        scenes.push_back(std::move(scene));
    }

    std::string key_of(const Scene& scene, const FigurePart& part) const {
        const ReportProfile& p = options.profile;
        Hasher hasher;
        hasher.add(concat(kVersion, '\n', net.weights->checksum, '\n', stream.backend().name, '\n', part.member, '\n',
                          part.what, '\n', scene.photo.picture.shape, '\n', p.grid_steps, ' ', p.group_icon_size, ' ',
                          p.group_icon_steps, ' ', p.overlay_steps, ' ', p.classes, '\n'));
        hasher.add(Bytes(reinterpret_cast<const std::byte*>(scene.photo.picture.values.data()),
                         scene.photo.picture.values.size() * sizeof(float)));
        return hasher.text() + ".figure";  // no JSON file: a digest stands in front of it (kept.h)
    }

    // Of the units that the photos name, each photo's first, each once.
    std::vector<Unit> units_of(const ordered_json& data, std::vector<Unit> (*named)(const ordered_json&, int64_t),
                               int64_t most) const {
        std::vector<Unit> units;
        std::set<Unit> seen;
        for (const ordered_json& photo : data["photos"])
            for (const Unit& unit : named(photo, most))
                if (seen.insert(unit).second) units.push_back(unit);
        return units;
    }

    // Icons are most of the work: a batch of them, without the first update, which makes plans.
    void measure() {
        RenderOptions render;
        render.param.height = render.param.width = options.profile.icon_size;
        render.transforms = {};
        render.batch = 8;
        Renderer renderer(net, parse_objective(options.layers.dictionary + ":0"), render, stream);
        renderer.update(0);
        stream.synchronize();
        constexpr int kUpdates = 3;
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 1; i <= kUpdates; i++) renderer.update(i);
        stream.synchronize();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        work_per_second =
            update_work(net, options.profile.icon_size, options.layers.dictionary, render.batch, kUpdates - 1) /
            std::max(seconds, 1e-6);
    }

    IconOptions icon_options() const {
        return {.size = options.profile.icon_size, .steps = options.profile.icon_steps};
    }
    double icon_work(size_t count) const {
        return update_work(net, options.profile.icon_size, options.layers.dictionary, int64_t(count),
                           options.profile.icon_steps);
    }
    double sheet_work(size_t jobs) const {  // of which a sheet has three, of six pictures
        return update_work(net, options.profile.sheet_size, options.layers.dictionary, int64_t(2 * jobs),
                           options.profile.sheet_steps);
    }

    // Pictures of jobs, those that are missing made now.
    std::optional<std::map<std::string, HostTensor>> draw(const std::vector<Job>& jobs, int64_t batch,
                                                          double (State::*work)(size_t) const, const std::string& what,
                                                          double& done_s, const ReportWatcher& watcher) {
        size_t missing = 0;
        for (const Job& job : jobs) missing += !has_picture(net, job, stream, icons);
        const double seconds = (this->*work)(missing) / work_per_second;
        auto pictures = kept_pictures(net, jobs, batch, stream, icons, [&](double share) {
            return !watcher || watcher(done_s + share * seconds, done_s + seconds, concat(missing, ' ', what));
        });
        if (pictures.size() < jobs.size()) return std::nullopt;
        done_s += seconds;
        return pictures;
    }

    ordered_json maps_of(size_t i, const ordered_json& photo) const {
        std::map<std::string, std::vector<int64_t>> channels;
        for (const Unit& unit : named_units(photo, INT64_MAX)) channels[unit.layer].push_back(unit.channel);
        ordered_json maps = ordered_json::object();
        for (const auto& [layer, list] : channels) maps[layer] = activation_maps(scenes[i].at(layer), list);
        return maps;
    }

    ordered_json similarity() const {
        const std::string& layer = options.layers.dictionary;
        ordered_json names = ordered_json::array(), pairs = ordered_json::object();
        for (size_t i = 0; i < scenes.size(); i++) {
            names.push_back(scenes[i].photo.name);
            for (size_t j = i; j < scenes.size(); j++)
                pairs[concat(i, '>', j)] = similarity_map(scenes[i].at(layer), scenes[j].at(layer));
        }
        return {{"layer", layer},
                {"photos", names},
                {"pairs", pairs},
                {"command", report_command(options, words(), "similarity", "similarity")}};
    }

    std::vector<std::string> words() const {
        std::vector<std::string> list;
        for (const ReportPhoto& photo : photos) list.push_back(photo.word);
        return list;
    }

    // Adds the icons of the units that the data name. False where the watcher stopped it.
    bool add_icons(ordered_json& data, double& done_s, const ReportWatcher& watcher) {
        const std::vector<Unit> units = units_of(data, named_units, options.profile.most_icons);
        std::vector<Job> jobs;
        for (const Unit& unit : units) jobs.push_back(icon_job(unit, icon_options()));
        const auto pictures = draw(jobs, icon_options().batch, &State::icon_work, "icons of channels", done_s, watcher);
        if (!pictures) return false;
        std::map<std::string, std::vector<Unit>> by_layer;
        for (const Unit& unit : units) by_layer[unit.layer].push_back(unit);
        for (auto& [layer, list] : by_layer) {
            std::ranges::sort(list);
            std::vector<ConstView> views;
            std::vector<int64_t> channels;
            for (const Unit& unit : list) {
                views.push_back(pictures->at(icon_job(unit, icon_options()).name).view());
                channels.push_back(unit.channel);
            }
            const int64_t columns =
                std::min(sprite_columns(net, layer, scenes[0].at(layer).shape.c), int64_t(views.size()));
            data["icons"][layer] = sprite(views, kIconCell, columns);
            data["icons"][layer]["channels"] = channels;
        }
        return true;
    }

    bool add_sheets(ordered_json& data, double& done_s, const ReportWatcher& watcher) {
        std::vector<std::pair<Unit, std::vector<Job>>> sheets;
        std::vector<Job> jobs;
        for (const Unit& unit : units_of(data, sheet_units, options.profile.most_sheets)) {
            float most = 0;
            for (const Scene& scene : scenes)
                most = std::max(most, *std::ranges::max_element(scene.at(unit.layer).values));
            sheets.emplace_back(unit, sheet_jobs(net, unit,
                                                 {.size = options.profile.sheet_size,
                                                  .steps = options.profile.sheet_steps,
                                                  .diversity = diversity_weight(double(most))}));
            std::ranges::copy(sheets.back().second, std::back_inserter(jobs));
        }
        const auto pictures =
            draw(jobs, icon_options().batch, &State::sheet_work, "pictures of single channels", done_s, watcher);
        if (!pictures) return false;
        for (const auto& [unit, own] : sheets) {
            std::vector<HostTensor> shown;
            for (const Job& job : own) shown.push_back(pictures->at(job.name));
            data["units"][unit.layer][std::to_string(unit.channel)] = unit_sheet(own, shown, options.net_options);
        }
        return true;
    }
};

Report::Report(const Net& net, std::vector<ReportPhoto> photos, ReportOptions options, Stream& stream, Kept& icons,
               Kept& figures)
    : state_(new State{net, std::move(photos), std::move(options), stream, icons, figures, {}, {}, 0}) {
    State& s = *state_;
    require(!s.photos.empty(), "a report without photos, expected at least one");
    for (const std::string& figure : s.options.figures)
        if (!std::ranges::count(figure_names(), figure))
            throw UsageError(
                concat("figure ", figure, " is not known; did you mean ", nearest_names(figure, figure_names()), '?'));
    if (const double bytes = report_bytes(net, s.photos, s.options); bytes > double(stream.allowed_memory()))
        throw Error(memory_problem(concat("a report of ", s.photos.size(), " photos"), bytes, stream.allowed_memory(),
                                   "fewer or smaller photos, or fewer --figures, need less"));
    for (const ReportPhoto& photo : s.photos) s.look_at(photo);
    for (Scene& scene : s.scenes) {
        FigureParts parts;
        for (const Figure& figure : kFigures)
            if (s.wants(figure.name)) std::ranges::move(figure.parts(scene), std::back_inserter(parts));
        s.parts.push_back(std::move(parts));
    }
}

Report::~Report() = default;

ReportPlan Report::plan() {
    State& s = *state_;
    if (s.work_per_second == 0) s.measure();
    ReportPlan plan;
    plan.work_per_second = s.work_per_second;
    for (size_t i = 0; i < s.scenes.size(); i++)
        for (const FigurePart& part : s.parts[i])
            if (!part.what.empty())
                plan.parts.push_back({s.scenes[i].photo.name + ": " + part.what, part.work,
                                      s.figures.find(s.key_of(s.scenes[i], part)).has_value()});
    const auto photos = int64_t(s.scenes.size());
    if (s.wants("atlas")) plan.parts.push_back({"atlas of all positions", atlas_work(s.scenes), false});
    if (s.wants("icons")) {
        const int64_t count = std::min<int64_t>(s.options.profile.most_icons, 600) * photos;
        plan.parts.push_back({concat("icons of up to ", count, " channels"), s.icon_work(size_t(count)), false});
    }
    if (s.wants("units")) {
        const int64_t count = s.options.profile.most_sheets * photos;
        plan.parts.push_back(
            {concat("six pictures of up to ", count, " channels"), s.sheet_work(size_t(3 * count)), false});
    }
    return plan;
}

std::optional<ordered_json> Report::make(const ReportWatcher& watcher) {
    State& s = *state_;
    const ReportPlan planned = plan();
    const double total = planned.seconds();
    double done = 0;
    size_t row = 0;
    const auto begin = std::chrono::steady_clock::now();
    ordered_json photos = ordered_json::array();
    for (size_t i = 0; i < s.scenes.size(); i++) {
        Scene& scene = s.scenes[i];
        ordered_json photo{{"name", scene.photo.name},
                           {"size", {scene.photo.picture.shape.h, scene.photo.picture.shape.w}},
                           {"picture", jpeg_uri(visible(scene.net, scene.photo.picture).view(), 92)}};
        ordered_json predictions = ordered_json::array();
        for (const int64_t c : scene.classes)
            predictions.push_back({{"class", c}, {"p", rounded(double(scene.probabilities[size_t(c)]))}});
        photo["predictions"] = predictions;
        for (const FigurePart& part : s.parts[i]) {
            const std::string key = s.key_of(scene, part);
            std::optional<ordered_json> value;
            double seconds = 0;
            const bool worth_keeping = !part.what.empty();
            if (worth_keeping) {
                const ReportPlan::Part& of_plan = planned.parts[row++];
                seconds = of_plan.kept ? 0 : of_plan.work / s.work_per_second;
                if (const std::optional<std::string> kept = s.figures.find(key)) value = from_json_text(*kept);
            }
            if (!value) {
                value = part.make([&](double share) {
                    return !watcher || watcher(done + share * seconds, total, scene.photo.name + ": " + part.what);
                });
                if (!value) return std::nullopt;
                if (worth_keeping) s.figures.keep(key, as_bytes(to_json_text(*value)));
            }
            done += seconds;
            if (watcher && !watcher(done, total, scene.photo.name)) return std::nullopt;
            ordered_json& place = photo[ordered_json::json_pointer(part.member)];
            if (place.is_object() && value->is_object())
                place.update(*value);
            else
                place = std::move(*value);
        }
        photo["commands"] = figure_commands(scene, photo);
        photos.push_back(std::move(photo));
    }
    ordered_json data{{"format", "limpid-report"},
                      {"version", kVersion},
                      {"made_by", s.options.made_by},
                      {"profile", s.options.profile.name},
                      {"net", s.net.name},
                      {"weights_checksum", s.net.weights->checksum},
                      {"device", s.stream.backend().name},
                      {"seconds", 0},
                      {"command", s.options.command},
                      {"classes", s.net.labels()},
                      {"layers", layers_json(s.net, s.scenes[0])},
                      {"icons", ordered_json::object()},
                      {"photos", std::move(photos)}};
    if (s.wants("maps"))
        for (size_t i = 0; i < s.scenes.size(); i++) data["photos"][i]["maps"] = s.maps_of(i, data["photos"][i]);
    if (s.wants("similarity")) data["similarity"] = s.similarity();
    if (s.wants("atlas")) {
        data["atlas"] = atlas_json(s.scenes, data["photos"]);
        data["atlas"]["command"] = report_command(s.options, s.words(), "grids,spatial,atlas", "atlas");
    }
    if (s.wants("icons") && !s.add_icons(data, done, watcher)) return std::nullopt;
    if (s.wants("units") && !s.add_sheets(data, done, watcher)) return std::nullopt;
    data["seconds"] = rounded(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return data;
}

std::string report_page(const ordered_json& data) {
    constexpr std::string_view kElement = "<script type=\"application/json\" id=\"report-data\">";
    const std::string_view page = report_page_template();
    const size_t element = page.find(kElement);
    CHECK(element != page.npos && page.find(kElement, element + 1) == page.npos, "the page has no place for its data");
    const size_t place = element + kElement.size();
    CHECK(page.substr(place).starts_with("null</script>"));
    // What would end or confuse the element; JSON allows both escapes inside strings, the only place of '<'.
    std::string text;
    for (const char c : to_json_text(data))
        if (c == '<')
            text += "\\u003c";
        else
            text += c;
    return concat(page.substr(0, place), text, page.substr(place + 4));
}

}  // namespace limpid
