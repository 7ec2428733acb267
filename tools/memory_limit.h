// What a command may take of memory: what --max-memory says, or else what is free.
#pragma once

#include <cstddef>
#include <string>

namespace CLI {
class App;
}

namespace limpid {

// "" is free_memory(); otherwise as parse_byte_count reads it. Throws UsageError.
size_t allowed_memory(const std::string& max_memory);

// --max-memory, with one meaning for all commands.
void declare_memory_option(CLI::App& app, std::string& max_memory);

// For commands without a network: throws Error where they need more than is allowed.
void check_memory(const std::string& max_memory, double bytes, const std::string& what, const std::string& advice);

}  // namespace limpid
