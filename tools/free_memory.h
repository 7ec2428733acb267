// How much memory this process could still take.
#pragma once

#include <cstddef>
#include <string>

namespace limpid {

// In bytes: what the system says is available, less where a control group (v1 or v2) or a resource limit (ulimit -v,
// -d) allows less. The largest number where nothing says anything. root: what precedes /proc and /sys, for tests.
size_t free_memory(const std::string& root = "");

}  // namespace limpid
