// How much work a report is, and which layers it shows.
#include <algorithm>

#include "kernels/error.h"
#include "viz/batch/job_list.h"
#include "viz/report/report.h"

namespace limpid {

ReportProfile report_profile(const std::string& name) {
    const ReportProfile profiles[] = {
        {.name = "fast",
         .icon_steps = 96,
         .most_icons = 300,
         .most_sheets = 6,
         .sheet_steps = 128,
         .grid_steps = 128,
         .group_icon_steps = 96,
         .overlay_steps = 48,
         .history_steps = {1, 32, 128, 256, 512}},
        // Steps of Lucid's render_vis, and of the article's grids (1024 for figures).
        {.name = "full",
         .icon_size = 112,
         .icon_steps = 512,
         .most_icons = 100000,
         .most_sheets = 100,
         .sheet_size = 192,
         .sheet_steps = 512,
         .grid_steps = 1024,
         .group_icon_size = 112,
         .group_icon_steps = 512,
         .overlay_steps = 256,
         .aligned_overlays = true,
         .history_steps = {1, 32, 128, 256, 512, 1024}},
    };
    for (const ReportProfile& profile : profiles)
        if (profile.name == name) return profile;
    throw UsageError(concat("profile ", name, " is not known; expected fast or full"));
}

ReportLayers report_layers(const Net& net) {
    const std::vector<std::string> trunk = trunk_layers(net);
    if (trunk.empty()) throw Error(concat(net.name, " has no convolution to show; name another network"));
    const std::vector<std::string> last(trunk.size() > 4 ? trunk.end() - 4 : trunk.begin(), trunk.end());
    const auto said = [&](const char* purpose, std::vector<std::string> otherwise) {
        const auto found = net.defaults.find(purpose);
        return found == net.defaults.end() ? otherwise : found->second;
    };
    return {said("dictionary", {last.back()})[0],
            said("groups", {last.back()})[0],
            said("flow", {last.size() > 1 && !net.defaults.contains("groups") ? last[last.size() - 2] : ""})[0],
            said("grids", last),
            said("spatial", last),
            said("channels", last)};
}

}  // namespace limpid
