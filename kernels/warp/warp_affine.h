// Affine maps on the CPU: source positions of a row of output pixels into a table (vectors of doubles), then pixel by
// pixel.
//
// The adjoint is a scatter without atomics: each task owns a band of rows of dx and visits, in the order of (p, q), the
// output pixels that read it. Which pixels those are is decided by the forward code itself; the interval of columns is
// only a cheap first sieve.
#pragma once

#include "kernels/warp/warp_rows.h"

namespace limpid::CPU_NS {

namespace {

// The line on which the sources of one output row lie: u = slope_u * q + start_u.
struct Line {
    double slope_u, start_u, slope_v, start_v;
};

inline Line line_of(const ConstView& matrix, int64_t n, int64_t p) {
    const float* m = matrix.pixel(matrix.shape.n == 1 ? 0 : n, 0, 0);
    return {m[0], double(m[1]) * double(p) + m[2], m[3], double(m[4]) * double(p) + m[5]};
}

// Half away from zero, for x in (-0.5, 2^31): x + 0.5 would round 0.49999999999999994 up. -1 stays -1.
inline int32_t round_inside(double x) {
    const int32_t whole = int32_t(x);
    return whole + (x - double(whole) >= 0.5 ? 1 : 0);
}

// Source pixels of the columns [begin, begin + count) of one output row; -1 where the source lies outside.
struct NearestTable {
    int32_t row[kColumns], column[kColumns];

    void fill(const Line& line, int64_t begin, int64_t count, const Shape& in) {
        const double width = double(in.w) - 0.5, height = double(in.h) - 0.5;
        // Two loops: in one, the compiler branches around the rounding and makes no vectors.
        double u_at[kColumns], v_at[kColumns];
        for (int64_t i = 0; i < count; i++) {
            const double q = double(int32_t(begin + i));
            const double u = line.slope_u * q + line.start_u, v = line.slope_v * q + line.start_v;
            const bool inside = u > -0.5 && u < width && v > -0.5 && v < height;
            u_at[i] = inside ? u : -1.0;
            v_at[i] = inside ? v : -1.0;
        }
        for (int64_t i = 0; i < count; i++) {
            row[i] = round_inside(v_at[i]);
            column[i] = round_inside(u_at[i]);
        }
    }
};

// The 2x2 neighbourhood: rows top and bottom, columns left and right. Outside the image a weight is 0 and its index
// that of its partner, so that no NaN elsewhere is read. top = -1 where all four lie outside.
struct BilinearTable {
    int32_t top[kColumns], bottom[kColumns], left[kColumns], right[kColumns];
    float weight_top[kColumns], weight_bottom[kColumns], weight_left[kColumns], weight_right[kColumns];

    void fill(const Line& line, int64_t begin, int64_t count, const Shape& in) {
        const double width = double(in.w), height = double(in.h);
        const int32_t last_row = int32_t(in.h - 1), last_column = int32_t(in.w - 1);
        for (int64_t i = 0; i < count; i++) {
            const double q = double(int32_t(begin + i));
            double u = line.slope_u * q + line.start_u, v = line.slope_v * q + line.start_v;
            const bool inside = u >= -1.0 && u < width && v >= -1.0 && v < height;
            u = inside ? u : 0.0;
            v = inside ? v : 0.0;
            // floor, for numbers that are not below -1.
            const int32_t u0 = int32_t(u + 1.0) - 1 - (double(int32_t(u + 1.0) - 1) > u ? 1 : 0);
            const int32_t v0 = int32_t(v + 1.0) - 1 - (double(int32_t(v + 1.0) - 1) > v ? 1 : 0);
            const float below = float(v - double(v0)), beside = float(u - double(u0));
            weight_top[i] = v0 >= 0 ? 1.0f - below : 0.0f;
            weight_bottom[i] = v0 < last_row ? below : 0.0f;
            weight_left[i] = u0 >= 0 ? 1.0f - beside : 0.0f;
            weight_right[i] = u0 < last_column ? beside : 0.0f;
            top[i] = inside ? (v0 >= 0 ? v0 : 0) : -1;
            bottom[i] = v0 < last_row ? v0 + 1 : last_row;
            left[i] = u0 >= 0 ? u0 : 0;
            right[i] = u0 < last_column ? u0 + 1 : last_column;
        }
    }
};

template <int kFixed>
void read_row(const NearestTable& table, int64_t count, const ConstView& x, float* y, int64_t pitch) {
    const int64_t channels = kFixed ? kFixed : x.shape.c;
    for (int64_t i = 0; i < count; i++, y += pitch) {
        if (table.row[i] < 0) {
            for (int64_t c = 0; c < channels; c++) y[c] = 0.0f;
        } else {
            const float* from = x.pixel(0, table.row[i], table.column[i]);
            for (int64_t c = 0; c < channels; c++) y[c] = from[c];
        }
    }
}

template <int kFixed>
void read_row(const BilinearTable& table, int64_t count, const ConstView& x, float* y, int64_t pitch) {
    const int64_t channels = kFixed ? kFixed : x.shape.c;
    for (int64_t i = 0; i < count; i++, y += pitch) {
        if (table.top[i] < 0) {
            for (int64_t c = 0; c < channels; c++) y[c] = 0.0f;
            continue;
        }
        const float *a = x.pixel(0, table.top[i], table.left[i]), *b = x.pixel(0, table.top[i], table.right[i]);
        const float *d = x.pixel(0, table.bottom[i], table.left[i]), *e = x.pixel(0, table.bottom[i], table.right[i]);
        const float left = table.weight_left[i], right = table.weight_right[i];
        for (int64_t c = 0; c < channels; c++)
            y[c] = table.weight_top[i] * (left * a[c] + right * b[c]) +
                   table.weight_bottom[i] * (left * d[c] + right * e[c]);
    }
}

// Adds a row of dy to the rows [band_begin, band_end) of dx.
template <int kFixed>
void write_row(const NearestTable& table, int64_t count, const float* dy, int64_t pitch, const MutView& dx,
               int64_t band_begin, int64_t band_end) {
    const int64_t channels = kFixed ? kFixed : dx.shape.c;
    for (int64_t i = 0; i < count; i++, dy += pitch) {
        if (table.row[i] < band_begin || table.row[i] >= band_end) continue;
        float* to = dx.pixel(0, table.row[i], table.column[i]);
        for (int64_t c = 0; c < channels; c++) to[c] += dy[c];
    }
}

template <int kFixed>
void write_row(const BilinearTable& table, int64_t count, const float* dy, int64_t pitch, const MutView& dx,
               int64_t band_begin, int64_t band_end) {
    const int64_t channels = kFixed ? kFixed : dx.shape.c;
    for (int64_t i = 0; i < count; i++, dy += pitch) {
        if (table.top[i] < 0) continue;
        const auto add = [&](int64_t row, float weight) {
            if (row < band_begin || row >= band_end) return;
            float *a = dx.pixel(0, row, table.left[i]), *b = dx.pixel(0, row, table.right[i]);
            const float left = weight * table.weight_left[i], right = weight * table.weight_right[i];
            for (int64_t c = 0; c < channels; c++) a[c] += left * dy[c];
            for (int64_t c = 0; c < channels; c++) b[c] += right * dy[c];
        };
        add(table.top[i], table.weight_top[i]);
        add(table.bottom[i], table.weight_bottom[i]);
    }
}

// A superset of the columns whose sources touch rows [band_begin, band_end): one row to spare on each side.
void sieve_columns(const Line& line, int64_t band_begin, int64_t band_end, int64_t width, int64_t& begin,
                   int64_t& end) {
    begin = 0;
    end = width;
    if (line.slope_v == 0.0) return;
    double low = (double(band_begin - 2) - line.start_v) / line.slope_v,
           high = (double(band_end + 1) - line.start_v) / line.slope_v;
    if (line.slope_v < 0) {
        const double swap = low;
        low = high;
        high = swap;
    }
    // NaN compares false and keeps the whole row.
    if (low > 0) begin = low < double(width) ? int64_t(low) : width;
    if (high < double(width)) end = high >= 0 ? int64_t(high) + 1 : 0;
}

template <class Table>
void read(Stream& stream, const ConstView& x, const ConstView& matrix, const MutView& y) {
    stream.threads().for_ranges(y.shape.n * y.shape.h, row_grain(y.shape), [&](int64_t begin, int64_t end, int) {
        Table table;
        for (int64_t i = begin; i < end; i++) {
            const int64_t n = i / y.shape.h, p = i % y.shape.h;
            const ConstView image = x.image(n);
            const Line line = line_of(matrix, n, p);
            for (int64_t q = 0; q < y.shape.w; q += kColumns) {
                const int64_t count = y.shape.w - q < kColumns ? y.shape.w - q : kColumns;
                table.fill(line, q, count, x.shape);
                with_channels(y.shape.c,
                              [&](auto fixed) { read_row<fixed()>(table, count, image, y.pixel(n, p, q), y.pitch); });
            }
        }
    });
}

template <class Table>
void write(Stream& stream, const ConstView& dy, const ConstView& matrix, const MutView& dx) {
    stream.threads().for_ranges(dx.shape.n * dx.shape.h, row_grain(dx.shape), [&](int64_t begin, int64_t end, int) {
        Table table;
        while (begin < end) {
            const int64_t n = begin / dx.shape.h, band_begin = begin % dx.shape.h;
            const int64_t band_end = dx.shape.h - band_begin < end - begin ? dx.shape.h : band_begin + end - begin;
            const MutView image = dx.image(n);
            for (int64_t row = band_begin; row < band_end; row++) zero_row(image, 0, row);
            for (int64_t p = 0; p < dy.shape.h; p++) {
                const Line line = line_of(matrix, n, p);
                int64_t q, last;
                sieve_columns(line, band_begin, band_end, dy.shape.w, q, last);
                for (; q < last; q += kColumns) {
                    const int64_t count = last - q < kColumns ? last - q : kColumns;
                    table.fill(line, q, count, dx.shape);
                    with_channels(dy.shape.c, [&](auto fixed) {
                        write_row<fixed()>(table, count, dy.pixel(n, p, q), dy.pitch, image, band_begin, band_end);
                    });
                }
            }
            begin += band_end - band_begin;
        }
    });
}

void affine(Stream& stream, Interpolation interpolation, ConstView x, ConstView matrix, MutView y) {
    if (interpolation == Interpolation::nearest) return read<NearestTable>(stream, x, matrix, y);
    read<BilinearTable>(stream, x, matrix, y);
}

void affine_grad(Stream& stream, Interpolation interpolation, ConstView dy, ConstView matrix, MutView dx) {
    if (interpolation == Interpolation::nearest) return write<NearestTable>(stream, dy, matrix, dx);
    write<BilinearTable>(stream, dy, matrix, dx);
}

}  // namespace

}  // namespace limpid::CPU_NS
