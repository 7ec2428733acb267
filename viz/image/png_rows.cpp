// The pixels of a PNG, by libpng. It sees only chunks that png_chunks.cpp has checked.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "viz/image/png_chunks.h"

namespace limpid {

namespace {

// libpng's state. Its errors jump: so every call goes through `guarded`, whose bodies hold nothing to destroy.
class PngDecoder {
  public:
    explicit PngDecoder(const std::vector<Bytes>& chunks) : chunks_(chunks) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
        if (png_) info_ = png_create_info_struct(png_);
        if (!info_) {
            png_destroy_read_struct(&png_, &info_, nullptr);
            throw std::bad_alloc();
        }
    }
    ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngDecoder(const PngDecoder&) = delete;
    PngDecoder& operator=(const PngDecoder&) = delete;

    // After this rows are 8 or 16 bits a sample; those of a palette are its indices. Returns the passes over all rows.
    int start(bool indexed) {
        int passes = 1;
        guarded([&] {
            png_set_sig_bytes(png_, 8);
            png_set_read_fn(png_, this, read);
            png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
            png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);  // they were compared
            png_read_info(png_, info_);
            if (indexed)
                png_set_packing(png_);
            else
                png_set_expand(png_);
            png_set_swap(png_);  // 16 bits are big-endian in the file
            passes = png_set_interlace_handling(png_);
            png_read_update_info(png_, info_);
        });
        return passes;
    }
    size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
    void read_row(std::byte* row) {
        guarded([&] { png_read_row(png_, reinterpret_cast<png_bytep>(row), nullptr); });
    }

  private:
    template <class Body>
    void guarded(const Body& body) {
        if (setjmp(png_jmpbuf(png_)))
            throw Error(concat("cannot be decoded (", message_, "); the file is damaged: copy or save it again"));
        body();
    }
    static void read(png_structp png, png_bytep data, size_t size) {
        auto& self = *static_cast<PngDecoder*>(png_get_io_ptr(png));
        while (size > 0) {
            if (self.next_ == self.chunks_.size()) png_error(png, "more data was wanted than there is");
            const Bytes rest = self.chunks_[self.next_].subspan(self.at_);
            const size_t part = std::min(size, rest.size());
            std::memcpy(data, rest.data(), part);
            data += part;
            size -= part;
            self.at_ += part;
            if (part == rest.size()) self.next_++, self.at_ = 0;
        }
    }
    [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
        auto& self = *static_cast<PngDecoder*>(png_get_error_ptr(png));
        std::snprintf(self.message_, sizeof(self.message_), "%s", message);
        png_longjmp(png, 1);
    }
    // Data after the last row is no part of the picture (check_png_data); of whatever else libpng would make the best,
    // it may make a wrong picture.
    static void on_warning(png_structp png, png_const_charp message) {
        if (std::strstr(message, "Extra compressed data") || std::strstr(message, "Too much image data")) return;
        on_error(png, message);
    }

    const std::vector<Bytes>& chunks_;
    size_t next_ = 0, at_ = 0;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    char message_[128] = "";
};

// Colours for the indices of a row.
class Palette {
  public:
    explicit Palette(const PngChunks& png) : count_(png.palette.size() / 3), alpha_(!png.transparency.empty()) {
        for (size_t i = 0; i < count_; i++) {
            for (size_t c = 0; c < 3; c++) colours_.push_back(png.palette[3 * i + c]);
            if (alpha_) colours_.push_back(i < png.transparency.size() ? png.transparency[i] : std::byte{255});
        }
        row_.resize(size_t(png.w) * channels());
    }
    const std::byte* expand(const std::byte* indices, int64_t y) {
        std::byte* to = row_.data();
        for (size_t x = 0; x * channels() < row_.size(); x++, to += channels()) {
            const auto index = std::to_integer<size_t>(indices[x]);
            if (index >= count_)
                throw Error(concat("pixel ", x, ",", y, " (x,y) has the colour ", index, " of a palette of ", count_,
                                   "; the file is damaged: save it again with its palette"));
            std::memcpy(to, &colours_[index * channels()], channels());
        }
        return row_.data();
    }

  private:
    size_t channels() const { return alpha_ ? 4 : 3; }

    size_t count_;
    bool alpha_;
    std::vector<std::byte> colours_, row_;
};

StoredPicture describe(const PngChunks& png) {
    StoredPicture picture;
    picture.h = png.h;
    picture.w = png.w;
    picture.deep = png.depth == 16;
    const bool grey = png.colour_type == 0 || png.colour_type == 4;
    const bool alpha = png.colour_type >= 4 || !png.transparency.empty();
    picture.samples = grey ? alpha ? Samples::kGreyAlpha : Samples::kGrey : alpha ? Samples::kRgba : Samples::kRgb;
    picture.orientation = png.orientation;
    const uint64_t pixel_bytes = png.indexed() ? 1 : uint64_t(channels_of(picture.samples)) << int(picture.deep);
    // libpng's two rows and ours; the passes of an interlaced picture come together in all of it.
    picture.decoder_bytes = uint64_t(png.w) * pixel_bytes * (3 + (png.interlaced ? uint64_t(png.h) : 1));
    return picture;
}

}  // namespace

StoredPicture read_png_header(Bytes file) {
    PngChunks png = read_png_chunks(file);
    StoredPicture picture = describe(png);
    picture.colours = std::move(png.colours);
    return picture;
}

void read_png_rows(Bytes file, const RowSink& sink) {
    const PngChunks png = read_png_chunks(file);
    check_png_data(png);
    PngDecoder decoder(png.pixel_chunks);
    const int passes = decoder.start(png.indexed());
    const StoredPicture picture = describe(png);
    const size_t row_bytes = decoder.row_bytes();
    CHECK(row_bytes == size_t(png.w) * (png.indexed() ? 1 : size_t(channels_of(picture.samples)) << int(picture.deep)));
    std::optional<Palette> palette;
    if (png.indexed()) palette.emplace(png);
    std::vector<std::byte> rows(row_bytes * (png.interlaced ? size_t(png.h) : 1));
    const auto row_at = [&](int64_t y) { return rows.data() + (png.interlaced ? size_t(y) * row_bytes : 0); };
    for (int pass = 1; pass <= passes; pass++)
        for (int64_t y = 0; y < png.h; y++) {
            decoder.read_row(row_at(y));
            if (pass == passes) sink(y, palette ? palette->expand(row_at(y), y) : row_at(y));
        }
}

}  // namespace limpid
