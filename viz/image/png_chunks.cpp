// Walks the chunks of a PNG file (ISO/IEC 15948, clauses 5 and 11; eXIf and cICP: third edition).
#include "viz/image/png_chunks.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <optional>

#include "viz/image/exif.h"

namespace limpid {

namespace {

constexpr size_t kSignature = 8;
constexpr int64_t kMostPixels = int64_t(1) << 40;  // no number of bytes overflows; what may be decoded is far less
constexpr int kGrey = 0, kColour = 2, kPalette = 3;

uint64_t big_endian(Bytes digits) {
    uint64_t value = 0;
    for (const std::byte digit : digits) value = value << 8 | std::to_integer<uint64_t>(digit);
    return value;
}

Error damaged(const std::string& what) { return Error(concat(what, "; the file is damaged: copy or save it again")); }

struct Chunk {
    size_t at = 0;
    std::string kind;
    Bytes body, whole;

    Error error(const std::string& what) const { return damaged(concat("chunk ", kind, " at byte ", at, ": ", what)); }
};

Chunk take_chunk(Bytes file, ByteCursor& cursor) {
    Chunk chunk;
    chunk.at = size_t(cursor.offset());
    const uint64_t length = big_endian(cursor.take(4));
    const Bytes kind = cursor.take(4);
    chunk.kind = printable(as_text(kind));
    chunk.body = cursor.take(length);
    const uint64_t checksum = big_endian(cursor.take(4));
    chunk.whole = file.subspan(chunk.at, size_t(cursor.offset()) - chunk.at);
    const auto* data = reinterpret_cast<const Bytef*>(kind.data());
    const uint64_t found = crc32_z(0, data, 4 + chunk.body.size());
    if (found != checksum)
        throw chunk.error(concat("its bytes have the checksum ", found, ", expected ", checksum, " as it announces"));
    return chunk;
}

// A zlib stream, unpacked in pieces of 64 KiB.
class Inflater {
  public:
    Inflater() { CHECK(inflateInit(&stream_) == Z_OK, "zlib"); }
    ~Inflater() { inflateEnd(&stream_); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    // Unpacks what it can of `packed` and hands it on in pieces, until the stream ends or `piece` returns false.
    template <class Piece>
    void feed(Bytes packed, const Piece& piece) {
        while (!ended_ && !packed.empty()) {
            const size_t part = std::min<size_t>(packed.size(), 1u << 30);
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
            stream_.avail_in = uInt(part);
            do {
                stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
                stream_.avail_out = uInt(buffer_.size());
                const int status = inflate(&stream_, Z_NO_FLUSH);
                if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
                    throw damaged(concat("its compressed data is wrong (", stream_.msg ? stream_.msg : "zlib", ")"));
                ended_ = status == Z_STREAM_END;
                if (!piece(Bytes(buffer_).first(buffer_.size() - stream_.avail_out))) return;
            } while (!ended_ && stream_.avail_out == 0);
            packed = packed.subspan(part - stream_.avail_in);
        }
    }
    bool ended() const { return ended_; }  // with a checksum that fits

  private:
    z_stream stream_{};
    bool ended_ = false;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 16);
};

void read_header(PngChunks& png, const Chunk& chunk) {
    if (chunk.kind == "CgBI")
        throw Error(
            "is Apple's own kind of PNG (chunk CgBI), as Xcode packs it into apps, expected a standard one; open it on "
            "a Mac and save it again, or use pngcrush -revert-iphone-optimizations");
    if (chunk.kind != "IHDR" || chunk.body.size() != 13)
        throw chunk.error(concat("has ", chunk.body.size(), " bytes, expected the header IHDR of 13 first"));
    const auto byte = [&](size_t i) { return std::to_integer<int>(chunk.body[i]); };
    png.w = int64_t(big_endian(chunk.body.subspan(0, 4)));
    png.h = int64_t(big_endian(chunk.body.subspan(4, 4)));
    png.depth = byte(8);
    png.colour_type = byte(9);
    png.interlaced = byte(12) == 1;
    if (png.w < 1 || png.h < 1 || png.w > kMostPixels / png.h)
        throw chunk.error(concat("a picture of ", png.w, "x", png.h, " pixels, expected 1 to ", kMostPixels));
    const int depths = png.colour_type == kGrey      ? 1 | 2 | 4 | 8 | 16
                       : png.colour_type == kPalette ? 1 | 2 | 4 | 8
                                                     : 8 | 16;
    const bool known_type = png.colour_type == kGrey || png.colour_type == kColour || png.colour_type == kPalette ||
                            png.colour_type == 4 || png.colour_type == 6;
    const bool known_depth = png.depth > 0 && (png.depth & (png.depth - 1)) == 0 && (png.depth & depths) != 0;
    if (!known_type || !known_depth || byte(10) != 0 || byte(11) != 0 || byte(12) > 1)
        throw chunk.error(concat("colour type ", png.colour_type, " with ", png.depth, " bits, compression ", byte(10),
                                 ", filter ", byte(11), ", interlace ", byte(12),
                                 ", expected what the standard lists"));
}

void read_palette(PngChunks& png, const Chunk& chunk) {
    const size_t most = png.indexed() ? size_t(3) << png.depth : 3 * 256, size = chunk.body.size();
    if (size == 0 || size % 3 != 0 || size > most)
        throw chunk.error(concat(size, " bytes of colours, expected 3 for each of at most ", most / 3));
    if (!png.indexed()) return;  // a suggestion
    png.palette = chunk.body;
    png.pixel_chunks.push_back(chunk.whole);
}

void read_transparency(PngChunks& png, const Chunk& chunk) {
    if (png.colour_type > kPalette) return;  // has opacity of its own: not to be there, and no viewer looks at it
    if (png.indexed() && png.palette.empty()) throw chunk.error("opacity of a palette, expected after PLTE");
    const size_t size = chunk.body.size(), expected = png.indexed()              ? png.palette.size() / 3
                                                      : png.colour_type == kGrey ? 2
                                                                                 : 6;
    if (png.indexed() ? size == 0 || size > expected : size != expected)
        throw chunk.error(concat(size, " bytes of opacity, expected ", png.indexed() ? "at most " : "", expected));
    png.transparency = chunk.body;
    png.pixel_chunks.push_back(chunk.whole);
}

// What chunks said of colours; the first of cICP, iCCP, sRGB, and gAMA with cHRM is right.
struct Said {
    bool srgb = false;
    std::string other_code;  // cICP that is not sRGB
};

void read_profile(PngChunks& png, const Chunk& chunk) {
    const size_t name = std::min(as_text(chunk.body).find('\0'), chunk.body.size());
    Inflater inflater;
    std::vector<std::byte> profile;
    if (name + 2 <= chunk.body.size() && chunk.body[name + 1] == std::byte{0})
        with_context(concat("chunk iCCP at byte ", chunk.at), [&] {
            inflater.feed(chunk.body.subspan(name + 2), [&](Bytes piece) {
                profile.insert(profile.end(), piece.begin(), piece.end());
                return profile.size() <= kMostProfileBytes;
            });
        });
    if (!inflater.ended() || profile.empty())
        throw chunk.error(concat("a compressed colour profile that yields ", profile.size(),
                                 " bytes, expected one that ends, of at most ", kMostProfileBytes));
    png.colours.profile = std::move(profile);
}

void read_colours(PngChunks& png, const Chunk& chunk, Said& said) {
    const auto number = [&](size_t i) { return double(big_endian(chunk.body.subspan(4 * i, 4))) / 100000; };
    const auto expect = [&](size_t bytes) {
        if (chunk.body.size() != bytes) throw chunk.error(concat(chunk.body.size(), " bytes, expected ", bytes));
    };
    if (chunk.kind == "sRGB") {
        expect(1);
        said.srgb = true;
    } else if (chunk.kind == "gAMA") {
        expect(4);
        png.colours.gamma = number(0);
    } else if (chunk.kind == "cHRM") {
        expect(32);
        png.colours.chromaticities.emplace();
        for (size_t i = 0; i < 8; i++) (*png.colours.chromaticities)[i] = number(i);
    } else if (chunk.kind == "iCCP") {
        read_profile(png, chunk);
    } else if (chunk.kind == "cICP") {
        expect(4);
        const auto code = [&](size_t i) { return std::to_integer<int>(chunk.body[i]); };
        // Primaries 1 (BT.709) and transfer 13: sRGB.
        if (code(0) == 1 && code(1) == 13 && code(2) == 0 && code(3) == 1)
            said.srgb = true;
        else
            said.other_code = concat(code(0), "/", code(1), "/", code(2), "/", code(3));
    }
}

void settle_colours(PngChunks& png, const Said& said) {
    const bool profile = !png.colours.profile.empty();
    if (!said.other_code.empty() && !profile)
        throw Error(concat("has the colours ", said.other_code,
                           " (cICP), expected sRGB or an ICC profile; save it as sRGB, or with its profile"));
    if (profile || said.srgb) png.colours.gamma.reset(), png.colours.chromaticities.reset();
}

// Bytes of the picture as it is compressed: each row with its filter; seven small pictures when interlaced.
uint64_t raw_bytes(const PngChunks& png) {
    const auto part = [&](uint64_t h, uint64_t w) {
        return w == 0 ? 0 : h * (1 + (w * uint64_t(png.pixel_bits()) + 7) / 8);
    };
    const auto h = uint64_t(png.h), w = uint64_t(png.w);
    if (!png.interlaced) return part(h, w);
    constexpr uint64_t kX[] = {0, 4, 0, 2, 0, 1, 0}, kStepX[] = {8, 8, 4, 4, 2, 2, 1};
    constexpr uint64_t kY[] = {0, 0, 4, 0, 2, 0, 1}, kStepY[] = {8, 8, 8, 4, 4, 2, 2};
    uint64_t sum = 0;
    for (size_t i = 0; i < 7; i++)
        sum += part((h + kStepY[i] - 1 - kY[i]) / kStepY[i], (w + kStepX[i] - 1 - kX[i]) / kStepX[i]);
    return sum;
}

}  // namespace

PngChunks read_png_chunks(Bytes file) {
    ByteCursor cursor(file);
    cursor.take(kSignature);
    PngChunks png;
    Said said;
    const Chunk header = take_chunk(file, cursor);
    read_header(png, header);
    png.pixel_chunks.push_back(header.whole);
    bool palette = false, exif = false;
    std::string last = header.kind;
    for (;;) {
        const Chunk chunk = take_chunk(file, cursor);
        if (chunk.kind == "IDAT") {
            if (last != "IDAT" && !png.data.empty()) throw chunk.error("pixels after other chunks, expected together");
            if (png.indexed() && png.palette.empty()) throw chunk.error("pixels, expected the palette PLTE first");
            png.data.push_back(chunk.body);
            png.pixel_chunks.push_back(chunk.whole);
        } else if (chunk.kind == "PLTE" || chunk.kind == "tRNS") {
            bool again = !png.transparency.empty();
            if (chunk.kind == "PLTE") again = std::exchange(palette, true);
            if (again || !png.data.empty())
                throw chunk.error("stands twice or after pixels, expected once, before them");
            chunk.kind == "PLTE" ? read_palette(png, chunk) : read_transparency(png, chunk);
        } else if (chunk.kind == "IEND") {
            if (!chunk.body.empty()) throw chunk.error("has content, expected none");
            png.pixel_chunks.push_back(chunk.whole);
            break;
        } else if (chunk.kind == "eXIf") {
            if (!std::exchange(exif, true)) png.orientation = exif_orientation(chunk.body);
        } else if (chunk.kind[0] >= 'A' && chunk.kind[0] <= 'Z') {
            throw chunk.error("is needed for the pixels and not known, expected a standard PNG");
        } else if (png.data.empty()) {
            read_colours(png, chunk, said);
        }
        last = chunk.kind;
    }
    if (png.data.empty()) throw damaged("has no pixels (chunk IDAT)");
    settle_colours(png, said);
    return png;
}

void check_png_data(const PngChunks& png) {
    // Some programs pack more rows than they announce, and every viewer leaves them out; a bomb packs far more.
    const uint64_t expected = raw_bytes(png), most = 2 * expected + (1 << 20);
    uint64_t found = 0;
    Inflater inflater;
    for (const Bytes part : png.data)
        inflater.feed(part, [&](Bytes piece) {
            found += piece.size();
            return found <= most;
        });
    if (found > most)
        throw damaged(concat("its pixels take more than ", most, " bytes, expected ", expected, " for ", png.w, "x",
                             png.h, " of them"));
    if (!inflater.ended() || found < expected)
        throw damaged(concat("its pixels end after ", found, " of ", expected, " bytes"));
}

}  // namespace limpid
