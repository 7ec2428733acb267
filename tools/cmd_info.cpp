// limpid info: what a file of weights contains, where it came from, how large the network is.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "nets/net.h"
#include "nets/patterns.h"
#include "tools/command.h"
#include "tools/find_weights.h"
#include "tools/run_options.h"
#include "viz/json_text.h"
#include "weights/layer_names.h"
#include "weights/weights.h"

namespace limpid {

namespace {

struct InfoArguments {
    std::string file;
    int64_t size = 0;  // 0: the network's own
    bool as_json = false, as_text = false;
    ImportOptions import;
};

// The filter and the bias of a layer, under its name; and what the network does with them.
struct LayerRow {
    std::string name;
    Shape filter;
    int64_t parameters = 0;
    Shape output{0, 0, 0, 0};  // empty where the layer does not exist at this size
    int64_t multiply_adds = 0;
};

struct Contents {
    std::string file;
    Weights weights;
    int64_t height = 0, width = 0;
    Architecture architecture;
    std::string flaw;  // why these weights are no whole network; "" if they are one
    std::vector<LayerRow> layers;
    int64_t parameters = 0, multiply_adds = 0;
};

Contents examine(const InfoArguments& options) {
    Contents contents;
    const bool built_in = options.file == "patterns" && !std::filesystem::exists(options.file);
    contents.file = built_in ? "patterns, built in" : find_weights(options.file);
    contents.weights = built_in ? trained_patterns() : import_weights(contents.file, options.import);
    print_notes("info", contents.weights);
    const std::map<std::string, HostTensor>& tensors = contents.weights.tensors;
    std::map<std::string, LayerRow> rows;
    for (const auto& [name, tensor] : tensors) {
        LayerRow& row = rows[stem_of_parameter(name)];
        row.name = stem_of_parameter(name);
        row.parameters += tensor.shape.size();
        if (is_weight(name)) row.filter = tensor.shape;
    }
    const auto take = [&](const std::string& stem) {
        contents.layers.push_back(rows.at(stem));
        contents.parameters += rows.at(stem).parameters;
        contents.multiply_adds += rows.at(stem).multiply_adds;
        rows.erase(stem);
    };
    contents.architecture = parse_architecture(
        concat("input = image(size=1, channels=3)\n", preprocessing_line(contents.weights.preprocessing)));
    try {
        contents.architecture = architecture_of(contents.weights);
        const Net net = make_net(contents.weights);
        contents.height = options.size > 0 ? options.size : net.image().h;
        contents.width = options.size > 0 ? options.size : net.image().w;
        for (const LayerInfo& info : describe(net, contents.height, contents.width)) {
            if (info.parameters == 0) continue;  // pools and the like
            const std::string stem = stem_of_parameter(info.parameter_names[0]);
            rows.at(stem).output = info.shape;
            rows.at(stem).multiply_adds = info.multiply_adds;
            take(stem);
        }
    } catch (const Error& error) {
        contents.flaw = error.what();
    }
    // What does not exist at this size, or belongs to no known network.
    while (!rows.empty()) take(rows.begin()->first);
    return contents;
}

bool all_equal(const std::vector<float>& values) {
    return std::ranges::all_of(values, [&](float value) { return value == values[0]; });
}

void print_json(const Contents& contents) {
    const Weights& weights = contents.weights;
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (const LayerRow& row : contents.layers)
        layers.push_back({{"name", row.name},
                          {"filter", {row.filter.n, row.filter.h, row.filter.w, row.filter.c}},
                          {"parameters", row.parameters},
                          {"output", {row.output.h, row.output.w, row.output.c}},
                          {"multiply_adds", row.multiply_adds}});
    const Normalisation n = normalisation_of(contents.architecture);
    nlohmann::ordered_json scale = n.scale;
    if (all_equal(n.scale)) scale = n.scale[0];
    const nlohmann::ordered_json info{{"file", contents.file},
                                      {"variant", weights.variant},
                                      {"source", weights.source},
                                      {"source_sha256", weights.source_sha256},
                                      {"checksum", weights.checksum},
                                      {"preprocessing", {{"source", n.order}, {"scale", scale}, {"mean", n.mean}}},
                                      {"labels", weights.labels.size()},
                                      {"flaw", contents.flaw},
                                      {"size", contents.height},
                                      {"parameters", contents.parameters},
                                      {"multiply_adds", contents.multiply_adds},
                                      {"layers", layers}};
    std::cout << to_json_text(info, 2) << '\n';
}

void print_text(const Contents& contents) {
    const Weights& weights = contents.weights;
    const auto [order, scales, means] = normalisation_of(contents.architecture);
    std::string channels, scale, mean;
    for (size_t j = 0; j < order.size(); j++) {
        channels += order.size() == 3 ? std::string(1, "RGB"[order[j]]) : concat(j ? " " : "", order[j]);
        scale += concat(j ? ", " : "", scales[j]);
        mean += concat(j ? ", " : "", means[j]);
    }
    std::cout << "file        " << one_line(contents.file) << "\nvariant     " << one_line(weights.variant)
              << "\nsource      " << one_line(weights.source) << "\nsha256      " << one_line(weights.source_sha256)
              << "\nchecksum    " << weights.checksum << "\ninput       " << channels << ", "
              << (all_equal(scales) ? concat(scales[0]) : concat('(', scale, ')')) << " * image - (" << mean
              << ")\nclasses     " << weights.labels.size() << " labels\n";
    if (contents.flaw.empty())
        std::cout << "size        " << contents.height << 'x' << contents.width
                  << " (of the outputs and multiply-adds below)\n\n";
    else
        std::cout << "incomplete  " << one_line(contents.flaw) << "\n\n";
    const auto line = [](const std::string& name, const std::string& filter, const std::string& parameters,
                         const std::string& output, const std::string& multiply_adds) {
        std::cout << std::left << std::setw(28) << one_line(name) << std::setw(16) << filter << std::right
                  << std::setw(11) << parameters << "  " << std::left << std::setw(14) << output << std::right
                  << std::setw(13) << multiply_adds << '\n';
    };
    line("layer", "filter", "parameters", "output", "multiply-adds");
    for (const LayerRow& row : contents.layers)
        line(row.name, to_string(row.filter), std::to_string(row.parameters),
             row.output.size() > 0 ? concat(row.output.h, 'x', row.output.w, 'x', row.output.c) : "-",
             std::to_string(row.multiply_adds));
    line("total", "", std::to_string(contents.parameters), "", std::to_string(contents.multiply_adds));
}

ExitStatus show_info(const InfoArguments& options) {
    const Contents contents = examine(options);
    if (options.as_text) {
        if (!contents.flaw.empty()) throw Error(contents.flaw);
        std::cout << to_string(contents.architecture);
        return kDone;
    }
    options.as_json ? print_json(contents) : print_text(contents);
    return kDone;
}

}  // namespace

Run declare_info(CLI::App& app) {
    const auto options = std::make_shared<InfoArguments>();
    app.add_option(
        "FILE", options->file,
        "weights: .h5, .onnx, .caffemodel or .pb, or the name of fetched ones; by default those that are found");
    app.add_option("--size", options->size,
                   "height and width of the image for which the work is counted; by default the network's own")
        ->check(CLI::Range(int64_t(1), int64_t(1) << 16));
    declare_preprocess(app, options->import.preprocess);
    CLI::Option* json = app.add_flag("--json", options->as_json, "machine-readable");
    app.add_flag("--text", options->as_text, "the network, a line for each layer, as converted files keep it")
        ->excludes(json);
    return [options] { return show_info(*options); };
}

}  // namespace limpid
