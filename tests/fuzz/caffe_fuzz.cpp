// libFuzzer target: any bytes given to the .caffemodel reader are read or refused by Error.
#include "weights/readers.h"
#include "weights/small_models.h"

// The network of the small files in corpus/caffe; the real one would ask for 28 MB before anything could succeed.
static const limpid::KnownNetwork network =
    limpid::parse_network(limpid::testing::kSmallTable, limpid::testing::kSmallCaffeGraph);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const limpid::Bytes file = std::as_bytes(std::span(data, size));
    try {
        limpid::kind_of(file);
    } catch (const limpid::Error&) {
    }
    try {
        limpid::read_caffemodel(file, network);
    } catch (const limpid::Error&) {
    }
    return 0;
}
