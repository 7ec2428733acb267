// The jobs of an appendix, and its page.
#include "viz/appendix/appendix.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/error.h"
#include "viz/appendix/page.h"
#include "viz/batch/sprites.h"
#include "viz/json_text.h"
#include "weights/file.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

// Each once, in the order of the network.
std::vector<std::string> in_order(const std::set<std::string>& layers, const Net& net) {
    std::vector<std::string> result;
    std::set<std::string> rest = layers;
    for (const Layer& layer : net.layers)
        if (rest.erase(layer.name) > 0) result.push_back(layer.name);
    result.insert(result.end(), rest.begin(), rest.end());
    return result;
}

std::vector<std::string> layers_of(const AppendixOptions& options, const Net& net) {
    return options.layers.empty() ? trunk_layers(net) : in_order({options.layers.begin(), options.layers.end()}, net);
}

struct UnitJobs {
    Job picture, negative, diversity;
};
// before: the layer before its ReLU, after which nothing is smaller than 0.
UnitJobs unit_jobs(const std::string& layer, const std::string& before, int64_t channel, const AppendixOptions& options,
                   const RenderOptions& defaults) {
    const std::string name = unit_name(layer, channel);
    const std::string unit = concat(layer, ":", channel), reachable = concat(before, ":", channel);
    UnitJobs jobs{{name, parse_objective(unit), defaults},
                  {name + "-negative", parse_objective("-" + reachable), defaults},
                  {name + "-diversity", parse_objective(concat(reachable, " - 1e2*diversity(", layer, ")")), defaults}};
    jobs.diversity.options.batch = options.diverse_pictures;
    return jobs;
}

// "</script>" inside a string would end the script; JSON allows the escape.
std::string script_text(const ordered_json& value) {
    std::string text = to_json_text(value), result;
    for (const char c : text)
        if (c == '<')
            result += "\\u003c";
        else
            result += c;
    return result;
}

}  // namespace

JobList appendix_jobs(const AppendixOptions& options, const RenderOptions& defaults, const Net& net) {
    JobList list;
    for (const std::string& layer : layers_of(options, net)) {
        const int64_t channels = channels_of(net, layer);
        const std::string before = before_relu(net, layer);
        std::vector<Job> negatives, diversities;
        for (int64_t channel = 0; channel < channels; channel++) {
            UnitJobs jobs = unit_jobs(layer, before, channel, options, defaults);
            list.jobs.push_back(std::move(jobs.picture));
            negatives.push_back(std::move(jobs.negative));
            diversities.push_back(std::move(jobs.diversity));
        }
        // Jobs of one form lie together, so that batches are full.
        if (options.negative) std::ranges::move(negatives, std::back_inserter(list.jobs));
        if (options.diversity) std::ranges::move(diversities, std::back_inserter(list.jobs));
    }
    return list;
}

void write_appendix(const std::string& folder, const AppendixOptions& options, const RenderOptions& defaults,
                    const Net& net, const std::string& command_options) {
    const ManifestContents contents = read_manifests(folder);
    const auto entry = [&](const Job& job) {
        const auto found = contents.finished.find(identity(job, net));
        return found == contents.finished.end() ? nullptr : &found->second;
    };
    const auto file = [&](const Job& job) -> ordered_json {
        const ManifestEntry* found = entry(job);
        return found ? ordered_json(found->file) : ordered_json(nullptr);
    };
    std::set<std::string> listed;
    for (const std::string& layer : layers_of(options, net)) listed.insert(layer);
    for (const auto& [id, recorded] : contents.finished)
        if (const std::optional<ShownUnit> unit = recorded_unit(recorded);
            unit && identity({"", parse_objective(recorded.objective), defaults}, net) == id)
            listed.insert(unit->layer);
    ordered_json layers = ordered_json::array();
    for (const std::string& layer : in_order(listed, net)) {
        ordered_json units = ordered_json::array();
        const int64_t channels = channels_of(net, layer);
        const std::string before = before_relu(net, layer);
        for (int64_t channel = 0; channel < channels; channel++) {
            const UnitJobs jobs = unit_jobs(layer, before, channel, options, defaults);
            const ManifestEntry* found = entry(jobs.picture);
            units.push_back({{"channel", channel},
                             {"picture", file(jobs.picture)},
                             {"score", found ? from_json_text(found->line).value("score", ordered_json(nullptr))
                                             : ordered_json(nullptr)},
                             {"negative", file(jobs.negative)},
                             {"diversity", file(jobs.diversity)},
                             {"command", concat("limpid render ", layer, ":", channel, command_options)}});
        }
        layers.push_back({{"name", layer}, {"units", std::move(units)}});
    }
    write_file_atomically(
        folder + "/units.js",
        as_bytes("const APPENDIX = " +
                 script_text({{"net", net.name}, {"devices", devices_of(contents)}, {"layers", layers}}) + ";\n"));
    write_file_atomically(folder + "/index.html", as_bytes(appendix_page()));
}

}  // namespace limpid
