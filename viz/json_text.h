// JSON in which names may be any bytes: the only way from our JSON values to text and back.
//
// The names of files, jobs and classes are bytes, and JSON is UTF-8. In a value here strings are those bytes. In the
// text a byte that is no part of UTF-8 is the character U+EF00 + byte (U+EF80 to U+EFFF, which are for private use); if
// these characters themselves are in a name, each of their three bytes is written so. Every parser of JSON reads such
// text, what is UTF-8 is written as it is, and no two names become the same. In Python the name of a file is
//     os.fsencode(re.sub("[\uef80-\uefff]", lambda c: chr(ord(c[0]) - 0xef00 + 0xdc00), text))
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace limpid {

bool is_utf8(std::string_view text);

// indent: of nested lines; -1: all on one line.
std::string to_json_text(const nlohmann::ordered_json& value, int indent = -1);

// A value for which is_discarded() holds where the text is no JSON. Bytes of the text that are no UTF-8 are taken as
// such, for lists of jobs that other programs wrote. A key of the outermost object that is there twice is put into
// `twice`.
nlohmann::ordered_json from_json_text(std::string_view text, std::string* twice = nullptr);

}  // namespace limpid
