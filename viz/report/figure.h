// How the figures of a report are made: one file per family, each a list of parts that can be kept and resumed.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "viz/grid/grid.h"
#include "viz/report/report.h"

namespace limpid {

// One photo in one network, and what several figures share.
struct Scene {
    const Net& net;
    const ReportPhoto& photo;
    const ReportOptions& options;
    Stream& stream;
    std::map<std::string, HostTensor> activations;  // of every layer that a figure uses
    std::vector<float> logits, probabilities;       // empty where the network has no classes
    std::vector<int64_t> classes;                   // with a label, the most probable first: those of the profile
    std::map<std::string, Groups> groups;           // what shared_groups found

    const HostTensor& at(const std::string& layer) const { return activations.at(layer); }
};

// How far a part has come, 0 to 1; false stops it.
using PartWatcher = std::function<bool(double share)>;

struct FigurePart {
    std::string figure;  // a name of figure_names()
    // Where it belongs in the photo's data, as a JSON pointer; its parents come first. An object is added to the one
    // that is there.
    std::string member;
    std::string what;  // for the plan; empty: no work, not kept
    double work = 0;   // multiply-additions, about
    std::function<std::optional<nlohmann::ordered_json>(const PartWatcher&)> make;  // nothing where it was stopped
};
using FigureParts = std::vector<FigurePart>;

FigureParts dictionary_parts(Scene& scene);
FigureParts grid_parts(Scene& scene);
FigureParts spatial_parts(Scene& scene);
FigureParts channel_parts(Scene& scene);
FigureParts teaser_parts(Scene& scene);
FigureParts group_parts(Scene& scene);
FigureParts flow_parts(Scene& scene);
FigureParts history_parts(Scene& scene);
// 128, or the network's own size where its outputs exist at no other.
int64_t history_size(const Net& net);

// The positions of all photos by likeness: {"layer", "size", "items"}. photos: their data, for the classes of
// positions.
nlohmann::ordered_json atlas_json(const std::vector<Scene>& scenes, const nlohmann::ordered_json& photos);
double atlas_work(const std::vector<Scene>& scenes);

// How the figures of a photo are remade: a command, or a line for each of several, by figure; and by what the reader
// chose, where that changes the command ("saliency:mixed4a>mixed4d", "groups:6", "flow:4,6,1", "teaser:967-504").
// LAYER and CHANNEL stand for themselves in that of "unit".
nlohmann::ordered_json figure_commands(const Scene& scene, const nlohmann::ordered_json& photo);
// limpid report for some photos (as a shell takes them) and figures alone.
std::string report_command(const ReportOptions& options, const std::vector<std::string>& words,
                           const std::string& figures, const std::string& out);

// Cosine similarity of every position of a with every position of b, 0 where negative: a Map [h,w,h,w].
nlohmann::ordered_json similarity_map(const HostTensor& a, const HostTensor& b);
// Activation maps of channels: {"channels", "values"}.
nlohmann::ordered_json activation_maps(const HostTensor& activations, const std::vector<int64_t>& channels);
// [[index, value], ...], the largest first.
nlohmann::ordered_json top_entries(std::span<const float> values, int64_t count);

// A unit of a layer that a figure shows.
struct Unit {
    std::string layer;
    int64_t channel = 0;
    auto operator<=>(const Unit&) const = default;
};
// The channels that the figures of a photo name, at most so many, the most prominent first, each once.
std::vector<Unit> named_units(const nlohmann::ordered_json& photo, int64_t most);
// The most prominent of them, those that the figures show at rest first: these get a sheet.
std::vector<Unit> sheet_units(const nlohmann::ordered_json& photo, int64_t most);

// How a layer's grid is drawn.
GridOptions grid_options(const Scene& scene, const std::string& layer);

// Multiply-additions of one pass, forward and back, from `from` ("input": from the pixels) to `to` for a square image.
double pass_work(const Net& net, int64_t size, const std::string& from, const std::string& to);
// Of so many updates of pictures of that size, scored at a layer.
inline double update_work(const Net& net, int64_t size, const std::string& layer, int64_t pictures, int64_t steps) {
    return pass_work(net, size, "input", layer) * double(pictures) * double(steps + 1);
}

}  // namespace limpid
