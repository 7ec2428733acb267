// Pictures to PNG and JPEG files.
#include <algorithm>
#include <climits>
#include <cmath>
#include <new>
#include <span>

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
std::vector<unsigned char> samples_of(const PictureRows& picture) {
    const Shape s = picture.shape;
    require(s.n == 1 && s.h > 0 && s.w > 0 && (s.c == 1 || s.c == 3 || s.c == 4), "a picture of shape ", s,
            ", expected one image of 1, 3 or 4 channels");
    // The encoders count bytes in int.
    if (s.h * (s.w * s.c + 1) > INT_MAX)
        throw Error(concat("picture: has ", s.w, "x", s.h, " pixels, too many for one file; make it smaller"));
    std::vector<unsigned char> samples(static_cast<size_t>(s.size()));
    int64_t not_finite = 0;
    auto sample = samples.begin();
    for (int64_t y = 0; y < s.h; y++)
        for (const float value : std::span(picture.row(0, y), size_t(s.w * s.c))) {
            if (std::isfinite(value))
                *sample = static_cast<unsigned char>(std::clamp(value, 0.0f, 1.0f) * 255.0f);
            else
                not_finite++;
            ++sample;
        }
    if (not_finite > 0)
        throw Error(
            concat("picture: ", not_finite, " of ", s.size(),
                   " values are not finite, expected numbers from 0 to 1; use --check to find where they arise"));
    return samples;
}

}  // namespace

std::vector<std::byte> encode_png(const PictureRows& picture) {
    const Shape s = picture.shape;
    const std::vector<unsigned char> samples = samples_of(picture);
    std::vector<std::byte> bytes;
    if (stbi_write_png_to_func(append, &bytes, int(s.w), int(s.h), int(s.c), samples.data(), int(s.w * s.c)) == 0)
        throw std::bad_alloc();  // the only way in which it fails
    return bytes;
}

std::vector<std::byte> encode_jpeg(const PictureRows& picture, int quality) {
    const Shape s = picture.shape;
    require(s.c != 4, "a JPEG with opacity, expected 1 or 3 channels; write a PNG");
    require(quality >= 1 && quality <= 100, "JPEG quality ", quality, ", expected 1 to 100");
    const std::vector<unsigned char> samples = samples_of(picture);
    std::vector<std::byte> bytes;
    CHECK(stbi_write_jpg_to_func(append, &bytes, int(s.w), int(s.h), int(s.c), samples.data(), quality) != 0);
    return bytes;
}

std::vector<std::byte> encode_png(ConstView picture) { return encode_png(rows_of(picture)); }

std::vector<std::byte> encode_jpeg(ConstView picture, int quality) { return encode_jpeg(rows_of(picture), quality); }

void write_png(const std::string& path, const PictureRows& picture) {
    write_file_atomically(path, with_context(path, [&] { return encode_png(picture); }));
}

void write_jpeg(const std::string& path, const PictureRows& picture, int quality) {
    write_file_atomically(path, with_context(path, [&] { return encode_jpeg(picture, quality); }));
}

void write_png(const std::string& path, ConstView picture) { write_png(path, rows_of(picture)); }

void write_jpeg(const std::string& path, ConstView picture, int quality) {
    write_jpeg(path, rows_of(picture), quality);
}

}  // namespace limpid
