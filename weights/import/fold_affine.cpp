// Scales and shifts of channels go into the convolution or matrix before them.
#include <algorithm>
#include <cmath>

#include "weights/import/passes.h"

namespace limpid {
namespace {

constexpr int64_t kMostChannels = 1 << 24;

// y[k] = scale[k] * x[k] + shift[k], in double: what is folded is rounded once.
struct ChannelMap {
    std::vector<double> scale, shift;
};

std::optional<std::vector<double>> one_per_channel(const ImportTensor* tensor, int64_t channels) {
    if (!tensor || !tensor->fault.empty() || tensor->size() < 0 || tensor->size() > kMostChannels) return std::nullopt;
    if (tensor->size() != channels && tensor->size() != 1) return std::nullopt;
    const std::vector<float> values = tensor->reals();
    std::vector<double> result(size_t(channels), values[0]);
    if (tensor->size() == channels) result.assign(values.begin(), values.end());
    return result;
}

// {C,1,1} or {1,C,1,1} behind a map of two axes of space; {F} or {1,F} behind a matrix, which has none; one number.
bool lies_along_channels(const ImportTensor& tensor, size_t space) {
    if (tensor.size() == 1) return tensor.shape.size() <= space + 2;
    const size_t behind = space, rank = tensor.shape.size();
    if (rank < behind + 1) return false;
    for (size_t i = 0; i < rank; i++)
        if (i != rank - 1 - behind && tensor.shape[i] != 1) return false;
    return true;
}

class AffineFolder {
  public:
    explicit AffineFolder(ImportGraph& graph) : graph_(graph), uses_(uses_of(graph)) {
        for (size_t i = 0; i < graph.nodes.size(); i++)
            for (const std::string& output : graph.nodes[i].outputs) maker_[output] = i;
    }

    void run() {
        for (size_t i = 0; i < graph_.nodes.size(); i++) fold(graph_.nodes[i]);
        std::erase_if(graph_.nodes, [](const ImportNode& node) { return node.op.empty(); });
    }

  private:
    void fold(ImportNode& node) {
        size_t data = 0;  // the input that is no constant
        if ((node.op == "Add" || node.op == "Mul") && find_constant(graph_, node.input(0))) data = 1;
        const auto made = maker_.find(node.input(data));
        if (made == maker_.end() || node.outputs.empty()) return;
        ImportNode& linear = graph_.nodes[made->second];
        if (linear.outputs.size() != 1 || uses_[node.input(data)] != 1) return;
        const bool conv = linear.op == "Conv";
        if (!conv && linear.op != "Gemm" && linear.op != "MatMul") return;
        const ImportTensor* filter = find_constant(graph_, linear.input(1));
        if (!filter || !filter->fault.empty() || filter->size() <= 0 || filter->uniform) return;
        if (linear.op == "Gemm" && (linear.real("alpha", 1) != 1 || linear.real("beta", 1) != 1)) return;
        if (!conv && filter->shape.size() != 2) return;
        if (conv && filter->shape.size() != 3 && filter->shape.size() != 4) return;
        const bool by_rows = conv || (linear.op == "Gemm" && linear.integer("transB", 0) != 0);
        const int64_t channels = by_rows ? filter->shape[0] : filter->shape[1];
        if (channels > kMostChannels) return;
        const std::optional<ChannelMap> map = channel_map(node, data, channels, conv ? filter->shape.size() - 2 : 0);
        if (!map) return;
        std::vector<double> bias(size_t(channels), 0);
        if (!linear.input(2).empty()) {
            const auto given = one_per_channel(find_constant(graph_, linear.input(2)), channels);
            if (!given) return;
            bias = *given;
        }
        put(linear, *filter, by_rows, bias, *map);
        // The linear node makes what this one made.
        linear.outputs[0] = node.outputs[0];
        maker_[linear.outputs[0]] = made->second;
        node.op.clear();
    }

    std::optional<ChannelMap> channel_map(const ImportNode& node, size_t data, int64_t channels, size_t space) const {
        const std::vector<double> ones(size_t(channels), 1), zeros(size_t(channels), 0);
        if (node.op == "BatchNormalization") {
            if (node.integer("training_mode", 0) != 0 || space == 0) return std::nullopt;
            std::vector<std::vector<double>> p;
            for (size_t i = 1; i < 5; i++) {
                const ImportTensor* tensor = find_constant(graph_, node.input(i));
                const auto values = one_per_channel(tensor, channels);
                if (!values || tensor->size() != channels) return std::nullopt;
                p.push_back(*values);
            }
            ChannelMap result{ones, zeros};
            const double epsilon = node.real("epsilon", 1e-5f);
            for (size_t k = 0; k < size_t(channels); k++) {
                result.scale[k] = p[0][k] / std::sqrt(p[3][k] + epsilon);
                result.shift[k] = p[1][k] - p[2][k] * result.scale[k];
            }
            return result;
        }
        if (node.op != "Add" && node.op != "Mul") return std::nullopt;
        const ImportTensor* constant = find_constant(graph_, node.input(1 - data));
        if (!constant || !lies_along_channels(*constant, space)) return std::nullopt;
        const auto values = one_per_channel(constant, channels);
        if (!values) return std::nullopt;
        return node.op == "Add" ? ChannelMap{ones, *values} : ChannelMap{*values, zeros};
    }

    void put(ImportNode& linear, const ImportTensor& filter, bool by_rows, std::vector<double> bias,
             const ChannelMap& map) {
        const size_t channels = bias.size();
        for (size_t k = 0; k < channels; k++) bias[k] = bias[k] * map.scale[k] + map.shift[k];
        if (std::ranges::any_of(map.scale, [](double s) { return s != 1; })) {
            std::vector<float> values = filter.reals();
            const size_t row = values.size() / channels;
            for (size_t i = 0; i < values.size(); i++)
                values[i] = float(values[i] * map.scale[by_rows ? i / row : i % channels]);
            linear.inputs[1] = own_constant(tensor_of(std::move(values), filter.shape));
        }
        if (linear.op == "MatMul") linear.op = "Gemm";
        linear.inputs.resize(3);
        linear.inputs[2] =
            own_constant(tensor_of(std::vector<float>(bias.begin(), bias.end()), Dimensions{int64_t(channels)}));
    }

    std::string own_constant(ImportTensor tensor) {
        std::string name;
        do name = concat("folded ", ++made_);
        while (graph_.constants.contains(name) || maker_.contains(name));
        graph_.constants.emplace(name, std::move(tensor));
        return name;
    }

    ImportGraph& graph_;
    std::map<std::string, size_t> uses_, maker_;
    size_t made_ = 0;
};

}  // namespace

void fold_affine(ImportGraph& graph) { AffineFolder(graph).run(); }

}  // namespace limpid
