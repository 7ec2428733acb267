// The commands that remake the figures. What a block's own command writes, that command; what none writes as a whole
// (all classes at all positions, all channels that can be pinned), the report of that figure alone.
#include <nlohmann/json.hpp>

#include "viz/report/figure.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

std::string lines(const std::vector<std::string>& commands) {
    std::string text;
    for (const std::string& command : commands) text += (text.empty() ? "" : "\n") + command;
    return text;
}

struct Commands {
    const Scene& scene;
    const ReportOptions& options = scene.options;
    const ReportLayers& layers = scene.options.layers;

    std::string of_photo(const std::string& name, const std::string& rest) const {
        return concat("limpid ", name, ' ', scene.photo.word, rest, options.photo_options, options.net_options);
    }
    std::string attribution(const std::string& to, const std::string& from, const std::string& more = "") const {
        return of_photo("attribute", concat(" --to ", to, " --from ", from, more));
    }
    std::string grid(const std::string& layer) const {
        const GridOptions o = grid_options(scene, layer);
        return of_photo("grid", concat(" --layer ", layer, " --size ", o.size, " --steps ", o.steps, " --batch ",
                                       o.batch, " --groups ", o.groups));
    }
    std::string groups(int64_t count, const std::string& more) const {
        const ReportProfile& p = options.profile;
        std::string targets;
        for (const int64_t c : scene.classes) targets += concat(" --to class:", c);
        return of_photo("groups", concat(" --layer ", layers.groups, " -n ", count, more, targets, " --icon-size ",
                                         p.group_icon_size, " --icon-steps ", p.group_icon_steps, " --overlay-steps ",
                                         p.overlay_steps));
    }
};

}  // namespace

std::string report_command(const ReportOptions& options, const std::vector<std::string>& words,
                           const std::string& figures, const std::string& out) {
    std::string photos;
    for (const std::string& word : words) photos += " " + word;
    return concat("limpid report", photos, " --figures ", figures, " -o ", out, ".html --data ", out, ".json",
                  options.report_options, options.photo_options, options.net_options);
}

ordered_json figure_commands(const Scene& scene, const ordered_json& photo) {
    const Commands c{scene};
    const ReportLayers& layers = c.layers;
    const auto report_of = [&](const std::string& figure) {
        return report_command(c.options, {scene.photo.word}, figure, figure);
    };
    ordered_json result{
        {"dictionary",
         lines({c.of_photo("dictionary", concat(" --layer ", layers.dictionary, " --top 5")),
                c.of_photo("activations", concat(" --layer ", layers.dictionary, " -o activations.npy"))})},
        {"spatial", report_of("spatial")},
        {"channels", report_of("channels")}};
    std::vector<std::string> vector{result["dictionary"]}, grids;
    for (const std::string& layer : layers.grids) {
        grids.push_back(c.grid(layer));
        result["grid:" + layer] = grids.back();
        if (layer == layers.dictionary) vector.push_back(grids.back());  // its picture
    }
    result["vector"] = lines(vector);
    result["grids"] = lines(grids);
    for (size_t later = 1; later < layers.spatial.size(); later++)
        for (size_t earlier = 0; earlier < later; earlier++)
            result[concat("saliency:", layers.spatial[earlier], '>', layers.spatial[later])] =
                c.attribution(layers.spatial[later], layers.spatial[earlier], " --pool smooth+blur");
    if (!scene.classes.empty()) {
        result["predictions"] = c.of_photo("classify", " --json");
        const std::vector<int64_t>& steps = c.options.profile.history_steps;
        std::string thresholds;
        for (const int64_t step : steps) thresholds += concat(thresholds.empty() ? "" : ",", step);
        result["history"] = concat("limpid render class:", scene.classes[0], " --size ", history_size(scene.net),
                                   " --thresholds ", thresholds, c.options.net_options);
        for (size_t i = 0; i < scene.classes.size(); i++)
            for (size_t j = i + 1; j < scene.classes.size(); j++) {
                const std::string a = concat("class:", scene.classes[i]), b = concat("class:", scene.classes[j]);
                result[concat("teaser:", scene.classes[i], '-', scene.classes[j])] =
                    lines({c.attribution(concat("'", a, " - ", b, "'"), layers.dictionary, " -o net.png"),
                           c.attribution(a, layers.dictionary, " -o left.png"),
                           c.attribution(b, layers.dictionary, " -o right.png")});
            }
    }
    if (photo.contains("groups"))
        for (const ordered_json& count : photo["groups"]["counts"])
            result[concat("groups:", count.get<int64_t>())] = c.groups(count, "");
    if (photo.contains("flow"))
        for (const ordered_json& later : photo["flow"]["later_counts"])
            for (const ordered_json& earlier : photo["flow"]["earlier_counts"])
                for (const int aligned : {0, 1})
                    result[concat("flow:", earlier.get<int64_t>(), ',', later.get<int64_t>(), ',', aligned)] =
                        c.groups(later, concat(" --earlier ", layers.earlier, " --earlier-count ",
                                               earlier.get<int64_t>(), aligned ? " --align" : ""));
    result["unit"] = lines({concat("limpid render LAYER:CHANNEL --size ", c.options.profile.icon_size, " --steps ",
                                   c.options.profile.icon_steps, c.options.net_options),
                            c.of_photo("activations", " --layer LAYER -o activations.npy")});
    return result;
}

}  // namespace limpid
