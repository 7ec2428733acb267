// The header of .npy is a Python dictionary; only the three keys that NumPy writes are looked for.
#include "viz/image/array_file.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "viz/image/image.h"
#include "weights/bytes.h"
#include "weights/file.h"

namespace limpid {

namespace {

constexpr int64_t kMostValues = int64_t(1) << 28;  // 1 GiB of floats

// The text after `'key': ` in the header.
std::string_view value_of(std::string_view header, std::string_view key) {
    const size_t at = header.find(key);
    if (at == std::string_view::npos) throw Error(concat("the header has no ", key));
    std::string_view rest = header.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    return rest;
}

Shape shape_of(std::string_view header) {
    std::string_view rest = value_of(header, "'shape'");
    std::vector<int64_t> axes;
    int64_t size = 1;
    while (!rest.empty() && rest[0] != ')') {
        int64_t axis = -1;
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), axis);
        if (parsed.ec == std::errc()) {
            rest.remove_prefix(size_t(parsed.ptr - rest.data()));
            if (axis < 1 || axis > kMostValues || (size *= axis) > kMostValues || axes.size() == 8)
                throw Error("expected up to eight axes, none empty, of a gigabyte at most");
            axes.push_back(axis);
        } else {
            rest.remove_prefix(1);
        }
    }
    while (axes.size() > 4) {
        axes[1] *= axes[0];
        axes.erase(axes.begin());
    }
    while (axes.size() < 4) axes.insert(axes.begin(), 1);
    return {axes[0], axes[1], axes[2], axes[3]};
}

bool is_npy(Bytes bytes) { return as_text(bytes).starts_with("\x93NUMPY"); }

}  // namespace

HostTensor decode_npy(Bytes bytes) {
    ByteCursor cursor(bytes);
    cursor.take(6);
    const int version = int(cursor.take_number<uint8_t>());
    cursor.take(1);
    const uint64_t length = version == 1 ? cursor.take_number<uint16_t>() : cursor.take_number<uint32_t>();
    const std::string_view header = as_text(cursor.take(length));
    const std::string_view type = value_of(header, "'descr'");
    const uint64_t size_bytes = type.starts_with("'<f8'")   ? 8
                                : type.starts_with("'<f4'") ? 4
                                : type.starts_with("'|u1'") ? 1
                                                            : 0;
    if (size_bytes == 0)
        throw Error(concat("values of type ", printable(type.substr(0, type.find_first_of(",}"))),
                           ", expected float32, float64 or uint8; save it with .astype('float32')"));
    if (!value_of(header, "'fortran_order'").starts_with("False"))
        throw Error("values in Fortran order, expected C order; save it with numpy.ascontiguousarray");
    HostTensor result(shape_of(header));
    ByteCursor values(cursor.take(result.values.size() * size_bytes), cursor.offset());
    for (float& value : result.values)
        value = size_bytes == 8   ? float(values.take_number<double>())
                : size_bytes == 4 ? values.take_number<float>()
                                  : float(values.take_number<uint8_t>());
    return result;
}

HostTensor load_array(const std::string& path) {
    const std::vector<std::byte> bytes = read_file(path);
    if (!is_npy(bytes)) return decode_flat(bytes, path);
    return with_context(path, [&] { return decode_npy(bytes); });
}

HostTensor load_photo(const std::string& path, int64_t h, int64_t w, bool with_alpha) {
    const std::vector<std::byte> bytes = read_file(path);
    if (is_npy(bytes)) return with_context(path, [&] { return decode_npy(bytes); });
    const RasterImage raster = decode_raster(bytes, path);
    const auto fitted = [&](const PictureRows& photo) {
        if (photo.shape.h == h && photo.shape.w == w) return picture_of(photo);
        HostTensor square = fit_photo(photo, std::max(h, w));
        return h == w ? std::move(square) : crop_centre(square.view(), h, w);
    };
    const HostTensor rgb = fitted(flat_rows(raster));
    if (!with_alpha) return rgb;
    HostTensor rgba({1, h, w, 4}, 1.0f);
    const HostTensor alpha = raster.has_alpha() ? fitted(alpha_rows(raster)) : HostTensor();
    for (int64_t i = 0; i < h * w; i++) {
        std::copy_n(&rgb.values[size_t(3 * i)], 3, &rgba.values[size_t(4 * i)]);
        if (!alpha.values.empty()) rgba.values[size_t(4 * i + 3)] = alpha.values[size_t(i)];
    }
    return rgba;
}

}  // namespace limpid
