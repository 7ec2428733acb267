// limpid info: what a file of weights contains, where it came from, how large the network is.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/command.h"
#include "tools/find_weights.h"
#include "weights/weights.h"

namespace limpid {

namespace {

struct Options {
    std::string file;
    bool as_json = false;
};

// The filter and the bias of a layer, under its name.
struct LayerRow {
    std::string name;
    Shape filter;
    int64_t parameters = 0;
};

std::vector<LayerRow> layer_rows(const Weights& weights) {
    std::map<std::string, LayerRow> layers;
    for (const auto& [name, tensor] : weights.tensors) {
        LayerRow& row = layers[name.substr(0, name.rfind('_'))];
        row.name = name.substr(0, name.rfind('_'));
        row.parameters += tensor.shape.size();
        if (name.ends_with("_w")) row.filter = tensor.shape;
    }
    std::vector<LayerRow> rows;
    for (const auto& [name, row] : layers) rows.push_back(row);
    return rows;
}

int64_t total_parameters(const std::vector<LayerRow>& rows) {
    int64_t total = 0;
    for (const LayerRow& row : rows) total += row.parameters;
    return total;
}

void print_json(const std::string& file, const Weights& weights) {
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    const std::vector<LayerRow> rows = layer_rows(weights);
    for (const LayerRow& row : rows)
        layers.push_back({{"name", row.name},
                          {"filter", {row.filter.n, row.filter.h, row.filter.w, row.filter.c}},
                          {"parameters", row.parameters}});
    const nlohmann::ordered_json info{{"file", file},
                                      {"variant", weights.variant},
                                      {"source", weights.source},
                                      {"source_sha256", weights.source_sha256},
                                      {"checksum", weights.checksum},
                                      {"preprocessing",
                                       {{"source", weights.preprocessing.source},
                                        {"scale", weights.preprocessing.scale},
                                        {"mean", weights.preprocessing.mean}}},
                                      {"labels", weights.labels.size()},
                                      {"parameters", total_parameters(rows)},
                                      {"layers", layers}};
    std::cout << info.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_text(const std::string& file, const Weights& weights) {
    const auto& [source, scale, mean] = weights.preprocessing;
    const auto channels = [&] {
        std::string text;
        for (const int channel : source) text += "RGB"[std::clamp(channel, 0, 2)];
        return text;
    };
    std::cout << "file        " << one_line(file) << "\nvariant     " << one_line(weights.variant) << "\nsource      "
              << one_line(weights.source) << "\nsha256      " << one_line(weights.source_sha256) << "\nchecksum    "
              << weights.checksum << "\ninput       " << channels() << ", " << scale << " * image - (" << mean[0]
              << ", " << mean[1] << ", " << mean[2] << ")\nclasses     " << weights.labels.size() << " labels\n\n";
    std::cout << std::left << std::setw(34) << "layer" << std::setw(18) << "filter" << std::right << std::setw(12)
              << "parameters\n";
    const std::vector<LayerRow> rows = layer_rows(weights);
    const auto line = [](const std::string& name, const std::string& filter, int64_t parameters) {
        std::cout << std::left << std::setw(34) << one_line(name) << std::setw(18) << filter << std::right
                  << std::setw(11) << parameters << '\n';
    };
    for (const LayerRow& row : rows) line(row.name, to_string(row.filter), row.parameters);
    line("total", "", total_parameters(rows));
}

ExitStatus show_info(const Options& options) {
    const std::string file = find_weights(options.file);
    const Weights weights = import_weights(file);
    options.as_json ? print_json(file, weights) : print_text(file, weights);
    return kDone;
}

}  // namespace

Run declare_info(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    app.add_option("FILE", options->file,
                   "weights: .h5, .caffemodel or .pb, or the name of fetched ones; by default those that are found");
    app.add_flag("--json", options->as_json, "machine-readable");
    return [options] { return show_info(*options); };
}

}  // namespace limpid
