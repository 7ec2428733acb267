// Rounding, bytes, base64 (RFC 4648), sprites.
#include "viz/report/page_data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "kernels/error.h"
#include "viz/image/image.h"

namespace limpid {

using nlohmann::ordered_json;

double rounded(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::strtod(text, nullptr);
}

ordered_json rounded(std::span<const double> values) {
    ordered_json list = ordered_json::array();
    for (const double v : values) list.push_back(rounded(v));
    return list;
}

ordered_json rounded(std::span<const float> values) {
    ordered_json list = ordered_json::array();
    for (const float v : values) list.push_back(rounded(double(v)));
    return list;
}

std::string base64(Bytes bytes) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t left = std::min<size_t>(3, bytes.size() - i);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) group = group << 8 | (k < left ? uint32_t(bytes[i + k]) : 0);
        for (size_t k = 0; k < 4; k++) text += k <= left ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

namespace {

float scale_of(std::span<const float> values) {
    float most = 0;
    for (const float v : values) {
        CHECK(std::isfinite(v));
        most = std::max(most, v);
    }
    return most;
}

void append_bytes(std::span<const float> values, float scale, std::vector<std::byte>& bytes) {
    for (const float v : values)
        bytes.push_back(std::byte(scale > 0 ? std::lround(double(std::max(v, 0.0f) / scale) * 255) : 0));
}

size_t elements(const std::vector<int64_t>& shape) {
    return size_t(std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>()));
}

}  // namespace

ordered_json byte_map(std::span<const float> values, const std::vector<int64_t>& shape) {
    CHECK(values.size() == elements(shape));
    const float scale = scale_of(values);
    std::vector<std::byte> bytes;
    append_bytes(values, scale, bytes);
    return {{"scale", rounded(double(scale))}, {"shape", shape}, {"u8", base64(bytes)}};
}

ordered_json byte_maps(std::span<const float> values, const std::vector<int64_t>& shape) {
    CHECK(values.size() == elements(shape));
    const size_t one = shape[0] > 0 ? values.size() / size_t(shape[0]) : 0;
    ordered_json scales = ordered_json::array();
    std::vector<std::byte> bytes;
    for (int64_t i = 0; i < shape[0]; i++) {
        const std::span<const float> slice = values.subspan(size_t(i) * one, one);
        scales.push_back(rounded(double(scale_of(slice))));
        append_bytes(slice, scale_of(slice), bytes);
    }
    return {{"scales", scales}, {"shape", shape}, {"u8", base64(bytes)}};
}

std::string jpeg_uri(ConstView picture, int quality) {
    return "data:image/jpeg;base64," + base64(encode_jpeg(picture, quality));
}

ordered_json sprite(const std::vector<ConstView>& pictures, int64_t cell, int64_t columns, int quality) {
    std::vector<HostTensor> cells;
    for (const ConstView& picture : pictures) cells.push_back(resize(picture, cell, cell));
    std::vector<ConstView> views;
    for (const HostTensor& c : cells) views.push_back(c.view());
    return {{"cell", cell}, {"columns", columns}, {"sprite", jpeg_uri(tile(views, columns, 0).view(), quality)}};
}

std::vector<double> unit_vector(std::span<const float> v) {
    std::vector<double> unit(v.begin(), v.end());
    const double length = std::sqrt(std::inner_product(unit.begin(), unit.end(), unit.begin(), 0.0));
    for (double& value : unit) value = length > 0 ? value / length : 0;
    return unit;
}

std::vector<int64_t> largest(std::span<const float> values, int64_t count) {
    std::vector<int64_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    const auto end = order.begin() + std::min(count, int64_t(order.size()));
    std::partial_sort(order.begin(), end, order.end(), [&](int64_t a, int64_t b) {
        const float x = values[size_t(a)], y = values[size_t(b)];
        return x != y ? x > y : a < b;
    });
    order.erase(end, order.end());
    return order;
}

}  // namespace limpid
