// Networks in graphs, by name.
#include "nets/net.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "nets/layers/kinds.h"
#include "nets/nearest.h"
#include "nets/trimmed.h"
#include "weights/bytes.h"
#include "weights/layer_names.h"

namespace limpid {

namespace {

// Parameters are constants, unless they are given.
LayerBuilder builder_of(const Net& net, Graph& graph, Layers given, const Parameters& parameters) {
    return {graph, std::move(given), [&](const std::string& name, Shape) {
                const auto fed = parameters.find(name);
                return fed != parameters.end() ? fed->second : graph.constant(net.parameter(name), name);
            }};
}

std::string lower(std::string text) {
    for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// Input channels so that x'[order[j]] meets the filter that x[j] met.
HostTensor reordered(const HostTensor& filter, const std::vector<double>& order) {
    HostTensor result(filter.shape);
    for (int64_t r = 0; r < filter.shape.n; r++)
        for (int64_t s = 0; s < filter.shape.h; s++)
            for (int64_t j = 0; j < filter.shape.w; j++)
                for (int64_t k = 0; k < filter.shape.c; k++)
                    result.at(r, s, int64_t(order[size_t(j)]), k) = filter.at(r, s, j, k);
    return result;
}

// A network that reorders the channels of its image, as to BGR, and then filters them becomes one for the image as it
// is: filters and preprocessing are turned round, once. The checksum stays that of the file, by which reports and caches
// know it. Whatever else the reordered image is taken by, it is reordered in the graph.
void turn_filters(Architecture& architecture, Weights& weights) {
    for (Layer& source : architecture.layers) {
        const auto found = source.settings.find("order");
        if (source.kind != &kinds::normalise || found->second.numbers.empty()) continue;
        const auto takes = [&](const Layer& layer) { return std::ranges::count(layer.inputs, source.name) > 0; };
        const auto filters = [](const Layer& layer) {
            return layer.kind == &kinds::conv && layer.whole("groups") == 1;
        };
        if (!std::ranges::all_of(architecture.layers, [&](const Layer& l) { return filters(l) || !takes(l); }))
            continue;
        const std::vector<double> order = std::move(found->second.numbers);
        found->second.numbers.clear();
        for (const Layer& layer : architecture.layers)
            if (takes(layer)) {
                HostTensor& filter = weights.tensors.at(weight_of(layer.name));
                filter = reordered(filter, order);
            }
        for (const char* key : {"scale", "mean"}) {
            std::vector<double>& values = source.settings.find(key)->second.numbers;
            const std::vector<double> before = values;
            for (size_t j = 0; j < before.size() && before.size() > 1; j++) values[size_t(order[j])] = before[j];
        }
    }
}

// As many as there are labels where no layer says it.
int64_t logit_count(const Net& net) {
    const std::map<std::string, Shape> shapes = shapes_of(net).layers;
    const auto logits = shapes.find(net.logits);
    return logits != shapes.end() ? logits->second.c : int64_t(net.labels().size());
}

void check_given(const Net& net, const Graph& graph, const Layers& given) {
    const bool whole = given.size() == 1 && given.contains("input");
    const std::map<std::string, Shape> known =
        whole ? std::map<std::string, Shape>{{"input", net.image()}} : shapes_of(net).layers;
    for (const auto& [name, id] : given) {
        if (std::ranges::count(net.layers, name, &Layer::name) == 0) {
            std::vector<std::string> names;
            for (const Layer& layer : net.layers) names.push_back(layer.name);
            std::ranges::sort(names);
            throw Error(concat("layer \"", name, "\" cannot be given to ", net.name, "; did you mean ",
                               nearest_names(name, names), "?"));
        }
        const int64_t channels = graph.shape(id).c, expected = known.at(name).c;
        if (name == "input" && channels != expected)
            throw UsageError(concat("the image has ", channels, " channels, ", net.name, " takes ", expected,
                                    channels == expected + 1
                                        ? ": no network sees opacity; add collapse_alpha to the "
                                          "transforms, or use the set alpha"
                                        : ": give it pictures of the channels that it was made for"));
        if (channels != expected)
            throw Error(
                concat("layer ", name, " is given with shape ", graph.shape(id), ", expected ", expected, " channels"));
    }
}

}  // namespace

std::shared_ptr<const HostTensor> Net::parameter(const std::string& tensor) const {
    if (const auto found = replaced.find(tensor); found != replaced.end()) return found->second;
    const auto found = weights->tensors.find(tensor);
    if (found == weights->tensors.end())
        throw Error(concat("weights ", weights->source, ": parameter ", tensor, " is missing; is the variant ",
                           weights->variant, " right?"));
    return {weights, &found->second};
}

Layers apply(const Net& net, Graph& graph, NodeId image) { return apply(net, graph, Layers{{"input", image}}); }

Layers apply(const Net& net, Graph& graph, Layers given, const Parameters& parameters) {
    check_given(net, graph, given);
    LayerBuilder builder = builder_of(net, graph, std::move(given), parameters);
    for (const Layer& layer : net.layers) builder.add(layer);
    return builder.take();
}

NodeId layer(const Net& net, const Layers& layers, const std::string& name) {
    if (const auto found = layers.find(name); found != layers.end()) return found->second;
    for (const Layer& each : net.layers)
        if (each.name == name || pre_relu_of(each.name) == name)
            throw UsageError(concat("layer ", name, " does not exist at this image size; it needs ", net.image().h, "x",
                                    net.image().w));
    std::vector<std::string> names;
    for (const auto& [known, id] : layers) names.push_back(known);
    throw UsageError(concat("layer \"", name, "\" is not in ", net.name, "; did you mean ", nearest_names(name, names),
                            "? (limpid info lists all)"));
}

std::string before_relu(const Net& net, const std::string& layer) {
    const std::string before = pre_relu_of(layer);
    return shapes_of(net).layers.contains(before) ? before : layer;
}

std::string usual_layer(const Net& net, const std::string& asked, const std::string& purpose) {
    if (!asked.empty()) return asked;
    const std::vector<std::string> layers = default_layers(net, purpose);
    if (layers.empty()) throw UsageError(concat(net.name, " has no layer that is usual; name one"));
    return layers[0];
}

int64_t find_class(const Net& net, const std::string& label) {
    const std::vector<std::string>& labels = net.labels();
    int64_t index = -1;
    const char *begin = label.data(), *end = begin + label.size();
    if (const auto parsed = std::from_chars(begin, end, index); parsed.ptr == end && parsed.ec == std::errc()) {
        const int64_t outputs = logit_count(net);
        if (index < 0 || index >= outputs)
            throw UsageError(concat("class ", index, " is not one of the outputs 0..", outputs - 1, " of ", net.name));
        return index;
    }
    const std::string wanted = lower(trimmed(label));
    std::vector<std::string> names;
    std::vector<int64_t> found, found_by_synonym;
    for (size_t i = 0; i < labels.size(); i++) {
        if (labels[i].empty()) continue;
        if (lower(labels[i]) == wanted) found.push_back(int64_t(i));
        const std::vector<std::string> more = split_text(labels[i], ',');
        if (std::ranges::count(more, wanted, lower) > 0) found_by_synonym.push_back(int64_t(i));
        names.insert(names.end(), more.begin(), more.end());
    }
    // Commas separate synonyms. "missile" is that class rather than "projectile, missile".
    if (found.empty()) found = found_by_synonym;
    if (found.size() == 1) return found[0];
    if (!found.empty()) {
        std::string candidates;
        for (const int64_t i : found)
            candidates += concat(candidates.empty() ? "" : ", ", i, " (", labels[size_t(i)], ")");
        throw UsageError(
            concat("class \"", label, "\" may be ", candidates, "; give its number, as in class:", found[0]));
    }
    if (labels.empty())
        throw UsageError(
            concat("class \"", label, "\": these weights carry no labels; give a number, or convert with --labels"));
    throw UsageError(concat("class \"", label, "\" is not a label of ", net.name, "; did you mean ",
                            nearest_names(label, names), "?"));
}

std::vector<LayerInfo> describe(const Net& net, int64_t height, int64_t width) {
    Graph graph;
    const NodeId image = graph.input("image", {1, height, width, net.image().c});
    const Parameters none;
    LayerBuilder builder = builder_of(net, graph, {{"input", image}}, none);
    std::vector<LayerInfo> result;
    for (const Layer& layer : net.layers) {
        LayerInfo info = builder.add(layer);
        if (builder.find(layer.name).valid()) result.push_back(std::move(info));
    }
    return result;
}

Net make_net(Weights weights) {
    Net net{architecture_of(weights), nullptr, {}};
    check_weights(net, weights);
    turn_filters(net, weights);
    weights.network = to_string(net);
    if (net.name.empty()) net.name = weights.source.empty() ? "the network" : printable(weights.source);
    net.weights = std::make_shared<const Weights>(std::move(weights));
    return net;
}

}  // namespace limpid
