// Depthwise convolution on the CPU: a vector of channels at a time, and of those as many neighbouring outputs as
// multiply-adds must be in flight. y and dx are the same sums along other axes: dx adds up outputs instead of inputs,
// backwards, and where the stride is above 1 neighbours a stride apart share their taps.
//
// Loads are the limit, not multiply-adds, where each of these reads its own cell: rows of the usual filters keep their
// weights in registers and read a cell once for all outputs that it is part of (Zen 3, one thread, 3x3 over 114x114x8
// without padding: 56 GFLOP/s instead of 38, of 98).
//
// dw is summed in slices of rows whose number depends on the shape alone; the sums of the slices are added in order.
#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/depthwise/depthwise.h"

namespace limpid::CPU_NS {

namespace {

// Channels that one task walks through at each row: four cache lines, which lie together in memory.
constexpr int64_t kGroup = 64;
// Outputs at a time: a multiply-add takes four cycles, and two begin in each.
constexpr int kOutputs = 8;
// Pixels of dy in a slice of dw: with 64 bytes of each and of x, half of a level 2 cache.
constexpr int64_t kSlicePixels = 1024;

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// A vector of channels as memory has it: in, filter and out are the three operands of whichever sum is made.
struct Whole {
    static constexpr bool kStrided = false, kWhole = true;
    Floats in(const float* p) const { return load(p); }
    Floats filter(const float* p) const { return load(p); }
    void out(float* p, Floats v) const { store(p, v); }
};
// What is left at the end of a pixel. Too seldom for the unrolled sums, which take long to compile.
struct Rest {
    static constexpr bool kStrided = false, kWhole = false;
    int64_t count;
    Floats in(const float* p) const { return load_first(p, count); }
    Floats filter(const float* p) const { return load_first(p, count); }
    void out(float* p, Floats v) const { store_first(p, v, count); }
};
// Channels apart from each other: several filters a channel, or pitched ones.
struct Strided {
    static constexpr bool kStrided = true, kWhole = false;
    int64_t count, in_step, filter_step, out_step;

    Floats in(const float* p) const { return gather(p, in_step); }
    Floats filter(const float* p) const { return gather(p, filter_step); }
    void out(float* p, Floats v) const {
        for (int64_t i = 0; i < count; i++) p[i * out_step] = v[i];
    }

  private:
    Floats gather(const float* p, int64_t step) const {
        if (step == 1) return load_first(p, count);
        Floats v = {};
        for (int64_t i = 0; i < count; i++) v[i] = p[i * step];
        return v;
    }
};

// Calls body(channel, lanes) for each vector of [begin, end).
template <class Body>
void for_vectors(int64_t begin, int64_t end, const Strided& steps, Body&& body) {
    int64_t c = begin;
    if (steps.in_step == 1 && steps.filter_step == 1 && steps.out_step == 1) {
        for (; c + kLanes <= end; c += kLanes) body(c, Whole{});
        if (c < end) body(c, Rest{end - c});
    } else {
        for (; c < end; c += kLanes)
            body(c, Strided{smaller(kLanes, end - c), steps.in_step, steps.filter_step, steps.out_step});
    }
}

struct Range {
    int64_t begin, end;
};

// A number as a type, for templates.
template <int kValue>
struct Count {
    static constexpr int value = kValue;
};

// Sums along one axis: output o adds up the cells o * move + t * tap_move + base that lie in [0, size), for each tap
// t in [0, taps), multiplied by the filter's row or column first + t * step. Output o lies at out_first + o * out_step.
struct Axis {
    int64_t outputs, out_first, out_step;
    int64_t size, base, move;
    int64_t taps, tap_move, first, step;

    int64_t at(int64_t o) const { return base + o * move; }
    bool is_inside(int64_t cell) const { return cell >= 0 && cell < size; }
    // The taps of an output that lie inside.
    Range taps_inside(int64_t o) const {
        Range result{0, taps};
        while (result.begin < result.end && !is_inside(at(o) + result.begin * tap_move)) result.begin++;
        while (result.begin < result.end && !is_inside(at(o) + (result.end - 1) * tap_move)) result.end--;
        return result;
    }
    // The outputs all of whose taps lie inside.
    Range whole() const {
        if (taps == 0) return {0, outputs};
        const int64_t reach = (taps - 1) * tap_move, low = base + smaller(0, reach), high = base + larger(0, reach);
        const int64_t begin = low >= 0 ? 0 : (-low + move - 1) / move;
        const int64_t end = high < size ? (size - 1 - high) / move + 1 : 0;
        const int64_t clipped = smaller(begin, outputs);
        return {clipped, larger(clipped, smaller(end, outputs))};
    }
};

// The windows of one axis: size cells in, out outputs.
struct Windows {
    int64_t size, taps, stride, dilation, pad, out;

    Axis forward() const { return {out, 0, 1, size, -pad, stride, taps, dilation, 0, 1}; }
    // Cells phase, phase + stride, ...: those that the same taps reach.
    Axis backward(int64_t phase) const {
        int64_t period = 1;  // between the taps that reach a cell
        while (period * dilation % stride != 0) period++;
        int64_t first = 0;
        while (first < period && (phase + pad - first * dilation) % stride != 0) first++;
        const int64_t count = first < period && first < taps ? (taps - first + period - 1) / period : 0;
        return {.outputs = (size - phase + stride - 1) / stride,
                .out_first = phase,
                .out_step = stride,
                .size = out,
                .base = count > 0 ? (phase + pad - first * dilation) / stride : 0,
                .move = 1,
                .taps = count,
                .tap_move = -period * dilation / stride,
                .first = first,
                .step = period};
    }
    // The outputs whose tap t lies inside.
    Range outputs_with(int64_t t) const {
        const int64_t base = t * dilation - pad;
        const int64_t begin = base >= 0 ? 0 : (-base + stride - 1) / stride;
        return {begin, base < size ? smaller((size - 1 - base) / stride + 1, out) : 0};
    }
};
Windows rows_of(const DepthwiseShape& s) { return {s.h, s.r, s.stride_y, s.dilation_y, s.pad_top, s.p()}; }
Windows columns_of(const DepthwiseShape& s) { return {s.w, s.s, s.stride_x, s.dilation_x, s.pad_left, s.q()}; }

// y and dx ------------------------------------------------------------------------------------------------------------

// The taps of an output: first cell and filter, how many there are of either axis, and what lies between them.
struct Taps {
    const float *in, *filter;
    int64_t rows, row_in, row_filter;
    int64_t columns, column_in, column_filter;
    int64_t depth;  // filters of a channel that are summed up
};

// kCount neighbours with the same taps.
template <int kCount, class Lanes>
inline __attribute__((always_inline)) void sum_taps(const Lanes& lanes, const Taps& taps, int64_t move, float* out,
                                                    int64_t out_move) {
    Floats sums[kCount] = {};
    for (int64_t i = 0; i < taps.rows; i++) {
        const float *in = taps.in + i * taps.row_in, *filter = taps.filter + i * taps.row_filter;
        for (int64_t k = 0; k < taps.columns; k++, in += taps.column_in, filter += taps.column_filter) {
            const int64_t depth = Lanes::kStrided ? taps.depth : 1;
            for (int64_t j = 0; j < depth; j++) {
                const Floats weight = lanes.filter(filter + j);
                for (int o = 0; o < kCount; o++) sums[o] += lanes.in(in + j + o * move) * weight;
            }
        }
    }
    for (int o = 0; o < kCount; o++) lanes.out(out + o * out_move, sums[o]);
}

// kCount neighbours of kColumns taps, each kMove cells from the next: a cell is read once. taps.in is tap 0 of the first
// of them. kWhole: all cells are inside; otherwise those of `inside`, counted from there.
template <int kCount, int kColumns, int kMove, bool kWhole, class Lanes>
inline __attribute__((always_inline)) void sum_cells(const Lanes& lanes, const Taps& taps, const Range& inside,
                                                     float* out, int64_t out_move) {
    Floats sums[kCount] = {};
    for (int64_t i = 0; i < taps.rows; i++) {
        const float *in = taps.in + i * taps.row_in, *filter = taps.filter + i * taps.row_filter;
        Floats weights[kColumns];
        for (int k = 0; k < kColumns; k++) weights[k] = lanes.filter(filter + k * taps.column_filter);
#pragma GCC unroll 32
        for (int u = 0; u < (kCount - 1) * kMove + kColumns; u++) {
            if (!kWhole && (u < inside.begin || u >= inside.end)) continue;
            const Floats cell = lanes.in(in + u * taps.column_in);
#pragma GCC unroll 8
            for (int o = 0; o < kCount; o++)
                if (const int k = u - o * kMove; k >= 0 && k < kColumns) sums[o] += cell * weights[k];
        }
    }
    for (int o = 0; o < kCount; o++) lanes.out(out + o * out_move, sums[o]);
}

// The outputs of one row, where sum_cells can make them; the last ones twice where their number is no multiple. False:
// too few.
template <int kColumns, int kMove, class Lanes>
bool sum_row_of_cells(const Lanes& lanes, const Axis& columns, const Range& whole, Taps taps, int64_t in_pitch,
                      float* out, int64_t out_pitch) {
    const bool backward = columns.tap_move < 0;
    const int64_t out_move = columns.out_step * out_pitch;
    const float* in = taps.in;
    const auto block = [&](auto count, int64_t o) __attribute__((always_inline)) {
        // Backwards the last output is the first, so that taps come in their order.
        constexpr int kCount = decltype(count)::value;
        const int64_t first = backward ? o + kCount - 1 : o, cell = columns.at(first);
        taps.in = in + cell * in_pitch;
        float* to = out + (columns.out_first + first * columns.out_step) * out_pitch;
        const int64_t move = backward ? -out_move : out_move;
        if (o >= whole.begin && o + kCount <= whole.end) {
            sum_cells<kCount, kColumns, kMove, true>(lanes, taps, {}, to, move);
            return;
        }
        // Cells before the first that is inside, and up to the last.
        const int64_t step = backward ? -columns.tap_move : columns.tap_move;
        int64_t before = backward ? cell - columns.size + 1 : -cell, after = backward ? cell : columns.size - 1 - cell;
        if (step > 1) before = (before + step - 1) / step, after = after / step;  // a division takes long
        sum_cells<kCount, kColumns, kMove, false>(lanes, taps, {before, after + 1}, to, move);
    };
    const int64_t outputs = columns.outputs;
    if (outputs < 4) return false;
    if (outputs == 7) {  // the last layers of networks
        block(Count<7>{}, 0);
        return true;
    }
    int64_t o = 0;
    for (; o + kOutputs <= outputs; o += kOutputs) block(Count<kOutputs>{}, o);
    if (outputs - o > 4 && outputs >= kOutputs) {
        block(Count<kOutputs>{}, outputs - kOutputs);
    } else {
        for (; o < outputs; o += 4) block(Count<4>{}, smaller(o, outputs - 4));
    }
    return true;
}

// Whether the taps of neighbouring outputs are neighbouring cells of a usual filter, and if so the outputs of the row.
template <class Lanes>
bool sum_usual_row(const Lanes& lanes, const Axis& columns, const Range& whole, const Taps& taps, int64_t in_pitch,
                   float* out, int64_t out_pitch) {
    if constexpr (Lanes::kWhole) {
        const auto row = [&](auto kernel) { return kernel(lanes, columns, whole, taps, in_pitch, out, out_pitch); };
        if (columns.move == columns.tap_move || columns.move == -columns.tap_move) {
            if (columns.taps == 2) return row(sum_row_of_cells<2, 1, Lanes>);
            if (columns.taps == 3) return row(sum_row_of_cells<3, 1, Lanes>);
            if (columns.taps == 5) return row(sum_row_of_cells<5, 1, Lanes>);
        } else if (columns.move == 2 * columns.tap_move) {
            if (columns.taps == 3) return row(sum_row_of_cells<3, 2, Lanes>);
            if (columns.taps == 5) return row(sum_row_of_cells<5, 2, Lanes>);
        }
    }
    return false;
}

// The outputs of one row along an axis. taps.in is column 0 of the first row, taps.filter column 0 of its filter, out
// pixel 0.
template <class Lanes>
void sum_row(const Lanes& lanes, const Axis& columns, const Range& whole, const Taps& taps, int64_t in_pitch,
             int64_t filter_pitch, float* out, int64_t out_pitch) {
    if (Taps usual = taps; columns.taps > 0) {
        usual.filter += columns.first * filter_pitch;
        if (sum_usual_row(lanes, columns, whole, usual, in_pitch, out, out_pitch)) return;
    }
    const int64_t move = columns.move * in_pitch, out_move = columns.out_step * out_pitch;
    const auto from = [&](int64_t o, const Range& inside) {
        Taps result = taps;
        result.in += (columns.at(o) + inside.begin * columns.tap_move) * in_pitch;
        result.filter += (columns.first + inside.begin * columns.step) * filter_pitch;
        result.columns = inside.end - inside.begin;
        return result;
    };
    const auto edge = [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; o++)
            sum_taps<1>(lanes, from(o, columns.taps_inside(o)), move, out + o * out_move, out_move);
    };
    out += columns.out_first * out_pitch;
    edge(0, whole.begin);
    const Range all{0, columns.taps};
    int64_t o = whole.begin;
    for (; o + kOutputs <= whole.end; o += kOutputs)
        sum_taps<kOutputs>(lanes, from(o, all), move, out + o * out_move, out_move);
    if (o + kOutputs / 2 <= whole.end) {
        sum_taps<kOutputs / 2>(lanes, from(o, all), move, out + o * out_move, out_move);
        o += kOutputs / 2;
    }
    for (; o < whole.end; o++) sum_taps<1>(lanes, from(o, all), move, out + o * out_move, out_move);
    edge(whole.end, columns.outputs);
}

// One row of outputs of `channels` channels: output o of the axis of rows.
void sum_channels(const Axis& rows, const Axis& columns, int64_t o, int64_t n, Range channels, const Strided& steps,
                  int64_t depth, ConstView in, ConstView filter, MutView out) {
    const Range inside = rows.taps_inside(o), whole = columns.whole();
    const int64_t row_floats = in.shape.w * in.pitch, filter_floats = filter.shape.w * filter.pitch;
    Taps taps;
    taps.rows = inside.end - inside.begin;
    taps.row_in = rows.tap_move * row_floats;
    taps.row_filter = rows.step * filter.shape.h * filter_floats;
    taps.column_in = columns.tap_move * in.pitch;
    taps.column_filter = columns.step * filter_floats;
    taps.depth = depth;
    // Where no tap is inside, there may be no such row.
    const int64_t first_row = taps.rows > 0 ? rows.at(o) + inside.begin * rows.tap_move : 0;
    const int64_t first_filter = taps.rows > 0 ? rows.first + inside.begin * rows.step : 0;
    for_vectors(channels.begin, channels.end, steps, [&](int64_t c, auto lanes) {
        taps.in = in.pixel(n, first_row, 0) + c * steps.in_step;
        taps.filter = filter.pixel(first_filter, 0, c);
        sum_row(lanes, columns, whole, taps, in.pitch, filter_floats,
                out.pixel(n, rows.out_first + o * rows.out_step, 0) + c * steps.out_step, out.pitch);
    });
}

// Calls body(image, channels, row) so that everything is covered once.
template <class Body>
void for_rows(Stream& stream, int64_t images, int64_t channels, int64_t rows, Body&& body) {
    const int64_t groups = (channels + kGroup - 1) / kGroup;
    stream.threads().for_ranges(images * groups * rows, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) {
            const int64_t plane = i / rows, c = plane % groups * kGroup;
            body(plane / groups, Range{c, smaller(c + kGroup, channels)}, i % rows);
        }
    });
}

void forward(Stream& stream, const DepthwiseShape& s, ConstView x, ConstView w, MutView y) {
    const Axis rows = rows_of(s).forward(), columns = columns_of(s).forward();
    const Strided steps{0, 1, w.pitch, s.m};
    for_rows(stream, s.n, s.c, s.p(), [&](int64_t n, Range channels, int64_t p) {
        for (int64_t j = 0; j < s.m; j++)
            sum_channels(rows, columns, p, n, channels, steps, 1, x, {w.data + j, w.shape, w.pitch},
                         {y.data + j, y.shape, y.pitch});
    });
}

void grad_input(Stream& stream, const DepthwiseShape& s, ConstView dy, ConstView w, MutView dx) {
    const Strided steps{0, s.m, w.pitch, 1};
    for_rows(stream, s.n, s.c, s.h, [&](int64_t n, Range channels, int64_t h) {
        const Axis rows = rows_of(s).backward(h % s.stride_y);
        for (int64_t phase = 0; phase < smaller(s.stride_x, s.w); phase++)
            sum_channels(rows, columns_of(s).backward(phase), h / s.stride_y, n, channels, steps, s.m, dy, w, dx);
    });
}

// dw ------------------------------------------------------------------------------------------------------------------

struct Slices {
    int64_t rows, count;  // rows of dy in a slice; slices
};
Slices slices_of(const DepthwiseShape& s) {
    const int64_t rows = larger(1, kSlicePixels / s.q());
    return {rows, (s.n * s.p() + rows - 1) / rows};
}

// Outputs at a time of dw: with the sums of nine or ten taps they fill sixteen registers.
constexpr int kUps = 4;

// One row of products: the sums of kRows x kColumns taps. kMove: outputs are so many taps apart; 0: not a whole number,
// or another. x is column 0 of the row that the first of them reads, dy
// column 0 of its row.
template <int kRows, int kMove, int kColumns, class Lanes>
void add_row(const Lanes& lanes, const Windows& columns, int64_t first, const Range (&q)[kColumns], const float* x,
             int64_t x_row, int64_t x_pitch, const float* dy, int64_t dy_pitch, Floats* totals) {
    Floats sums[kRows][kColumns] = {};
    const float* cells[kColumns];  // under output 0
    Range shared = q[0];
    for (int k = 0; k < kColumns; k++) {
        cells[k] = x + ((first + k) * columns.dilation - columns.pad) * x_pitch;
        shared = {larger(shared.begin, q[k].begin), smaller(shared.end, q[k].end)};
    }
    shared.end = larger(shared.begin, shared.end);
    const int64_t move = columns.stride * x_pitch;
    const auto alone = [&](int k, int64_t begin, int64_t end) __attribute__((always_inline)) {
        for (int64_t o = begin; o < end; o++) {
            const Floats up = lanes.filter(dy + o * dy_pitch);
            for (int i = 0; i < kRows; i++) sums[i][k] += lanes.in(cells[k] + i * x_row + o * move) * up;
        }
    };
    for (int k = 0; k < kColumns; k++) alone(k, q[k].begin, smaller(shared.begin, q[k].end));
    int64_t o = shared.begin;
    if constexpr (kMove > 0) {
        for (; o + kUps <= shared.end; o += kUps) {
            Floats ups[kUps];
            for (int b = 0; b < kUps; b++) ups[b] = lanes.filter(dy + (o + b) * dy_pitch);
            for (int i = 0; i < kRows; i++)
#pragma GCC unroll 16
                for (int u = 0; u < (kUps - 1) * kMove + kColumns; u++) {
                    const Floats cell = lanes.in(cells[0] + i * x_row + o * move + u * columns.dilation * x_pitch);
                    for (int b = 0; b < kUps; b++)
                        if (const int k = u - b * kMove; k >= 0 && k < kColumns) sums[i][k] += cell * ups[b];
                }
        }
    }
    for (; o < shared.end; o++) {
        const Floats up = lanes.filter(dy + o * dy_pitch);
        for (int i = 0; i < kRows; i++)
            for (int k = 0; k < kColumns; k++) sums[i][k] += lanes.in(cells[k] + i * x_row + o * move) * up;
    }
    for (int k = 0; k < kColumns; k++) alone(k, larger(shared.end, q[k].begin), q[k].end);
    for (int i = 0; i < kRows; i++)
        for (int k = 0; k < kColumns; k++) totals[i * kColumns + k] += sums[i][k];
}

// Taps [r, r + kRows) x [t, t + kColumns) of one vector of channels, summed over rows [begin, end) of all images' dy.
// sums: the first of them in the slice; x and dy at their first channel.
template <int kRows, int kColumns, int kMove, class Lanes>
void add_slice(const Lanes& lanes, const DepthwiseShape& s, int64_t r, int64_t t, int64_t begin, int64_t end,
               ConstView x, ConstView dy, float* sums) {
    const Windows rows = rows_of(s), columns = columns_of(s);
    Range q[kColumns];
    for (int k = 0; k < kColumns; k++) q[k] = columns.outputs_with(t + k);
    Floats totals[kRows * kColumns] = {};
    const int64_t x_row = s.dilation_y * s.w * x.pitch;
    for (int64_t row = begin; row < end; row++) {
        const int64_t n = row / rows.out, p = row % rows.out, h = p * s.stride_y + r * s.dilation_y - s.pad_top;
        const float* up = dy.pixel(n, p, 0);
        if (h >= 0 && h + (kRows - 1) * s.dilation_y < s.h) {
            add_row<kRows, kMove>(lanes, columns, t, q, x.pixel(n, h, 0), x_row, x.pitch, up, dy.pitch, totals);
            continue;
        }
        for (int i = 0; i < kRows; i++)
            if (const int64_t one = h + i * s.dilation_y; one >= 0 && one < s.h)
                add_row<1, kMove>(lanes, columns, t, q, x.pixel(n, one, 0), x_row, x.pitch, up, dy.pitch,
                                  totals + i * kColumns);
    }
    for (int i = 0; i < kRows; i++)
        for (int k = 0; k < kColumns; k++) lanes.out(sums + ((r + i) * s.s + t + k) * s.c, totals[i * kColumns + k]);
}

// All taps, in pieces whose sums stay in registers.
template <int kMove, class Lanes>
void add_taps(const Lanes& lanes, const DepthwiseShape& s, int64_t begin, int64_t end, ConstView x, ConstView dy,
              float* sums) {
    constexpr bool kUsual = Lanes::kWhole && kMove > 0;
    for (int64_t t = 0; t < s.s;) {
        const int64_t columns = !kUsual || s.s - t < 3 ? 1 : s.s - t < 5 ? 3 : 5;
        for (int64_t r = 0; r < s.r;) {
            const int64_t rows = columns == 3 && s.r - r >= 3 ? 3 : columns == 5 && s.r - r >= 2 ? 2 : 1;
            const auto slice = [&](auto kernel) { kernel(lanes, s, r, t, begin, end, x, dy, sums); };
            if constexpr (kUsual) {
                if (columns == 5 && rows == 2) slice(add_slice<2, 5, kMove, Lanes>);
                if (columns == 5 && rows == 1) slice(add_slice<1, 5, kMove, Lanes>);
                if (columns == 3 && rows == 3) slice(add_slice<3, 3, kMove, Lanes>);
                if (columns == 3 && rows == 1) slice(add_slice<1, 3, kMove, Lanes>);
            }
            if (columns == 1) slice(add_slice<1, 1, 0, Lanes>);
            r += rows;
        }
        t += columns;
    }
}

size_t grad_filter_scratch(const DepthwiseShape& s) {
    return Scratch::scratch_bytes<float>(slices_of(s).count * s.filter().size());
}

void grad_filter(Stream& stream, const DepthwiseShape& s, ConstView x, ConstView dy, MutView dw, Scratch scratch) {
    const Slices slices = slices_of(s);
    const int64_t floats = s.filter().size(), groups = (s.c + kGroup - 1) / kGroup;
    float* parts = scratch.take<float>(slices.count * floats);  // [slice][j][r][s][c]
    stream.threads().run(slices.count * groups, [&](int64_t task, int) {
        const int64_t slice = task / groups, first = task % groups * kGroup;
        const int64_t begin = slice * slices.rows, end = smaller(begin + slices.rows, s.n * s.p());
        for (int64_t j = 0; j < s.m; j++)
            for_vectors(first, smaller(first + kGroup, s.c), Strided{0, 1, s.m, 1}, [&](int64_t c, auto lanes) {
                using Lanes = decltype(lanes);
                const auto add = !Lanes::kWhole                   ? add_taps<0, Lanes>
                                 : s.stride_x == s.dilation_x     ? add_taps<1, Lanes>
                                 : s.stride_x == 2 * s.dilation_x ? add_taps<2, Lanes>
                                                                  : add_taps<0, Lanes>;
                add(lanes, s, begin, end, {x.data + c, x.shape, x.pitch}, {dy.data + c * s.m + j, dy.shape, dy.pitch},
                    parts + slice * floats + j * s.r * s.s * s.c + c);
            });
    });
    const int64_t filters = s.r * s.s * s.m, rows = s.r * s.s;
    stream.threads().for_ranges(filters, 4, [&](int64_t begin, int64_t end, int) {
        for (int64_t filter = begin; filter < end; filter++) {
            const int64_t j = filter / rows, r = filter % rows / s.s, t = filter % s.s;
            for_vectors(0, s.c, Strided{0, 1, 1, dw.pitch}, [&](int64_t c, auto lanes) {
                Floats sum = {};
                for (int64_t slice = 0; slice < slices.count; slice++)
                    sum += lanes.in(parts + slice * floats + filter * s.c + c);
                lanes.out(dw.pixel(r, t, c) + j, sum);
            });
        }
    });
}

}  // namespace

extern constinit const DepthwiseKernels depthwise_kernels{.forward = forward,
                                                          .grad_input = grad_input,
                                                          .grad_filter_scratch = grad_filter_scratch,
                                                          .grad_filter = grad_filter};

}  // namespace limpid::CPU_NS
