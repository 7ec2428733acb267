// Writes protocol buffer wire format: the counterpart of weights/protobuf.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limpid {

class WireWriter {
  public:
    WireWriter& integer(uint32_t field, uint64_t value) { return varint(uint64_t(field) << 3).varint(value); }
    WireWriter& text(uint32_t field, std::string_view content) {
        varint(uint64_t(field) << 3 | 2).varint(content.size());
        bytes_ += content;
        return *this;
    }
    WireWriter& message(uint32_t field, const WireWriter& content) { return text(field, content.bytes_); }
    WireWriter& number_f32(uint32_t field, float value) {
        return varint(uint64_t(field) << 3 | 5).raw(&value, sizeof value);
    }
    WireWriter& number_f64(uint32_t field, double value) {
        return varint(uint64_t(field) << 3 | 1).raw(&value, sizeof value);
    }
    template <class T>
    WireWriter& packed(uint32_t field, const std::vector<T>& values) {
        return text(field, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
    }
    WireWriter& varint(uint64_t value) {
        for (; value >= 128; value >>= 7) bytes_ += static_cast<char>((value & 127) | 128);
        bytes_ += static_cast<char>(value);
        return *this;
    }
    const std::string& bytes() const& { return bytes_; }
    std::string bytes() && { return std::move(bytes_); }

  private:
    WireWriter& raw(const void* value, size_t size) {
        bytes_.append(static_cast<const char*>(value), size);
        return *this;
    }
    std::string bytes_;
};

}  // namespace limpid
