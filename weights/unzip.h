// Takes one member out of a zip archive.
#pragma once

#include <cstdint>
#include <string>

namespace limpid {

// Writes member `member` of `archive` to `path`, atomically. Throws Error where it is absent, damaged, or larger than
// `most_bytes`, whatever its header says.
void unzip_member(const std::string& archive, const std::string& member, const std::string& path,
                  int64_t most_bytes = int64_t(1) << 29);

}  // namespace limpid
