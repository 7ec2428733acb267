// Spatial attribution: positions to positions, classes to positions, two factors of the latter; with the article's
// relaxed and blurred gradients of pooling.
#include <algorithm>

#include "graph/vjp_overrides.h"
#include "viz/attribution/layer_shares.h"
#include "viz/report/figure.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kFactors = 2, kFactoredClasses = 50;

// What every class owes to every position of a layer: {1,h,w,classes}.
HostTensor classes_last(const HostTensor& by_position) {
    const Shape s = by_position.shape;
    HostTensor result({1, s.h, s.w, s.n});
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t p = 0; p < s.h * s.w; p++)
            result.values[size_t(p * s.n + n)] = by_position.values[size_t(n * s.h * s.w + p)];
    return result;
}

// Outputs without a label mean nothing.
void forget_unnamed(const Net& net, HostTensor& classes) {
    const std::vector<std::string>& labels = net.labels();
    for (size_t i = 0; i < classes.values.size() && !labels.empty(); i++) {
        const size_t c = i % size_t(classes.shape.c);
        if (c >= labels.size() || labels[c].empty()) classes.values[i] = 0;
    }
}

std::vector<float> channel_of(const HostTensor& t, int64_t c) {
    std::vector<float> map;
    for (size_t i = size_t(c); i < t.values.size(); i += size_t(t.shape.c)) map.push_back(t.values[i]);
    return map;
}

// The columns of some classes: {1,h,w,classes.size()}.
HostTensor columns_of(const HostTensor& owed, const std::vector<int64_t>& classes) {
    const Shape s = owed.shape;
    HostTensor result({1, s.h, s.w, int64_t(classes.size())});
    for (int64_t p = 0; p < s.pixels(); p++)
        for (size_t i = 0; i < classes.size(); i++)
            result.values[size_t(p) * classes.size() + i] = std::max(owed.values[size_t(p * s.c + classes[i])], 0.0f);
    return result;
}

// Two factors of the positions x classes of `layer`; other layers on the same mixes of classes. The article does not
// say which classes: here the most probable, as all others together would outweigh them.
ordered_json factors_json(const Scene& scene, const std::map<std::string, HostTensor>& owed, const std::string& layer) {
    const std::vector<int64_t> classes = largest(scene.logits, kFactoredClasses);
    const Groups factors =
        find_groups(columns_of(owed.at(layer), classes), kFactors, GroupOrder::centre, {.stop = scene.stream.stop()});
    ordered_json lists = ordered_json::array(), maps = ordered_json::object();
    for (int64_t i = 0; i < kFactors; i++) {
        double mass = 0;
        for (const float v : channel_of(factors.spatial, i)) mass += double(v);
        std::vector<float> values;
        for (size_t c = 0; c < classes.size(); c++)
            values.push_back(float(mass * double(factors.channel.at(0, 0, i, int64_t(c)))));
        ordered_json entries = ordered_json::array();
        for (const int64_t c : largest(values, 5))
            entries.push_back({classes[size_t(c)], rounded(double(values[size_t(c)]))});
        lists.push_back(entries);
    }
    for (const auto& [name, values] : owed) {
        const HostTensor spatial = name == layer ? factors.spatial : project(columns_of(values, classes), factors);
        ordered_json pair = ordered_json::array();
        for (int64_t i = 0; i < kFactors; i++)
            pair.push_back(byte_map(channel_of(spatial, i), {spatial.shape.h, spatial.shape.w}));
        maps[name] = pair;
    }
    return {{"layer", layer}, {"classes", lists}, {"maps", maps}};
}

std::optional<ordered_json> classes_json(const Scene& scene, const PartWatcher& watcher) {
    const std::vector<std::string>& layers = scene.options.layers.spatial;
    const auto shares = layer_shares(
        scene.net, layers, scene.at(layers[0]), scene.net.logits, int64_t(scene.logits.size()),
        [](int64_t i, MutView seed) { seed.at(0, 0, 0, i) = 1; }, scene.stream,
        {.overrides = smoothed_and_blurred_max_pool()},
        [&](int64_t done, int64_t total) { return watcher(double(done) / double(total)); });
    if (!shares) return std::nullopt;
    std::map<std::string, HostTensor> owed;
    for (size_t l = 0; l < layers.size(); l++) {
        owed[layers[l]] = classes_last((*shares)[l].by_position);
        forget_unnamed(scene.net, owed[layers[l]]);
    }
    ordered_json class_maps = ordered_json::object(), position_classes = ordered_json::object(),
                 most = ordered_json::object();
    for (const std::string& layer : layers) {
        const HostTensor& values = owed.at(layer);
        const Shape s = values.shape;
        ordered_json maps = ordered_json::object(), rows = ordered_json::array();
        for (const int64_t c : scene.classes) maps[std::to_string(c)] = byte_map(channel_of(values, c), {s.h, s.w});
        for (int64_t y = 0; y < s.h; y++) {
            ordered_json row = ordered_json::array();
            for (int64_t x = 0; x < s.w; x++)
                row.push_back(top_entries({values.view().pixel(0, y, x), size_t(s.c)}, 5));
            rows.push_back(row);
        }
        class_maps[layer] = maps;
        position_classes[layer] = rows;
        most[layer] = rounded(double(*std::ranges::max_element(values.values)));
    }
    position_classes["max"] = most;
    const std::string factored =
        std::ranges::count(layers, scene.options.layers.dictionary) ? scene.options.layers.dictionary : layers.back();
    return ordered_json{{"class_maps", class_maps},
                        {"position_classes", position_classes},
                        {"factors", factors_json(scene, owed, factored)}};
}

// Keys "earlier>later".
std::optional<ordered_json> pairs_json(const Scene& scene, const PartWatcher& watcher) {
    const std::vector<std::string>& layers = scene.options.layers.spatial;
    ordered_json pairs = ordered_json::object();
    for (size_t k = 1; k < layers.size(); k++) {
        const std::vector<std::string> earlier(layers.begin(), layers.begin() + std::ptrdiff_t(k));
        const HostTensor& later = scene.at(layers[k]);
        const Shape to = later.shape;
        const auto write = [&](int64_t i, MutView seed) {
            const Target target{layers[k], {{Target::Kind::position, 0, i / to.w, i % to.w, 1, ""}}};
            write_derivative(target, later.view(), seed);
        };
        const auto shares =
            layer_shares(scene.net, earlier, scene.at(layers[0]), layers[k], to.h * to.w, write, scene.stream,
                         {.overrides = smoothed_and_blurred_max_pool()}, [&](int64_t done, int64_t total) {
                             return watcher((double(k - 1) + double(done) / double(total)) / double(layers.size() - 1));
                         });
        if (!shares) return std::nullopt;
        for (size_t l = 0; l < k; l++) {
            const HostTensor& owed = (*shares)[l].by_position;
            pairs[layers[l] + ">" + layers[k]] = byte_map(owed.values, {to.h, to.w, owed.shape.h, owed.shape.w});
        }
    }
    return pairs;
}

}  // namespace

FigureParts spatial_parts(Scene& scene) {
    const std::vector<std::string>& layers = scene.options.layers.spatial;
    if (layers.size() < 2) return {};
    const int64_t size = scene.photo.picture.shape.h;
    const bool classes = !scene.classes.empty();
    FigureParts parts;
    parts.push_back({"spatial", "/spatial", "", 0, [&scene, layers](const PartWatcher&) {
                         return ordered_json{{"layers", layers}, {"pool", "smooth+blur"}, {"outputs", scene.classes}};
                     }});
    if (classes)
        parts.push_back({"spatial", "/spatial", concat("every class to every position of ", layers.size(), " layers"),
                         pass_work(scene.net, size, layers[0], scene.net.logits) * double(scene.logits.size()),
                         [&scene](const PartWatcher& watcher) { return classes_json(scene, watcher); }});
    double work = 0;
    for (size_t k = 1; k < layers.size(); k++) {
        const Shape s = scene.at(layers[k]).shape;
        work += pass_work(scene.net, size, layers[0], layers[k]) * double(s.h * s.w);
    }
    parts.push_back({"spatial", "/spatial/pairs", "every position to every position, between layers", work,
                     [&scene](const PartWatcher& watcher) { return pairs_json(scene, watcher); }});
    return parts;
}

}  // namespace limpid
