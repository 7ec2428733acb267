// The table of layer kinds. Everything about a kind is one row and one function in one file of this folder: what may be
// said of it, and the nodes that it adds, from which channels, shapes, parameters and multiply-adds are read.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "nets/architecture.h"
#include "nets/layers/layer_builder.h"

namespace limpid {

// One KEY=VALUE. Numbers are within [least, most].
struct SettingRule {
    enum class Form {
        whole,    // channels=64
        size,     // window=5x3: height and width; 5 is 5x5
        border,   // pad=1x2: above and below, left and right; pad=0x1x2x3: top, left, bottom, right
        wholes,   // order=2 1 0
        number,   // alpha=1e-4: single precision
        numbers,  // mean=104 116.7 122.7
        word,     // activation=relu
    };
    std::string_view key;
    Form form;
    std::string_view usual;  // the value where it is not said; kRequired: it must be; "": none
    double least = 0, most = 0;
    std::string_view words = {};  // that may be said, separated by blanks; beside numbers, too
};
inline constexpr std::string_view kRequired = "?";

struct LayerKind {
    std::string_view name;  // "conv"
    size_t least_inputs, most_inputs;
    std::span<const SettingRule> settings;  // in the order in which they are printed
    // Adds the layer's nodes. Where the layer cannot exist at this size of the image it adds none.
    void (*build)(LayerBuilder& builder, const Layer& layer, std::span<const NodeId> inputs);
    bool shown = false;  // people look at its units: part of trunk_layers
};

// In the order in which messages list them.
std::span<const LayerKind* const> layer_kinds();
// Null where there is none of that name.
const LayerKind* find_kind(std::string_view name);

// Throws Error with what was found and what was expected.
Setting parse_setting(const SettingRule& rule, std::string_view text);
// parse_setting(rule, print_setting(rule, s)) == s
std::string print_setting(const SettingRule& rule, const Setting& setting);

}  // namespace limpid
