// The first directory of a TIFF structure, in either byte order.
#include "viz/image/exif.h"

namespace limpid {

namespace {

constexpr uint64_t kOrientationTag = 274, kShort = 3;

class Tiff {
  public:
    explicit Tiff(Bytes bytes) : bytes_(bytes), big_endian_(as_text(bytes).starts_with("MM")) {}

    // Throws Error beyond the end.
    uint64_t number(uint64_t at, uint64_t bytes) const {
        ByteCursor cursor(bytes_);
        cursor.take(at);
        const Bytes digits = cursor.take(bytes);
        uint64_t value = 0;
        for (size_t i = 0; i < digits.size(); i++)
            value = value << 8 | std::to_integer<uint64_t>(digits[big_endian_ ? i : digits.size() - 1 - i]);
        return value;
    }

  private:
    Bytes bytes_;
    bool big_endian_;
};

int orientation_in(const Tiff& tiff) {
    const uint64_t directory = tiff.number(4, 4), entries = tiff.number(directory, 2);
    for (uint64_t i = 0; i < entries; i++) {
        const uint64_t entry = directory + 2 + 12 * i;
        if (tiff.number(entry, 2) != kOrientationTag) continue;
        const uint64_t value = tiff.number(entry + 8, 2);
        return tiff.number(entry + 2, 2) == kShort && value >= 1 && value <= 8 ? int(value) : 1;
    }
    return 1;
}

}  // namespace

int exif_orientation(Bytes tiff) {
    const std::string_view text = as_text(tiff);
    if (!text.starts_with(std::string_view("II*\0", 4)) && !text.starts_with(std::string_view("MM\0*", 4))) return 1;
    try {
        return orientation_in(Tiff(tiff));
    } catch (const Error&) {
        return 1;
    }
}

Upright upright(int64_t h, int64_t w, int orientation) {
    require(orientation >= 1 && orientation <= 8, "orientation ", orientation, ", expected 1 to 8");
    // 5 to 8 lie on their side: stored rows become columns.
    const bool on_side = orientation >= 5;
    const bool mirrored_x = on_side ? orientation == 7 || orientation == 8 : orientation == 2 || orientation == 3;
    const bool mirrored_y = on_side ? orientation == 6 || orientation == 7 : orientation == 3 || orientation == 4;
    Upright place{on_side ? w : h, on_side ? h : w};
    const int64_t along_x = on_side ? place.w : 1, along_y = on_side ? 1 : place.w;
    place.first = (mirrored_x ? (w - 1) * along_x : 0) + (mirrored_y ? (h - 1) * along_y : 0);
    place.step_x = mirrored_x ? -along_x : along_x;
    place.step_y = mirrored_y ? -along_y : along_y;
    return place;
}

}  // namespace limpid
