// Amounts of memory as people write them.
#pragma once

#include <cstddef>
#include <string>

namespace limpid {

// "1500000", "64KiB", "512MiB", "1.5GiB"; K, M, G and KB, MB, GB are powers of 1024 too, as in other tools. Throws
// UsageError.
size_t parse_byte_count(const std::string& text);

}  // namespace limpid
