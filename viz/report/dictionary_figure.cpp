// The semantic dictionary, activation maps, similarity of positions.
#include "viz/dictionary/dictionary.h"

#include <algorithm>
#include <numeric>

#include "viz/report/figure.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kTop = 5;    // the article computes five and shows four
constexpr int64_t kHead = 12;  // of the vector, as text

}  // namespace

FigureParts dictionary_parts(Scene& scene) {
    const std::string layer = scene.options.layers.dictionary;
    const auto make = [&scene, layer](const PartWatcher&) -> std::optional<ordered_json> {
        const Dictionary d = make_dictionary(scene.at(layer), kTop);
        const HostTensor& a = scene.at(layer);
        const size_t shown = size_t(std::min(kHead, a.shape.c));
        ordered_json rows = ordered_json::array(), heads = ordered_json::array();
        for (int64_t y = 0; y < d.rows; y++) {
            ordered_json row = ordered_json::array(), head = ordered_json::array();
            for (int64_t x = 0; x < d.columns; x++) {
                ordered_json entries = ordered_json::array();
                for (const DictionaryEntry& entry : d.at(y, x))
                    entries.push_back({entry.channel, rounded(double(entry.value))});
                row.push_back(entries);
                head.push_back(rounded(std::span(a.view().pixel(0, y, x), shown)));
            }
            rows.push_back(row);
            heads.push_back(head);
        }
        return ordered_json{{"layer", layer},
                            {"initial", {{"x", d.initial_x}, {"y", d.initial_y}}},
                            {"max", rounded(double(d.most))},
                            {"top", rows},
                            {"head", heads}};
    };
    return {{"dictionary", "/dictionary", "dictionary of " + layer, 0, make}};
}

ordered_json activation_maps(const HostTensor& activations, const std::vector<int64_t>& channels) {
    const Shape s = activations.shape;
    std::vector<float> maps;
    for (const int64_t c : channels)
        for (int64_t p = 0; p < s.pixels(); p++) maps.push_back(activations.values[size_t(p * s.c + c)]);
    return {{"channels", channels}, {"values", byte_maps(maps, {int64_t(channels.size()), s.h, s.w})}};
}

ordered_json top_entries(std::span<const float> values, int64_t count) {
    ordered_json list = ordered_json::array();
    for (const int64_t i : largest(values, count)) list.push_back({i, rounded(double(values[size_t(i)]))});
    return list;
}

ordered_json similarity_map(const HostTensor& a, const HostTensor& b) {
    const auto unit_vectors = [](const HostTensor& t) {
        std::vector<std::vector<double>> units;
        for (int64_t p = 0; p < t.shape.pixels(); p++)
            units.push_back(unit_vector({t.values.data() + p * t.shape.c, size_t(t.shape.c)}));
        return units;
    };
    const std::vector<std::vector<double>> u = unit_vectors(a), v = unit_vectors(b);
    CHECK(a.shape.c == b.shape.c);
    std::vector<float> cosines;
    for (const std::vector<double>& one : u)
        for (const std::vector<double>& other : v)
            cosines.push_back(float(std::inner_product(one.begin(), one.end(), other.begin(), 0.0)));
    return byte_map(cosines, {a.shape.h, a.shape.w, b.shape.h, b.shape.w});
}

}  // namespace limpid
