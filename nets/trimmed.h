// Text without the blanks around it, whole and in pieces.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace limpid {

inline constexpr const char* kLineBlanks = " \t\r";  // around the lines and cells of files

inline std::string trimmed(std::string_view text, const char* blanks = " ") {
    const size_t first = text.find_first_not_of(blanks), last = text.find_last_not_of(blanks);
    return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

// The trimmed pieces between separators; none of no text.
inline std::vector<std::string> split_text(std::string_view text, char separator, const char* blanks = " ") {
    std::vector<std::string> pieces;
    for (size_t begin = 0; !text.empty() && begin <= text.size();) {
        const size_t end = std::min(text.find(separator, begin), text.size());
        pieces.push_back(trimmed(text.substr(begin, end - begin), blanks));
        begin = end + 1;
    }
    return pieces;
}

}  // namespace limpid
