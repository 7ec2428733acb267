// Numbers, maps and pictures as the page reads them (README.md).
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "kernels/tensor.h"
#include "weights/bytes.h"

namespace limpid {

// To four significant digits.
double rounded(double value);
nlohmann::ordered_json rounded(std::span<const double> values);
nlohmann::ordered_json rounded(std::span<const float> values);

std::string base64(Bytes bytes);

// "Map": bytes with one scale, value = u8 * scale / 255. Negative values are 0. Numbers lie as in `values`.
nlohmann::ordered_json byte_map(std::span<const float> values, const std::vector<int64_t>& shape);
// The same with a scale for each of the shape[0] slices.
nlohmann::ordered_json byte_maps(std::span<const float> values, const std::vector<int64_t>& shape);

// A picture {1,h,w,3} as a data URI.
std::string jpeg_uri(ConstView picture, int quality = 88);
// Square pictures {1,s,s,3} in rows of `columns`, each resized to cell x cell: {"cell", "columns", "sprite"}.
nlohmann::ordered_json sprite(const std::vector<ConstView>& pictures, int64_t cell, int64_t columns, int quality = 88);

// v / |v|; a vector of zeros stays one.
std::vector<double> unit_vector(std::span<const float> v);

// Indices of the `count` largest values, descending; equal ones in order.
std::vector<int64_t> largest(std::span<const float> values, int64_t count);

}  // namespace limpid
