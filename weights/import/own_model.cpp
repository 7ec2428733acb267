// The forms of nets/onnx/, found again.
#include "weights/import/own_model.h"

#include <algorithm>
#include <charconv>

#include "weights/attribute_text.h"
#include "weights/import/operators.h"
#include "weights/layer_names.h"
#include "weights/onnx.h"

namespace limpid {
namespace {

constexpr size_t kMostPropertyBytes = 65536;

class Gathering {
  public:
    explicit Gathering(ImportGraph& graph) : graph_(graph), gone_(graph.nodes.size(), false) {
        for (size_t i = 0; i < graph.nodes.size(); i++) {
            for (const std::string& input : graph.nodes[i].inputs) uses_[input]++;
            for (const std::string& output : graph.nodes[i].outputs) maker_[output] = i;
        }
        for (const std::string& output : graph.outputs) uses_[output]++;
    }

    void run() {
        for (ImportNode& node : graph_.nodes) {
            if (node.outputs.size() != 1 || node.name != node.outputs[0]) continue;
            if (node.op == "Identity") node.op = is_constant(node, 0) ? "limpid.Constant" : "limpid.Alias";
            if (node.op == "Relu") add_activation(node);
            if (node.op == "Conv") find_grey(node);
            if (node.op == "Sub") find_normalise(node);
            if (node.op == "Add") find_affine(node);
            if (node.op == "Mul") find_product(node);
            if (node.op == "Pow" && is_constant(node, 1)) node.op = "limpid.Power";
            if (node.op == "GlobalAveragePool") node.op = "limpid.WholeAverage";
            if (node.op == "AveragePool") node.attributes[kOwnWindows] = int64_t(1);
        }
        std::vector<ImportNode> left;
        for (size_t i = 0; i < gone_.size(); i++)
            if (!gone_[i]) left.push_back(std::move(graph_.nodes[i]));
        graph_.nodes = std::move(left);
    }

  private:
    bool is_constant(const ImportNode& node, size_t input) const {
        return graph_.constants.contains(node.input(input));
    }

    // What makes that input, if nothing else takes it and it is such a node.
    ImportNode* alone(const ImportNode& node, size_t input, std::initializer_list<const char*> ops) {
        const std::string& value = node.input(input);
        const auto found = maker_.find(value);
        if (found == maker_.end() || gone_[found->second] || uses_[value] != 1) return nullptr;
        ImportNode& maker = graph_.nodes[found->second];
        return maker.outputs.size() == 1 && std::ranges::count(ops, maker.op) > 0 ? &maker : nullptr;
    }
    ImportNode* part(const ImportNode& node, size_t input, const char* name, const char* op) {
        return node.input(input) == concat(node.name, ":", name) ? alone(node, input, {op}) : nullptr;
    }
    void remove(const ImportNode& node) { gone_[size_t(&node - graph_.nodes.data())] = true; }

    // Relu of LAYER_pre_relu. The node takes the place of both.
    void add_activation(ImportNode& node) {
        ImportNode* product = alone(node, 0, {"Conv", "Gemm"});
        if (!product || node.input(0) != pre_relu_of(node.name)) return;
        node.op = product->op;
        node.inputs = product->inputs;
        node.attributes = product->attributes;
        node.attributes[kOwnActivation] = std::string("relu");
        remove(*product);
    }

    // The numbers of nets/onnx/image.cpp; others are a convolution.
    void find_grey(ImportNode& node) {
        const std::string& filter = node.input(1);
        const auto found = graph_.constants.find(filter);
        if (found == graph_.constants.end() || !node.input(2).empty() || node.attributes.size() > 1) return;
        const ImportTensor& tensor = found->second;
        if (tensor.fault.empty() && tensor.shape == Dimensions{1, 3, 1, 1} && is_real(tensor.type) &&
            tensor.reals() == std::vector<float>{0.299f, 0.587f, 0.114f})
            node.op = "limpid.Grey";
    }

    void find_normalise(ImportNode& node) {
        ImportNode* scaled = part(node, 0, "scaled", "Mul");
        if (!scaled || !is_constant(node, 1) || !is_constant(*scaled, 1)) return;
        std::vector<std::string> inputs{scaled->input(0), scaled->input(1), node.input(1)};
        ImportNode* ordered = alone(*scaled, 0, {"Gather"});
        if (ordered && ordered->name == node.name + ":ordered" && is_constant(*ordered, 1) &&
            ordered->integer("axis", 0) == 1) {
            inputs[0] = ordered->input(0);
            inputs.push_back(ordered->input(1));
            remove(*ordered);
        }
        remove(*scaled);
        node.op = "limpid.Normalise";
        node.inputs = std::move(inputs);
    }

    void find_affine(ImportNode& node) {
        ImportNode* scaled = part(node, 0, "scaled", "Mul");
        if (!scaled || !is_constant(node, 1) || !is_constant(*scaled, 1)) return;
        node.op = "limpid.Affine";
        node.inputs = {scaled->input(0), scaled->input(1), node.input(1)};
        remove(*scaled);
    }

    void find_product(ImportNode& node) {
        if (ImportNode* gate = part(node, 1, "gate", "Sigmoid"); gate && gate->input(0) == node.input(0)) {
            node.op = "Swish";
            node.inputs.resize(1);
            return remove(*gate);
        }
        // One after another, LAYER:1, LAYER:2, ...
        const std::string stem = node.name.substr(0, node.name.find(':')) + ":";
        ImportNode* before = alone(node, 0, {"Mul"});
        if (!before || !before->name.starts_with(stem) ||
            std::ranges::any_of(before->inputs, [&](const auto& input) { return graph_.constants.contains(input); }))
            return;
        node.inputs.erase(node.inputs.begin());
        node.inputs.insert(node.inputs.begin(), before->inputs.begin(), before->inputs.end());
        remove(*before);
    }

    ImportGraph& graph_;
    std::vector<bool> gone_;
    std::map<std::string, size_t> maker_;
    std::map<std::string, int64_t> uses_;
};

std::string said_in(const ImportGraph& graph, const char* key) {
    const auto found = graph.metadata.find(key);
    return found == graph.metadata.end() ? std::string() : found->second;
}

std::vector<std::string> split_at(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.find(separator, at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

// The layers that a line of properties names: "logits: a", "outputs: a, b", "columns: a 8".
std::vector<std::string> layers_named(const std::string& line) {
    const size_t colon = line.find(':');
    if (colon == line.npos || line.starts_with("network:")) return {};
    std::vector<std::string> names = split_at(line.substr(colon + 1), ',');
    for (std::string& name : names) {
        name.erase(0, name.find_first_not_of(' '));
        name.erase(std::min(name.find(' '), name.size()));
    }
    return names;
}

}  // namespace

bool is_own(const ImportGraph& graph) { return said_in(graph, own_metadata::kFormat) == "1"; }

void put_together(ImportGraph& graph) { Gathering(graph).run(); }

std::optional<std::pair<int64_t, int64_t>> own_size(const ImportGraph& graph) {
    const std::string text = is_own(graph) ? said_in(graph, own_metadata::kSize) : "";
    std::pair<int64_t, int64_t> size;
    const char* const end = text.data() + text.size();
    const auto height = std::from_chars(text.data(), end, size.first);
    if (height.ec != std::errc() || height.ptr == end || *height.ptr != 'x') return std::nullopt;
    const auto width = std::from_chars(height.ptr + 1, end, size.second);
    if (width.ec != std::errc() || width.ptr != end || size.first < 1 || size.second < 1) return std::nullopt;
    return size;
}

std::string own_shown(const ImportGraph& graph) {
    const std::string text = said_in(graph, own_metadata::kShown);
    return text.find_first_not_of("0123456789 ") == text.npos ? text : "";
}

std::optional<OwnProperties> own_properties(const ImportGraph& graph, const Draft& draft) {
    if (!graph.metadata.contains(own_metadata::kProperties)) return std::nullopt;
    OwnProperties properties{said_in(graph, own_metadata::kProperties)};
    const std::string& text = properties.text;
    if (text.empty()) return properties;
    if (text.size() > kMostPropertyBytes || !text.ends_with('\n')) return std::nullopt;
    for (const std::string& line : split_at(text.substr(0, text.size() - 1), '\n')) {
        if (line.find_first_of("=#") < line.find(':')) return std::nullopt;  // a layer, or nothing
        for (const std::string& name : layers_named(line)) {
            const DraftLine* layer = draft.find_line(name);
            if (!layer) return std::nullopt;
            if (line.starts_with("logits:")) properties.classes = layer->sizes[3];
        }
    }
    return properties;
}

}  // namespace limpid
