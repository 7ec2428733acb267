// Where a broken invariant ends: file, line, condition, and abort (so that a debugger or a core file shows the cause).
#include "kernels/error.h"

#include <cstdio>
#include <cstdlib>

namespace limpid {

void check_failed(const char* condition, const char* file, int line, const std::string& detail) {
    std::fprintf(stderr, "limpid: internal error: %s:%d: CHECK(%s) failed%s%s\n", file, line, condition,
                 detail.empty() ? "" : ": ", detail.c_str());
    std::abort();
}

}  // namespace limpid
