// Suggestions for a mistyped name.
#pragma once

#include <string>
#include <vector>

namespace limpid {

// The up to three known names nearest to `name` by edit distance, "a, b or c".
std::string nearest_names(const std::string& name, const std::vector<std::string>& known);

}  // namespace limpid
