// Pooling on the CPU: a vector of channels at a time. Gradients own rows of dx: a thread recomputes the windows that
// reach into its rows from outside, so no two threads write one element and the order of additions depends on the shape
// alone.
#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/pool/pool.h"

namespace limpid::CPU_NS {

namespace {

// Channels that one task walks through at each row: four cache lines, which lie together in memory.
constexpr int64_t kGroup = 64;
// Fewest rows of a task: the halo of a gradient (two rows of windows) is computed twice.
constexpr int64_t kRows = 8;

// A vector of channels: all of it, or what is left at the end of a pixel.
struct Whole {
    Floats load(const float* p) const { return CPU_NS::load(p); }
    void store(float* p, Floats v) const { CPU_NS::store(p, v); }
};
struct Rest {
    int64_t count;
    Floats load(const float* p) const { return load_first(p, count); }
    void store(float* p, Floats v) const { store_first(p, v, count); }
};

// Calls body(image, first channel, end of channels, first row, end of rows) so that everything is covered once.
template <class Body>
void for_blocks(Stream& stream, int64_t images, int64_t channels, int64_t rows, Body&& body) {
    const int64_t groups = (channels + kGroup - 1) / kGroup;
    stream.threads().for_ranges(images * groups * rows, kRows, [&](int64_t begin, int64_t end, int) {
        while (begin < end) {
            const int64_t plane = begin / rows, row = begin % rows;
            const int64_t row_end = row + end - begin < rows ? row + end - begin : rows;
            const int64_t c = plane % groups * kGroup;
            body(plane / groups, c, c + kGroup < channels ? c + kGroup : channels, row, row_end);
            begin += row_end - row;
        }
    });
}

// Calls body(channel, lanes) for each vector of [begin, end).
template <class Body>
void for_vectors(int64_t begin, int64_t end, Body&& body) {
    int64_t c = begin;
    for (; c + kLanes <= end; c += kLanes) body(c, Whole{});
    if (c < end) body(c, Rest{end - c});
}

// One axis of the windows: size cells in, out windows of `window` cells.
struct Axis {
    int64_t size, window, stride, pad, out;

    int64_t begin(int64_t o) const {
        const int64_t i = o * stride - pad;
        return i > 0 ? i : 0;
    }
    int64_t end(int64_t o) const {
        const int64_t i = o * stride - pad + window;
        return i < size ? i : size;
    }
    // The windows that contain cell i: [first(i), last(i)], empty when first > last.
    int64_t first(int64_t i) const {
        const int64_t start = i + pad - window + 1;
        return start > 0 ? (start + stride - 1) / stride : 0;
    }
    int64_t last(int64_t i) const {
        const int64_t o = (i + pad) / stride;
        return o < out ? o : out - 1;
    }
    int64_t inside(int64_t i) const { return i < 0 ? 0 : i < size ? i : size - 1; }
};
Axis rows_of(const PoolShape& s) { return {s.h, s.r, s.stride_y, s.pad_top, s.p}; }
Axis columns_of(const PoolShape& s) { return {s.w, s.s, s.stride_x, s.pad_left, s.q}; }

// The larger of two, NaN when either is NaN.
Floats larger(Floats a, Floats b) { return ((a > b) | (a != a)) ? a : b; }

// Forward -------------------------------------------------------------------------------------------------------------

// Zero if and only if all that was added to it is finite: NaN and infinity leave a NaN when multiplied by zero.
bool is_zero(Floats sum) {
    float total = 0;
    for (int i = 0; i < kLanes; i++) total += sum[i];
    return total == 0.0f;
}

// One row of outputs of 3x3 windows; the maxima of columns are shared by neighbouring windows. Padding is replaced by
// the nearest cell of the image, which always belongs to the same window. With kFinite, half the work: right unless it
// returns false, for then a cell was NaN or infinite.
template <int kStride, bool kFinite, class Lanes>
bool max_row_3x3(Lanes lanes, const Axis& columns, const float* const rows[3], int64_t x_pitch, float* y,
                 int64_t y_pitch) {
    Floats sums[3] = {};  // three, so that additions need not wait for each other
    const auto larger_of = [](Floats a, Floats b) { return kFinite ? max(a, b) : larger(a, b); };
    const auto column = [&](int64_t j) __attribute__((always_inline)) {
        const int64_t offset = columns.inside(j) * x_pitch;
        Floats cells[3];
        for (int i = 0; i < 3; i++) {
            cells[i] = lanes.load(rows[i] + offset);
            if (kFinite) sums[i] += cells[i] * 0.0f;
        }
        return larger_of(larger_of(cells[0], cells[1]), cells[2]);
    };
    int64_t j = -columns.pad;
    Floats left = column(j), middle = column(j + 1);
    for (int64_t q = 0; q < columns.out; q++, j += kStride) {
        const Floats right = column(j + 2);
        lanes.store(y + q * y_pitch, larger_of(larger_of(left, middle), right));
        left = kStride == 1 ? middle : right;
        middle = kStride == 1 ? right : column(j + 3);
    }
    return is_zero(sums[0] + sums[1] + sums[2]);
}

template <class Lanes>
void max_row(Lanes lanes, const Axis& columns, const float* x, int64_t window_rows, int64_t x_pitch, float* y,
             int64_t y_pitch) {
    for (int64_t q = 0; q < columns.out; q++) {
        const int64_t begin = columns.begin(q), end = columns.end(q);
        Floats best = lanes.load(x + begin * x_pitch);
        for (int64_t i = 0; i < window_rows; i++)
            for (int64_t j = begin; j < end; j++) best = larger(best, lanes.load(x + (i * columns.size + j) * x_pitch));
        lanes.store(y + q * y_pitch, best);
    }
}

bool is_3x3(const PoolShape& s) { return s.r == 3 && s.s == 3 && (s.stride_x == 1 || s.stride_x == 2); }

void max_forward(Stream& stream, const PoolShape& s, ConstView x, MutView y) {
    const Axis rows = rows_of(s), columns = columns_of(s);
    for_blocks(stream, s.n, s.c, s.p, [&](int64_t n, int64_t c_begin, int64_t c_end, int64_t p_begin, int64_t p_end) {
        for (int64_t p = p_begin; p < p_end; p++) {
            for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
                float* to = y.pixel(n, p, 0) + c;
                if (is_3x3(s)) {
                    const int64_t top = p * s.stride_y - s.pad_top;
                    const float* from[3];
                    for (int i = 0; i < 3; i++) from[i] = x.pixel(n, rows.inside(top + i), 0) + c;
                    const bool one = s.stride_x == 1;
                    const auto fast =
                        one ? max_row_3x3<1, true, decltype(lanes)> : max_row_3x3<2, true, decltype(lanes)>;
                    const auto exact =
                        one ? max_row_3x3<1, false, decltype(lanes)> : max_row_3x3<2, false, decltype(lanes)>;
                    if (!fast(lanes, columns, from, x.pitch, to, y.pitch))
                        exact(lanes, columns, from, x.pitch, to, y.pitch);
                } else {
                    max_row(lanes, columns, x.pixel(n, rows.begin(p), 0) + c, rows.end(p) - rows.begin(p), x.pitch, to,
                            y.pitch);
                }
            });
        }
    });
}

void average_forward(Stream& stream, const PoolShape& s, ConstView x, MutView y) {
    const Axis rows = rows_of(s), columns = columns_of(s);
    for_blocks(stream, s.n, s.c, s.p, [&](int64_t n, int64_t c_begin, int64_t c_end, int64_t p_begin, int64_t p_end) {
        for (int64_t p = p_begin; p < p_end; p++) {
            const int64_t top = rows.begin(p), bottom = rows.end(p);
            for (int64_t q = 0; q < s.q; q++) {
                const int64_t left = columns.begin(q), right = columns.end(q);
                const Floats cells = broadcast(float((bottom - top) * (right - left)));
                for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
                    Floats sum = {};
                    for (int64_t h = top; h < bottom; h++) {
                        const float* from = x.pixel(n, h, left) + c;
                        for (int64_t w = left; w < right; w++, from += x.pitch) sum += lanes.load(from);
                    }
                    lanes.store(y.pixel(n, p, q) + c, sum / cells);
                });
            }
        }
    });
}

// Gradients -----------------------------------------------------------------------------------------------------------

// What arrives at dx beside the sum; either may be absent.
struct Epilogue {
    ConstView add, mask;

    template <class Lanes>
    Floats start(Lanes lanes, int64_t n, int64_t h, int64_t w, int64_t c) const {
        return add ? lanes.load(add.pixel(n, h, w) + c) : Floats{};
    }
    template <class Lanes>
    Floats finish(Lanes lanes, Floats v, int64_t n, int64_t h, int64_t w, int64_t c) const {
        return mask ? (lanes.load(mask.pixel(n, h, w) + c) > 0.0f ? v : Floats{}) : v;
    }
};

// A row of cells under a row of windows. What is absent reads from constants and writes to a sink, with a pitch of 0,
// so that the loop over columns has no cases.
struct GradientRow {
    bool inside = false;           // a row of the image, not padding
    const float *x, *base, *mask;  // base: what the sum is added to: dx itself, or add
    float* dx;
    int64_t x_pitch = 0, base_pitch = 0, mask_pitch = 0, dx_pitch = 0;
};

alignas(64) constexpr float kZeros[kLanes] = {};

// The cell that is the maximum of its window. kFinite: the maximum is a number, and padding is NaN, which equals
// nothing. Otherwise the first NaN of the window has to be found too.
template <bool kFinite>
Ints is_winner(Floats cell, Floats maximum, bool inside) {
    if constexpr (kFinite) return cell == maximum;
    return inside ? (cell == maximum) | ((cell != cell) & (maximum != maximum)) : Ints{};
}

// Adds the gradient of one row of 3x3 windows to three rows of dx. Cells and sums of the three columns under the window
// stay in registers; a column is written when the window leaves it. Within a window the gradient goes to the first
// winner; then the rest of it, for the others, is zero (taken away bit by bit, so that infinity and NaN vanish too).
template <int kStride, bool kFinite, class Lanes>
void max_grad_row_3x3(Lanes lanes, const Axis& columns, const GradientRow rows[3], const float* y, int64_t y_pitch,
                      const float* dy, int64_t dy_pitch) {
    const int64_t size = columns.size;
    Floats cells[3][3], sums[3][3] = {};
    const auto load_column = [&](int64_t j, int b) __attribute__((always_inline)) {
        const bool inside = j >= 0 && j < size;
        for (int i = 0; i < 3; i++)
            cells[i][b] = inside ? lanes.load(rows[i].x + j * rows[i].x_pitch) : broadcast(__builtin_nanf(""));
    };
    const auto write_column = [&](int64_t j, int b) __attribute__((always_inline)) {
        if (j < 0 || j >= size) return;
        for (int i = 0; i < 3; i++) {
            const GradientRow& row = rows[i];
            const Floats v = lanes.load(row.base + j * row.base_pitch) + sums[i][b];
            lanes.store(row.dx + j * row.dx_pitch, lanes.load(row.mask + j * row.mask_pitch) > 0.0f ? v : Floats{});
        }
    };
    int64_t j = -columns.pad;
    for (int b = 0; b < 3 - kStride; b++) load_column(j + b, b);
    for (int64_t q = 0; q < columns.out; q++, j += kStride) {
        for (int b = 3 - kStride; b < 3; b++) load_column(j + b, b);
        const Floats maximum = lanes.load(y + q * y_pitch);
        Floats rest = lanes.load(dy + q * dy_pitch);
        for (int i = 0; i < 3; i++)
            for (int b = 0; b < 3; b++) {
                const bool inside = rows[i].inside && j + b >= 0 && j + b < size;
                const Floats part = is_winner<kFinite>(cells[i][b], maximum, inside) ? rest : Floats{};
                sums[i][b] += part;
                rest = floats_of(bits_of(rest) ^ bits_of(part));
            }
        for (int b = 0; b < kStride; b++) write_column(j + b, b);
        for (int i = 0; i < 3; i++)
            for (int b = 0; b < 3; b++) {
                if (b + kStride < 3) cells[i][b] = cells[i][b + kStride];
                sums[i][b] = b + kStride < 3 ? sums[i][b + kStride] : Floats{};
            }
    }
    for (; j < size; j++) {
        write_column(j, 0);
        for (int i = 0; i < 3; i++) sums[i][0] = sums[i][1], sums[i][1] = sums[i][2], sums[i][2] = Floats{};
    }
}

// Whether a row of vectors holds neither NaN nor infinity.
template <class Lanes>
bool is_finite(Lanes lanes, const float* v, int64_t pitch, int64_t count) {
    Floats sums[4] = {};
    for (int64_t i = 0; i < count; i += 4)
        for (int k = 0; k < 4; k++) sums[k] += lanes.load(v + (i + k < count ? i + k : i) * pitch) * 0.0f;
    return is_zero((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// Rows [h_begin, h_end) of dx, channels [c_begin, c_end).
template <int kStride>
void max_grad_rows_3x3(const Axis& rows, const Axis& columns, int64_t n, int64_t c_begin, int64_t c_end,
                       int64_t h_begin, int64_t h_end, ConstView x, ConstView y, ConstView dy, const Epilogue& epilogue,
                       MutView dx) {
    const ConstView &add = epilogue.add, &mask = epilogue.mask;
    alignas(64) float sink[kLanes], nans[kLanes], ones[kLanes];
    store(nans, broadcast(__builtin_nanf("")));
    store(ones, broadcast(1.0f));
    for (int64_t p = rows.first(h_begin); p <= rows.last(h_end - 1); p++) {
        const int64_t top = p * rows.stride - rows.pad;
        for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
            GradientRow under[3];
            for (int i = 0; i < 3; i++) {
                GradientRow& row = under[i];
                const int64_t h = top + i;
                row.x = nans, row.base = kZeros, row.mask = ones, row.dx = sink;
                if (h < 0 || h >= rows.size) continue;
                row.inside = true, row.x = x.pixel(n, h, 0) + c, row.x_pitch = x.pitch;
                if (h < h_begin || h >= h_end) continue;
                row.dx = dx.pixel(n, h, 0) + c, row.dx_pitch = dx.pitch;
                if (rows.first(h) < p) {
                    row.base = row.dx, row.base_pitch = dx.pitch;
                } else if (add) {
                    row.base = add.pixel(n, h, 0) + c, row.base_pitch = add.pitch;
                }
                if (mask && rows.last(h) == p) row.mask = mask.pixel(n, h, 0) + c, row.mask_pitch = mask.pitch;
            }
            const float *maxima = y.pixel(n, p, 0) + c, *up = dy.pixel(n, p, 0) + c;
            if (is_finite(lanes, maxima, y.pitch, columns.out)) {
                max_grad_row_3x3<kStride, true>(lanes, columns, under, maxima, y.pitch, up, dy.pitch);
            } else {
                max_grad_row_3x3<kStride, false>(lanes, columns, under, maxima, y.pitch, up, dy.pitch);
            }
        });
    }
    for (int64_t h = h_begin; h < h_end; h++) {
        if (rows.first(h) <= rows.last(h)) continue;  // a window was there
        for (int64_t w = 0; w < columns.size; w++)
            for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
                lanes.store(dx.pixel(n, h, w) + c,
                            epilogue.finish(lanes, epilogue.start(lanes, n, h, w, c), n, h, w, c));
            });
    }
}

// Any window: fill the rows, add window by window, mask the rows.
void max_grad_rows(const Axis& rows, const Axis& columns, int64_t n, int64_t c_begin, int64_t c_end, int64_t h_begin,
                   int64_t h_end, ConstView x, ConstView y, ConstView dy, const Epilogue& epilogue, MutView dx) {
    for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
        for (int64_t h = h_begin; h < h_end; h++)
            for (int64_t w = 0; w < columns.size; w++)
                lanes.store(dx.pixel(n, h, w) + c, epilogue.start(lanes, n, h, w, c));
        for (int64_t p = rows.first(h_begin); p <= rows.last(h_end - 1); p++)
            for (int64_t q = 0; q < columns.out; q++) {
                const Floats maximum = lanes.load(y.pixel(n, p, q) + c);
                Floats rest = lanes.load(dy.pixel(n, p, q) + c);
                for (int64_t h = rows.begin(p); h < rows.end(p) && h < h_end; h++)
                    for (int64_t w = columns.begin(q); w < columns.end(q); w++) {
                        const Ints hit = is_winner<false>(lanes.load(x.pixel(n, h, w) + c), maximum, true);
                        float* to = dx.pixel(n, h, w) + c;
                        if (h >= h_begin) lanes.store(to, lanes.load(to) + (hit ? rest : Floats{}));
                        rest = hit ? Floats{} : rest;
                    }
            }
        for (int64_t h = h_begin; h < h_end && epilogue.mask; h++)
            for (int64_t w = 0; w < columns.size; w++) {
                float* to = dx.pixel(n, h, w) + c;
                lanes.store(to, epilogue.finish(lanes, lanes.load(to), n, h, w, c));
            }
    });
}

void max_grad_input(Stream& stream, const PoolShape& s, ConstView x, ConstView y, ConstView dy, ConstView add,
                    ConstView mask, MutView dx) {
    const auto grad_rows = !is_3x3(s) ? max_grad_rows : s.stride_x == 1 ? max_grad_rows_3x3<1> : max_grad_rows_3x3<2>;
    const Axis rows = rows_of(s), columns = columns_of(s);
    const Epilogue epilogue{add, mask};
    for_blocks(stream, s.n, s.c, s.h, [&](int64_t n, int64_t c_begin, int64_t c_end, int64_t h_begin, int64_t h_end) {
        grad_rows(rows, columns, n, c_begin, c_end, h_begin, h_end, x, y, dy, epilogue, dx);
    });
}

// Reads u where max_grad_input would write: the first winner of each window. Only second derivatives need it.
void max_select(Stream& stream, const PoolShape& s, ConstView x, ConstView y, ConstView u, MutView y2) {
    const Axis rows = rows_of(s), columns = columns_of(s);
    for_blocks(stream, s.n, s.c, s.p, [&](int64_t n, int64_t c_begin, int64_t c_end, int64_t p_begin, int64_t p_end) {
        for (int64_t p = p_begin; p < p_end; p++)
            for (int64_t q = 0; q < s.q; q++)
                for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
                    const Floats maximum = lanes.load(y.pixel(n, p, q) + c);
                    Floats chosen = {};
                    Ints open = ~Ints{};
                    for (int64_t h = rows.begin(p); h < rows.end(p); h++)
                        for (int64_t w = columns.begin(q); w < columns.end(q); w++) {
                            const Ints hit = open & is_winner<false>(lanes.load(x.pixel(n, h, w) + c), maximum, true);
                            chosen = hit ? lanes.load(u.pixel(n, h, w) + c) : chosen;
                            open &= ~hit;
                        }
                    lanes.store(y2.pixel(n, p, q) + c, chosen);
                });
    });
}

void average_grad_input(Stream& stream, const PoolShape& s, ConstView dy, ConstView add, ConstView mask, MutView dx) {
    const Axis rows = rows_of(s), columns = columns_of(s);
    const Epilogue epilogue{add, mask};
    const int64_t full = s.r * s.s;
    const float full_weight = 1.0f / float(full);
    for_blocks(stream, s.n, s.c, s.h, [&](int64_t n, int64_t c_begin, int64_t c_end, int64_t h_begin, int64_t h_end) {
        for (int64_t h = h_begin; h < h_end; h++)
            for (int64_t w = 0; w < s.w; w++) {
                const int64_t p_first = rows.first(h), p_last = rows.last(h), q_first = columns.first(w),
                              q_last = columns.last(w);
                for_vectors(c_begin, c_end, [&](int64_t c, auto lanes) {
                    Floats sum = epilogue.start(lanes, n, h, w, c);
                    for (int64_t p = p_first; p <= p_last; p++) {
                        const int64_t window_rows = rows.end(p) - rows.begin(p);
                        for (int64_t q = q_first; q <= q_last; q++) {
                            const int64_t cells = window_rows * (columns.end(q) - columns.begin(q));
                            const float weight = cells == full ? full_weight : 1.0f / float(cells);
                            sum += weight * lanes.load(dy.pixel(n, p, q) + c);
                        }
                    }
                    lanes.store(dx.pixel(n, h, w) + c, epilogue.finish(lanes, sum, n, h, w, c));
                });
            }
    });
}

}  // namespace

extern constinit const PoolKernels pool_kernels{.max_forward = max_forward,
                                                .max_grad_input = max_grad_input,
                                                .max_select = max_select,
                                                .average_forward = average_forward,
                                                .average_grad_input = average_grad_input};

}  // namespace limpid::CPU_NS
