// libFuzzer target: any bytes given to the reader of IDX files are read or refused by Error.
#include "weights/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const limpid::IdxArray array = limpid::read_idx(std::as_bytes(std::span(data, size)));
        if (array.data.size() > size) __builtin_trap();
    } catch (const limpid::Error&) {
    }
    return 0;
}
