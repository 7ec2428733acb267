// Photos for comparisons with engines that take the numbers of a file and know no colour profiles.
#pragma once

#include <string>

namespace limpid::testing {

// Writes the PNG or JPEG `photo` to `to` without its colour profile; all else stays as it is. Returns `to`.
std::string unprofiled(const std::string& photo, const std::string& to);

}  // namespace limpid::testing
