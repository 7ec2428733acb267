// Collects the CPU kernels of one instruction set into a table; compiled once per instruction set.
#include "kernels/backend.h"
#include "kernels/cpu/simd.h"

#define LIMPID_JOIN_(a, b) a##b
#define LIMPID_JOIN(a, b) LIMPID_JOIN_(a, b)

namespace limpid {

namespace CPU_NS {
#define LIMPID_DECLARE(Type, member) void install(Type&);
LIMPID_KERNEL_FAMILIES(LIMPID_DECLARE)
#undef LIMPID_DECLARE
}  // namespace CPU_NS

KernelTable LIMPID_JOIN(CPU_NS, _kernels)() {
    KernelTable table;
#define LIMPID_INSTALL(Type, member) CPU_NS::install(table.member);
    LIMPID_KERNEL_FAMILIES(LIMPID_INSTALL)
#undef LIMPID_INSTALL
    return table;
}

}  // namespace limpid
