// Memory that work needs, said in time: computed before any of it is taken, compared with what the stream allows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace limpid {

class Stream;

// Throws Error where `bytes` are more than the stream allows: "the positions of mixed4d: needs 24.1 GiB of memory,
// 7.9 GiB are free or allowed by --max-memory; <advice>". advice: what would need less.
void check_memory(const Stream& stream, size_t bytes, std::string_view what,
                  std::string_view advice = "a smaller picture needs less");

// What that Error says. bytes: of any size.
std::string memory_problem(std::string_view what, double bytes, size_t allowed, std::string_view advice);

// "1.5 GiB", "320 MiB", "12 KiB", "100 bytes".
std::string print_bytes(double bytes);

}  // namespace limpid
