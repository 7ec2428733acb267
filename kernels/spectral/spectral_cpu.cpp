// The inverse real 2-D DFT and its adjoint on the CPU: two pairs of small real matrix products.
//
// Symmetry makes all of it real and halves every sum. With S_v the complex row v of the scaled spectrum and a = 2*pi/h,
//   T_y = sum_v S_v e^(i*a*v*y) = X_y + Y_y,   T_(h-y) = X_y - Y_y,   for 0 <= y <= h/2, where
//   X_y = sum_{v<=h/2} cos(a*v*y) P_v,   P_v = S_v + S_(h-v)
//   Y_y = sum_{v<=h/2} sin(a*v*y) M_v,   M_v = i*(S_v - S_(h-v))
// (v = 0 and v = h/2 have no partner: P = S, M = 0). Likewise along x, where the result is real and only Re T, Im T
// enter. So each stage is: fold two rows into a sum and a difference; multiply one by cosines, the other by sines; add
// and subtract the products. The adjoint does the same with the stages in the other order and conjugated signs, with
// the same tables, which are symmetric.
//
// Between the stages the frequencies of a channel lie together: planes [channel][re, im][u] of f floats.
#include <math.h>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/elementary.h"
#include "kernels/spectral/spectral.h"

namespace limpid::CPU_NS {

namespace {

// The register tile: kRows rows of kVectors vectors, twice (cosines and sines). Together with the vectors of the tables
// it fills the registers: 2*4*3 + 2*3 of 32 with AVX-512, 2*2*2 + 2*2 of 16 elsewhere.
#if defined(__AVX512F__)
constexpr int kRows = 4, kVectors = 3;
#else
constexpr int kRows = 2, kVectors = 2;
#endif
constexpr int64_t kAlign = 16;  // floats: every matrix row starts on a cache line, on every instruction set
constexpr int64_t kGroup = 4;   // rows of a task, and as many partners

int64_t aligned(int64_t count) { return (count + kAlign - 1) / kAlign * kAlign; }

// The sizes of one problem, and where its parts lie.
struct Sizes {
    int64_t h, w, c, full, f;
    int64_t half_h;  // rows 0..h/2
    int64_t planes;  // floats in a row of planes, aligned
    int64_t row;     // floats in a row of half an image row (columns 0..W/2) or of frequencies, aligned; f = W/2 + 1 in
                     // both cases
    int64_t pitch_h;  // of the tables along y
    float edge_factor;

    explicit Sizes(const SpectralShape& s)
        : h(s.h),
          w(s.w),
          c(s.c),
          full(s.full_width()),
          f(s.frequencies()),
          half_h(s.h / 2 + 1),
          planes(aligned(2 * s.c * s.frequencies())),
          row(aligned(s.frequencies())),
          pitch_h(aligned(s.h / 2 + 1)),
          edge_factor(float(double(s.gain) / double(h * full))) {}
    // The row that y is folded with, or y itself.
    int64_t partner(int64_t y) const { return y == 0 ? 0 : h - y; }
    // k_u * gain / (h*W)
    float factor(int64_t u) const { return u == 0 || u == full / 2 ? edge_factor : 2 * edge_factor; }
};

struct Tables {
    const float *cos_h, *sin_h, *cos_w, *sin_w;
    Tables(const Sizes& s, const float* data)
        : cos_h(data),
          sin_h(cos_h + s.half_h * s.pitch_h),
          cos_w(sin_h + s.half_h * s.pitch_h),
          sin_w(cos_w + s.f * s.row) {}
};

int64_t tables_size(const SpectralShape& shape) {
    const Sizes s(shape);
    return 2 * s.half_h * s.pitch_h + 2 * s.f * s.row;
}

// cos and sin of 2*pi*i*j/n for i, j < count; the padding of the rows is zero.
void fill_table(int64_t n, int64_t count, int64_t pitch, float* cosines, float* sines) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < pitch; j++) {
            const double angle = 2 * M_PI * double(i * j % n) / double(n);
            cosines[i * pitch + j] = j < count ? float(elementary::cos(angle)) : 0.0f;
            sines[i * pitch + j] = j < count ? float(elementary::sin(angle)) : 0.0f;
        }
}

void tables(const SpectralShape& shape, float* host) {
    const Sizes s(shape);
    float *sin_h = host + s.half_h * s.pitch_h, *cos_w = sin_h + s.half_h * s.pitch_h;
    fill_table(s.h, s.half_h, s.pitch_h, host, sin_h);
    fill_table(s.full, s.f, s.row, cos_w, cos_w + s.f * s.row);
}

// One row of a pair of products: x = sum_k a[k] * A[k], y = sum_k b[k] * B[k]. Written as x + y and x - y (butterfly),
// or as x and y; a null output is not written.
struct Row {
    const float *a, *b;
    float *first, *second;
};

template <bool butterfly, int rows, int vectors>
void tile(const Row* row, int64_t depth, const float* matrix_a, const float* matrix_b, int64_t pitch, int64_t column) {
    Floats x[rows][vectors] = {}, y[rows][vectors] = {};
    const float *a = matrix_a + column, *b = matrix_b + column;
    for (int64_t k = 0; k < depth; k++, a += pitch, b += pitch) {
        Floats va[vectors], vb[vectors];
        for (int v = 0; v < vectors; v++) va[v] = load(a + v * kLanes), vb[v] = load(b + v * kLanes);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++) {
                x[r][v] += row[r].a[k] * va[v];
                y[r][v] += row[r].b[k] * vb[v];
            }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) {
            const int64_t to = column + v * kLanes;
            if (row[r].first) store(row[r].first + to, butterfly ? x[r][v] + y[r][v] : x[r][v]);
            if (row[r].second) store(row[r].second + to, butterfly ? x[r][v] - y[r][v] : y[r][v]);
        }
}

template <bool butterfly, int rows>
void tiles(const Row* row, int64_t depth, const float* matrix_a, const float* matrix_b, int64_t pitch) {
    int64_t column = 0;
    for (; column + kVectors * kLanes <= pitch; column += kVectors * kLanes)
        tile<butterfly, rows, kVectors>(row, depth, matrix_a, matrix_b, pitch, column);
    for (; column < pitch; column += kLanes) tile<butterfly, rows, 1>(row, depth, matrix_a, matrix_b, pitch, column);
}

// All columns [0, pitch) of `count` rows; pitch is a multiple of kAlign, so of kLanes. An element is the sum over k in
// ascending order, whatever tile it falls into.
template <bool butterfly>
void product(const Row* row, int64_t count, int64_t depth, const float* matrix_a, const float* matrix_b,
             int64_t pitch) {
    for (; count >= kRows; count -= kRows, row += kRows) tiles<butterfly, kRows>(row, depth, matrix_a, matrix_b, pitch);
    for (; count > 0; count--, row++) tiles<butterfly, 1>(row, depth, matrix_a, matrix_b, pitch);
}

// Working memory: rows of planes, folded along y (half_h rows each) and whole (h rows), and a buffer per worker.
struct Working {
    float *sum, *difference, *whole, *buffers;

    // Half rows, two for each row of a tile: what goes into the products along x, and what comes out.
    static int64_t buffer_floats(const Sizes& s) { return 4 * kRows * s.row; }
    static size_t bytes(const Sizes& s, int threads) {
        return sizeof(float) * size_t((2 * s.half_h + s.h) * s.planes + threads * buffer_floats(s));
    }
    Working(const Sizes& s, int threads, const Scratch& scratch) {
        check_spectral_scratch(bytes(s, threads), scratch);
        sum = reinterpret_cast<float*>(scratch.data);
        difference = sum + s.half_h * s.planes;
        whole = difference + s.half_h * s.planes;
        buffers = whole + s.h * s.planes;
    }
};

size_t scratch(const SpectralShape& shape, int threads) { return Working::bytes(Sizes(shape), threads); }

// body(begin, end, worker) for groups of rows 0..h/2. The rows that they are folded with are (h - end, h - begin], less
// those that are their own partners.
template <class Body>
void for_row_groups(ThreadPool& threads, const Sizes& s, Body body) {
    threads.run((s.half_h + kGroup - 1) / kGroup, [&](int64_t group, int worker) {
        const int64_t end = (group + 1) * kGroup;
        body(group * kGroup, end < s.half_h ? end : s.half_h, worker);
    });
}
int64_t partners_begin(const Sizes& s, int64_t end) { return s.h - end + 1 > s.half_h ? s.h - end + 1 : s.half_h; }
int64_t partners_end(const Sizes& s, int64_t begin) { return begin == 0 ? s.h : s.h - begin + 1; }

// The products along y, shared by both directions: rows [begin, end) of `whole`, and their partners, from all of `sum`
// and `difference`.
void transform_along_y(const Sizes& s, const Tables& tables, const Working& work, int64_t begin, int64_t end) {
    Row rows[kGroup];
    for (int64_t y = begin; y < end; y++) {
        const int64_t partner = s.partner(y);
        rows[y - begin] = {tables.cos_h + y * s.pitch_h, tables.sin_h + y * s.pitch_h, work.whole + y * s.planes,
                           partner == y ? nullptr : work.whole + partner * s.planes};
    }
    product<true>(rows, end - begin, s.half_h, work.sum, work.difference, s.planes);
}

// Row v of sum and difference: P_v and M_v of the scaled spectrum, taken apart into planes.
void fold_spectrum(const Sizes& s, const ConstView& spectrum, const ConstView& scale, int64_t v, const Working& work) {
    const int64_t partner = s.partner(v);
    float *sum = work.sum + v * s.planes, *difference = work.difference + v * s.planes;
    for (int64_t u = 0; u < s.f; u++) {
        const float factor = s.factor(u);
        const float near_scale = factor * *scale.pixel(0, v, u), far_scale = factor * *scale.pixel(0, partner, u);
        const float *near = spectrum.pixel(0, v, u), *far = spectrum.pixel(0, partner, u);
        for (int64_t c = 0; c < s.c; c++) {
            const int64_t re = 2 * c * s.f + u, im = re + s.f;
            const float near_re = near_scale * near[2 * c], near_im = near_scale * near[2 * c + 1];
            if (partner == v) {
                sum[re] = near_re, sum[im] = near_im;
                difference[re] = difference[im] = 0.0f;
            } else {
                const float far_re = far_scale * far[2 * c], far_im = far_scale * far[2 * c + 1];
                sum[re] = near_re + far_re, sum[im] = near_im + far_im;
                difference[re] = far_im - near_im, difference[im] = near_re - far_re;
            }
        }
    }
    for (int64_t i = 2 * s.c * s.f; i < s.planes; i++) sum[i] = difference[i] = 0.0f;
}

// Image rows [begin, end) from the same rows of T: columns x and W - x from one sum over cosines and one over sines.
void inverse_along_x(const Sizes& s, const Tables& tables, const Working& work, int64_t begin, int64_t end,
                     float* buffer, const MutView& image) {
    for (int64_t first = begin * s.c; first < end * s.c; first += kRows) {
        Row rows[kRows];
        const int64_t count = end * s.c - first < kRows ? end * s.c - first : kRows;
        for (int64_t i = 0; i < count; i++) {
            const int64_t y = (first + i) / s.c, c = (first + i) % s.c;
            const float* re = work.whole + y * s.planes + 2 * c * s.f;
            // Re T cos + Im T sin is column W - x; with a minus, column x.
            rows[i] = {re, re + s.f, buffer + (2 * i + 1) * s.row, buffer + 2 * i * s.row};
        }
        product<true>(rows, count, s.f, tables.cos_w, tables.sin_w, s.row);
        for (int64_t i = 0; i < count; i++) {
            const int64_t y = (first + i) / s.c, c = (first + i) % s.c;
            const float *left = rows[i].second, *right = rows[i].first;
            float* to = image.pixel(0, y, 0) + c;
            for (int64_t x = 0; x < s.f && x < s.w; x++) to[x * image.pitch] = left[x];
            for (int64_t x = s.f; x < s.w; x++) to[x * image.pitch] = right[s.full - x];
        }
    }
}

// The adjoint: rows [begin, end) of G (in `whole`) from the same rows of dy.
void grad_along_x(const Sizes& s, const Tables& tables, const Working& work, int64_t begin, int64_t end, float* buffer,
                  const ConstView& dimage) {
    for (int64_t first = begin * s.c; first < end * s.c; first += kRows) {
        Row rows[kRows];
        const int64_t count = end * s.c - first < kRows ? end * s.c - first : kRows;
        for (int64_t i = 0; i < count; i++) {
            const int64_t y = (first + i) / s.c, c = (first + i) % s.c;
            float *sum = buffer + 4 * i * s.row, *difference = sum + s.row;
            const float* from = dimage.pixel(0, y, 0) + c;
            for (int64_t x = 0; x < s.f; x++) {
                // Columns 0 and W/2 have no partner; at odd w, column W - 1 was cropped, and at w = 1 also W/2.
                const float near = x < s.w ? from[x * dimage.pitch] : 0.0f;
                const bool paired = x > 0 && x < s.f - 1;
                const float far = paired && s.full - x < s.w ? from[(s.full - x) * dimage.pitch] : 0.0f;
                sum[x] = near + far;
                difference[x] = paired ? far - near : 0.0f;  // negative, as dim is
            }
            rows[i] = {sum, difference, sum + 2 * s.row, sum + 3 * s.row};
        }
        product<false>(rows, count, s.f, tables.cos_w, tables.sin_w, s.row);
        for (int64_t i = 0; i < count; i++) {
            const int64_t y = (first + i) / s.c, c = (first + i) % s.c;
            float* re = work.whole + y * s.planes + 2 * c * s.f;
            std::memcpy(re, rows[i].first, size_t(s.f) * sizeof(float));
            std::memcpy(re + s.f, rows[i].second, size_t(s.f) * sizeof(float));
        }
    }
}

// Row y of sum and difference: G_y + G_(h-y) and -i * (G_y - G_(h-y)).
void fold_gradient(const Sizes& s, int64_t y, const Working& work) {
    const int64_t partner = s.partner(y);
    const float *near = work.whole + y * s.planes, *far = work.whole + partner * s.planes;
    float *sum = work.sum + y * s.planes, *difference = work.difference + y * s.planes;
    for (int64_t c = 0; c < s.c; c++)
        for (int64_t u = 0; u < s.f; u++) {
            const int64_t re = 2 * c * s.f + u, im = re + s.f;
            sum[re] = partner == y ? near[re] : near[re] + far[re];
            sum[im] = partner == y ? near[im] : near[im] + far[im];
            difference[re] = partner == y ? 0.0f : near[im] - far[im];
            difference[im] = partner == y ? 0.0f : far[re] - near[re];
        }
    for (int64_t i = 2 * s.c * s.f; i < s.planes; i++) sum[i] = difference[i] = 0.0f;
}

// Rows [begin, end) of the gradient from the same rows of `whole`.
void unfold_gradient(const Sizes& s, const ConstView& scale, const Working& work, int64_t begin, int64_t end,
                     const MutView& dspectrum) {
    for (int64_t v = begin; v < end; v++) {
        const float* from = work.whole + v * s.planes;
        for (int64_t u = 0; u < s.f; u++) {
            const float factor = s.factor(u) * *scale.pixel(0, v, u);
            float* to = dspectrum.pixel(0, v, u);
            for (int64_t i = 0; i < 2 * s.c; i++) to[i] = factor * from[i * s.f + u];
        }
    }
}

void inverse(Stream& stream, const SpectralShape& shape, ConstView spectrum, ConstView scale, const float* table_data,
             MutView image, Scratch scratch) {
    const Sizes s(shape);
    const Tables tables(s, table_data);
    ThreadPool& threads = stream.threads();
    const Working work(s, threads.size(), scratch);
    for (int64_t n = 0; n < shape.n; n++) {
        for_row_groups(threads, s, [&](int64_t begin, int64_t end, int) {
            for (int64_t v = begin; v < end; v++) fold_spectrum(s, spectrum.image(n), scale, v, work);
        });
        for_row_groups(threads, s, [&](int64_t begin, int64_t end, int worker) {
            float* buffer = work.buffers + worker * Working::buffer_floats(s);
            transform_along_y(s, tables, work, begin, end);
            inverse_along_x(s, tables, work, begin, end, buffer, image.image(n));
            inverse_along_x(s, tables, work, partners_begin(s, end), partners_end(s, begin), buffer, image.image(n));
        });
    }
}

void inverse_grad(Stream& stream, const SpectralShape& shape, ConstView dimage, ConstView scale,
                  const float* table_data, MutView dspectrum, Scratch scratch) {
    const Sizes s(shape);
    const Tables tables(s, table_data);
    ThreadPool& threads = stream.threads();
    const Working work(s, threads.size(), scratch);
    for (int64_t n = 0; n < shape.n; n++) {
        for_row_groups(threads, s, [&](int64_t begin, int64_t end, int worker) {
            float* buffer = work.buffers + worker * Working::buffer_floats(s);
            grad_along_x(s, tables, work, begin, end, buffer, dimage.image(n));
            grad_along_x(s, tables, work, partners_begin(s, end), partners_end(s, begin), buffer, dimage.image(n));
            for (int64_t y = begin; y < end; y++) fold_gradient(s, y, work);
        });
        for_row_groups(threads, s, [&](int64_t begin, int64_t end, int) {
            transform_along_y(s, tables, work, begin, end);
            unfold_gradient(s, scale, work, begin, end, dspectrum.image(n));
            unfold_gradient(s, scale, work, partners_begin(s, end), partners_end(s, begin), dspectrum.image(n));
        });
    }
}

}  // namespace

extern constinit const SpectralKernels spectral_kernels{
    .tables_size = tables_size, .tables = tables, .scratch = scratch, .inverse = inverse, .inverse_grad = inverse_grad};

}  // namespace limpid::CPU_NS
