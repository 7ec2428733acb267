// UTF-8 is self-synchronising: a character is a byte that is not 10xxxxxx, and those that are after it.
#include "viz/calls/place.h"

#include <algorithm>

#include "kernels/error.h"

namespace limpid {

namespace {

constexpr size_t kAround = 40;  // characters on each side of the column: an error is a line or two of a terminal

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The first byte of the next character.
size_t next_character(const std::string& text, size_t at) {
    do at++;
    while (at < text.size() && continues(text[at]));
    return std::min(at, text.size());
}

size_t previous_character(const std::string& text, size_t at) {
    do at--;
    while (at > 0 && continues(text[at]));
    return at;
}

}  // namespace

std::string TextPlace::print() const {
    size_t begin = at;
    for (size_t n = 0; n < kAround && begin > 0; n++) begin = previous_character(*text, begin);
    const auto characters =
        std::count_if(text->begin(), text->begin() + std::ptrdiff_t(at), [](char c) { return !continues(c); });
    return concat(what, " \"", begin > 0 ? "..." : "", beginning(*text, begin, 2 * kAround), "\": column ",
                  characters + 1);
}

void TextPlace::fail(const std::string& why) const { throw UsageError(concat(print(), ": ", why)); }

std::string character_at(const std::string& text, size_t at) {
    constexpr const char* kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t bytes = next_character(text, at) - at;
    const size_t announced = byte < 0x80 ? 1 : byte < 0xc0 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (bytes == announced) return text.substr(at, bytes);
    return std::string("\\x") + kDigits[byte / 16] + kDigits[byte % 16];
}

std::string beginning(const std::string& text, size_t at, size_t most) {
    std::string result;
    size_t end = at;
    for (size_t n = 0; n < most && end < text.size(); n++) {
        result += character_at(text, end);
        end = next_character(text, end);
    }
    return end < text.size() ? result + "..." : result;
}

}  // namespace limpid
