// Writes PNG files of any kind, right or wrong, so that the decoder is not only tested on what our encoder makes.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace limpid::testing {

class PngWriter {
  public:
    PngWriter(uint32_t w, uint32_t h, int depth, int colour_type, bool interlaced = false) {
        append("\x89PNG\r\n\x1a\n");
        chunk("IHDR",
              number32(w) + number32(h) + char(depth) + char(colour_type) + std::string(2, '\0') + char(interlaced));
    }
    PngWriter& chunk(const std::string& type, const std::string& body) {
        const std::string content = type + body;
        const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(content.data()), uInt(content.size()));
        append(number32(uint32_t(body.size())) + content + number32(uint32_t(crc)));
        return *this;
    }
    // rows: each begins with its filter byte. Compressed, cut into chunks of `piece` bytes, and the end.
    std::vector<std::byte> finish(const std::string& rows, size_t piece = SIZE_MAX) {
        data(compressed(rows), piece);
        chunk("IEND", "");
        return file_;
    }
    PngWriter& data(const std::string& stream, size_t piece = SIZE_MAX) {
        for (size_t at = 0; at < stream.size(); at += std::min(piece, stream.size() - at))
            chunk("IDAT", stream.substr(at, piece));
        return *this;
    }
    const std::vector<std::byte>& file() const { return file_; }

    static std::string compressed(const std::string& bytes) {
        uLongf size = compressBound(uLong(bytes.size()));
        std::string packed(size, '\0');
        compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                 uLong(bytes.size()));
        return packed.substr(0, size);
    }
    static std::string number32(uint32_t value) {
        std::string text;
        for (int shift = 24; shift >= 0; shift -= 8) text += char(value >> shift & 255);
        return text;
    }

  private:
    void append(const std::string& text) {
        for (const char c : text) file_.push_back(std::byte(c));
    }
    std::vector<std::byte> file_;
};

}  // namespace limpid::testing
