// libFuzzer target: any bytes given to the GraphDef reader are read or refused by Error.
#include "weights/readers.h"

// The network of the small files in corpus/lucid_pb_fuzz; the real table would ask for 28 MB before anything could
// succeed.
static const std::vector<limpid::NameRow> table = limpid::parse_name_table(
    "conv2d0   2 3 4 5  conv2d0           conv   trunk\n"
    "softmax2  1 1 4 5  softmax2          dense  trunk\n"
    "nn0       1 1 12 2 nn0               2x3x2  head0\n");

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const limpid::Bytes file = std::as_bytes(std::span(data, size));
    try {
        limpid::kind_of(file);
    } catch (const limpid::Error&) {
    }
    try {
        limpid::read_lucid_pb(file, table);
    } catch (const limpid::Error&) {
    }
    return 0;
}
