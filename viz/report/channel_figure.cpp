// Channel attribution: what classes owe to channels and channels to channels, and the difference of two classes.
#include <algorithm>
#include <deque>
#include <set>

#include "viz/attribution/layer_shares.h"
#include "viz/report/figure.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kShown = 3, kClasses = 5;  // the article's

// Attribution between all channels of the layers, and from all classes to them.
struct ChannelTables {
    std::vector<std::string> layers;
    std::map<std::string, HostTensor> classes;                          // {classes,1,1,c}
    std::map<std::pair<std::string, std::string>, HostTensor> between;  // {earlier, later}: {c_later,1,1,c_earlier}

    int64_t channels(const std::string& layer) const {
        for (const auto& [pair, table] : between) {
            if (pair.first == layer) return table.shape.c;
            if (pair.second == layer) return table.shape.n;
        }
        CHECK(false, layer);
    }
    size_t depth(const std::string& layer) const { return size_t(std::ranges::find(layers, layer) - layers.begin()); }
    // What the channel of `from` owes to each channel of an earlier layer, or gives to each of a later one.
    std::vector<float> partners(const Unit& unit, const std::string& layer) const {
        std::vector<float> values;
        if (depth(layer) < depth(unit.layer)) {
            const HostTensor& table = between.at({layer, unit.layer});
            const float* row = table.values.data() + unit.channel * table.shape.c;
            values.assign(row, row + table.shape.c);
        } else {
            const HostTensor& table = between.at({unit.layer, layer});
            for (int64_t n = 0; n < table.shape.n; n++) values.push_back(table.at(n, 0, 0, unit.channel));
        }
        return values;
    }
    std::vector<float> classes_of(const Unit& unit) const {
        std::vector<float> values;
        const HostTensor& table = classes.at(unit.layer);
        for (int64_t n = 0; n < table.shape.n; n++) values.push_back(table.at(n, 0, 0, unit.channel));
        return values;
    }
    std::vector<float> channels_for(int64_t class_index, const std::string& layer) const {
        const HostTensor& table = classes.at(layer);
        const float* row = table.values.data() + class_index * table.shape.c;
        return {row, row + table.shape.c};
    }
};

std::optional<ChannelTables> make_tables(const Scene& scene, const PartWatcher& watcher) {
    ChannelTables tables{scene.options.layers.channels, {}, {}};
    const std::vector<std::string>& layers = tables.layers;
    double done_before = 0, all = scene.classes.empty() ? 0 : double(scene.logits.size());
    for (size_t k = 1; k < layers.size(); k++) all += double(scene.at(layers[k]).shape.c);
    const auto run = [&](const std::vector<std::string>& below, const std::string& to, int64_t targets,
                         const SeedWriter& write) {
        auto shares = layer_shares(scene.net, below, scene.at(layers[0]), to, targets, write, scene.stream, {},
                                   [&](int64_t done, int64_t) { return watcher((done_before + double(done)) / all); });
        done_before += double(targets);
        return shares;
    };
    if (!scene.classes.empty()) {
        auto shares = run(layers, scene.net.logits, int64_t(scene.logits.size()),
                          [](int64_t i, MutView seed) { seed.at(0, 0, 0, i) = 1; });
        if (!shares) return std::nullopt;
        const std::vector<std::string>& labels = scene.net.labels();
        for (size_t l = 0; l < layers.size(); l++) {
            HostTensor& table = tables.classes[layers[l]] = std::move((*shares)[l].by_channel);
            for (int64_t n = 0; n < table.shape.n && !labels.empty(); n++)
                if (size_t(n) >= labels.size() || labels[size_t(n)].empty())
                    std::fill_n(table.values.begin() + n * table.shape.c, table.shape.c, 0.0f);
        }
    }
    for (size_t k = 1; k < layers.size(); k++) {
        // A channel is worth its sum over positions.
        const auto write = [](int64_t i, MutView seed) {
            for (int64_t p = 0; p < seed.shape.pixels(); p++) seed.data[p * seed.pitch + i] = 1;
        };
        auto shares =
            run({layers.begin(), layers.begin() + std::ptrdiff_t(k)}, layers[k], scene.at(layers[k]).shape.c, write);
        if (!shares) return std::nullopt;
        for (size_t l = 0; l < k; l++) tables.between[{layers[l], layers[k]}] = std::move((*shares)[l].by_channel);
    }
    return tables;
}

void widen(ordered_json& most, const std::string& key, const ordered_json& entries) {
    if (entries.empty()) return;
    const double value = entries[0][1].get<double>();
    if (!most.contains(key) || most[key].get<double>() < value) most[key] = value;
}

// Everything that can be reached by pinning one channel after another, starting from what the class owes.
std::optional<ordered_json> channels_json(const Scene& scene, const PartWatcher& watcher) {
    const std::optional<ChannelTables> tables = make_tables(scene, watcher);
    if (!tables) return std::nullopt;
    ordered_json output = ordered_json::object(), channel = ordered_json::object(), most = ordered_json::object(),
                 pinned_most = ordered_json::object(), class_most = ordered_json::object();
    std::deque<Unit> waiting;
    std::set<Unit> seen;
    const auto list = [&](const std::string& layer, const std::vector<float>& values) {
        const ordered_json entries = top_entries(values, kShown);
        for (const ordered_json& entry : entries)
            if (const Unit unit{layer, entry[0].get<int64_t>()}; seen.insert(unit).second) waiting.push_back(unit);
        return entries;
    };
    const bool classes = !scene.classes.empty();
    if (classes) output["classes"] = top_entries(scene.probabilities, kClasses);
    for (const std::string& layer : tables->layers) {
        if (classes) {
            output[layer] = list(layer, tables->channels_for(scene.classes[0], layer));
        } else {
            const HostTensor sums = sum_positions(scene.at(layer));
            output[layer] = list(layer, sums.values);
        }
        widen(most, layer, output[layer]);
        channel[layer] = ordered_json::object();
    }
    while (!waiting.empty()) {
        const Unit unit = waiting.front();
        waiting.pop_front();
        ordered_json entry = ordered_json::object();
        if (classes) {
            entry["classes"] = top_entries(tables->classes_of(unit), kClasses);
            widen(class_most, unit.layer, entry["classes"]);
        }
        for (const std::string& layer : tables->layers)
            if (layer != unit.layer) {
                entry[layer] = list(layer, tables->partners(unit, layer));
                widen(pinned_most, layer, entry[layer]);
            }
        channel[unit.layer][std::to_string(unit.channel)] = std::move(entry);
    }
    ordered_json result{{"layers", tables->layers}};
    if (classes) result["class"] = scene.classes[0];
    result.update({{"output", output},
                   {"channel", channel},
                   {"max", most},
                   {"pinned_max", pinned_most},
                   {"class_max", class_most}});
    return result;
}

// "a-b": the channels with the largest and the smallest difference of what the two classes owe.
std::optional<ordered_json> teaser_json(const Scene& scene) {
    const std::string& layer = scene.options.layers.dictionary;
    const HostTensor& a = scene.at(layer);
    std::vector<HostTensor> owed;
    Section section(scene.net, layer, a.shape, scene.net.logits, scene.stream);
    for (const int64_t c : scene.classes)
        owed.push_back(sum_positions(linear_attribution(section, a, class_target(scene.net, c))));
    ordered_json pairs = ordered_json::object();
    for (size_t i = 0; i < owed.size(); i++)
        for (size_t j = i + 1; j < owed.size(); j++) {
            std::vector<float> difference, reversed;
            for (size_t c = 0; c < owed[i].values.size(); c++) {
                difference.push_back(owed[i].values[c] - owed[j].values[c]);
                reversed.push_back(-difference.back());
            }
            std::vector<int64_t> shown = largest(difference, kShown), last = largest(reversed, kShown);
            shown.insert(shown.end(), last.rbegin(), last.rend());
            ordered_json entries = ordered_json::array();
            for (const int64_t c : shown)
                entries.push_back({{"channel", c},
                                   {"a", rounded(double(owed[i].values[size_t(c)]))},
                                   {"b", rounded(double(owed[j].values[size_t(c)]))}});
            pairs[concat(scene.classes[i], '-', scene.classes[j])] = entries;
        }
    return ordered_json{{"layer", layer}, {"classes", scene.classes}, {"pairs", pairs}};
}

}  // namespace

FigureParts channel_parts(Scene& scene) {
    const std::vector<std::string>& layers = scene.options.layers.channels;
    if (layers.size() < 2) return {};
    const int64_t size = scene.photo.picture.shape.h;
    double work = 0;
    if (!scene.classes.empty())
        work += pass_work(scene.net, size, layers[0], scene.net.logits) * double(scene.logits.size());
    for (size_t k = 1; k < layers.size(); k++)
        work += pass_work(scene.net, size, layers[0], layers[k]) * double(scene.at(layers[k]).shape.c);
    return {{"channels", "/channels", concat("every class and channel to every channel of ", layers.size(), " layers"),
             work, [&scene](const PartWatcher& watcher) { return channels_json(scene, watcher); }}};
}

FigureParts teaser_parts(Scene& scene) {
    if (scene.classes.size() < 2) return {};
    return {{"teaser", "/teaser", "channels between two classes",
             pass_work(scene.net, scene.photo.picture.shape.h, scene.options.layers.dictionary, scene.net.logits) *
                 double(scene.classes.size()),
             [&scene](const PartWatcher&) { return teaser_json(scene); }}};
}

}  // namespace limpid
