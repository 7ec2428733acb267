// PNG and JPEG files to pictures: what both have in common. The files are hostile: nothing is believed before it has
// been checked.
#include <cstring>

#include "kernels/error.h"
#include "viz/image/colours.h"
#include "viz/image/exif.h"
#include "viz/image/image.h"
#include "viz/image/raster.h"
#include "viz/image/stored_picture.h"
#include "weights/file.h"

namespace limpid {

namespace {

constexpr const char* kExpected = "expected a PNG or JPEG picture";

bool has_at(Bytes bytes, size_t offset, std::string_view magic) {
    return bytes.size() >= offset + magic.size() && std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

struct Format {
    std::string_view magic;
    StoredPicture (*read_header)(Bytes);
    void (*read_rows)(Bytes, const RowSink&);
};
constexpr Format kFormats[] = {{"\x89PNG\r\n\x1a\n", read_png_header, read_png_rows},
                               {"\xff\xd8\xff", read_jpeg_header, read_jpeg_rows}};

// What a file is that is neither: formats that people will try.
std::string kind_of(Bytes bytes) {
    struct Kind {
        size_t offset;
        std::string_view magic;
        const char* name;
    };
    constexpr Kind kinds[] = {{0, "GIF8", "a GIF"},
                              {8, "WEBP", "a WebP picture"},
                              {0, "BM", "a BMP picture"},
                              {4, "ftyp", "HEIC, AVIF or a film"},
                              {4, "jP  ", "a JPEG 2000 picture"},
                              {0, "\xff\x4f\xff\x51", "a JPEG 2000 picture"},
                              {4, "JXL ", "a JPEG XL picture"},
                              {0, "\xff\x0a", "a JPEG XL picture"},
                              {0, "\x8aMNG", "an MNG film"},
                              {0, "\x8bJNG", "a JNG picture"},
                              {0, "8BPS", "a Photoshop document"},
                              {0, "%PDF", "a PDF"},
                              {0, "II*", "a TIFF picture"},
                              {0, {"MM\0*", 4}, "a TIFF picture"},
                              {0, "<svg", "an SVG drawing"},
                              {0, "\x89HDF", "an HDF5 file"}};
    for (const Kind& kind : kinds)
        if (has_at(bytes, kind.offset, kind.magic)) return concat("is ", kind.name);
    return "is not a picture that is known here";
}

const Format& format_of(Bytes bytes) {
    if (bytes.empty()) throw Error(concat("is empty, ", kExpected, "; was it downloaded completely?"));
    for (const Format& format : kFormats)
        if (has_at(bytes, 0, format.magic)) return format;
    throw Error(concat(kind_of(bytes), ", ", kExpected, "; convert it first"));
}

PictureHeader header_of(const StoredPicture& stored, const ColourConverter& colours) {
    PictureHeader header;
    const Upright place = upright(stored.h, stored.w, stored.orientation);
    header.h = place.h;
    header.w = place.w;
    header.channels = channels_of(colours.samples());
    header.bits = stored.deep ? 16 : 8;
    header.raster_bytes = uint64_t(header.h) * uint64_t(header.w) * uint64_t(header.channels) << int(stored.deep);
    header.decoder_bytes = stored.decoder_bytes;
    return header;
}

// pixel_bytes: what will be made of each pixel besides.
void check_limits(const PictureHeader& header, const PictureLimits& limits, uint64_t pixel_bytes) {
    const auto mib = [](uint64_t bytes) { return concat((bytes + (1 << 20) - 1) >> 20, " MiB"); };
    if (header.w > limits.pixels / header.h)
        throw Error(concat("has ", header.w, "x", header.h, " pixels, expected at most ", limits.pixels,
                           "; make it smaller first"));
    const uint64_t bytes = header.bytes() + pixel_bytes * uint64_t(header.h * header.w);
    if (bytes > limits.bytes)
        throw Error(concat("has ", header.w, "x", header.h, " pixels, which take ", mib(bytes), ", expected at most ",
                           mib(limits.bytes),
                           "; make it smaller first, or save it neither interlaced nor progressive"));
}

// Copies rows to where they lie in the upright picture.
template <class Sample>
class Placer {
  public:
    Placer(std::vector<Sample>& samples, const StoredPicture& stored, int channels)
        : to_(samples), place_(upright(stored.h, stored.w, stored.orientation)), w_(stored.w), channels_(channels) {
        samples.resize(size_t(stored.h * stored.w * channels));
    }
    void operator()(int64_t y, const std::byte* row) const {
        const int64_t start = place_.first + y * place_.step_y;
        if (place_.step_x == 1) {
            std::memcpy(&to_[size_t(start * channels_)], row, size_t(w_ * channels_) * sizeof(Sample));
            return;
        }
        const auto bytes = size_t(channels_) * sizeof(Sample);
        for (int64_t x = 0; x < w_; x++, row += bytes)
            std::memcpy(&to_[size_t((start + x * place_.step_x) * channels_)], row, bytes);
    }

  private:
    std::vector<Sample>& to_;
    Upright place_;
    int64_t w_;
    int channels_;
};

RasterImage decode(Bytes bytes, const std::string& name, const PictureLimits& limits, uint64_t pixel_bytes) {
    return with_context(name, [&] {
        const Format& format = format_of(bytes);
        const StoredPicture stored = format.read_header(bytes);
        ColourConverter colours(stored);
        const PictureHeader header = header_of(stored, colours);
        check_limits(header, limits, pixel_bytes);
        RasterImage raster{header.h, header.w, header.channels, {}, {}};
        const auto read = [&](const auto& placer) {
            int64_t rows = 0;
            format.read_rows(bytes, [&](int64_t y, const std::byte* row) {
                CHECK(y == rows++);
                placer(y, colours.convert(row));
            });
            CHECK(rows == stored.h, rows, " rows of ", stored.h);
        };
        if (stored.deep)
            read(Placer(raster.deep, stored, raster.channels));
        else
            read(Placer(raster.flat, stored, raster.channels));
        return raster;
    });
}

}  // namespace

PictureHeader peek_picture(Bytes bytes, const std::string& name) {
    return with_context(name, [&] {
        const StoredPicture stored = format_of(bytes).read_header(bytes);
        return header_of(stored, ColourConverter(stored));
    });
}

PictureHeader peek_picture(const std::string& path) { return peek_picture(read_file(path), path); }

RasterImage decode_raster(Bytes bytes, const std::string& name, const PictureLimits& limits) {
    return decode(bytes, name, limits, 0);
}

RasterImage load_raster(const std::string& path, const PictureLimits& limits) {
    return decode_raster(read_file(path), path, limits);
}

HostTensor decode_flat(Bytes bytes, const std::string& name, const PictureLimits& limits) {
    return picture_of(flat_rows(decode(bytes, name, limits, 3 * sizeof(float))));
}

HostTensor load_flat(const std::string& path, const PictureLimits& limits) {
    return decode_flat(read_file(path), path, limits);
}

Image decode_image(Bytes bytes, const std::string& name, const PictureLimits& limits) {
    Image image;
    const RasterImage raster = decode(bytes, name, limits, 4 * sizeof(float));
    image.alpha = raster.has_alpha() ? picture_of(alpha_rows(raster)) : HostTensor();
    // Colours as they are, whatever is to be seen of them.
    image.rgb = picture_of(colour_rows(raster));
    return image;
}

Image load_image(const std::string& path) { return decode_image(read_file(path), path); }

}  // namespace limpid
