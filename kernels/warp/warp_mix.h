// Mixtures of pixels on the CPU: each output pixel adds its terms in their order.
#pragma once

#include "kernels/warp/warp_rows.h"

namespace limpid::CPU_NS {

namespace {

template <int kFixed>
void mix_pixel(const PixelMixView& mixture, int64_t i, const ConstView& image, float* y) {
    const int64_t channels = kFixed ? kFixed : image.shape.c;
    zero(y, channels);
    const int64_t end = int64_t(mixture.first.data[i + 1]);
    for (int64_t k = int64_t(mixture.first.data[i]); k < end; k++) {
        const float* from = image.data + int64_t(mixture.pixel.data[k]) * image.pitch;
        const float weight = mixture.weight.data[k];
        for (int64_t c = 0; c < channels; c++) y[c] += weight * from[c];
    }
}

void mix(Stream& stream, ConstView x, const PixelMixView& mixture, MutView y) {
    const int64_t pixels = y.shape.h * y.shape.w;
    stream.threads().for_ranges(y.shape.n * pixels, 1 + 2048 / (1 + y.shape.c), [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) {
            const ConstView image = x.image(i / pixels);
            with_channels(y.shape.c,
                          [&](auto fixed) { mix_pixel<fixed()>(mixture, i % pixels, image, y.data + i * y.pitch); });
        }
    });
}

}  // namespace

}  // namespace limpid::CPU_NS
