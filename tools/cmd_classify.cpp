// limpid classify: what a network sees in a photo.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "graph/ops.h"
#include "tools/command.h"
#include "tools/photo_input.h"
#include "tools/run_options.h"
#include "viz/json_text.h"

namespace limpid {

namespace {

struct ClassifyArguments {
    RunArguments run;
    PhotoArguments photo;
    int top = 5;
    bool as_json = false;
};

ExitStatus classify(const ClassifyArguments& arguments) {
    const Net net = load_net(arguments.run);
    if (net.logits.empty()) throw Error(concat(net.name, " has no classes; name another network with --weights"));
    const HostTensor image = load_photo(arguments.photo, net);
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", image.shape));
    const NodeId logits = layer(net, layers, net.logits);
    Stream stream = open_stream(arguments.run);
    const Inspection inspection(arguments.run, stream);
    const std::vector<NodeId> outputs{logits, ops::softmax(graph, logits)};
    const std::vector<HostTensor> values = evaluate(graph, outputs, stream, {image}, {}, inspection.options());
    if (arguments.run.trace || !arguments.run.shadow.empty()) {
        ConstantStore constants(stream);
        inspection.report(make_plan(graph, outputs, constants));
    }
    announce_choice(arguments.run, net, stream);
    const std::vector<float>&score = values[0].values, &probability = values[1].values;
    std::vector<size_t> order;
    for (size_t i = 0; i < score.size(); i++)
        if (net.labels().empty() || !net.labels()[i].empty())
            order.push_back(i);  // outputs without a meaning are not listed
    const size_t count = std::min(order.size(), size_t(arguments.top));
    std::partial_sort(order.begin(), order.begin() + std::ptrdiff_t(count), order.end(),
                      [&](size_t a, size_t b) { return score[a] > score[b]; });
    order.resize(count);
    const auto label = [&](size_t i) { return net.labels().empty() ? std::string() : net.labels()[i]; };
    if (arguments.as_json) {
        nlohmann::ordered_json top = nlohmann::ordered_json::array();
        for (const size_t i : order)
            top.push_back({{"index", i}, {"label", label(i)}, {"probability", probability[i]}, {"logit", score[i]}});
        nlohmann::ordered_json result = provenance(arguments.photo, image, net, stream);
        result["top"] = top;
        std::cout << to_json_text(result, 2) << '\n';
        return kDone;
    }
    for (const size_t i : order)
        std::cout << std::fixed << std::setprecision(4) << probability[i] << std::setw(10) << std::setprecision(3)
                  << score[i] << std::setw(6) << i << "  " << one_line(label(i)) << '\n';
    return kDone;
}

}  // namespace

Run declare_classify(CLI::App& app) {
    const auto arguments = std::make_shared<ClassifyArguments>();
    declare_photo(app, arguments->photo);
    app.add_option("--top", arguments->top, "how many classes to list")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    app.add_flag("--json", arguments->as_json, "machine-readable");
    declare_run_options(app, arguments->run);
    return [arguments] { return classify(*arguments); };
}

}  // namespace limpid
