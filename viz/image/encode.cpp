// Pictures to PNG and JPEG files.
#include <algorithm>
#include <climits>
#include <cmath>

#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

#include "kernels/error.h"
#include "viz/image/image.h"
#include "weights/file.h"

namespace limpid {

namespace {

void append(void* context, void* data, int size) {
    auto& bytes = *static_cast<std::vector<std::byte>*>(context);
    const auto* first = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), first, first + size);
}

// 8-bit samples in rows.
std::vector<unsigned char> samples_of(ConstView picture) {
    const Shape s = picture.shape;
    CHECK(s.n == 1 && s.h > 0 && s.w > 0 && (s.c == 1 || s.c == 3 || s.c == 4), "a picture of shape ", s);
    // The encoders count bytes in int.
    if (s.h * (s.w * s.c + 1) > INT_MAX)
        throw Error(concat("picture: has ", s.w, "x", s.h, " pixels, too many for one file; make it smaller"));
    std::vector<unsigned char> samples(static_cast<size_t>(s.size()));
    int64_t not_finite = 0;
    auto sample = samples.begin();
    for (int64_t y = 0; y < s.h; y++)
        for (int64_t x = 0; x < s.w; x++)
            for (int64_t c = 0; c < s.c; c++, ++sample) {
                const float value = picture.at(0, y, x, c);
                if (std::isfinite(value))
                    *sample = static_cast<unsigned char>(std::clamp(value, 0.0f, 1.0f) * 255.0f);
                else
                    not_finite++;
            }
    if (not_finite > 0)
        throw Error(
            concat("picture: ", not_finite, " of ", s.size(),
                   " values are not finite, expected numbers from 0 to 1; use --check to find where they arise"));
    return samples;
}

}  // namespace

std::vector<std::byte> encode_png(ConstView picture) {
    const Shape s = picture.shape;
    const std::vector<unsigned char> samples = samples_of(picture);
    std::vector<std::byte> bytes;
    CHECK(stbi_write_png_to_func(append, &bytes, int(s.w), int(s.h), int(s.c), samples.data(), int(s.w * s.c)) != 0);
    return bytes;
}

std::vector<std::byte> encode_jpeg(ConstView picture, int quality) {
    const Shape s = picture.shape;
    CHECK(s.c != 4, "JPEG has no opacity");
    CHECK(quality >= 1 && quality <= 100, quality);
    const std::vector<unsigned char> samples = samples_of(picture);
    std::vector<std::byte> bytes;
    CHECK(stbi_write_jpg_to_func(append, &bytes, int(s.w), int(s.h), int(s.c), samples.data(), quality) != 0);
    return bytes;
}

void write_png(const std::string& path, ConstView picture) {
    write_file_atomically(path, with_context(path, [&] { return encode_png(picture); }));
}

void write_jpeg(const std::string& path, ConstView picture, int quality) {
    write_file_atomically(path, with_context(path, [&] { return encode_jpeg(picture, quality); }));
}

}  // namespace limpid
