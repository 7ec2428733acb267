// Text without the blanks around it.
#pragma once

#include <string>
#include <string_view>

namespace limpid {

inline std::string trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
    return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

}  // namespace limpid
