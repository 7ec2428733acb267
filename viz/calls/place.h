// Where a mistake is in a text that a person wrote, said on one readable line however long the text is.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace limpid {

// Kept with what was read there; printed only when something is wrong with it.
struct TextPlace {
    const char* what = "";                    // a literal: "objective"
    std::shared_ptr<const std::string> text;  // null: nowhere
    size_t at = 0;                            // byte

    // `objective "mixed4a:1 + mixed44:3": column 13`. Columns count characters of UTF-8, from 1. Of a long text only
    // what is around the column, with ... where it goes on.
    std::string print() const;
    // Throws UsageError: the place, and why.
    [[noreturn]] void fail(const std::string& why) const;
};

// The whole character at a byte of the text; bytes that are no UTF-8 as \xff.
std::string character_at(const std::string& text, size_t at);

// At most about `most` characters of the text, from byte `at` on, with ... where it goes on; made of whole characters.
std::string beginning(const std::string& text, size_t at = 0, size_t most = 40);

}  // namespace limpid
