// The passes in their order, and what is said of operators that cannot be read.
#include "weights/import/import_network.h"

#include <algorithm>
#include <set>

#include "weights/import/operators.h"
#include "weights/import/outline.h"
#include "weights/import/preprocess.h"
#include "weights/layer_names.h"
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
        const bool last = !few(s[1]) && few(s[3]);
        Picture picture{input.name, {}, last ? s[1] : s[2], last ? s[2] : s[3], last ? s[3] : s[1]};
        if (picture.height < 0) picture.height = picture.width > 0 ? picture.width : size;
        if (picture.width < 0) picture.width = picture.height;
        if (picture.channels < 0) picture.channels = 3;
        if (std::max({picture.height, picture.width, picture.channels}) > kLargestSide)
            throw Error(concat("input ", printable(input.name), ": is ", shape_text(s),
                               ", expected a picture of at most ", kLargestSide, " a side"));
        const std::array<int64_t, 4> sizes{std::max<int64_t>(s[0], 1), picture.height, picture.width, picture.channels};
        picture.view = plain_placement("input", sizes, last ? std::vector<int>{0, 1, 2, 3} : usual_axes(4));
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

// Operators one after another. What depends on something that cannot be read is left out.
void write_nodes(ImportGraph& graph, Draft& draft, Unread& unread, std::set<std::string>& missing) {
    const ShapeOf shape_of = [&](const std::string& name) {
        return draft.has_value(name) ? std::optional(draft.value(name).shape()) : std::nullopt;
    };
    for (const ImportNode& node : graph.nodes) {
        const auto lost = [&] { missing.insert(node.outputs.begin(), node.outputs.end()); };
        if (std::ranges::any_of(node.inputs, [&](const std::string& input) { return missing.contains(input); })) {
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
                if (!draft.has_value(node.outputs[i])) missing.insert(node.outputs[i]);
        } catch (const UsageError&) {
            throw;
        } catch (const Error& error) {
            unread.add(node, error.what());
            lost();
        }
    }
}

// Its elements in their usual order, where a layer can have them so.
std::string layer_of_output(Draft& draft, const std::string& output) {
    const Placement placement = draft.value(output);
    const bool usual = usual_axes(placement.rank()).empty() || is_plain(placement);
    return usual ? placement.layer : draft.plain({"Output", output, "", {}, {output}, {}}, placement).layer;
}

}  // namespace

ImportedNetwork import_network(ImportGraph graph, const NetworkOptions& options) {
    drop_identities(graph);
    drop_unused(graph);
    fold_constants(graph);
    const Picture picture = picture_of(graph, options.size);
    ImportedNetwork network;
    network.channels = picture.channels;
    std::string prepared =
        options.preprocess.empty() ? "" : preprocessing_settings(options.preprocess, picture.channels);
    if (options.preprocess.empty()) {
        const AssumedPreprocessing assumed = assumed_preprocessing(graph.metadata, picture.channels);
        prepared = assumed.text;
        if (!assumed.note.empty()) network.notes.push_back(assumed.note);
    }

    Draft draft(graph, options.most_made_values);
    draft.know_modules();
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
    Unread unread;
    std::set<std::string> missing;
    for (const ImportInput& input : graph.inputs)
        if (input.name != picture.value) missing.insert(input.name);
    write_nodes(graph, draft, unread, missing);

    const bool any = std::ranges::any_of(
        draft.lines(), [](const DraftLine& line) { return line.kind == "conv" || line.kind == "dense"; });
    if (!any)
        throw Error(concat("has no convolution or matrix that can be read, expected a network for images; not read: ",
                           unread.empty() ? "nothing" : unread.print()));
    std::vector<std::string> outputs;
    for (const std::string& output : graph.outputs)
        if (draft.has_value(output)) outputs.push_back(layer_of_output(draft, output));
    const Outline outline = outline_of(draft, outputs);
    if (!unread.empty())
        network.notes.push_back(concat("what cannot be read, and all after it, is left out",
                                       outputs.empty() ? ", and no output is left; the network ends at " : ": ",
                                       outputs.empty() ? draft.lines().back().name + ": " : "", unread.print()));
    network.classes = outline.classes;
    network.text = concat("network: ", options.title, "\n", outline_text(outline), text_of(draft.lines()));
    network.parameters = draft.take_parameters();
    return network;
}

}  // namespace limpid
