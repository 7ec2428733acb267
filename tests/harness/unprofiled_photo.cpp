#include "tests/harness/unprofiled_photo.h"

#include <fstream>
#include <iterator>

#include "kernels/error.h"

namespace limpid::testing {

namespace {

size_t number(const std::string& bytes, size_t at, size_t count) {
    size_t value = 0;
    for (size_t i = 0; i < count; i++) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
    return value;
}

std::string png_without(const std::string& bytes) {
    std::string result = bytes.substr(0, 8);
    for (size_t at = 8; at < bytes.size();) {
        const size_t size = number(bytes, at, 4) + 12;
        if (bytes.substr(at + 4, 4) != "iCCP") result += bytes.substr(at, size);
        at += size;
    }
    return result;
}

std::string jpeg_without(const std::string& bytes) {
    constexpr size_t kProfile = 0xe2, kScan = 0xda;
    std::string result = bytes.substr(0, 2);
    size_t at = 2;
    for (; number(bytes, at + 1, 1) != kScan; at += number(bytes, at + 2, 2) + 2)
        if (number(bytes, at + 1, 1) != kProfile) result += bytes.substr(at, number(bytes, at + 2, 2) + 2);
    return result + bytes.substr(at);
}

}  // namespace

std::string unprofiled(const std::string& photo, const std::string& to) {
    std::ifstream file(photo, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    CHECK(bytes.size() > 8, photo);
    std::ofstream(to, std::ios::binary) << (bytes[0] == char(0x89) ? png_without(bytes) : jpeg_without(bytes));
    return to;
}

}  // namespace limpid::testing
