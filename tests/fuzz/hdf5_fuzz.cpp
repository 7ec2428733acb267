// libFuzzer target: any bytes given to the reader of converted files, with a digest to match, are read or refused by
// Error.
#include "weights/readers.h"
#include "weights/sha256.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const limpid::Bytes image = std::as_bytes(std::span(data, size));
    // Inputs lack the digest at the end: with one, every mutation would stop there.
    const std::string trailer = "LIMPID-SHA256 " + limpid::sha256_of(image) + " \n";
    std::vector<std::byte> file(image.begin(), image.end());
    file.insert(file.end(), limpid::as_bytes(trailer).begin(), limpid::as_bytes(trailer).end());
    try {
        limpid::read_hdf5(file);
    } catch (const limpid::Error&) {
    }
    return 0;
}
