// Lines, names and parameters of a network that is being imported.
#include "weights/import/draft.h"

#include <algorithm>

#include "weights/import/layer_names.h"
#include "weights/layer_names.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

constexpr double kMostLayerValues = 0x1p31;

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return text;
}

std::string whole_numbers(const std::vector<int64_t>& numbers) {
    std::string text;
    for (const int64_t number : numbers) text += concat(text.empty() ? "" : " ", number);
    return text;
}

// The factors that the axes of the layer fall into, slowest first; each axis whole.
struct SplitLayer {
    std::array<Factors, 4> axes;
    Factors all;  // of h, w and c, in order of memory
};

SplitLayer split(const Placement& view) {
    SplitLayer result;
    for (const Factors& factors : view.axes)
        for (const Factor& factor : factors) result.axes[size_t(factor.axis)].push_back(factor);
    for (size_t axis = 0; axis < 4; axis++) {
        std::ranges::sort(result.axes[axis], std::greater(), &Factor::stride);
        if (axis > 0) result.all.insert(result.all.end(), result.axes[axis].begin(), result.axes[axis].end());
    }
    return result;
}

// "channels=3 8": sizes; of rows and columns, which other images have others of, the largest is 0, what is left.
std::string split_setting(const char* key, const Factors& factors, bool channels) {
    std::vector<int64_t> sizes;
    for (const Factor& factor : factors) sizes.push_back(factor.size);
    if (sizes.size() < 2) return "";
    if (!channels) *std::ranges::max_element(sizes) = 0;
    return concat(", ", key, "=", whole_numbers(sizes));
}

}  // namespace

std::string size_text(int64_t height, int64_t width) { return concat(height, "x", width); }

std::string setting(const char* key, const std::string& value, const std::string& usual) {
    return value == usual ? std::string() : concat(", ", key, "=", value);
}

const Placement& Draft::value(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end())
        throw Error(concat("takes ", graph_.constants.contains(name) ? "the constant " : "", printable(name),
                           ", expected a value that depends on the image"));
    return found->second;
}

const ImportTensor& Draft::need_constant(const ImportNode& node, size_t input, const char* what) const {
    const ImportTensor* tensor = constant(node.input(input));
    if (!tensor) throw Error(concat("has a ", what, " that is computed, expected a constant"));
    if (!tensor->fault.empty()) throw Error(concat("its ", what, " ", tensor->fault));
    return *tensor;
}

std::vector<float> Draft::reals(const ImportTensor& tensor) const {
    if (tensor.uniform) check_made(tensor.size());
    return tensor.reals();
}

void Draft::check_made(int64_t values) const {
    made_values_ += std::max<int64_t>(values, 0);
    if (values > most_values_ || made_values_ > most_values_)
        throw Error(concat("has parameters that are made by a rule, of more than ", most_values_,
                           " values in all, expected at most these"));
}

Placement Draft::plain(const ImportNode& node, const std::string& name) { return plain(node, value(name)); }

Placement Draft::plain(const ImportNode& node, const Placement& view) {
    if (is_plain(view)) return view;
    const std::vector<int> usual = usual_axes(view.rank());
    if (usual.empty()) throw Error(concat("takes a tensor of ", view.rank(), " axes, expected 2 to 4"));
    const SplitLayer parts = split(view);
    if (view.axes[0] != parts.axes[0]) throw Error("moves the images of a batch, expected them to stay the first axis");
    for (size_t axis = 0; axis < 4; axis++) {
        int64_t all = 1;
        for (const Factor& factor : parts.axes[axis]) all *= factor.size;
        if (all != view.sizes[axis]) throw Error("takes a part of an axis, expected all of it");
    }
    std::vector<int64_t> order, into;
    std::array<int64_t, 4> sizes{view.sizes[0], 1, 1, 1};
    for (int axis = 1; axis < 4; axis++) {
        const auto from = std::ranges::find(usual, axis);
        into.push_back(0);
        if (from == usual.end()) continue;
        for (const Factor& factor : view.axes[size_t(from - usual.begin())]) {
            order.push_back(std::ranges::find(parts.all, factor) - parts.all.begin());
            sizes[size_t(axis)] *= factor.size;
            into.back()++;
        }
    }
    // An axis of one place is a factor, too: of the text, not of the view.
    std::vector<int64_t> places;
    int64_t next = 0;
    for (size_t axis = 1; axis < 4; axis++) {
        for (size_t i = 0; i < parts.axes[axis].size(); i++) places.push_back(next++);
        if (parts.axes[axis].empty()) next++;
    }
    std::vector<bool> said(size_t(next), false);
    for (int64_t& place : order) place = places[size_t(place)], said[size_t(place)] = true;
    for (int64_t place = 0; place < next; place++)
        if (!said[size_t(place)]) order.push_back(place), into.back()++;  // of size 1: to the channels, changes nothing
    const std::string settings =
        concat(split_setting("rows", parts.axes[1], false), split_setting("columns", parts.axes[2], false),
               split_setting("channels", parts.axes[3], true), ", order=", whole_numbers(order),
               ", into=", whole_numbers(into));
    const std::string name = line(node, "rearrange", {view.layer}, settings.substr(2), sizes, "_moved");
    return plain_placement(name, sizes, usual);
}

Placement Draft::flat(const ImportNode& node, const Placement& view) {
    if (view.rank() == 0) throw Error("takes a single number, expected a tensor of the image");
    const Dimensions shape = view.shape();
    int64_t all = 1;
    for (size_t i = 1; i < shape.size(); i++) all *= shape[i];
    const std::optional<Placement> matrix = reshaped(view, {shape[0], all});
    if (!matrix) throw Error("moves elements in a way that is not known here");
    return plain(node, *matrix);
}

void Draft::know_modules() {
    for (const ImportNode& node : graph_.nodes) {
        std::string module = node.module.empty() ? module_of_name(node.name, node.op) : node.module;
        for (size_t dot = module.rfind('.'); dot != module.npos && dot > 0; dot = module.rfind('.', dot - 1))
            parents_.insert(module.substr(0, dot));
    }
}

std::string Draft::name_for(const ImportNode& node, const std::string& part) {
    std::string name = !node.module.empty() ? node.module : module_of_name(node.name, node.op);
    if (name.empty() && !node.outputs.empty()) name = node.outputs[0];
    // What a module does by itself between the modules inside it.
    if (parents_.contains(name)) name += "." + lower(node.op);
    return unique(legal_layer_name(name) + part);
}

std::string Draft::unique(std::string name) {
    const std::string wanted = name;
    while (!taken_.insert(stem_of_layer(name)).second) name = concat(wanted, "__", ++repeated_[wanted]);
    return name;
}

std::string Draft::line(const ImportNode& node, const std::string& kind, std::vector<std::string> inputs,
                        const std::string& settings, const std::array<int64_t, 4>& sizes, const std::string& part) {
    return start(name_for(node, part), kind, std::move(inputs), settings, sizes);
}

std::string Draft::start(const std::string& name, const std::string& kind, std::vector<std::string> inputs,
                         const std::string& settings, const std::array<int64_t, 4>& sizes) {
    double values = 1;
    for (const int64_t size : sizes) values *= double(size);
    if (!(values <= kMostLayerValues))
        throw Error(concat("makes ", values, " values, expected at most ", kMostLayerValues));
    taken_.insert(name);
    line_of_[name] = lines_.size();
    lines_.push_back({name, kind, std::move(inputs), settings, sizes});
    return name;
}

void Draft::parameter(const std::string& name, HostTensor value) { parameters_[name] = std::move(value); }

const DraftLine* Draft::find_line(const std::string& name) const {
    const auto found = line_of_.find(name);
    return found == line_of_.end() ? nullptr : &lines_[found->second];
}

}  // namespace limpid
