// The direct algorithm: every tap and channel of a block of pixels is copied into a panel (padding, strides, pitches
// and odd channel counts end there), then multiplied. Depth d = (a * taps_x + b) * in_c + l. Takes every shape.
#pragma once

#include "kernels/conv2d/conv2d_epilogue.h"

namespace limpid::CPU_NS {

static inline int64_t depth_of(const Core& core) { return core.taps_y * core.taps_x * core.in_c; }

// Packed filters: [vector of out channels][depth][kLanes].
static inline int64_t direct_packed_size(const Core& core) { return core.vectors() * depth_of(core) * kLanes; }

static inline void direct_pack(ThreadPool& threads, const Plan& plan, const Conv2dShape& shape, const float* w,
                               float* packed) {
    const Core& core = plan.core;
    const int64_t depth = depth_of(core), block = depth * kLanes;
    threads.run(core.vectors(), [&](int64_t v, int) {
        float* to = packed + v * block;
        for (int64_t a = 0; a < core.taps_y; a++)
            for (int64_t b = 0; b < core.taps_x; b++, to += core.in_c * kLanes)
                copy_filters(plan, shape, w, v * kLanes, a, b, 0, core.in_c, to);
    });
}

// Writes `count` floats (zeros when from is null) at depth d of a pixel whose panel column is `column`.
static inline void put(float* column, int64_t panel_block, int64_t d, const float* from, int64_t count) {
    static constexpr float kZeros[kPanel] = {};
    while (count > 0) {
        float* to = column + d / kPanel * panel_block + d % kPanel;
        const int64_t room = kPanel - d % kPanel, now = smaller(room, count);
        const float* source = from ? from : kZeros;
        if (now == kPanel)
            for (int64_t i = 0; i < kPanel; i += kLanes) store(to + i, load(source + i));
        else
            copy_floats(to, source, now);
        d += now;
        count -= now;
        if (from) from += now;
    }
}

// Output pixels are input pixels: a 1x1 filter with nothing around it.
static inline bool pixel_by_pixel(const Core& core) {
    return core.taps_y * core.taps_x == 1 && core.stride_y == 1 && core.stride_x == 1 && core.top == 0 &&
           core.left == 0 && core.out_h == core.in_h && core.out_w == core.in_w;
}

static inline void fill_panel_by_pixel(const Core& core, ConstView in, int64_t first, int64_t count, float* panel,
                                       int64_t panel_block) {
    const int64_t whole = core.in_c / kPanel, rest = core.in_c % kPanel;
    for (int64_t p = 0; p < count; p++) {
        const float* from = in.data + (first + p) * in.pitch;
        float* to = panel + p * kPanel;
        for (int64_t block = 0; block < whole; block++, from += kPanel, to += panel_block)
            for (int64_t i = 0; i < kPanel; i += kLanes) store(to + i, load(from + i));
        for (int64_t i = 0; i < rest; i += kLanes) store(to + i, load_first(from + i, smaller(kLanes, rest - i)));
    }
}

// Panels of the output pixels [first, first + count).
static inline void fill_panel(const Core& core, ConstView in, int64_t first, int64_t count, float* panel,
                              int64_t panel_block) {
    if (pixel_by_pixel(core)) return fill_panel_by_pixel(core, in, first, count, panel, panel_block);
    const int64_t run = core.taps_x * core.in_c;
    int64_t j = first % core.out_w, i = first / core.out_w % core.out_h, n = first / core.out_w / core.out_h;
    for (int64_t p = 0; p < count; p++) {
        float* column = panel + p * kPanel;
        const int64_t y = i * core.stride_y - core.top, x = j * core.stride_x - core.left;
        const int64_t begin = smaller(larger(-x, 0), core.taps_x),
                      end = larger(begin, smaller(core.in_w - x, core.taps_x));
        for (int64_t a = 0; a < core.taps_y; a++) {
            const int64_t d = a * run;
            if (y + a < 0 || y + a >= core.in_h || begin == end) {
                put(column, panel_block, d, nullptr, run);
                continue;
            }
            const float* from = in.data + ((n * core.in_h + y + a) * core.in_w + x + begin) * in.pitch;
            put(column, panel_block, d, nullptr, begin * core.in_c);
            if (in.pitch == core.in_c)
                put(column, panel_block, d + begin * core.in_c, from, (end - begin) * core.in_c);
            else
                for (int64_t b = begin; b < end; b++, from += in.pitch)
                    put(column, panel_block, d + b * core.in_c, from, core.in_c);
            put(column, panel_block, d + end * core.in_c, nullptr, run - end * core.in_c);
        }
        if (++j == core.out_w) {
            j = 0;
            if (++i == core.out_h) i = 0, n++;
        }
    }
}

// Panels of a block should stay in L2 with a few groups of filters.
constexpr int64_t kPanelBytes = 320 * 1024;

struct DirectBlocks {
    int64_t blocks, parts;  // tasks: blocks of pixels times parts of the output channels
    int64_t panel_block;  // floats between 16 floats of depth; an odd number of pixels, lest they meet in one cache set
};

static inline DirectBlocks direct_blocks(const Core& core, int threads) {
    const int64_t pixels = core.out_pixels(), bytes = divide_up(depth_of(core), kPanel) * kPanel * 4;
    const int64_t most = larger(kPanelBytes / bytes, 2 * kMostPixels[2]);
    int64_t blocks = larger(divide_up(pixels, most), 1), parts = 1;
    if (threads > 1) {
        if (pixels >= 2 * kMostPixels[2] * threads)
            blocks = divide_up(blocks, threads) * threads;
        else
            // Small maps: it is the filters that are large.
            parts = larger(smaller(divide_up(threads, blocks), core.vectors()), 1);
    }
    return {blocks, parts, (divide_up(pixels, blocks) | 1) * kPanel};
}

static inline int64_t direct_scratch_floats(const Core& core, int threads) {
    return threads * padded_floats(divide_up(depth_of(core), kPanel) * direct_blocks(core, threads).panel_block);
}

static inline void direct_run(ThreadPool& threads, const Core& core, ConstView in, const float* packed,
                              const Epilogue& epilogue, Scratch scratch) {
    const DirectBlocks split = direct_blocks(core, threads.size());
    const int64_t pixels = core.out_pixels(), depth = depth_of(core), filters_block = depth * kLanes;
    if (pixels == 0) return;
    const int64_t panel_floats = padded_floats(divide_up(depth, kPanel) * split.panel_block);
    float* panels = take_floats(scratch, threads.size() * panel_floats);
    threads.run(split.blocks * split.parts, [&](int64_t task, int worker) {
        const int64_t block = task / split.parts, part = task % split.parts;
        const int64_t first = pixels * block / split.blocks, count = pixels * (block + 1) / split.blocks - first;
        float* panel = panels + worker * panel_floats;
        fill_panel(core, in, first, count, panel, split.panel_block);
        for_tiles(count, core.vectors() * part / split.parts, core.vectors() * (part + 1) / split.parts,
                  [&](Multiply kernel, int64_t vector, int64_t vectors, int64_t p, int64_t tile_pixels) {
                      alignas(64) float tile[kTile];
                      kernel(panel + p * kPanel, split.panel_block, packed + vector * filters_block, filters_block,
                             depth, tile, vectors * kLanes, kLanes);
                      finish_tile(epilogue, tile, first + p, tile_pixels, vector, vectors);
                  });
    });
}

}  // namespace limpid::CPU_NS
