// libFuzzer target: any bytes given to the GraphDef reader are read or refused by Error.
#include "weights/readers.h"
#include "weights/small_models.h"

// The network of the small files in corpus/lucid_pb; the real one would ask for 28 MB before anything could succeed.
static const limpid::KnownNetwork network =
    limpid::parse_network(limpid::testing::kSmallGraphTable, limpid::testing::kSmallGraph);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const limpid::Bytes file = std::as_bytes(std::span(data, size));
    try {
        limpid::kind_of(file);
    } catch (const limpid::Error&) {
    }
    try {
        limpid::read_lucid_pb(file, network);
    } catch (const limpid::Error&) {
    }
    return 0;
}
