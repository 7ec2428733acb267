// Names of layers as they stand in objectives without quotes: mixed4a, layer3.1.conv2, features/conv, 0.
#pragma once

#include <algorithm>
#include <string_view>

namespace limpid {

inline bool in_layer_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
           c == '.';
}

inline bool is_layer_word(std::string_view text) { return !text.empty() && std::ranges::all_of(text, in_layer_word); }

}  // namespace limpid
