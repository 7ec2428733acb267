// Follows every access of kernels to shared and global memory (options().check): races, memory that nobody wrote,
// addresses outside of allocations, misalignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/simt/collectives.h"

namespace simt {

// Where an access stands in the source: a return address of instrumented code, or (pc = 0) a place given by the
// emulation of an instruction.
struct Origin {
    uintptr_t pc = 0;
    Place place;
};
enum class Access { read, write, atomic };

void checker_begin_block();
// Turns what was found since into reports. Not on a fiber: looking up source lines needs a real stack.
void checker_end_grid();
// Does not return when a GPU would stop the kernel.
void checker_access(uintptr_t address, size_t bytes, Access access, const Origin& origin);

// Global memory as the host sees it. Contents are undefined until the host or a kernel writes them.
void checker_allocated(const void* address, size_t bytes);
void checker_freed(const void* address, size_t bytes);
void checker_host_wrote(const void* address, size_t bytes);

// "conv2d_cuda.cu:57": the line in a kernel's file, not the wrapper of kernels/device/ that was inlined there.
std::string source_line(const Origin& origin);

}  // namespace simt
