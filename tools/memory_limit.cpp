// One option, one meaning.
#include "tools/memory_limit.h"

#include <CLI/CLI.hpp>

#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "tools/byte_count.h"
#include "tools/free_memory.h"

namespace limpid {

size_t allowed_memory(const std::string& max_memory) {
    return max_memory.empty() ? free_memory() : parse_byte_count(max_memory);
}

void declare_memory_option(CLI::App& app, std::string& max_memory) {
    app.add_option("--max-memory", max_memory,
                   "the most memory that the work may take, e.g. 2GiB (pictures, values of layers, prepared weights, "
                   "results; on a GPU that of the device); by default what is free. The program and the weights as "
                   "read come on top. What needs more is refused before it begins; batches shrink where they can");
}

void check_memory(const std::string& max_memory, double bytes, const std::string& what, const std::string& advice) {
    const size_t allowed = allowed_memory(max_memory);
    if (bytes <= double(allowed)) return;
    throw Error(memory_problem(what, bytes, allowed, advice));
}

}  // namespace limpid
