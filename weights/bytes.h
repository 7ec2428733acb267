// The bounds-checked cursor over a hostile file's bytes: every read of the importers goes through it.
//
// A length is compared with what is left before anything is taken or allocated. Positions in messages count from the
// file's start.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace limpid {

static_assert(std::endian::native == std::endian::little, "weight files are little-endian and are copied as they are");

using Bytes = std::span<const std::byte>;

inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

// Text from a file, safe to print: unprintable bytes become '?', long text is cut.
inline std::string printable(std::string_view text, size_t longest = 80) {
    std::string result(text.substr(0, longest));
    for (char& c : result) {
        if (c < ' ' || c > '~') c = '?';
    }
    if (text.size() > longest) result += "...";
    return result;
}

class ByteCursor {
  public:
    explicit ByteCursor(Bytes bytes, uint64_t start = 0) : bytes_(bytes), start_(start) {}

    bool done() const { return at_ == bytes_.size(); }
    uint64_t offset() const { return start_ + at_; }
    uint64_t left() const { return bytes_.size() - at_; }

    Bytes take(uint64_t count) {
        if (count > left()) {
            throw Error(concat("byte ", offset(), ": ", count, " bytes announced, ", left(),
                               " left in their record; the file is cut short or damaged: fetch or copy it again"));
        }
        const Bytes result = bytes_.subspan(at_, static_cast<size_t>(count));
        at_ += static_cast<size_t>(count);
        return result;
    }

    // A little-endian number: T is float, double or an unsigned integer.
    template <class T>
    T take_number() {
        static_assert(std::is_arithmetic_v<T>);
        T value;
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
        return value;
    }

  private:
    Bytes bytes_;
    size_t at_ = 0;
    uint64_t start_;
};

}  // namespace limpid
