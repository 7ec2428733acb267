// One function per kind of published file; the golden list is the table at the end.
#include "viz/parity/parity.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "graph/vjp_overrides.h"
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/dictionary/dictionary.h"
#include "viz/factor/groups.h"
#include "viz/parity/published.h"

namespace limpid {

namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Lab {
    const Published& published;
    const Net* net;  // null only for checks that need none
    Stream& stream;

    HostTensor activations_of(const std::string& photo, const std::string& layer) const {
        return activations(*net, {layer}, published.photo("lucid/input_" + photo + ".png"), stream)[0];
    }
    Section section(const std::string& from, const HostTensor& a, const std::string& to,
                    const VjpOverrides& overrides = {}) const {
        return {*net, from, a.shape, to, stream, {.overrides = overrides}};
    }
};

struct Check {
    std::string reference, what;
    std::vector<std::string> also;  // other files that it reads
    bool needs_weights = true;
    double tolerance = 0;
    std::function<double(const Lab&)> error;
};

// Relative to the published value; where another channel stands at a place, the two must be that near to each other.
double dictionary_error(const Lab& lab, const std::string& photo, const std::string& file) {
    const json published = lab.published.json(file);
    const HostTensor a = lab.activations_of(photo, published.at("layer"));
    double worst = 0;
    const json& rows = published.at("top4");
    if (int64_t(rows.size()) != a.shape.h || int64_t(rows.at(0).size()) != a.shape.w) return kInfinity;
    const Dictionary ours = make_dictionary(a, 4);
    for (int64_t y = 0; y < a.shape.h; y++)
        for (int64_t x = 0; x < a.shape.w; x++)
            for (size_t k = 0; k < 4; k++) {
                const json& entry = rows[size_t(y)][size_t(x)][k];
                const double value = entry.at(1);
                const double same_channel = double(a.at(0, y, x, entry.at(0).get<int64_t>()));
                const double size = std::max(std::fabs(value), 1.0);
                worst = std::max({worst, std::fabs(same_channel - value) / size,
                                  std::fabs(double(ours.at(y, x)[k].value) - value) / size});
            }
    return worst;
}

enum class ChannelMethod { linear, path, stochastic_path };

std::vector<double> channel_attribution(const Lab& lab, const json& published, const std::string& photo,
                                        ChannelMethod method) {
    const std::string layer = published.at("layer");
    const HostTensor a = lab.activations_of(photo, layer);
    Section section = lab.section(layer, a, lab.net->logits);
    Target target = class_target(*lab.net, published.at("index1"));
    target.terms.push_back(class_target(*lab.net, published.at("index2")).terms[0]);
    target.terms.back().sign = -1;
    PathOptions path;
    path.stochastic = method == ChannelMethod::stochastic_path;
    return as_doubles(sum_positions(method == ChannelMethod::linear ? linear_attribution(section, a, target)
                                                                    : path_attribution(section, a, target, path)));
}

// All values, sorted; and the published top channels, each at its place.
double channel_error(const Lab& lab, const std::string& photo, const std::string& key, const std::string& method) {
    const json published = lab.published.json("lucid/notebook_channel_attr.json").at(key);
    const json& expected = published.at(method);
    const std::vector<double> ours =
        channel_attribution(lab, published, photo, method == "linear" ? ChannelMethod::linear : ChannelMethod::path);
    std::vector<double> sorted = ours;
    std::ranges::sort(sorted, std::greater<>());
    const std::vector<double> values = expected.at("sorted_desc");
    double worst = worst_difference(sorted, values);
    const json& top = expected.at("top_pos");
    for (size_t i = 0; i < top.size() && i < values.size(); i++)
        worst = std::max(worst, std::fabs(ours.at(top[i].at(0).get<size_t>()) - values[i]));
    return worst;
}

// Random factors differ: how many of the ten largest channels are others.
double stochastic_error(const Lab& lab, const std::string& photo, const std::string& key) {
    const json published = lab.published.json("lucid/notebook_channel_attr.json").at(key);
    const std::vector<double> ours = channel_attribution(lab, published, photo, ChannelMethod::stochastic_path);
    std::vector<size_t> order(ours.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return ours[a] > ours[b]; });
    int others = 0;
    for (const json& entry : published.at("stochastic_path").at("top_pos"))
        others += !std::count(order.begin(), order.begin() + 10, entry.at(0).get<size_t>());
    return others;
}

const std::map<std::string, VjpOverrides (*)()> kPools{{"plain", [] { return VjpOverrides{}; }},
                                                       {"smooth", smoothed_max_pool},
                                                       {"smoothblur", smoothed_and_blurred_max_pool}};

// Published as bytes of the share of the largest.
double positions_error(const Lab& lab, const std::string& photo, const std::string& file, const std::string& from,
                       const std::string& to, const std::string& pool) {
    const HostTensor a = lab.activations_of(photo, from);
    Section section = lab.section(from, a, to, kPools.at(pool)());
    const std::vector<double> attribution = as_doubles(position_attribution(section, a));
    const double most = *std::ranges::max_element(attribution);
    std::vector<double> ours;
    for (const double v : attribution) ours.push_back(std::clamp(v / most, 0.0, 1.0) * 255);
    return worst_difference(ours, as_doubles(lab.published.member(file, "attrs_u8")));
}

// Lucid's orange_blue(a, b, clip=True), as bytes.
std::vector<double> orange_blue(const HostTensor& a, const HostTensor& b) {
    std::vector<double> rgb;
    double most = 0;
    for (size_t i = 0; i < a.values.size(); i++) {
        const double orange = std::max(double(a.values[i]), 0.0), blue = std::max(double(b.values[i]), 0.0);
        for (const double v : {orange, (orange + blue) / 2, blue}) rgb.push_back(v), most = std::max(most, v);
    }
    for (double& v : rgb) v = std::clamp(v / (0.01 + most / 1.5) + 0.3, 0.0, 1.0) * 255;
    return rgb;
}

double hint_error(const Lab& lab, const std::string& photo, const std::string& file, const std::string& layer,
                  const std::string& array, const std::string& pool, std::pair<std::string, std::string> classes) {
    const HostTensor a = lab.activations_of(photo, layer);
    Section section = lab.section(layer, a, lab.net->logits, kPools.at(pool)());
    const auto map = [&](const std::string& label) {
        return sum_channels(linear_attribution(section, a, class_target(*lab.net, find_class(*lab.net, label))));
    };
    return worst_difference(orange_blue(map(classes.first), map(classes.second)),
                            as_doubles(lab.published.member(file, array)));
}

std::vector<double> maps_of(const Groups& groups) {
    std::vector<double> values;
    for (int64_t i = 0; i < groups.count(); i++)
        for (size_t p = size_t(i); p < groups.spatial.values.size(); p += size_t(groups.count()))
            values.push_back(double(groups.spatial.values[p]));
    return values;
}

// The maps as bytes of their 99th percentile.
double factors_error(const Lab& lab, const std::string& photo, const std::string& file) {
    const HostTensor published = lab.published.array(file);  // (k,14,14), so {1,k,14,14}
    const Groups groups = find_groups(lab.activations_of(photo, "mixed4d"), published.shape.h, GroupOrder::peak);
    std::vector<double> ours = maps_of(groups), sorted = ours;
    std::ranges::sort(sorted);
    // numpy.percentile: linear between the two nearest.
    const double place = 0.99 * double(sorted.size() - 1);
    const auto below = size_t(place);
    const double limit =
        std::lerp(sorted[below], sorted[std::min(below + 1, sorted.size() - 1)], place - double(below));
    for (double& v : ours) v = std::clamp(v / limit, 0.0, 1.0) * 255;
    return worst_difference(ours, as_doubles(published));
}

// Relative to the largest published share.
double group_shares_error(const Lab& lab, const std::string& photo, const std::string& file) {
    const json published = lab.published.json(file);
    const std::string layer = published.at("layer");
    const HostTensor a = lab.activations_of(photo, layer);
    const Groups groups = find_groups(a, published.at("n_groups"), GroupOrder::peak);
    Section section = lab.section(layer, a, lab.net->logits);
    double worst = 0, most = 0;
    for (size_t i = 0; i < published.at("labels").size(); i++) {
        const std::vector<double> expected = published.at("attrs").at(i);
        const Target target = class_target(*lab.net, find_class(*lab.net, published["labels"][i]));
        worst = std::max(worst, worst_difference(group_shares(groups, gradient(section, a, target))[0], expected));
        for (const double v : expected) most = std::max(most, std::fabs(v));
    }
    return worst / most;
}

// Published for each count of groups of mixed4d, padded with zeros to the largest.
double nmf_error(const Lab& lab, const std::string& photo) {
    const json info = lab.published.json("nmf/" + photo + "_info.json");
    const HostTensor a = lab.published.array("nmf/" + photo + "_mixed4d_activations.npy"),
                     published = lab.published.array("nmf/" + photo + "_mixed4d_nmf.npy");
    double worst = 0;
    for (size_t b = 0; b < info.at("num_4d").size(); b++) {
        const int64_t k = info["num_4d"][b];
        const Groups groups = find_groups(a, k);
        std::vector<double> ours, expected;
        for (int64_t p = 0; p < a.shape.pixels(); p++)
            for (int64_t i = 0; i < published.shape.c; i++) {
                ours.push_back(i < k ? double(groups.spatial.values[size_t(p * k + i)]) : 0);
                expected.push_back(double(published.view().image(int64_t(b)).data[p * published.shape.c + i]));
            }
        worst = std::max(worst, worst_difference(ours, expected));
    }
    return worst;
}

double magnitudes_error(const Lab& lab, const std::string& photo) {
    const json info = lab.published.json("nmf/" + photo + "_info.json");
    const HostTensor a = lab.published.array("nmf/" + photo + "_mixed4d_activations.npy");
    double worst = 0;
    for (size_t b = 0; b < info.at("num_4d").size(); b++) {
        std::vector<double> ratios;
        const json& each = info.at("data").at(b).at("mixed4d").at("each_group");
        const std::vector<double> sizes = magnitudes(find_groups(a, info["num_4d"][b]));
        if (each.size() != sizes.size()) return kInfinity;
        for (size_t i = 0; i < sizes.size(); i++) ratios.push_back(sizes[i] / each[i].at("magnitude").get<double>());
        worst = std::max(worst, worst_difference(ratios, std::vector<double>(ratios.size(), 1)));
    }
    return worst;
}

double teaser_error(const Lab& lab, const std::string& photo, const std::string& file) {
    const json published = lab.published.json(file);
    const HostTensor a = lab.activations_of(photo, "mixed4d");
    Section section = lab.section("mixed4d", a, lab.net->logits);
    double worst = 0;
    for (const auto& [pair, entries] : published.items()) {
        const size_t dash = pair.find('-');
        if (dash == pair.npos) continue;  // "max", "classes", "channels"
        const HostTensor owed[] = {
            sum_positions(linear_attribution(section, a, class_target(*lab.net, std::stoll(pair.substr(0, dash))))),
            sum_positions(linear_attribution(section, a, class_target(*lab.net, std::stoll(pair.substr(dash + 1)))))};
        for (const json& entry : entries) {
            if (!entry.is_object()) continue;  // "..."
            const size_t c = entry.at("c");
            worst = std::max({worst, std::fabs(double(owed[0].values.at(c)) - entry.at("nv0").get<double>()),
                              std::fabs(double(owed[1].values.at(c)) - entry.at("nv1").get<double>())});
        }
    }
    return worst;
}

// The article's lists: [{"c": index, "v": value}, ..., the largest of the figure].
std::vector<std::pair<int64_t, double>> listed(const json& list) {
    std::vector<std::pair<int64_t, double>> entries;
    for (const json& entry : list)
        if (entry.is_object()) entries.emplace_back(entry.at("c"), entry.at("v"));
    if (entries.empty()) throw Error("a list without entries; copy it again");
    return entries;
}

// The softmax of all logits, for the classes that are listed.
double probabilities_error(const Lab& lab, const std::string& photo, const std::string& file) {
    const json published = lab.published.json(file);
    const HostTensor logits = lab.activations_of(photo, lab.net->logits);
    const double most = double(*std::ranges::max_element(logits.values));
    double sum = 0, worst = 0;
    for (const float v : logits.values) sum += elementary::exp(double(v) - most);
    for (const auto& [index, p] : listed(published.at("output").at("l")))
        worst = std::max(worst, std::fabs(elementary::exp(double(logits.values.at(size_t(index))) - most) / sum - p));
    return worst;
}

// What the published channels of every layer do for classes: those of the output for its first class, all others for
// the classes that are listed with them.
double channel_classes_error(const Lab& lab, const std::string& photo, const std::string& file, bool of_output) {
    const json published = lab.published.json(file);
    const int64_t first = listed(published.at("output").at("l"))[0].first;
    double worst = 0;
    for (const auto& [layer, channels] : published.items()) {
        if (layer == "output") continue;
        const HostTensor a = lab.activations_of(photo, layer);
        Section section = lab.section(layer, a, lab.net->logits);
        std::map<int64_t, HostTensor> owed;
        const auto compare = [&](int64_t channel, int64_t index, double value) {
            if (!owed.contains(index))
                owed[index] = sum_positions(linear_attribution(section, a, class_target(*lab.net, index)));
            worst = std::max(worst, std::fabs(double(owed[index].values.at(size_t(channel))) - value));
        };
        if (of_output) {
            for (const auto& [channel, value] : listed(published["output"].at(layer))) compare(channel, first, value);
            continue;
        }
        for (const auto& [channel, entry] : channels.items())
            for (const auto& [index, value] : listed(entry.at("l"))) compare(std::stoll(channel), index, value);
    }
    return worst;
}

double spatial_classes_error(const Lab& lab, const std::string& photo, const std::string& file) {
    const json published = lab.published.json(file);
    double worst = 0;
    for (const auto& [layer, rows] : published.at("layers").items()) {
        const HostTensor a = lab.activations_of(photo, layer);
        Section section = lab.section(layer, a, lab.net->logits, smoothed_and_blurred_max_pool());
        std::map<int64_t, HostTensor> owed;
        for (size_t y = 0; y < rows.size(); y++)
            for (size_t x = 0; x < rows[y].size(); x++)
                for (const json& listed : rows[y][x]) {
                    const int64_t index = listed.at("n");
                    if (!owed.contains(index))
                        owed[index] = sum_channels(linear_attribution(section, a, class_target(*lab.net, index)));
                    worst = std::max(worst, std::fabs(double(owed[index].at(0, int64_t(y), int64_t(x), 0)) -
                                                      listed.at("v").get<double>()));
                }
    }
    return worst;
}

std::string input_of(const std::string& photo) { return "lucid/input_" + photo + ".png"; }

// building_blocks, the list of what is published and which computation gives it.
std::vector<Check> golden_list() {
    std::vector<Check> list;
    for (const std::string photo : {"dog_cat", "flowers"}) {
        const std::string file = "lucid/notebook_semantic_dict_" + photo + ".json";
        list.push_back({file, "top 4 of every position (relative)", {input_of(photo)}, true, 1e-3, [=](const Lab& lab) {
                            return dictionary_error(lab, photo, file);
                        }});
    }
    const std::string channels = "lucid/notebook_channel_attr.json";
    for (const auto& [photo, key] : {std::pair<std::string, std::string>{"dog_cat", "dog_cat"},
                                     {"flowers", "flowers"},
                                     {"sunglasses_tux", "bowtie_guy"}})
        list.push_back({channels, key + ": linear, 528 channels", {input_of(photo)}, true, 1e-3, [=](const Lab& lab) {
                            return channel_error(lab, photo, key, "linear");
                        }});
    for (const std::string photo : {"dog_cat", "flowers"}) {
        list.push_back({channels, photo + ": path of 100 steps", {input_of(photo)}, true, 1e-2, [=](const Lab& lab) {
                            return channel_error(lab, photo, photo, "path");
                        }});
        list.push_back({channels,
                        photo + ": stochastic path, others among the ten largest",
                        {input_of(photo)},
                        true,
                        2,
                        [=](const Lab& lab) { return stochastic_error(lab, photo, photo); }});
    }
    struct Pair {
        std::string photo, layers, from, to, pool;
    };
    for (const Pair& p : {Pair{"dog_cat", "4a4d", "mixed4a", "mixed4d", "plain"},
                          {"dog_cat", "4d5a", "mixed4d", "mixed5a", "plain"},
                          {"dog_cat", "4d5a", "mixed4d", "mixed5a", "smooth"},
                          {"dog_cat", "4d5a", "mixed4d", "mixed5a", "smoothblur"},
                          {"flowers", "4d5a", "mixed4d", "mixed5a", "plain"},
                          {"flowers", "4d5a", "mixed4d", "mixed5a", "smooth"},
                          {"flowers", "4d5a", "mixed4d", "mixed5a", "smoothblur"}}) {
        const std::string file = concat("lucid/notebook_spatial_", p.photo, '_', p.layers, '_', p.pool, ".npz");
        list.push_back(
            {file, concat(p.from, " to ", p.to, ", of 255"), {input_of(p.photo)}, true, 2, [=](const Lab& lab) {
                 return positions_error(lab, p.photo, file, p.from, p.to, p.pool);
             }});
        const std::pair<std::string, std::string> classes =
            p.photo == "dog_cat" ? std::pair<std::string, std::string>{"Labrador retriever", "tiger cat"}
                                 : std::pair<std::string, std::string>{"lemon", "vase"};
        for (const auto& [array, layer] : {std::pair<std::string, std::string>{"hint1_u8", p.from}, {"hint2_u8", p.to}})
            list.push_back(
                {file, concat(array, ", ", layer, ", of 255"), {input_of(p.photo)}, true, 2, [=](const Lab& lab) {
                     return hint_error(lab, p.photo, file, layer, array, p.pool, classes);
                 }});
    }
    for (const std::string photo : {"dog_cat", "flowers", "sunglasses_tux"}) {
        const std::string example = photo == "sunglasses_tux" ? "bowtie_guy" : photo;
        const std::string folder = "article/attributions/" + example + "/";
        list.push_back({folder + "teaser.json", "pairs of classes", {input_of(photo)}, true, 2e-3, [=](const Lab& lab) {
                            return teaser_error(lab, photo, folder + "teaser.json");
                        }});
        const std::string attributions = folder + "channel_attr.json";
        list.push_back({attributions, "softmax of classes", {input_of(photo)}, true, 2e-3, [=](const Lab& lab) {
                            return probabilities_error(lab, photo, attributions);
                        }});
        for (const bool of_output : {true, false})
            list.push_back(
                {attributions,
                 of_output ? "channels of the first class" : "classes of channels",
                 {input_of(photo)},
                 true,
                 2e-3,
                 [=](const Lab& lab) { return channel_classes_error(lab, photo, attributions, of_output); }});
        if (example != "bowtie_guy")
            list.push_back(
                {folder + "spatial_attr.json",
                 "classes of positions",
                 {input_of(photo)},
                 true,
                 2e-3,
                 [=](const Lab& lab) { return spatial_classes_error(lab, photo, folder + "spatial_attr.json"); }});
    }
    for (const std::string photo : {"pig", "beer", "chain"}) {
        const std::string stem = "nmf/" + photo;
        const std::vector<std::string> files{stem + "_mixed4d_activations.npy", stem + "_info.json"};
        list.push_back({stem + "_mixed4d_nmf.npy", "maps of all counts of groups", files, false, 2e-3,
                        [=](const Lab& lab) { return nmf_error(lab, photo); }});
        list.push_back({stem + "_info.json", "magnitudes (relative)", files, false, 2e-3,
                        [=](const Lab& lab) { return magnitudes_error(lab, photo); }});
    }
    list.push_back({"lucid/notebook_neuron_groups_dog_cat.json",
                    "shares of classes (of the largest)",
                    {input_of("dog_cat")},
                    true,
                    0.02,
                    [](const Lab& lab) {
                        return group_shares_error(lab, "dog_cat", "lucid/notebook_neuron_groups_dog_cat.json");
                    }});
    for (const std::string photo : {"dog_cat", "flowers"}) {
        const std::string file = "lucid/notebook_groups_factors_u8_" + photo + ".npy";
        list.push_back({file, "maps of groups, of 255", {input_of(photo)}, true, 0.02 * 255, [=](const Lab& lab) {
                            return factors_error(lab, photo, file);
                        }});
    }
    return list;
}

}  // namespace

std::vector<ParityRow> check_parity(const std::string& folder, const Net* lucid, const std::string& reason,
                                    Stream& stream) {
    const Published published(folder);
    std::vector<ParityRow> rows;
    for (const Check& check : golden_list()) {
        ParityRow row{check.reference, check.what, 0, check.tolerance, ""};
        std::vector<std::string> files = check.also;
        files.push_back(check.reference);
        for (const std::string& file : files)
            if (!published.has(file)) row.skipped = concat(file, " is not in the folder");
        if (check.needs_weights && !lucid) row.skipped = reason.empty() ? "Lucid's weights are needed" : reason;
        if (row.skipped.empty())
            row.error = with_context(check.reference, [&] {
                try {
                    return check.error({published, lucid, stream});
                } catch (const json::exception& error) {
                    throw Error(concat("has not the published structure (", error.what(), "); copy it again"));
                }
            });
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace limpid
