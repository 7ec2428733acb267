// What the parts of a layer are called, everywhere: the names of Lucid's graph.
//
// A layer L with an activation has L_pre_relu before it. A layer that ends before an activation of its own may carry
// that in its name, as softmax2_pre_activation does, which is not part of the names of its parameters: softmax2_w.
#pragma once

#include <string>
#include <string_view>

namespace limpid {

inline constexpr std::string_view kPreRelu = "_pre_relu", kPreActivation = "_pre_activation";

inline std::string pre_relu_of(const std::string& layer) { return layer + std::string(kPreRelu); }

// mixed4a of mixed4a_pre_relu, mixed4a of mixed4a.
inline std::string without_suffix(const std::string& name, std::string_view suffix) {
    return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

// What the names of a layer's parameters begin with.
inline std::string stem_of_layer(const std::string& layer) { return without_suffix(layer, kPreActivation); }
// The filter or matrix, and the bias.
inline std::string weight_of(const std::string& layer) { return stem_of_layer(layer) + "_w"; }
inline std::string bias_of(const std::string& layer) { return stem_of_layer(layer) + "_b"; }

// conv2d0 of conv2d0_w.
inline std::string stem_of_parameter(const std::string& parameter) { return parameter.substr(0, parameter.rfind('_')); }
inline bool is_weight(std::string_view parameter) { return parameter.ends_with("_w"); }
inline bool is_bias(std::string_view parameter) { return parameter.ends_with("_b"); }

}  // namespace limpid
