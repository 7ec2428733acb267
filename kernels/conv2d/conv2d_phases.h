// Between a strided tensor and its phases: channel (phase_y, phase_x, c) of pixel u is c of stride*u + phase - pad.
#pragma once

#include "kernels/conv2d/conv2d_epilogue.h"

namespace limpid::CPU_NS {

// Pixels of a phase map lie this many floats apart: whole vectors.
static inline int64_t phase_pitch(int64_t channels) { return (channels + 15) / 16 * 16; }

// x to the input of a forward core; outside x: zeros. The phases of one row that lie inside a dense x are neighbours in
// memory.
static inline void split_phases(ThreadPool& threads, const Plan& plan, const Conv2dShape& s, ConstView x, float* map) {
    const Core& core = plan.core;
    const int64_t pitch = phase_pitch(core.in_c), run = s.stride_x * s.c;
    const auto split_row = [&](int64_t row) {
        const int64_t n = row / core.in_h, u_y = row % core.in_h;
        for (int64_t phase_y = 0; phase_y < s.stride_y; phase_y++) {
            const int64_t h = u_y * s.stride_y + phase_y - s.pad_top;
            const bool row_inside = h >= 0 && h < s.h;
            const float* from = x.data + (n * s.h + h) * s.w * x.pitch;
            float* to = map + row * core.in_w * pitch + phase_y * run;
            for (int64_t u_x = 0; u_x < core.in_w; u_x++, to += pitch) {
                const int64_t i = u_x * s.stride_x - s.pad_left;
                if (row_inside && i >= 0 && i + s.stride_x <= s.w && x.dense()) {
                    copy_floats(to, from + i * s.c, run);
                    continue;
                }
                for (int64_t phase_x = 0; phase_x < s.stride_x; phase_x++) {
                    const bool inside = row_inside && i + phase_x >= 0 && i + phase_x < s.w;
                    for (int64_t c = 0; c < s.c; c++)
                        to[phase_x * s.c + c] = inside ? from[(i + phase_x) * x.pitch + c] : 0.0f;
                }
            }
        }
    };
    threads.for_ranges(core.n * core.in_h, 8, [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; row++) split_row(row);
    });
}

// The output of a grad_input core to dx, with add and mask.
static inline void join_phases(ThreadPool& threads, const Plan& plan, const Conv2dShape& s, const float* map,
                               const Epilogue& e) {
    const Core& core = plan.core;
    const int64_t pitch = phase_pitch(core.out_c), run = s.stride_x * s.c;
    const int64_t first_y = divide_down(s.pad_top, s.stride_y), first_x = divide_down(s.pad_left, s.stride_x);
    const bool dense = e.out_pitch == s.c && (!e.add || e.add_pitch == s.c) && (!e.mask || e.mask_pitch == s.c);
    const auto join_row = [&](int64_t row) {
        const int64_t n = row / s.h, u = row % s.h + s.pad_top;
        const float* from_row =
            map + (n * core.out_h + u / s.stride_y - first_y) * core.out_w * pitch + u % s.stride_y * run;
        if (dense && run <= kPanel) {
            // Few channels: first the phases side by side, a piece of the row at a time, then whole vectors of them.
            constexpr int64_t kPiece = 64;
            alignas(64) float line[kPiece * kPanel + kPanel];
            for (int64_t first = 0; first < core.out_w; first += kPiece) {
                const int64_t count = smaller(kPiece, core.out_w - first);
                for (int64_t v = 0; v < count; v++)  // what is copied beyond a run, the next one overwrites
                    for (int64_t i = 0; i < kPanel; i += kLanes)
                        store(line + v * run + i, load(from_row + (first + v) * pitch + i));
                const int64_t begin = (first + first_x) * s.stride_x - s.pad_left,
                              end = smaller(begin + count * s.stride_x, s.w);
                const int64_t skipped = larger(-begin, 0), floats = (end - begin - skipped) * s.c;
                Epilogue flat = e;
                flat.channels = floats;
                const int64_t offset = (row * s.w + begin + skipped) * s.c;
                flat.out += offset;
                if (e.add) flat.add += offset;
                if (e.mask) flat.mask += offset;
                for (int64_t i = 0; i < floats; i += kLanes) {
                    const int64_t lanes = smaller(kLanes, floats - i);
                    const Floats value = load_first(line + skipped * s.c + i, lanes);
                    if (lanes == kLanes)
                        finish<true>(flat, value, Floats{}, 0, i, lanes);
                    else
                        finish<false>(flat, value, Floats{}, 0, i, lanes);
                }
            }
            return;
        }
        for (int64_t i = 0; i < s.w; i++) {
            const int64_t v = i + s.pad_left;
            const float* from = from_row + (v / s.stride_x - first_x) * pitch + v % s.stride_x * s.c;
            for (int64_t c = 0; c < s.c; c += kLanes) {
                const int64_t lanes = smaller(kLanes, s.c - c);
                finish<false>(e, load_first(from + c, lanes), Floats{}, row * s.w + i, c, lanes);
            }
        }
    };
    threads.for_ranges(s.n * s.h, 8, [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; row++) join_row(row);
    });
}

}  // namespace limpid::CPU_NS
