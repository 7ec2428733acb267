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

void Draft::know_modules() {
    for (const ImportNode& node : graph_.nodes) {
        std::string module = node.module.empty() ? module_of_name(node.name, node.op) : node.module;
        for (size_t dot = module.rfind('.'); dot != module.npos && dot > 0; dot = module.rfind('.', dot - 1))
            parents_.insert(module.substr(0, dot));
    }
}

std::string Draft::name_for(const ImportNode& node, const std::string& part) {
    const bool keeps = keeps_names_ && part.empty() && is_layer_name(node.name);
    if (keeps && !line_of_.contains(node.name) && !is_beside_its_part(node.name)) return node.name;
    std::string name = !node.module.empty() ? node.module : module_of_name(node.name, node.op);
    if (name.empty() && !node.outputs.empty()) name = node.outputs[0];
    // What a module does by itself between the modules inside it.
    if (parents_.contains(name)) name += "." + lower(node.op);
    return unique(legal_layer_name(name) + part);
}

std::string Draft::unique(std::string name) {
    const std::string wanted = name;
    while (is_beside_its_part(name) || !taken_.insert(stem_of_layer(name)).second)
        name = concat(wanted, "__", ++repeated_[wanted]);
    return name;
}

// Of layers x and x_pre_relu, one may make the other's name as a part of its own.
bool Draft::is_beside_its_part(const std::string& name) const {
    const std::string whole = without_suffix(name, kPreRelu);
    return taken_.contains(pre_relu_of(name)) || (whole != name && taken_.contains(whole));
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
