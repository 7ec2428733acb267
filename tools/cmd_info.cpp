// limpid info: what a file of weights contains, where it came from, how large the network is.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "nets/layers/kind.h"
#include "nets/net.h"
#include "nets/patterns.h"
#include "tools/command.h"
#include "tools/find_weights.h"
#include "tools/layer_table.h"
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
    // What the file holds for each layer; taken from here where the network says where it belongs.
    std::map<std::string, LayerRow> stored;
    for (const auto& [name, tensor] : contents.weights.tensors) {
        LayerRow& row = stored[stem_of_parameter(name)];
        row.name = stem_of_parameter(name);
        row.parameters += tensor.shape.size();
        if (is_weight(name)) row.filter = tensor.shape;
    }
    contents.architecture = parse_architecture(
        concat("input = image(size=1, channels=3)\n", preprocessing_line(contents.weights.preprocessing)));
    try {
        contents.architecture = architecture_of(contents.weights);
        const Net net = make_net(contents.weights);
        contents.height = options.size > 0 ? options.size : net.image().h;
        contents.width = options.size > 0 ? options.size : net.image().w;
        std::map<std::string, const LayerKind*> kinds;
        for (const Layer& layer : net.layers) kinds[layer.name] = layer.kind;
        for (const LayerInfo& info : describe(net, contents.height, contents.width)) {
            LayerRow row;
            if (info.parameters > 0)
                if (auto held = stored.extract(stem_of_parameter(info.parameter_names[0]))) row = held.mapped();
            row.name = info.name;
            row.kind = kinds.at(info.name)->name;
            row.output = info.shape;
            row.multiply_adds = info.multiply_adds;
            contents.layers.push_back(std::move(row));
        }
    } catch (const Error& error) {
        contents.flaw = error.what();
    }
    // What does not exist at this size, or belongs to no known network.
    for (const auto& [name, row] : stored) contents.layers.push_back(row);
    for (const LayerRow& row : contents.layers) {
        contents.parameters += row.parameters;
        contents.multiply_adds += row.multiply_adds;
    }
    return contents;
}

bool all_equal(const std::vector<float>& values) {
    return std::ranges::all_of(values, [&](float value) { return value == values[0]; });
}

void print_json(const Contents& contents) {
    const Weights& weights = contents.weights;
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (const LayerRow& row : contents.layers) {
        nlohmann::ordered_json layer{{"name", row.name}, {"kind", row.kind}};
        if (row.filter.size() > 0) layer["filter"] = {row.filter.n, row.filter.h, row.filter.w, row.filter.c};
        layer["parameters"] = row.parameters;
        layer["output"] = {row.output.h, row.output.w, row.output.c};
        layer["multiply_adds"] = row.multiply_adds;
        layers.push_back(std::move(layer));
    }
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
        channels += order.size() == 1   ? std::string("grey")
                    : order.size() == 3 ? std::string(1, "RGB"[order[j]])
                                        : concat(j ? " " : "", order[j]);
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
    print_layers(std::cout, contents.layers);
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
    declare_pictures(app, options->import);
    CLI::Option* json = app.add_flag("--json", options->as_json, "machine-readable");
    app.add_flag("--text", options->as_text, "the network, a line for each layer, as converted files keep it")
        ->excludes(json);
    return [options] { return show_info(*options); };
}

}  // namespace limpid
