// The article's interactive figures for photos of one's own, as one page: what `limpid report` makes.
//
// The data of the page are described in viz/report/README.md. Every figure is a row of the table in report.cpp; it is
// kept on disk as soon as it is finished, so that work that was stopped goes on where it was.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "nets/net.h"
#include "viz/report/kept.h"

namespace limpid {

// Which layers the figures show: the article's, where the network has them; else the last ones of its trunk.
struct ReportLayers {
    std::string dictionary, groups, earlier;            // earlier: of the two layers of the flow
    std::vector<std::string> grids, spatial, channels;  // in order of depth
};
ReportLayers report_layers(const Net& net);

// How much work a report is.
struct ReportProfile {
    std::string name;
    int64_t icon_size = 80, icon_steps = 0;
    int64_t most_icons = 0;  // of channels, for each photo: the most prominent first
    int64_t most_sheets = 0, sheet_size = 112, sheet_steps = 0;  // of channels in several pictures, for each photo
    int64_t grid_steps = 0;
    int64_t group_icon_size = 80, group_icon_steps = 0;
    int64_t overlay_steps = 0;
    bool aligned_overlays = false;  // also of aligned groups, which are most
    std::vector<int64_t> history_steps;
    std::vector<int64_t> group_counts{2, 4, 6};
    int64_t default_groups = 6, default_earlier_groups = 4;
    int64_t classes = 5;
};
// "fast": minutes on two cores; "full": the article's numbers of steps. Throws UsageError on any other name.
ReportProfile report_profile(const std::string& name);

struct ReportPhoto {
    std::string name;    // what the page calls it
    std::string word;    // the file, as a shell takes it: for the commands that the page shows
    HostTensor picture;  // {1,h,w,c}, as the network takes it
};

struct ReportOptions {
    ReportProfile profile;
    ReportLayers layers;
    std::vector<std::string> figures;  // of figure_names(); empty: all that the network allows
    std::string command;               // remakes the page
    // Of the commands that remake a figure: " --profile full", " --whole", " --weights bvlc". Of a report; about a
    // photo; about the network.
    std::string report_options, photo_options, net_options;
    std::string made_by;
};
const std::vector<std::string>& figure_names();

// Work, in multiply-additions, by figure; and how long it should take here.
struct ReportPlan {
    struct Part {
        std::string what;  // "coffee: grid of mixed4d, 129 updates"
        double work = 0;
        bool kept = false;  // it is on disk already
    };
    std::vector<Part> parts;
    double work_per_second = 0;  // measured
    double seconds() const;
};

// Where the work is: seconds of the plan that are done. False stops.
using ReportWatcher = std::function<bool(double done_s, double total_s, const std::string& what)>;

// icons: kept between runs and photos; figures: of this report. Both must outlive the report.
class Report {
  public:
    // Computes activations; throws Error where a photo is too small for the layers, UsageError where a figure is not
    // known.
    Report(const Net& net, std::vector<ReportPhoto> photos, ReportOptions options, Stream& stream, Kept& icons,
           Kept& figures);
    ~Report();

    // Runs a few updates to see how fast the machine is.
    ReportPlan plan();
    // The data of the page. Nothing where the watcher stopped it: what is finished is kept.
    std::optional<nlohmann::ordered_json> make(const ReportWatcher& watcher = {});

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// The page with its data, one file without references to others.
std::string report_page(const nlohmann::ordered_json& data);

}  // namespace limpid
