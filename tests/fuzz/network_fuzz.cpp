// libFuzzer target: any text given to the parser of networks is refused by Error, or is a network that prints and parses.
#include "kernels/error.h"
#include "nets/architecture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const limpid::Architecture read = limpid::parse_architecture({reinterpret_cast<const char*>(data), size});
        const std::string text = limpid::to_string(read);
        CHECK(limpid::parse_architecture(text) == read, text);
        limpid::trunk_layers(read);
        limpid::normalisation_of(read);
    } catch (const limpid::Error&) {
    }
    return 0;
}
