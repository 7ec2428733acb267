// Bilinear resize on the CPU, row by row: a blend of two input rows into a buffer (contiguous, vectors), then of
// neighbouring pixels of that buffer. The adjoint runs the same two steps backwards: the weighted sum of the output
// rows that read an input row, then a walk along it in the order of the columns. Either way an element depends on its
// row only, so threads do not change it.
#pragma once

#include "kernels/warp/warp_rows.h"

namespace limpid::CPU_NS {

namespace {

constexpr int64_t kBuffer = 4096;   // floats of a blended row
constexpr int64_t kChannels = 512;  // most channels at a time: a buffer then holds 8 pixels at least

// Output index i reads (1 - weight) * x[first] + weight * x[second].
struct Tap {
    int64_t first, second;
    float weight;
};

inline float axis_scale(int64_t in, int64_t out) { return float(in) / float(out); }

inline Tap tap_of(int64_t i, int64_t in, float scale) {
    // TensorFlow's float product. By way of double, so that no compiler fuses it with the subtraction below.
    const float src = float(double(i) * double(scale));
    int64_t first = int64_t(src);
    if (first > in - 1) first = in - 1;
    return {first, first + 1 < in ? first + 1 : in - 1, src - float(first)};
}

// Columns [begin, end) of the output, and the pixels [left, right) of the input that they read.
struct ColumnTable {
    int64_t begin = 0, end = 0, left = 0, right = 0;
    int32_t first[kColumns], second[kColumns];  // elements from `left`, for `channels` per pixel
    float weight[kColumns];
};

// Fills the table from column `begin` on, as far as kColumns and the buffer (of `pixels` input pixels) allow.
void fill_table(ColumnTable& table, int64_t begin, int64_t in, int64_t out, int64_t channels, int64_t pixels) {
    const float scale = axis_scale(in, out);
    table.begin = begin;
    table.left = tap_of(begin, in, scale).first;
    int64_t q = begin;
    for (; q < out && q - begin < kColumns; q++) {
        const Tap tap = tap_of(q, in, scale);
        if (tap.second - table.left >= pixels) break;
        table.first[q - begin] = int32_t((tap.first - table.left) * channels);
        table.second[q - begin] = int32_t((tap.second - table.left) * channels);
        table.weight[q - begin] = tap.weight;
        table.right = tap.second + 1;
    }
    table.end = q;
}

// to = a + weight * (b - a), `pixels` of `channels`; the inputs are pitched, `to` is dense.
void blend_rows(const float* a, const float* b, float weight, int64_t pitch, int64_t pixels, int64_t channels,
                float* to) {
    if (pitch == channels) {
        channels *= pixels;
        pixels = 1;
    }
    for (int64_t p = 0; p < pixels; p++, a += pitch, b += pitch, to += channels) {
        int64_t c = 0;
        for (; c + kLanes <= channels; c += kLanes) {
            const Floats top = load(a + c);
            store(to + c, top + weight * (load(b + c) - top));
        }
        for (; c < channels; c++) to[c] = a[c] + weight * (b[c] - a[c]);
    }
}

// to = weight * from (first) or to += weight * from; `from` is pitched, `to` is dense.
void add_row(const float* from, float weight, bool first, int64_t pitch, int64_t pixels, int64_t channels, float* to) {
    if (pitch == channels) {
        channels *= pixels;
        pixels = 1;
    }
    for (int64_t p = 0; p < pixels; p++, from += pitch, to += channels) {
        int64_t c = 0;
        if (first) {
            for (; c + kLanes <= channels; c += kLanes) store(to + c, weight * load(from + c));
            for (; c < channels; c++) to[c] = weight * from[c];
        } else {
            for (; c + kLanes <= channels; c += kLanes) store(to + c, load(to + c) + weight * load(from + c));
            for (; c < channels; c++) to[c] = to[c] + weight * from[c];
        }
    }
}

template <int kFixed>
void blend_columns(const ColumnTable& table, const float* row, int64_t channels, float* y, int64_t pitch) {
    const int64_t count = kFixed ? kFixed : channels;
    for (int64_t i = 0; i < table.end - table.begin; i++, y += pitch) {
        const float *a = row + table.first[i], *b = row + table.second[i], weight = table.weight[i];
        for (int64_t c = 0; c < count; c++) y[c] = a[c] + weight * (b[c] - a[c]);
    }
}

// The adjoint of blend_columns: row += ..., column after column.
template <int kFixed>
void spread_columns(const ColumnTable& table, const float* dy, int64_t channels, float* dx, int64_t pitch) {
    const int64_t count = kFixed ? kFixed : channels;
    for (int64_t i = 0; i < table.end - table.begin; i++, dy += count) {
        float *a = dx + table.first[i] / count * pitch, *b = dx + table.second[i] / count * pitch;
        const float weight = table.weight[i];
        for (int64_t c = 0; c < count; c++) {
            const float part = weight * dy[c];
            a[c] += dy[c] - part;
            b[c] += part;
        }
    }
}

void resize(Stream& stream, ConstView x, MutView y) {
    if (y.shape.size() == 0) return;
    const float scale = axis_scale(x.shape.h, y.shape.h);
    stream.threads().for_ranges(y.shape.n * y.shape.h, row_grain(y.shape), [&](int64_t begin, int64_t end, int) {
        alignas(64) float row[kBuffer];
        ColumnTable table;
        for (int64_t c = 0; c < y.shape.c; c += kChannels) {
            const int64_t channels = y.shape.c - c < kChannels ? y.shape.c - c : kChannels;
            for (int64_t q = 0; q < y.shape.w; q = table.end) {
                fill_table(table, q, x.shape.w, y.shape.w, channels, kBuffer / channels);
                for (int64_t i = begin; i < end; i++) {
                    const int64_t n = i / y.shape.h, p = i % y.shape.h;
                    const Tap tap = tap_of(p, x.shape.h, scale);
                    blend_rows(x.pixel(n, tap.first, table.left) + c, x.pixel(n, tap.second, table.left) + c,
                               tap.weight, x.pitch, table.right - table.left, channels, row);
                    with_channels(channels, [&](auto fixed) {
                        blend_columns<fixed()>(table, row, channels, y.pixel(n, p, q) + c, y.pitch);
                    });
                }
            }
        }
    });
}

void resize_grad(Stream& stream, ConstView dy, MutView dx) {
    if (dx.shape.size() == 0) return;
    const int64_t in = dx.shape.h, out = dy.shape.h;
    const float scale = axis_scale(in, out);
    stream.threads().for_ranges(dx.shape.n * in, row_grain(dx.shape), [&](int64_t begin, int64_t end, int) {
        alignas(64) float row[kBuffer];
        ColumnTable table;
        for (int64_t i = begin; i < end; i++) zero_row(dx, i / in, i % in);
        for (int64_t c = 0; c < dy.shape.c; c += kChannels) {
            const int64_t channels = dy.shape.c - c < kChannels ? dy.shape.c - c : kChannels;
            for (int64_t q = 0; q < dy.shape.w; q = table.end) {
                // The buffer holds output columns here, and input columns that they read are never more.
                fill_table(table, q, dx.shape.w, dy.shape.w, channels, kBuffer / channels);
                const int64_t columns_fit = kBuffer / channels;
                if (table.end - q > columns_fit) table.end = q + columns_fit;
                for (int64_t i = begin; i < end; i++) {
                    const int64_t n = i / in, h = i % in;
                    // Output rows whose source lies within one row of h, with a row to spare; each is then asked what
                    // it reads.
                    int64_t p = int64_t(float(h - 1) / scale) - 1, last = int64_t(float(h + 1) / scale) + 2;
                    p = p < 0 ? 0 : p;
                    last = last > out ? out : last;
                    bool first = true;
                    for (; p < last; p++) {
                        const Tap tap = tap_of(p, in, scale);
                        if (tap.first != h && tap.second != h) continue;
                        const float weight =
                            (tap.first == h ? 1.0f - tap.weight : 0.0f) + (tap.second == h ? tap.weight : 0.0f);
                        add_row(dy.pixel(n, p, q) + c, weight, first, dy.pitch, table.end - q, channels, row);
                        first = false;
                    }
                    if (first) continue;
                    float* to = dx.pixel(n, h, table.left) + c;
                    with_channels(channels,
                                  [&](auto fixed) { spread_columns<fixed()>(table, row, channels, to, dx.pitch); });
                }
            }
        }
    });
}

}  // namespace

}  // namespace limpid::CPU_NS
