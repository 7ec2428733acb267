// How the forward pass and the gradient to the input become one correlation, and what happens to its sums.
//
//   out[n, i, j, m] = sum_{a,b,l} in[n, i*step_y + a - top, j*step_x + b - left, l] * f[a, b, l, m]
//
// forward:     in = x, out = y, f = w.
// grad_input:  in = dy, out = dx. With stride 1, f is w turned by 180 degrees with its channels exchanged. With a
//              stride, rows h of dx with the same phase (h + pad_top) % stride_y see the same taps r = stride_y*t +
//              phase at p = (h + pad_top) / stride_y - t: each phase is a correlation of its own, with step 1 over dy
//              and few taps, whose outputs are every stride-th row and column of dx. A phase may have no taps at all.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/device/launch.h"
#include "kernels/device/vector.h"

namespace limpid::DEVICE_NS {

// Sizes of all phases together. Sizes fit int: make_correlation checks.
struct Correlation {
    int images, in_h, in_w, in_c;
    int filter_h, filter_w;  // of w
    int out_h, out_w, out_c;
    int step_y, step_x;  // rows of in per row of out, forward
    int pad_top, pad_left;
    int phases_y, phases_x;  // 1 forward and with stride 1
    bool forward;

    __host__ __device__ int phases() const { return phases_y * phases_x; }
    // Packed filters are [phase][a][b][l][m], m padded with zeros to this many: rows can be read four at a time.
    __host__ __device__ int filter_pitch() const { return (out_c + kVector - 1) / kVector * kVector; }
    __host__ __device__ int64_t pixels() const { return int64_t(images) * out_h * out_w; }
    // Of the largest phase.
    int64_t phase_pixels() const { return images * divide_up(out_h, phases_y) * divide_up(out_w, phases_x); }
    int64_t phase_taps() const { return divide_up(filter_h, phases_y) * divide_up(filter_w, phases_x); }
    int64_t phase_depth() const { return phase_taps() * in_c; }
};

struct Phase {
    int taps_y, taps_x;
    int rows, columns;     // of out, in this phase
    int first_y, first_x;  // row and column of out at i = j = 0
    int top, left;
    int64_t filter;  // first float of the phase in the packed filters

    __host__ __device__ int depth(const Correlation& c) const { return taps_y * taps_x * c.in_c; }
    __host__ __device__ int pixels(const Correlation& c) const { return c.images * rows * columns; }
};

inline int checked_int(int64_t value) {
    CHECK(value >= 0 && value < int64_t(1) << 31, "a size of ", value, " is beyond what CUDA kernels count");
    return int(value);
}

inline Correlation make_correlation(const Conv2dShape& s, Conv2dPass pass) {
    checked_int(s.n * s.h * s.w), checked_int(s.n * s.p() * s.q()), checked_int(s.r * s.s * s.c),
        checked_int(s.r * s.s * s.k);
    const auto i = [](int64_t value) { return int(value); };
    if (pass == Conv2dPass::forward)
        return {i(s.n), i(s.h),        i(s.w),        i(s.c),       i(s.r),        i(s.s), i(s.p()), i(s.q()),
                i(s.k), i(s.stride_y), i(s.stride_x), i(s.pad_top), i(s.pad_left), 1,      1,        true};
    return {i(s.n), i(s.p()), i(s.q()), i(s.k),       i(s.r),        i(s.s),        i(s.h),        i(s.w),
            i(s.c), 1,        1,        i(s.pad_top), i(s.pad_left), i(s.stride_y), i(s.stride_x), false};
}

// One axis of a phase.
struct PhaseAxis {
    int taps, taps_before, size, first, pad;
};
__host__ __device__ inline PhaseAxis phase_axis(int phase, int phases, int filter, int out, int pad, bool forward) {
    if (forward) return {filter, 0, out, 0, pad};
    const int taps = phase < filter ? (filter - 1 - phase) / phases + 1 : 0;
    const int taps_before = filter / phases * phase + (filter % phases < phase ? filter % phases : phase);
    const int first = ((phase - pad) % phases + phases) % phases;
    const int size = first < out ? (out - 1 - first) / phases + 1 : 0;
    return {taps, taps_before, size, first, taps - 1 - (first + pad - phase) / phases};
}
__host__ __device__ inline Phase phase_of(const Correlation& c, int index) {
    const PhaseAxis y = phase_axis(index / c.phases_x, c.phases_y, c.filter_h, c.out_h, c.pad_top, c.forward);
    const PhaseAxis x = phase_axis(index % c.phases_x, c.phases_x, c.filter_w, c.out_w, c.pad_left, c.forward);
    const int64_t taps_before = int64_t(y.taps_before) * c.filter_w + int64_t(y.taps) * x.taps_before;
    return {y.taps, x.taps, y.size, x.size, y.first, x.first, y.pad, x.pad, taps_before * c.in_c * c.filter_pitch()};
}

// What happens to a finished sum before it is written. Null: absent. Pixels count through all images.
struct Epilogue {
    int channels;
    const float* bias;
    bool relu;
    ConstPixels add, mask;
    MutPixels out;
    bool vectors;  // everything may be read and written four channels at a time
};

inline Epilogue make_epilogue(ConstView bias, bool relu, ConstView add, ConstView mask, MutView out) {
    const auto fits = [](const auto& view) { return !view || vectorizable(view.data, view.pitch, kVector); };
    const bool vectors =
        vectorizable(out) && fits(add) && fits(mask) && (!bias || reinterpret_cast<uintptr_t>(bias.data) % 16 == 0);
    return {int(out.shape.c), bias.data, relu, add, mask, out, vectors};
}

__device__ __forceinline__ float finish(const Epilogue& e, float value, float bias, float add, float mask) {
    if (e.bias) value += bias;
    if (e.add) value += add;
    if (e.relu) value = 0.0f > value ? 0.0f : value;  // NaN stays NaN
    if (e.mask) value = mask > 0.0f ? value : 0.0f;
    return value;
}
__device__ __forceinline__ void finish_one(const Epilogue& e, float value, int64_t pixel, int channel) {
    e.out[pixel][channel] = finish(e, value, e.bias ? e.bias[channel] : 0.0f, e.add ? e.add[pixel][channel] : 0.0f,
                                   e.mask ? e.mask[pixel][channel] : 0.0f);
}
// Four channels, of which those beyond the last are dropped.
__device__ __forceinline__ void finish_four(const Epilogue& e, float4 value, int64_t pixel, int channel) {
    if (!e.vectors) {
        const float values[4] = {value.x, value.y, value.z, value.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (channel + i < e.channels) finish_one(e, values[i], pixel, channel + i);
        return;
    }
    if (channel >= e.channels) return;
    const float4 none = make_float4(0, 0, 0, 0);
    const float4 bias = e.bias ? load4(e.bias + channel) : none, add = e.add ? load4(e.add[pixel] + channel) : none,
                 mask = e.mask ? load4(e.mask[pixel] + channel) : none;
    store4(e.out[pixel] + channel,
           make_float4(finish(e, value.x, bias.x, add.x, mask.x), finish(e, value.y, bias.y, add.y, mask.y),
                       finish(e, value.z, bias.z, add.z, mask.z), finish(e, value.w, bias.w, add.w, mask.w)));
}

}  // namespace limpid::DEVICE_NS
