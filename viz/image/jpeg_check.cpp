// Walks the segments of a JPEG file (ITU-T T.81, annex B).
#include "viz/image/jpeg_check.h"

namespace limpid {

namespace {

constexpr int kStartOfScan = 0xda, kEndOfImage = 0xd9, kHuffmanTables = 0xc4;

int byte_at(Bytes bytes, size_t i) { return std::to_integer<int>(bytes[i]); }

[[noreturn]] void throw_cut() { throw Error("ends in the middle of the picture; is the file complete?"); }

// Segments with a length: frames (baseline, extended, progressive), tables, restart interval, applications' data,
// comments.
bool is_segment(int marker) {
    return (marker >= 0xc0 && marker <= 0xc2) || marker == kHuffmanTables || marker == 0xdb || marker == 0xdd ||
           (marker >= 0xe0 && marker <= 0xef) || marker == 0xfe;
}

// The body of the segment whose marker is at `at`.
Bytes segment_at(Bytes file, size_t at) {
    if (at + 4 > file.size()) throw_cut();
    const auto length = size_t(byte_at(file, at + 2) << 8 | byte_at(file, at + 3));
    if (length < 2)
        throw Error(
            concat("byte ", at, ": a segment of length ", length, ", expected 2 or more; is the file damaged?"));
    if (at + 2 + length > file.size()) throw_cut();
    return file.subspan(at + 4, length - 2);
}

// Any number of tables: a byte of class and number, 16 counts of codes by length, as many symbols as codes.
void check_huffman_tables(Bytes tables) {
    while (!tables.empty()) {
        size_t codes = 0;
        for (size_t i = 1; i <= 16; i++) codes += i < tables.size() ? size_t(byte_at(tables, i)) : 0;
        if (codes > 256 || tables.size() < 17 + codes)
            throw Error(concat("a Huffman table of ", codes, " codes in ", tables.size(),
                               " bytes, expected at most 256 that fit; is the file damaged?"));
        tables = tables.subspan(17 + codes);
    }
}

}  // namespace

Bytes checked_jpeg(Bytes file) {
    size_t at = 2;  // behind the start marker
    for (;;) {
        // Padding before a marker, and repeated FF, are legal.
        while (at < file.size() && byte_at(file, at) != 0xff) at++;
        while (at + 1 < file.size() && byte_at(file, at + 1) == 0xff) at++;
        if (at + 1 >= file.size()) throw_cut();
        const int marker = byte_at(file, at + 1);
        if (marker == kStartOfScan) break;
        if (!is_segment(marker))
            throw Error(concat("byte ", at, ": marker ", marker,
                               ", expected a baseline or progressive JPEG; save it again as one of these"));
        const Bytes body = segment_at(file, at);
        if (marker == kHuffmanTables) check_huffman_tables(body);
        at += 4 + body.size();
    }
    // Behind the start of the scan a decoder may find a marker wherever FF is followed by another byte, so all such
    // places are looked at.
    for (size_t i = at + 2; i + 1 < file.size(); i++) {
        if (byte_at(file, i) != 0xff) continue;
        if (byte_at(file, i + 1) == kEndOfImage) return file.first(i + 2);
        if (byte_at(file, i + 1) == kHuffmanTables) check_huffman_tables(segment_at(file, i));
    }
    throw_cut();
}

}  // namespace limpid
