// Neuron groups of one layer, and of two layers with what flows between them.
#include <algorithm>

#include "viz/grid/grid.h"
#include "viz/image/visible.h"
#include "viz/report/figure.h"
#include "viz/report/overlay.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kOverlayCell = 112;

// Found once for all figures.
const Groups& shared_groups(Scene& scene, const std::string& layer, int64_t count) {
    const std::string key = concat(layer, ' ', count);
    if (!scene.groups.contains(key))
        scene.groups[key] = find_groups(scene.at(layer), count, GroupOrder::centre, {.stop = scene.stream.stop()});
    return scene.groups.at(key);
}

const Groups& shared_aligned_groups(Scene& scene, int64_t earlier, int64_t later) {
    const ReportLayers& layers = scene.options.layers;
    const std::string key = concat(layers.earlier, ' ', earlier, " aligned with ", layers.groups, ' ', later);
    if (!scene.groups.contains(key)) {
        const HostTensor& a = scene.at(layers.earlier);
        Section section(scene.net, layers.earlier, a.shape, layers.groups, scene.stream);
        scene.groups[key] = aligned_groups(section, a, shared_groups(scene, layers.groups, later), earlier,
                                           GroupOrder::centre, {.stop = scene.stream.stop()});
    }
    return scene.groups.at(key);
}

// The counts that the layer's size allows.
std::vector<int64_t> counts_for(const Scene& scene, const std::string& layer) {
    const Shape s = scene.at(layer).shape;
    std::vector<int64_t> counts;
    for (const int64_t k : scene.options.profile.group_counts)
        if (k <= std::min(s.pixels(), s.c)) counts.push_back(k);
    return counts;
}

int64_t nearest_count(const std::vector<int64_t>& counts, int64_t wanted) {
    int64_t best = counts[0];
    for (const int64_t k : counts)
        if (std::abs(k - wanted) < std::abs(best - wanted)) best = k;
    return best;
}

ordered_json maps_json(const Groups& groups) {
    const Shape s = groups.spatial.shape;
    std::vector<float> values;
    for (int64_t i = 0; i < s.c; i++)
        for (int64_t p = 0; p < s.pixels(); p++) values.push_back(groups.spatial.values[size_t(p * s.c + i)]);
    return byte_map(values, {s.c, s.h, s.w});
}

// {"class": share of each group}
ordered_json class_shares(Scene& scene, const std::string& layer, const Groups& groups) {
    ordered_json shares = ordered_json::object();
    if (scene.classes.empty()) return shares;
    const HostTensor& a = scene.at(layer);
    Section section(scene.net, layer, a.shape, scene.net.logits, scene.stream);
    for (const int64_t c : scene.classes)
        shares[std::to_string(c)] = rounded(group_shares(groups, gradient(section, a, class_target(scene.net, c)))[0]);
    return shares;
}

std::optional<ordered_json> icons_json(Scene& scene, const std::string& layer, const Groups& groups,
                                       const PartWatcher& watcher) {
    const ReportProfile& profile = scene.options.profile;
    bool stopped = false;
    const HostTensor icons =
        group_icons(scene.net, layer, groups, profile.group_icon_size, profile.group_icon_steps, 0, scene.stream,
                    [&](const RenderProgress& p) { return !(stopped = !watcher(double(p.done) / double(p.total))); });
    if (stopped) return std::nullopt;
    const HostTensor seen = visible(scene.net, icons);
    std::vector<ConstView> views;
    for (int64_t i = 0; i < seen.shape.n; i++) views.push_back(seen.view().image(i));
    return sprite(views, profile.group_icon_size, groups.count());
}

std::optional<ordered_json> overlay_json(const Scene& scene, const std::string& layer, const Groups& groups,
                                         const PartWatcher& watcher) {
    OverlayOptions options;
    options.steps = scene.options.profile.overlay_steps;
    const std::optional<HostTensor> dreams =
        dreamed_overlays(scene.net, layer, scene.photo.picture, groups, options, scene.stream,
                         [&](const RenderProgress& p) { return watcher(double(p.done) / double(p.total)); });
    if (!dreams) return std::nullopt;
    const HostTensor seen = visible(scene.net, *dreams);
    std::vector<ConstView> views;
    for (int64_t i = 0; i < seen.shape.n; i++) views.push_back(seen.view().image(i));
    return sprite(views, kOverlayCell, groups.count());
}

double icon_work(const Scene& scene, const std::string& layer, int64_t count) {
    const ReportProfile& profile = scene.options.profile;
    return update_work(scene.net, profile.group_icon_size, layer, count, profile.group_icon_steps);
}

std::string case_key(int64_t earlier, int64_t later, bool aligned) {
    return concat(earlier, ',', later, ',', aligned ? 1 : 0);
}

ordered_json flow_json(Scene& scene, const std::vector<int64_t>& earlier_counts,
                       const std::vector<int64_t>& later_counts, const PartWatcher& watcher) {
    const ReportLayers& layers = scene.options.layers;
    const ReportProfile& profile = scene.options.profile;
    const HostTensor& a = scene.at(layers.earlier);
    Section section(scene.net, layers.earlier, a.shape, layers.groups, scene.stream);
    ordered_json cases = ordered_json::object();
    double done = 0;
    for (const int64_t later : later_counts) {
        const Groups& to = shared_groups(scene, layers.groups, later);
        for (const bool aligned : {false, true})
            for (const int64_t earlier : earlier_counts) {
                if (!watcher(done++ / double(2 * later_counts.size() * earlier_counts.size()))) return nullptr;
                const Groups& from = aligned ? shared_aligned_groups(scene, earlier, later)
                                             : shared_groups(scene, layers.earlier, earlier);
                ordered_json entry = ordered_json::object();
                if (!aligned && later != later_counts[0]) {
                    entry["like"] = case_key(earlier, later_counts[0], false);
                } else {
                    entry["magnitudes"] = rounded(magnitudes(from));
                    entry["maps"] = maps_json(from);
                    entry["to_classes"] = class_shares(scene, layers.earlier, from);
                }
                ordered_json rows = ordered_json::array();
                for (const std::vector<double>& row : groups_to_groups(section, a, from, to))
                    rows.push_back(rounded(row));
                entry["to_later"] = rows;
                cases[case_key(earlier, later, aligned)] = entry;
            }
    }
    return {{"earlier", layers.earlier},
            {"later", layers.groups},
            {"earlier_counts", earlier_counts},
            {"later_counts", later_counts},
            {"default",
             {nearest_count(earlier_counts, profile.default_earlier_groups),
              nearest_count(later_counts, profile.default_groups)}},
            {"classes", scene.classes},
            {"later_groups", "groups.by_count"},
            {"cases", cases}};
}

// What groups of the earlier layer look like, and the photo with them dreamed into it.
void add_earlier_pictures(Scene& scene, int64_t earlier, int64_t later, bool aligned, FigureParts& parts) {
    const ReportProfile& profile = scene.options.profile;
    const std::string layer = scene.options.layers.earlier;
    const std::string member = "/flow/cases/" + case_key(earlier, later, aligned);
    const std::string what =
        concat(earlier, aligned ? concat(" groups aligned with ", later) : " groups", " of ", layer);
    const auto groups = [&scene, layer, earlier, later, aligned]() -> const Groups& {
        return aligned ? shared_aligned_groups(scene, earlier, later) : shared_groups(scene, layer, earlier);
    };
    parts.push_back({"flow", member + "/icons", "icons of " + what, icon_work(scene, layer, earlier),
                     [=, &scene](const PartWatcher& watcher) { return icons_json(scene, layer, groups(), watcher); }});
    if (aligned && !profile.aligned_overlays) return;
    parts.push_back(
        {"flow", member + "/overlay", "overlays of " + what,
         update_work(scene.net, scene.photo.picture.shape.h, layer, earlier, profile.overlay_steps),
         [=, &scene](const PartWatcher& watcher) { return overlay_json(scene, layer, groups(), watcher); }});
}

}  // namespace

FigureParts group_parts(Scene& scene) {
    const std::string layer = scene.options.layers.groups;
    const std::vector<int64_t> counts = counts_for(scene, layer);
    if (counts.empty()) return {};
    FigureParts parts;
    parts.push_back({"groups", "/groups", concat("neuron groups of ", layer), 0,
                     [&scene, layer, counts](const PartWatcher&) -> std::optional<ordered_json> {
                         ordered_json by_count = ordered_json::object();
                         for (const int64_t k : counts) {
                             const Groups& groups = shared_groups(scene, layer, k);
                             by_count[std::to_string(k)] = {{"magnitudes", rounded(magnitudes(groups))},
                                                            {"maps", maps_json(groups)},
                                                            {"attribution", class_shares(scene, layer, groups)}};
                         }
                         return ordered_json{{"layer", layer},
                                             {"counts", counts},
                                             {"default", nearest_count(counts, scene.options.profile.default_groups)},
                                             {"classes", scene.classes},
                                             {"by_count", by_count}};
                     }});
    for (const int64_t k : counts) {
        const std::string member = concat("/groups/by_count/", k);
        parts.push_back({"groups", member + "/icons", concat("icons of ", k, " groups of ", layer),
                         icon_work(scene, layer, k), [&scene, layer, k](const PartWatcher& watcher) {
                             return icons_json(scene, layer, shared_groups(scene, layer, k), watcher);
                         }});
        parts.push_back(
            {"groups", member + "/overlay", concat("overlays of ", k, " groups of ", layer),
             update_work(scene.net, scene.photo.picture.shape.h, layer, k, scene.options.profile.overlay_steps),
             [&scene, layer, k](const PartWatcher& watcher) {
                 return overlay_json(scene, layer, shared_groups(scene, layer, k), watcher);
             }});
    }
    return parts;
}

FigureParts flow_parts(Scene& scene) {
    const ReportLayers& layers = scene.options.layers;
    if (layers.earlier.empty()) return {};
    const std::vector<int64_t> later_counts = counts_for(scene, layers.groups),
                               earlier_counts = counts_for(scene, layers.earlier);
    if (later_counts.empty() || earlier_counts.empty()) return {};
    FigureParts parts;
    // Factorising the split activations is most of it: about as many multiply-additions for each of nine.
    const Shape s = scene.at(layers.earlier).shape;
    double work = 0;
    for (const int64_t later : later_counts)
        work += double(earlier_counts.size()) * double(s.size()) * double(later) * 2500;
    parts.push_back({"flow", "/flow", concat("flow from groups of ", layers.earlier, " to groups of ", layers.groups),
                     work, [&scene, earlier_counts, later_counts](const PartWatcher& watcher) {
                         ordered_json flow = flow_json(scene, earlier_counts, later_counts, watcher);
                         return flow.is_null() ? std::nullopt : std::optional(std::move(flow));
                     }});
    for (const bool aligned : {false, true})
        for (const int64_t later : later_counts) {
            if (!aligned && later != later_counts[0]) continue;
            for (const int64_t earlier : earlier_counts) add_earlier_pictures(scene, earlier, later, aligned, parts);
        }
    return parts;
}

}  // namespace limpid
