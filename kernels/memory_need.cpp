// The comparison, and how amounts are written.
#include "kernels/memory_need.h"

#include <cstdio>
#include <iterator>

#include "kernels/error.h"
#include "kernels/stream.h"

namespace limpid {

void check_memory(const Stream& stream, size_t bytes, std::string_view what, std::string_view advice) {
    if (bytes <= stream.allowed_memory()) return;
    throw Error(memory_problem(what, double(bytes), stream.allowed_memory(), advice));
}

std::string memory_problem(std::string_view what, double bytes, size_t allowed, std::string_view advice) {
    return concat(what, ": needs ", print_bytes(bytes), " of memory, ", print_bytes(double(allowed)),
                  " are free or allowed by --max-memory; ", advice);
}

std::string print_bytes(double bytes) {
    constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < std::size(kUnits); unit++) bytes /= 1024;
    char text[64];
    std::snprintf(text, sizeof text, "%.*f %s", unit > 1 && bytes < 100 ? 1 : 0, bytes, kUnits[unit]);
    return text;
}

}  // namespace limpid
