// Text without the blanks around it.
#pragma once

#include <string>
#include <string_view>

namespace limpid {

inline constexpr const char* kLineBlanks = " \t\r";  // around the lines and cells of files

inline std::string trimmed(std::string_view text, const char* blanks = " ") {
    const size_t first = text.find_first_not_of(blanks), last = text.find_last_not_of(blanks);
    return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

}  // namespace limpid
