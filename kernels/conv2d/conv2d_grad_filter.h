// The gradient with respect to the filter: the same product with its roles exchanged. The "pixels" of the micro-kernel
// are rows d = (r, s, c) of dw, its depth runs over pixels, its "filters" are dy.
#pragma once

#include "kernels/conv2d/conv2d_direct.h"

namespace limpid::CPU_NS {

constexpr int64_t kRows = kMostPixels[2];   // rows of dw in one tile
constexpr int64_t kRowTiles = 112 / kRows;  // tiles in one task
constexpr int64_t kPixelBlock = 256;        // pixels summed in registers; their sums are added in order
constexpr int64_t kTaskRows = kRowTiles * kRows;
constexpr int64_t kTileFloats = kPixelBlock * kRows + kLanes;  // whole vectors are copied, beyond the last row

// Per thread: dy of a block as [vector][pixel][lanes], x of a block as [tile][pixel][kRows].
static inline int64_t grad_filter_thread_floats(const Conv2dShape& s) {
    return padded_floats(divide_up(s.k, kLanes) * kPixelBlock * kLanes) + padded_floats(kRowTiles * kTileFloats);
}

// values[0, count) = rows [first, first + count) of the column of x under output pixel (n, p, q).
static inline void gather_rows(const Conv2dShape& s, ConstView x, int64_t pixel, int64_t first, int64_t count,
                               float* values) {
    const int64_t q = pixel % s.q(), p = pixel / s.q() % s.p(), n = pixel / s.q() / s.p();
    int64_t c = first % s.c, tap = first / s.c;
    for (int64_t done = 0; done < count; c = 0, tap++) {
        const int64_t now = smaller(s.c - c, count - done);
        const int64_t h = p * s.stride_y - s.pad_top + tap / s.s, i = q * s.stride_x - s.pad_left + tap % s.s;
        const bool inside = h >= 0 && h < s.h && i >= 0 && i < s.w;
        const float* from = x.data + ((n * s.h + h) * s.w + i) * x.pitch + c;
        for (int64_t v = 0; v < now; v += kLanes) {
            const int64_t lanes = smaller(kLanes, now - v);
            store_first(values + done + v, inside ? load_first(from + v, lanes) : Floats{}, lanes);
        }
        done += now;
    }
}

static inline void grad_filter_run(ThreadPool& threads, const Conv2dShape& s, ConstView x, ConstView dy, float* dw,
                                   Scratch scratch) {
    const int64_t rows = s.r * s.s * s.c, vectors = divide_up(s.k, kLanes), pixels = s.n * s.p() * s.q();
    const int64_t thread_floats = grad_filter_thread_floats(s);
    float* work = take_floats(scratch, threads.size() * thread_floats);
    threads.run(divide_up(rows, kTaskRows), [&](int64_t task, int worker) {
        const int64_t first_row = task * kTaskRows, task_rows = smaller(kTaskRows, rows - first_row),
                      tiles = divide_up(task_rows, kRows);
        float* dy_block = work + worker * thread_floats;
        float* x_block = dy_block + padded_floats(vectors * kPixelBlock * kLanes);
        for (int64_t i = 0; i < task_rows * s.k; i++) dw[first_row * s.k + i] = 0;
        for (int64_t first = 0; first < pixels; first += kPixelBlock) {
            const int64_t count = smaller(kPixelBlock, pixels - first);
            for (int64_t pixel = 0; pixel < count; pixel++) {
                alignas(64) float values[kTaskRows + kRows + kLanes] = {};
                gather_rows(s, x, first + pixel, first_row, task_rows, values);
                // What a copy writes beyond kRows, the next pixel writes again.
                for (int64_t tile = 0; tile < tiles; tile++)
                    for (int64_t i = 0; i < kRows; i += kLanes)
                        store(x_block + tile * kTileFloats + pixel * kRows + i, load(values + tile * kRows + i));
                const float* from = dy.data + (first + pixel) * dy.pitch;
                for (int64_t v = 0; v < vectors; v++)
                    store(dy_block + (v * kPixelBlock + pixel) * kLanes,
                          load_first(from + v * kLanes, smaller(kLanes, s.k - v * kLanes)));
            }
            for (int64_t v = 0; v < vectors; v += 2)
                for (int64_t tile = 0; tile < tiles; tile++) {
                    alignas(64) float sums[kTile];
                    const int64_t now = smaller(2, vectors - v);
                    const Multiply kernel =
                        now == 2 ? multiply<2, int(kRows), 1, int(kRows)> : multiply<1, int(kRows), 1, int(kRows)>;
                    kernel(x_block + tile * kTileFloats, kPanel * kRows, dy_block + v * kPixelBlock * kLanes,
                           kPixelBlock * kLanes, count, sums, now * kLanes, kLanes);
                    const int64_t tile_rows = smaller(kRows, task_rows - tile * kRows),
                                  columns = smaller(now * kLanes, s.k - v * kLanes);
                    for (int64_t i = 0; i < tile_rows; i++) {
                        float* to = dw + (first_row + tile * kRows + i) * s.k + v * kLanes;
                        for (int64_t k = 0; k < columns; k++) to[k] += sums[i * now * kLanes + k];
                    }
                }
        }
    });
}

}  // namespace limpid::CPU_NS
