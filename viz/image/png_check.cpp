// Walks the chunks of a PNG file (ISO/IEC 15948, clause 5).
#include "viz/image/png_check.h"

namespace limpid {

namespace {

constexpr size_t kSignature = 8, kChecksum = 4;

uint64_t big_endian(Bytes four) {
    uint64_t value = 0;
    for (const std::byte byte : four) value = value << 8 | std::to_integer<uint64_t>(byte);
    return value;
}

}  // namespace

void check_png(Bytes file) {
    ByteCursor cursor(file);
    cursor.take(kSignature);
    for (;;) {
        const uint64_t length = big_endian(cursor.take(4));
        const std::string_view kind = as_text(cursor.take(4));
        cursor.take(length);
        if (kind == "IEND") return;  // its checksum is of nothing, and no decoder misses it
        cursor.take(kChecksum);
    }
}

}  // namespace limpid
