// Between a strided tensor and its phases: pixel (u_y, u_x) with channels (phase_y, phase_x, c) is pixel stride*u +
// phase - pad.
#pragma once

#include "kernels/conv2d/conv2d_epilogue.h"

namespace limpid::CPU_NS {

// Pixels of a phase map lie this many floats apart: whole vectors.
static inline int64_t phase_pitch(int64_t channels) { return (channels + 15) / 16 * 16; }

// x to the input of a forward core; outside x: zeros.
static inline void split_phases(ThreadPool& threads, const Plan& plan, const Conv2dShape& s, ConstView x, float* map) {
    const Core& core = plan.core;
    const int64_t pitch = phase_pitch(core.in_c);
    threads.run(core.n * core.in_h, [&](int64_t row, int) {
        const int64_t n = row / core.in_h, u_y = row % core.in_h;
        float* to = map + row * core.in_w * pitch;
        for (int64_t u_x = 0; u_x < core.in_w; u_x++, to += pitch)
            for (int64_t phase_y = 0; phase_y < plan.phases_y; phase_y++)
                for (int64_t phase_x = 0; phase_x < plan.phases_x; phase_x++) {
                    const int64_t h = u_y * s.stride_y + phase_y - s.pad_top,
                                  i = u_x * s.stride_x + phase_x - s.pad_left;
                    const bool inside = h >= 0 && h < s.h && i >= 0 && i < s.w;
                    float* pixel = to + (phase_y * plan.phases_x + phase_x) * s.c;
                    const float* from = x.data + ((n * s.h + h) * s.w + i) * x.pitch;
                    for (int64_t c = 0; c < s.c; c++) pixel[c] = inside ? from[c] : 0.0f;
                }
    });
}

// The output of a grad_input core to dx, with add and mask.
static inline void join_phases(ThreadPool& threads, const Plan& plan, const Conv2dShape& s, const float* map,
                               const Epilogue& e) {
    const Core& core = plan.core;
    const int64_t pitch = phase_pitch(core.out_c);
    const int64_t first_y = divide_down(s.pad_top, s.stride_y), first_x = divide_down(s.pad_left, s.stride_x);
    threads.run(s.n * s.h, [&](int64_t row, int) {
        const int64_t n = row / s.h, u = row % s.h + s.pad_top;
        const float* from_row =
            map + (n * core.out_h + u / s.stride_y - first_y) * core.out_w * pitch + u % s.stride_y * s.stride_x * s.c;
        for (int64_t i = 0; i < s.w; i++) {
            const int64_t v = i + s.pad_left;
            const float* from = from_row + (v / s.stride_x - first_x) * pitch + v % s.stride_x * s.c;
            for (int64_t c = 0; c < s.c; c += kLanes) {
                const int64_t lanes = smaller(kLanes, s.c - c);
                finish<false>(e, load_first(from + c, lanes), Floats{}, row * s.w + i, c, lanes);
            }
        }
    });
}

}  // namespace limpid::CPU_NS
