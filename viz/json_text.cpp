// Escaping bytes as characters of the private use area, and nlohmann/json for the rest.
#include "viz/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace limpid {

namespace {

using nlohmann::ordered_json;

uint8_t byte_at(std::string_view text, size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; }

// How many bytes the character of UTF-8 at i has (RFC 3629); 0: there is none.
size_t character_length(std::string_view text, size_t i) {
    const uint8_t first = byte_at(text, i), second = byte_at(text, i + 1);
    if (first < 0x80) return 1;
    const size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    for (size_t k = 1; k < length; k++)
        if ((byte_at(text, i + k) & 0xc0) != 0x80) return 0;
    // Longer than needed, a surrogate, or above U+10FFFF.
    const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return wrong ? 0 : length;
}

// U+EF80 to U+EFFF: EE BE 80 to EE BF BF.
bool is_escaped_byte(std::string_view text, size_t i) {
    return byte_at(text, i) == 0xee && byte_at(text, i + 1) >= 0xbe && character_length(text, i) == 3;
}

std::string escaped_byte(uint8_t byte) { return {char(0xee), char(0xbc | byte >> 6), char(0x80 | (byte & 0x3f))}; }

// keep: characters that stand for bytes already are left as they are.
std::string escaped(std::string_view text, bool keep) {
    std::string result;
    for (size_t i = 0; i < text.size();) {
        const size_t length = !keep && is_escaped_byte(text, i) ? 0 : character_length(text, i);
        if (length > 0)
            result += text.substr(i, length);
        else
            result += escaped_byte(byte_at(text, i));
        i += std::max<size_t>(1, length);
    }
    return result;
}

std::string unescaped(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size();) {
        const bool is_byte = is_escaped_byte(text, i);
        if (is_byte)
            result += char((byte_at(text, i + 1) & 0x03) << 6 | (byte_at(text, i + 2) & 0x3f));
        else
            result += text[i];
        i += is_byte ? 3 : 1;
    }
    return result;
}

// The value with all its texts changed, keys included.
template <class Change>
ordered_json with_texts(const ordered_json& value, const Change& change) {
    if (value.is_string()) return change(value.get_ref<const std::string&>());
    if (!value.is_structured()) return value;
    ordered_json result = value.is_array() ? ordered_json::array() : ordered_json::object();
    if (value.is_array())
        for (const ordered_json& element : value) result.push_back(with_texts(element, change));
    else
        for (const auto& [key, element] : value.items()) result[change(key)] = with_texts(element, change);
    return result;
}

bool any_text(const ordered_json& value, const auto& holds) {
    if (value.is_string()) return holds(value.get_ref<const std::string&>());
    if (value.is_object())
        for (const auto& [key, element] : value.items())
            if (holds(key)) return true;
    return value.is_structured() &&
           std::ranges::any_of(value, [&](const ordered_json& element) { return any_text(element, holds); });
}

}  // namespace

bool is_utf8(std::string_view text) {
    size_t i = 0;
    while (i < text.size()) {
        const size_t length = character_length(text, i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

std::string to_json_text(const ordered_json& value, int indent) {
    const auto needs_escapes = [](const std::string& text) {
        for (size_t i = 0; i < text.size();) {
            const size_t length = character_length(text, i);
            if (length == 0 || is_escaped_byte(text, i)) return true;
            i += length;
        }
        return false;
    };
    // Pages of reports are large and have no such names: they are not copied.
    if (!any_text(value, needs_escapes)) return value.dump(indent);
    return with_texts(value, [](const std::string& text) { return escaped(text, false); }).dump(indent);
}

ordered_json from_json_text(std::string_view text, std::string* twice) {
    std::set<std::string> seen;
    const auto watch = [&](int depth, ordered_json::parse_event_t event, const ordered_json& key) {
        if (twice && depth == 1 && event == ordered_json::parse_event_t::key &&
            !seen.insert(key.get<std::string>()).second)
            *twice = unescaped(key.get<std::string>());
        return true;
    };
    const ordered_json value = ordered_json::parse(escaped(text, true), watch, false);
    if (value.is_discarded() || !any_text(value, [](const std::string& part) { return unescaped(part) != part; }))
        return value;
    return with_texts(value, unescaped);
}

}  // namespace limpid
