// libFuzzer target: any bytes given to the picture reader are read or refused by Error, and what is read is the same
// whatever lay in heap and stack before: every sample comes from the file.
#include <sanitizer/allocator_interface.h>
#include <zlib.h>

#include <cstring>
#include <vector>

#include "kernels/error.h"
#include "viz/image/image.h"

namespace {

using limpid::Bytes;

// A few bytes may announce a large picture, which is legal and slow; small ones show the same faults.
constexpr limpid::PictureLimits kLimits{.pixels = 1 << 14, .bytes = 1 << 24};
constexpr size_t kSignature = 8;

unsigned char g_poison = 0;

// calloc clears small blocks behind this call; large ones come as zeros, and stay so.
void poison_heap(const volatile void* memory, size_t size) {
    if (size <= 1 << 16) std::memset(const_cast<void*>(memory), g_poison, size);
}

__attribute__((noinline)) void poison_stack() {
    volatile unsigned char below[1 << 16];
    for (volatile unsigned char& byte : below) byte = g_poison;
}

// "" where the bytes are refused.
std::string decoded(Bytes bytes, unsigned char poison) {
    g_poison = poison;
    poison_stack();
    try {
        const limpid::Image image = limpid::decode_image(bytes, "fuzz", kLimits);
        for (const float value : image.rgb.values) CHECK(value >= 0.0f && value <= 1.0f);
        const auto text = [](const std::vector<float>& values) {
            return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
        };
        return limpid::to_string(image.rgb.shape) + text(image.rgb.values) + text(image.alpha.values);
    } catch (const limpid::Error&) {
        return "";
    }
}

void decode_twice(Bytes bytes) {
    CHECK(decoded(bytes, 0x00) == decoded(bytes, 0xa5), "two readings of the same bytes differ");
}

void put32(std::vector<std::byte>& bytes, uint64_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::byte(value >> shift & 255));
}

void put_chunk(std::vector<std::byte>& png, Bytes kind, const std::vector<std::byte>& body) {
    put32(png, body.size());
    const size_t start = png.size();
    png.insert(png.end(), kind.begin(), kind.end());
    png.insert(png.end(), body.begin(), body.end());
    put32(png, crc32(0, reinterpret_cast<const Bytef*>(&png[start]), uInt(png.size() - start)));
}

// The chunks of what begins like a PNG with checksums that fit, and pixels packed again: otherwise no mutation would
// come further than to the comparison of these.
std::vector<std::byte> repaired(Bytes file) {
    std::vector<std::byte> png(file.begin(), file.begin() + kSignature);
    for (size_t at = kSignature; at + 12 <= file.size();) {
        size_t length = 0;
        for (size_t i = 0; i < 4; i++) length = length << 8 | std::to_integer<size_t>(file[at + i]);
        length = std::min(length, file.size() - at - 12);
        const Bytes kind = file.subspan(at + 4, 4), body = file.subspan(at + 8, length);
        std::vector<std::byte> packed(body.begin(), body.end());
        if (limpid::as_text(kind) == "IDAT") {
            std::vector<std::byte> raw(1 << 17);
            z_stream stream{};
            CHECK(inflateInit(&stream) == Z_OK);
            stream.next_in = reinterpret_cast<Bytef*>(packed.data());
            stream.avail_in = uInt(packed.size());
            stream.next_out = reinterpret_cast<Bytef*>(raw.data());
            stream.avail_out = uInt(raw.size());
            inflate(&stream, Z_FINISH);
            raw.resize(stream.total_out);
            inflateEnd(&stream);
            uLongf size = compressBound(uLong(raw.size()));
            packed.resize(size);
            compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                      uLong(raw.size()), 1);
            packed.resize(size);
        }
        put_chunk(png, kind, packed);
        at += 12 + length;
    }
    return png;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    CHECK(__sanitizer_install_malloc_and_free_hooks(poison_heap, [](const volatile void*) {}) != 0);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const Bytes bytes = std::as_bytes(std::span(data, size));
    decode_twice(bytes);
    if (limpid::as_text(bytes).starts_with("\x89PNG\r\n\x1a\n")) decode_twice(repaired(bytes));
    return 0;
}
