// Takes one member out of a zip archive, to memory or to a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace limpid {

// Throws Error where the member is absent, damaged, or larger than `most_bytes`, whatever its header says.
std::vector<std::byte> read_member(const std::string& archive, const std::string& member,
                                   int64_t most_bytes = int64_t(1) << 29);

// Writes member `member` of `archive` to `path`, atomically; throws as read_member.
void unzip_member(const std::string& archive, const std::string& member, const std::string& path,
                  int64_t most_bytes = int64_t(1) << 29);

}  // namespace limpid
