// How every pass becomes one correlation, the "core": which algorithm, on which sizes, with which filters.
//
//   out[n,i,j,m] = sum_{a,b,l} in[n, i*stride_y + a - top, j*stride_x + b - left, l] * f[a,b,l,m]
//
// forward:     in = x, out = y, f = w.
// grad_input:  in = dy, out = dx. With stride 1, f is w turned by 180 degrees with its channels exchanged.
//              With a stride, write a row of padded x as h + pad = stride*u + phase: all rows of one phase see the
//              same taps r = stride*t + phase at p = u - t. So the rows u of all phases together are the output of one
//              stride-1 correlation over dy whose output channels are (phase_y, phase_x, c), and a last step shuffles
//              them into place (phases.h).
// The same decomposition turns a strided forward pass into a stride-1 correlation over the input channels
// (phase_y, phase_x, c), which Winograd can take.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/rounding.h"

namespace limpid::CPU_NS {

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t divide_down(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

enum class Algorithm { direct, winograd_4x4_3x3, winograd_2x2_3x3, winograd_3x3_4x4, winograd_2x2_5x5 };

struct Core {
    int64_t n, in_h, in_w, in_c;
    int64_t taps_y, taps_x;
    int64_t out_h, out_w, out_c;
    int64_t stride_y, stride_x, top, left;

    int64_t out_pixels() const { return n * out_h * out_w; }
    int64_t vectors() const { return divide_up(out_c, kLanes); }  // of output channels
};

struct Plan {
    Algorithm algorithm;
    Conv2dPass pass;
    int64_t phases_y, phases_x;  // 1: in and out are the tensors themselves
    Core core;

    bool phased() const { return phases_y * phases_x > 1; }
};

// The forward pass as a correlation with its own stride.
static inline Core forward_core(const Conv2dShape& s) {
    return {s.n, s.h, s.w, s.c, s.r, s.s, s.p(), s.q(), s.k, s.stride_y, s.stride_x, s.pad_top, s.pad_left};
}

// The forward pass as a stride-1 correlation over phases of x; padding is part of the phases.
static inline Core forward_phases_core(const Conv2dShape& s) {
    if (s.stride_y == 1 && s.stride_x == 1) return forward_core(s);
    const int64_t taps_y = divide_up(s.r, s.stride_y), taps_x = divide_up(s.s, s.stride_x);
    return {s.n,
            s.p() + taps_y - 1,
            s.q() + taps_x - 1,
            s.c * s.stride_y * s.stride_x,
            taps_y,
            taps_x,
            s.p(),
            s.q(),
            s.k,
            1,
            1,
            0,
            0};
}

static inline Core grad_input_core(const Conv2dShape& s) {
    const int64_t taps_y = divide_up(s.r, s.stride_y), taps_x = divide_up(s.s, s.stride_x);
    const int64_t first_y = divide_down(s.pad_top, s.stride_y), last_y = divide_down(s.h - 1 + s.pad_top, s.stride_y);
    const int64_t first_x = divide_down(s.pad_left, s.stride_x), last_x = divide_down(s.w - 1 + s.pad_left, s.stride_x);
    return {s.n,
            s.p(),
            s.q(),
            s.k,
            taps_y,
            taps_x,
            last_y - first_y + 1,
            last_x - first_x + 1,
            s.c * s.stride_y * s.stride_x,
            1,
            1,
            taps_y - 1 - first_y,
            taps_x - 1 - first_x};
}

// Winograd for a stride-1 core, where it has one and is worth it.
static inline Algorithm core_algorithm(const Core& core) {
    // Below 8 channels a vector is mostly padding; on one row or column most of a tile is.
    const int64_t taps = core.taps_y, extent = smaller(core.out_h, core.out_w);
    if (core.taps_x != taps || core.in_c < 8 || core.out_c < 8 || extent < 2) return Algorithm::direct;
    switch (taps) {
        case 3:
            // On small maps the filters, not the multiplications, take the time: those of F(4x4,3x3) are 2.25 times as
            // large. 144 to 288 channels on 8x8 pixels, one thread: 104 and 88 us with filters in L3, but 122 and 175
            // us with filters in memory.
            return extent >= 12 ? Algorithm::winograd_4x4_3x3 : Algorithm::winograd_2x2_3x3;
        case 4:
            return Algorithm::winograd_3x3_4x4;
        case 5:
            return Algorithm::winograd_2x2_5x5;
        default:
            return Algorithm::direct;
    }
}

// Which algorithm: a function of everything but n and the thread count, so that neither changes the bits of a result.
static inline Plan make_plan(const Conv2dShape& s, Conv2dPass pass) {
    if (pass == Conv2dPass::grad_input) {
        const Core core = grad_input_core(s);
        return {core_algorithm(core), pass, s.stride_y, s.stride_x, core};
    }
    const Core phases = forward_phases_core(s);
    const Algorithm algorithm = core_algorithm(phases);
    if (algorithm != Algorithm::direct) return {algorithm, pass, s.stride_y, s.stride_x, phases};
    return {Algorithm::direct, pass, 1, 1, forward_core(s)};
}

static inline std::string_view algorithm_name(const Plan& plan) {
    switch (plan.algorithm) {
        case Algorithm::direct:
            return plan.phased() ? "direct_phases" : "direct";
        case Algorithm::winograd_4x4_3x3:
            return plan.phased() ? "winograd_4x4_3x3_phases" : "winograd_4x4_3x3";
        case Algorithm::winograd_2x2_3x3:
            return plan.phased() ? "winograd_2x2_3x3_phases" : "winograd_2x2_3x3";
        case Algorithm::winograd_3x3_4x4:
            return plan.phased() ? "winograd_3x3_4x4_phases" : "winograd_3x3_4x4";
        case Algorithm::winograd_2x2_5x5:
            return plan.phased() ? "winograd_2x2_5x5_phases" : "winograd_2x2_5x5";
    }
    return "";
}

// dst[i][lane] = f[a, b, l_first + i, m_first + lane] for i < count; zero where m is beyond out_c or the tap beyond the
// filter.
static inline void copy_filters(const Plan& plan, const Conv2dShape& s, const float* w, int64_t m_first, int64_t a,
                                int64_t b, int64_t l_first, int64_t count, float* dst) {
    if (plan.pass == Conv2dPass::forward) {
        const int64_t lanes = smaller(kLanes, s.k - m_first);
        for (int64_t i = 0; i < count; i++) {
            const int64_t phase = (l_first + i) / s.c, c = (l_first + i) % s.c;
            const int64_t r = a * plan.phases_y + phase / plan.phases_x,
                          column = b * plan.phases_x + phase % plan.phases_x;
            const bool inside = r < s.r && column < s.s;
            store(dst + i * kLanes,
                  inside ? load_first(w + ((r * s.s + column) * s.c + c) * s.k + m_first, lanes) : Floats{});
        }
        return;
    }
    for (int64_t lane = 0; lane < kLanes; lane++) {
        const int64_t m = m_first + lane, phase = m / s.c, c = m % s.c;
        const int64_t r = (plan.core.taps_y - 1 - a) * plan.phases_y + phase / plan.phases_x;
        const int64_t column = (plan.core.taps_x - 1 - b) * plan.phases_x + phase % plan.phases_x;
        const bool inside = m < plan.core.out_c && r < s.r && column < s.s;
        const float* from = w + ((r * s.s + column) * s.c + c) * s.k + l_first;
        for (int64_t i = 0; i < count; i++) dst[i * kLanes + lane] = inside ? from[i] : 0.0f;
    }
}

static inline void copy_floats(float* to, const float* from, int64_t count) {
    for (; count >= kLanes; count -= kLanes, to += kLanes, from += kLanes) store(to, load(from));
    store_first(to, load_first(from, count), count);
}

// Scratch in pieces. (Scratch::take may be compiled with wide instructions and shared: see simd.h.)
static inline int64_t padded_floats(int64_t count) { return (count + 15) / 16 * 16; }
static inline float* take_floats(Scratch& scratch, int64_t count) {
    float* result = reinterpret_cast<float*>(scratch.data);
    scratch.data += padded_floats(count) * 4;
    return result;
}

}  // namespace limpid::CPU_NS
