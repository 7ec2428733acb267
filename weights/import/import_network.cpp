// The passes in their order, and what is said of operators that cannot be read.
#include "weights/import/import_network.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "weights/import/operators.h"
#include "weights/import/outline.h"
#include "weights/import/own_model.h"
#include "weights/import/preprocess.h"
#include "weights/layer_names.h"
#include "weights/onnx.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

constexpr int64_t kLargestSide = 65536;

// What could not be read: by operator, why, and the nodes.
class Unread {
  public:
    void add(const ImportNode& node, const std::string& why) {
        auto& [reason, nodes] = found_[printable(node.op)];
        if (nodes.empty()) reason = why;
        const std::string description = described(node);
        nodes.push_back(description.substr(std::min(description.find(' ') + 1, description.size())));
    }
    bool empty() const { return found_.empty(); }
    // "Foo (a, b, c and 4 more: is no operator that is known here); ..."
    std::string print() const {
        std::string text;
        for (const auto& [op, unread] : found_)
            text += concat(text.empty() ? "" : "; ", op, " (", first_names(unread.nodes), ": ", unread.reason, ")");
        return text;
    }

  private:
    struct Nodes {
        std::string reason;
        std::vector<std::string> nodes;
    };
    std::map<std::string, Nodes> found_;
};

struct Picture {
    std::string value;  // its name in the graph
    Placement view;
    int64_t height = 0, width = 0, channels = 0;
};

// The first input of four axes: {N,C,H,W}, or {N,H,W,C} where that is the only sense of its sizes.
Picture picture_of(const ImportGraph& graph, int64_t size) {
    for (const ImportInput& input : graph.inputs) {
        if (input.shape.size() != 4) continue;
        const Dimensions& s = input.shape;
        const auto few = [](int64_t channels) { return channels == 1 || channels == 3 || channels == 4; };
        const bool last = !few(s[1]) && few(s[3]) && !is_own(graph);
        Picture picture{input.name, {}, last ? s[1] : s[2], last ? s[2] : s[3], last ? s[3] : s[1]};
        if (const auto canonical = own_size(graph); canonical && picture.height < 0 && picture.width < 0)
            std::tie(picture.height, picture.width) = *canonical;
        if (picture.height < 0) picture.height = picture.width > 0 ? picture.width : size;
        if (picture.width < 0) picture.width = picture.height;
        if (picture.channels < 0) picture.channels = 3;
        if (std::max({picture.height, picture.width, picture.channels}) > kLargestSide)
            throw Error(concat("input ", printable(input.name), ": is ", shape_text(s),
                               ", expected a picture of at most ", kLargestSide, " a side"));
        const std::array<int64_t, 4> sizes{std::max<int64_t>(s[0], 1), picture.height, picture.width, picture.channels};
        const auto [n, h, w, c] = sizes;
        picture.view = last ? arranged_placement("input", {n, h, w, c}, {{{0}, {1}, {2}, {3}}})
                            : arranged_placement("input", {n, c, h, w}, map_arrangement(4));
        return picture;
    }
    throw Error(concat("has ", graph.inputs.size(),
                       " inputs, none of four axes, expected a picture {N,C,H,W}; is it a "
                       "network for images?"));
}

std::string text_of(const std::vector<DraftLine>& lines) {
    std::string text;
    for (const DraftLine& line : lines) {
        std::string arguments;
        for (const std::string& input : line.inputs) arguments += (arguments.empty() ? "" : ", ") + input;
        const std::string& more = line.settings;
        text += concat(line.name, " = ", line.kind, "(", arguments, arguments.empty() || more.empty() ? "" : ", ", more,
                       ")\n");
    }
    return text;
}

// Values that are not there, and why; "": that has been said.
using Missing = std::map<std::string, std::string>;

// Operators one after another. What depends on something that cannot be read is left out.
void write_nodes(ImportGraph& graph, Draft& draft, Unread& unread, Missing& missing) {
    const ShapeOf shape_of = [&](const std::string& name) {
        return draft.has_value(name) ? std::optional(draft.value(name).shape()) : std::nullopt;
    };
    for (const ImportNode& node : graph.nodes) {
        const auto lost = [&] {
            for (const std::string& output : node.outputs) missing.emplace(output, "");
        };
        const auto absent =
            std::ranges::find_if(node.inputs, [&](const std::string& input) { return missing.contains(input); });
        if (absent != node.inputs.end()) {
            if (const std::string& why = missing.at(*absent); !why.empty()) unread.add(node, why);
            lost();
            continue;
        }
        if (node.outputs.empty() || node.outputs[0].empty()) continue;
        try {
            if (auto constants = folded(node, graph, shape_of)) {
                add_constants(graph, node, std::move(*constants));
                continue;
            }
            const Operator* op = find_operator(node.op);
            if (!op) throw Error("is no operator that is known here");
            op->write(draft, node);
            for (size_t i = 1; i < node.outputs.size(); i++)
                if (!draft.has_value(node.outputs[i]))
                    missing.emplace(node.outputs[i], concat("takes ", printable(node.outputs[i]), ", which ",
                                                            described(node), " does not make here"));
        } catch (const UsageError&) {
            throw;
        } catch (const Error& error) {
            unread.add(node, error.what());
            lost();
        }
    }
}

// Its elements in their usual order, where a layer can have them so.
Placement usual_output(Draft& draft, const std::string& output) {
    const Placement placement = draft.value(output);
    try {
        const bool usual = placement.rank() < 2 || placement.rank() > 4 || !is_of_images(placement, 0);
        return usual ? placement : draft.plain({"Output", output, "", {}, {output}, {}}, placement);
    } catch (const Error&) {  // images were moved: as they lie
        return placement;
    }
}

void write_outputs(const ImportGraph& graph, Draft& draft, const Missing& missing, Unread& unread,
                   ImportedNetwork& network) {
    for (const std::string& output : graph.outputs) {
        const auto absent = missing.find(output);
        if (draft.has_value(output))
            network.outputs.push_back({output, usual_output(draft, output), {}});
        else if (const ImportTensor* constant = draft.constant(output))
            network.outputs.push_back({output, {}, *constant});
        else if (absent != missing.end() && !absent->second.empty())
            unread.add({"Output", output, "", {}, {output}, {}}, absent->second);
    }
}

// The picture, prepared. Other inputs are missing.
void start_with_picture(const ImportGraph& graph, const NetworkOptions& options, Draft& draft, Missing& missing,
                        ImportedNetwork& network) {
    const Picture picture = picture_of(graph, options.size);
    network.channels = picture.channels;
    std::string prepared =
        options.preprocess.empty() ? "" : preprocessing_settings(options.preprocess, picture.channels);
    if (options.preprocess.empty()) {
        const AssumedPreprocessing assumed = assumed_preprocessing(graph.metadata, picture.channels);
        prepared = assumed.text;
        if (!assumed.note.empty()) network.notes.push_back(assumed.note);
    }
    Placement view = picture.view;
    if (picture.channels <= 3 && !options.shown.empty())
        throw UsageError(
            concat("takes ", picture.channels == 3 ? "RGB" : "grey", ", which is shown as it is; leave --show out"));
    // Pictures are in colours; of one channel is what sees them in grey.
    const bool grey = picture.channels == 1;
    std::array<int64_t, 4> seen = view.sizes;
    if (grey) seen[3] = 3;
    view.layer = draft.start("input", "image", {},
                             concat("size=", size_text(picture.height, picture.width), ", channels=", seen[3],
                                    options.shown.empty() ? "" : ", shown=" + options.shown),
                             seen);
    if (grey) view.layer = draft.start("grey", "grey", {view.layer}, "", view.sizes);
    if (!prepared.empty()) view.layer = draft.start("preprocessed", "normalise", {view.layer}, prepared, view.sizes);
    draft.put(picture.value, view);
    network.inputs[picture.value] = "input";
    for (const ImportInput& input : graph.inputs)
        if (input.name != picture.value)
            missing.emplace(input.name, concat("takes the input ", printable(input.name), ", and ",
                                               printable(picture.value), " is the picture, expected one input"));
}

// The picture of a model that this program wrote, which prepares it itself.
void start_with_own_picture(const ImportGraph& graph, const NetworkOptions& options, Draft& draft,
                            ImportedNetwork& network) {
    if (!options.preprocess.empty()) throw UsageError("says itself how pictures are prepared; leave --preprocess out");
    if (!options.shown.empty()) throw UsageError("says itself which channels are shown; leave --show out");
    Picture picture = picture_of(graph, options.size);
    const std::string shown = own_shown(graph);
    picture.view.layer = draft.start("input", "image", {},
                                     concat("size=", size_text(picture.height, picture.width),
                                            ", channels=", picture.channels, setting("shown", shown, "")),
                                     picture.view.sizes);
    draft.put(picture.value, picture.view);
    network.channels = picture.channels;
    network.inputs[picture.value] = "input";
}

// Inputs that lie as the caller says.
void start_with_inputs(const ImportGraph& graph, const NetworkOptions& options, Draft& draft,
                       ImportedNetwork& network) {
    for (const ImportInput& input : graph.inputs) {
        const auto given = options.inputs.find(input.name);
        if (given == options.inputs.end())
            throw Error(concat("input ", printable(input.name), " has no placement, expected one of every input"));
        Placement view = given->second;
        const std::string settings =
            concat("size=", size_text(view.sizes[1], view.sizes[2]), ", channels=", view.sizes[3]);
        view.layer = network.inputs.empty() ? draft.start("input", "image", {}, settings, view.sizes)
                                            : draft.line({"Input", input.name, "", {}, {input.name}, {}}, "image", {},
                                                         settings, view.sizes);
        draft.put(input.name, view);
        network.inputs[input.name] = view.layer;
    }
}

}  // namespace

ImportedNetwork import_network(ImportGraph graph, const NetworkOptions& options) {
    for (const auto& [name, tensor] : graph.constants)
        graph.held_values += int64_t(tensor.bytes.size() / size_bytes_of(tensor.type));
    const bool own = is_own(graph) && options.inputs.empty();
    if (own) {
        put_together(graph);
    } else {
        drop_identities(graph);
        drop_unused(graph);
    }
    fold_constants(graph);
    ImportedNetwork network;
    network.own = own;
    if (const auto said = graph.metadata.find(kLabelsMetadata); said != graph.metadata.end())
        network.labels = said->second;
    Draft draft(graph, options.most_made_values);
    own ? draft.keep_names() : draft.know_modules();
    Missing missing;
    Unread unread;
    if (own)
        start_with_own_picture(graph, options, draft, network);
    else if (options.inputs.empty())
        start_with_picture(graph, options, draft, missing, network);
    else
        start_with_inputs(graph, options, draft, network);
    write_nodes(graph, draft, unread, missing);
    write_outputs(graph, draft, missing, unread, network);
    std::vector<std::string> outputs;
    for (const ImportedOutput& output : network.outputs)
        if (!output.constant) outputs.push_back(output.view.layer);
    const Outline outline = outline_of(draft, outputs);
    network.unread = unread.print();
    if (!unread.empty())
        network.notes.push_back(concat("what cannot be read, and all after it, is left out",
                                       outputs.empty() ? ", and no output is left; the network ends at " : ": ",
                                       outputs.empty() ? draft.lines().back().name + ": " : "", unread.print()));
    network.classes = outline.classes;
    std::string properties = concat("network: ", options.title, "\n", outline_text(outline));
    if (own)
        if (const auto said = own_properties(graph, draft)) properties = said->text, network.classes = said->classes;
    network.text = properties + text_of(draft.lines());
    network.parameters = draft.take_parameters();
    return network;
}

void check_has_filters(const ImportedNetwork& network) {
    for (const char* kind : {" = conv(", " = dense("})
        if (network.text.find(kind) != std::string::npos) return;
    throw Error(concat("has no convolution or matrix that can be read, expected a network for images; not read: ",
                       network.unread.empty() ? "nothing" : network.unread));
}

}  // namespace limpid
