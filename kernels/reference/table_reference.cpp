// Collects the oracles, wrapped as kernels, into the table of the reference device.
#include "kernels/backend.h"

namespace limpid {

namespace reference {
#define LIMPID_DECLARE(Type, member) void install(Type&);
LIMPID_KERNEL_FAMILIES(LIMPID_DECLARE)
#undef LIMPID_DECLARE
}  // namespace reference

KernelTable reference_kernels() {
    KernelTable table;
#define LIMPID_INSTALL(Type, member) reference::install(table.member);
    LIMPID_KERNEL_FAMILIES(LIMPID_INSTALL)
#undef LIMPID_INSTALL
    return table;
}

}  // namespace limpid
