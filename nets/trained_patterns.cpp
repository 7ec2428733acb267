// The file nets/patterns/patterns.h5 inside the program.
#include "nets/patterns.h"
#include "weights/readers.h"

#ifndef LIMPID_PATTERNS_FILE
#error "CMakeLists.txt names the file"
#endif

// Read by the assembler: as C++ text, two million numbers would take the compiler a minute.
asm(".section .rodata\n"
    ".balign 16\n"
    "limpid_patterns_begin: .incbin \"" LIMPID_PATTERNS_FILE
    "\"\n"
    "limpid_patterns_end:\n"
    ".globl limpid_patterns_begin\n"
    ".globl limpid_patterns_end\n"
    ".hidden limpid_patterns_begin\n"
    ".hidden limpid_patterns_end\n"
    ".previous\n");
extern "C" {
extern const std::byte limpid_patterns_begin[];
extern const std::byte limpid_patterns_end[];
}

namespace limpid {

Weights trained_patterns() { return read_hdf5(Bytes(limpid_patterns_begin, limpid_patterns_end)); }

}  // namespace limpid
