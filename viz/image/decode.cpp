// PNG and JPEG files to pictures. The files are hostile: nothing is believed before the decoder has checked it.
#include <climits>
#include <cstring>
#include <memory>

#define STBI_NO_STDIO
#include <stb_image.h>

#include "kernels/error.h"
#include "viz/image/image.h"
#include "viz/image/jpeg_check.h"
#include "viz/image/png_check.h"
#include "weights/file.h"

namespace limpid {

namespace {

constexpr const char* kExpected = "expected a PNG or JPEG picture";

bool has_at(Bytes bytes, size_t offset, std::string_view magic) {
    return bytes.size() >= offset + magic.size() && std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

bool is_png(Bytes bytes) { return has_at(bytes, 0, "\x89PNG\r\n\x1a\n"); }
bool is_jpeg(Bytes bytes) { return has_at(bytes, 0, "\xff\xd8\xff"); }

// What a file is that is neither: formats that people will try.
std::string kind_of(Bytes bytes) {
    struct Kind {
        size_t offset;
        const char *magic, *name;
    };
    constexpr Kind kinds[] = {{0, "GIF8", "a GIF"},          {8, "WEBP", "a WebP picture"},
                              {0, "BM", "a BMP picture"},    {4, "ftyp", "HEIC, AVIF or a film"},
                              {0, "%PDF", "a PDF"},          {0, "II*", "a TIFF picture"},
                              {0, "<svg", "an SVG drawing"}, {0, "\x89HDF", "an HDF5 file"}};
    for (const Kind& kind : kinds)
        if (has_at(bytes, kind.offset, kind.magic)) return concat("is ", kind.name);
    return "is not a picture that is known here";
}

struct FreePixels {
    void operator()(void* pixels) const { stbi_image_free(pixels); }
};

// Spreads `channels` interleaved samples (grey, grey and alpha, RGB, or RGBA) over the parts of an image.
template <class Sample>
Image unpack(const Sample* samples, Shape shape, int channels, float white) {
    const bool colour = channels >= 3, alpha = channels % 2 == 0;
    Image image;
    image.rgb = HostTensor({1, shape.h, shape.w, 3});
    if (alpha) image.alpha = HostTensor({1, shape.h, shape.w, 1});
    for (int64_t i = 0; i < shape.h * shape.w; i++, samples += channels) {
        for (int c = 0; c < 3; c++) image.rgb.values[size_t(i * 3 + c)] = float(samples[colour ? c : 0]) / white;
        if (alpha) image.alpha.values[size_t(i)] = float(samples[channels - 1]) / white;
    }
    return image;
}

}  // namespace

Image decode_image(Bytes bytes, const std::string& name, int64_t most_pixels) {
    if (bytes.empty()) throw Error(concat(name, ": is empty, ", kExpected, "; was it downloaded completely?"));
    if (!is_png(bytes) && !is_jpeg(bytes))
        throw Error(concat(name, ": ", kind_of(bytes), ", ", kExpected, "; convert it first"));
    if (bytes.size() > INT_MAX)
        throw Error(concat(name, ": has ", bytes.size(), " bytes, ", kExpected, " below 2 GiB"));
    if (is_jpeg(bytes)) bytes = with_context(name, [&] { return checked_jpeg(bytes); });
    if (is_png(bytes)) with_context(name, [&] { check_png(bytes); });
    const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
    const int size = int(bytes.size());
    const auto damaged = [&](const std::string& what) {
        return Error(concat(name, ": ", what, ", ", kExpected, "; is the file complete and undamaged?"));
    };
    int w = 0, h = 0, channels = 0;
    if (!stbi_info_from_memory(data, size, &w, &h, &channels)) throw damaged("its header cannot be read");
    if (w < 1 || h < 1 || int64_t(w) * h > most_pixels)
        throw Error(
            concat(name, ": has ", w, "x", h, " pixels, expected at most ", most_pixels, "; make it smaller first"));

    const bool deep = stbi_is_16_bit_from_memory(data, size);
    const std::unique_ptr<void, FreePixels> pixels(
        deep ? static_cast<void*>(stbi_load_16_from_memory(data, size, &w, &h, &channels, 0))
             : static_cast<void*>(stbi_load_from_memory(data, size, &w, &h, &channels, 0)));
    if (!pixels) throw damaged(concat("cannot be decoded (", stbi_failure_reason(), ")"));
    CHECK(channels >= 1 && channels <= 4, "decoder gave ", channels, " channels");
    const Shape shape{1, h, w, channels};
    return deep ? unpack(static_cast<const stbi_us*>(pixels.get()), shape, channels, 65535.0f)
                : unpack(static_cast<const stbi_uc*>(pixels.get()), shape, channels, 255.0f);
}

Image load_image(const std::string& path) { return decode_image(read_file(path), path); }

HostTensor flatten(const Image& image, float background) {
    HostTensor flat = image.rgb;
    for (size_t i = 0; i < image.alpha.values.size(); i++) {
        const float alpha = image.alpha.values[i];
        for (size_t c = 0; c < 3; c++) {
            float& value = flat.values[i * 3 + c];
            value = alpha * value + (1.0f - alpha) * background;
        }
    }
    return flat;
}

}  // namespace limpid
