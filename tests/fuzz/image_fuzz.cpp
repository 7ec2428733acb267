// libFuzzer target: any bytes given to the picture reader are read or refused by Error.
#include "kernels/error.h"
#include "viz/image/image.h"

// A few bytes may announce a large picture, which is legal and slow; small ones show the same faults.
constexpr int64_t kMostPixels = 1 << 14;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const limpid::Image image = limpid::decode_image(std::as_bytes(std::span(data, size)), "fuzz", kMostPixels);
        for (const float value : image.rgb.values) CHECK(value >= 0.0f && value <= 1.0f);
    } catch (const limpid::Error&) {
    }
    return 0;
}
