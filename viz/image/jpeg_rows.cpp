// JPEG files, by libjpeg-turbo: whatever it would only warn of, and make the best of, is an error here.
#include <cstdio>  // jpeglib.h needs it first

#include <jpeglib.h>

#include <jerror.h>

#include <csetjmp>
#include <cstdlib>
#include <memory>

#include "viz/image/exif.h"
#include "viz/image/stored_picture.h"

namespace limpid {

namespace {

// Progressive pictures have about ten scans; each one goes through all of the picture, however few bytes it has.
constexpr int kMostScans = 200;
constexpr int kExif = JPEG_APP0 + 1, kProfile = JPEG_APP0 + 2;

// libjpeg's state. Its errors jump: so every call goes through `guarded`, whose bodies hold nothing to destroy.
class JpegDecoder {
  public:
    explicit JpegDecoder(Bytes file) {
        jpeg_.err = jpeg_std_error(&errors_);
        jpeg_.client_data = this;
        errors_.error_exit = on_error;
        errors_.emit_message = on_message;
        progress_.progress_monitor = on_progress;
        try {
            guarded([&] {
                jpeg_create_decompress(&jpeg_);
                jpeg_.progress = &progress_;
                jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(file.data()), file.size());
                jpeg_save_markers(&jpeg_, kExif, 0xffff);
                jpeg_save_markers(&jpeg_, kProfile, 0xffff);
                jpeg_read_header(&jpeg_, TRUE);
            });
        } catch (...) {
            jpeg_destroy_decompress(&jpeg_);
            throw;
        }
    }
    ~JpegDecoder() { jpeg_destroy_decompress(&jpeg_); }
    JpegDecoder(const JpegDecoder&) = delete;
    JpegDecoder& operator=(const JpegDecoder&) = delete;

    const jpeg_decompress_struct& state() const { return jpeg_; }
    bool has_multiple_scans() { return jpeg_has_multiple_scans(&jpeg_); }

    // Reads all scans, of a picture that has several.
    void start(Samples samples) {
        in_pixels_ = true;
        guarded([&] {
            jpeg_.out_color_space = samples == Samples::kGrey   ? JCS_GRAYSCALE
                                    : samples == Samples::kCmyk ? JCS_CMYK
                                                                : JCS_RGB;
            jpeg_start_decompress(&jpeg_);
        });
    }
    void read_row(std::byte* row) {
        guarded([&] {
            auto* pointer = reinterpret_cast<JSAMPROW>(row);
            jpeg_read_scanlines(&jpeg_, &pointer, 1);
        });
    }
    // To the end marker.
    void finish() {
        guarded([&] { jpeg_finish_decompress(&jpeg_); });
    }

    // None: an empty one. It lies in pieces of 64 KiB.
    std::vector<std::byte> profile() {
        JOCTET* data = nullptr;
        unsigned size_bytes = 0;
        bool found = false, any = false;
        for (jpeg_saved_marker_ptr m = jpeg_.marker_list; m; m = m->next)
            any |= m->marker == kProfile && body_of(*m).starts_with(std::string_view("ICC_PROFILE\0", 12));
        if (!any) return {};
        guarded([&] { found = jpeg_read_icc_profile(&jpeg_, &data, &size_bytes); });
        const std::unique_ptr<JOCTET, decltype(&std::free)> owner(data, std::free);
        if (!found || size_bytes > kMostProfileBytes)
            throw Error(concat("its colour profile is not whole, or has more than ", kMostProfileBytes,
                               " bytes; save it again with another profile, or as sRGB"));
        const auto* first = reinterpret_cast<const std::byte*>(data);
        return {first, first + size_bytes};
    }
    int orientation() const {
        constexpr std::string_view kStart("Exif\0\0", 6);
        for (jpeg_saved_marker_ptr m = jpeg_.marker_list; m; m = m->next)
            if (m->marker == kExif && body_of(*m).starts_with(kStart))
                return exif_orientation(as_bytes(body_of(*m).substr(kStart.size())));
        return 1;
    }

  private:
    static std::string_view body_of(const jpeg_marker_struct& marker) {
        return {reinterpret_cast<const char*>(marker.data), marker.data_length};
    }
    template <class Body>
    void guarded(const Body& body) {
        if (setjmp(jump_)) {
            if (code_ == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
            throw Error(complaint());
        }
        body();
    }
    std::string complaint() const {
        const char* resave = ", expected 8-bit grey, colour or CMYK; save it again as an ordinary JPEG";
        switch (code_) {
            case JERR_BAD_PRECISION:
                return concat("has ", jpeg_.data_precision, " bits a sample", resave);
            case JERR_SOF_UNSUPPORTED:
                return concat("is lossless or hierarchical", resave);
            case JERR_EMPTY_IMAGE:
                return concat("announces ", jpeg_.image_width, "x", jpeg_.image_height,
                              " pixels (a height after the picture, marker DNL, is not supported)", resave);
            case JERR_TOO_LITTLE_DATA:
            case JWRN_HIT_MARKER:
            case JWRN_JPEG_EOF:
                return concat("ends in the middle of the picture (", message_, "); copy it again, as a whole");
            default:
                return concat("cannot be decoded (", message_, "); the file is damaged: copy or save it again");
        }
    }
    static JpegDecoder& self(j_common_ptr jpeg) { return *static_cast<JpegDecoder*>(jpeg->client_data); }
    [[noreturn]] static void on_error(j_common_ptr jpeg) {
        JpegDecoder& decoder = self(jpeg);
        decoder.code_ = jpeg->err->msg_code;
        char text[JMSG_LENGTH_MAX];
        jpeg->err->format_message(jpeg, text);
        std::snprintf(decoder.message_, sizeof(decoder.message_), "%s", text);
        std::longjmp(decoder.jump_, 1);
    }
    // Level -1 is a warning: pixels are damaged, but for these, where every viewer shows the same picture.
    static void on_message(j_common_ptr jpeg, int level) {
        if (level >= 0) return;
        switch (jpeg->err->msg_code) {
            case JWRN_JFIF_MAJOR:      // another version of JFIF: nothing is read of it
            case JWRN_NOT_SEQUENTIAL:  // a scan's unused fields; some programs leave them 0
                return;
            case JWRN_EXTRANEOUS_DATA:  // between headers it is padding, after pixels the rest of a damaged scan
                if (!self(jpeg).in_pixels_) return;
                break;
            default:
                break;
        }
        on_error(jpeg);
    }
    static void on_progress(j_common_ptr jpeg) {
        if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMostScans) return;
        JpegDecoder& decoder = self(jpeg);
        std::snprintf(decoder.message_, sizeof(decoder.message_), "more than %d scans", kMostScans);
        std::longjmp(decoder.jump_, 1);
    }

    jpeg_decompress_struct jpeg_{};
    jpeg_error_mgr errors_{};
    jpeg_progress_mgr progress_{};
    std::jmp_buf jump_{};
    bool in_pixels_ = false;
    int code_ = 0;
    char message_[JMSG_LENGTH_MAX] = "";
};

Samples samples_of(const jpeg_decompress_struct& jpeg) {
    switch (jpeg.jpeg_color_space) {
        case JCS_GRAYSCALE:
            return Samples::kGrey;
        case JCS_YCbCr:
        case JCS_RGB:
            return Samples::kRgb;
        case JCS_CMYK:
        case JCS_YCCK:
            return Samples::kCmyk;
        default:
            throw Error(concat("has ", jpeg.num_components, " components, expected 1, 3 or 4; save it again as RGB"));
    }
}

uint64_t decoder_bytes(JpegDecoder& decoder) {
    const jpeg_decompress_struct& jpeg = decoder.state();
    // A few rows of blocks, 16 at most, of all components, and the same for colours at half resolution.
    const uint64_t rows = uint64_t(jpeg.image_width) * uint64_t(jpeg.num_components) * 16 * 3;
    uint64_t coefficients = 0;
    for (int c = 0; decoder.has_multiple_scans() && c < jpeg.num_components; c++) {
        const jpeg_component_info& part = jpeg.comp_info[c];
        // Blocks come in groups of up to 4x4.
        coefficients += (uint64_t(part.width_in_blocks) + 4) * (uint64_t(part.height_in_blocks) + 4) * sizeof(JBLOCK);
    }
    return rows + coefficients;
}

// A cut between two scans leaves a picture that is coarse, or without a colour, and no warning.
void check_scans(const jpeg_decompress_struct& jpeg) {
    const auto missing = [](const std::string& what) {
        return Error(concat(what, "; the file is not complete: copy it again"));
    };
    for (int c = 0; c < jpeg.num_components; c++) {
        // Set by the first scan of a component.
        if (!jpeg.comp_info[c].quant_table)
            throw missing(concat("has no scan of component ", c + 1, " of ", jpeg.num_components));
        for (int k = 0; jpeg.progressive_mode && k < DCTSIZE2; k++)
            if (jpeg.coef_bits[c][k] != 0)
                throw missing(concat("its scans end before component ", c + 1, " has all of coefficient ", k));
    }
}

}  // namespace

StoredPicture read_jpeg_header(Bytes file) {
    JpegDecoder decoder(file);
    const jpeg_decompress_struct& jpeg = decoder.state();
    StoredPicture picture;
    picture.h = int64_t(jpeg.image_height);
    picture.w = int64_t(jpeg.image_width);
    picture.samples = samples_of(jpeg);
    picture.orientation = decoder.orientation();
    picture.colours.profile = decoder.profile();
    picture.decoder_bytes = decoder_bytes(decoder);
    return picture;
}

void read_jpeg_rows(Bytes file, const RowSink& sink) {
    JpegDecoder decoder(file);
    const jpeg_decompress_struct& jpeg = decoder.state();
    const Samples samples = samples_of(jpeg);
    const bool several = decoder.has_multiple_scans();
    decoder.start(samples);
    if (several) check_scans(jpeg);
    CHECK(jpeg.output_components == channels_of(samples), jpeg.output_components);
    std::vector<std::byte> row(size_t(jpeg.output_width) * size_t(jpeg.output_components));
    for (int64_t y = 0; y < int64_t(jpeg.output_height); y++) {
        decoder.read_row(row.data());
        sink(y, row.data());
    }
    decoder.finish();
}

}  // namespace limpid
