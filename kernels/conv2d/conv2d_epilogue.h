// What happens to a finished sum before it is written: bias, ReLU, a second gradient, a mask; any pitch, any channel
// count.
#pragma once

#include "kernels/conv2d/conv2d_microkernel.h"

namespace limpid::CPU_NS {

// Null pointers: absent. Pixels are counted through all images: pixel i of out lies at out + i * out_pitch.
struct Epilogue {
    int64_t channels;
    const float* bias;
    bool relu;
    const float* add;
    int64_t add_pitch;
    const float* mask;
    int64_t mask_pitch;
    float* out;
    int64_t out_pitch;
};

// One vector of channels, the first of which is `channel`, of one pixel. `lanes` < kLanes at the end of the channels.
template <bool Full>
static inline void finish(const Epilogue& e, Floats value, Floats bias, int64_t pixel, int64_t channel, int64_t lanes) {
    const auto get = [&](const float* from) { return Full ? load(from) : load_first(from, lanes); };
    value += bias;
    if (e.add) value += get(e.add + pixel * e.add_pitch + channel);
    if (e.relu) value = max(Floats{}, value);  // in this order NaN stays NaN
    if (e.mask) value = get(e.mask + pixel * e.mask_pitch + channel) > Floats{} ? value : Floats{};
    float* to = e.out + pixel * e.out_pitch + channel;
    if (Full)
        store(to, value);
    else
        store_first(to, value, lanes);
}

static inline Floats bias_of(const Epilogue& e, int64_t channel) {
    return e.bias ? load_first(e.bias + channel, smaller(kLanes, e.channels - channel)) : Floats{};
}

// A tile of `pixels` pixels by `vectors` vectors: float `lane` of vector o of pixel p lies at tile[(p * vectors + o) *
// kLanes + lane].
static inline void finish_tile(const Epilogue& e, const float* tile, int64_t pixel, int64_t pixels, int64_t vector,
                               int64_t vectors) {
    for (int64_t o = 0; o < vectors; o++) {
        const int64_t channel = (vector + o) * kLanes, lanes = smaller(kLanes, e.channels - channel);
        const Floats bias = bias_of(e, channel);
        const float* from = tile + o * kLanes;
        if (lanes == kLanes) {
            for (int64_t p = 0; p < pixels; p++)
                finish<true>(e, load(from + p * vectors * kLanes), bias, pixel + p, channel, lanes);
        } else {
            for (int64_t p = 0; p < pixels; p++)
                finish<false>(e, load(from + p * vectors * kLanes), bias, pixel + p, channel, lanes);
        }
    }
}

}  // namespace limpid::CPU_NS
