// libFuzzer target: any bytes given to the ONNX importer become a network whose text parses, or are refused by Error.
#include "nets/architecture.h"
#include "weights/import/import_network.h"
#include "weights/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const limpid::Bytes file = std::as_bytes(std::span(data, size));
    limpid::NetworkOptions options;
    options.title = "fuzzed";
    options.size = 16;
    options.most_made_values = 4096;
    try {
        const limpid::ImportedNetwork network = limpid::import_network(limpid::read_onnx(file), options);
        limpid::parse_architecture(network.text);
    } catch (const limpid::Error&) {
    }
    return 0;
}
