// Matrix products on the CPU, two ways: tiles of y in registers over packed panels of b, and, for a few rows, one pass
// over b.
#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/matmul/matmul.h"

namespace limpid::CPU_NS {

namespace {

// A tile of y: rows x vectors of sums, beside one row of the panel and one element of a, in 32 (AVX-512) or 16
// registers.
constexpr int kRows = kLanes == 16 ? 8 : 4, kVectors = kLanes == 4 ? 2 : 3;
constexpr int64_t kPanel = kVectors * kLanes;  // columns
// Depth of a panel: 256 rows of 48 columns are 48 KiB, which stream from the L2 cache while the rows of a stay in L1.
constexpr int64_t kDepth = 256;
// Rows of y that a task does with one panel: as many rows of a stay in the L2 cache from one panel to the next. Fewer
// would pack b more often: it is packed anew for each block of rows.
constexpr int64_t kTaskRows = 128;
// Up to this many rows, packing b costs more than it saves: b is read once, where it lies.
constexpr int64_t kFewRows = 4;
// Columns of a task in that case.
constexpr int64_t kFewColumns = 256;

int64_t pieces(int64_t count, int64_t size) { return (count + size - 1) / size; }
int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Element (i, k) of op(a): a[i*row + k*step].
struct Left {
    const float* data;
    int64_t row, step;
};
Left left_of(const MatmulShape& s, const float* a, int64_t batch) {
    return {a + batch * s.stride_a, s.transpose_a ? 1 : s.lda, s.transpose_a ? s.lda : 1};
}

// Packing: panel[k][j] = B[k0 + k, j0 + j], zero after the last column -----------------------------------------------

void pack_rows(const float* b, int64_t ldb, int64_t depth, int64_t columns, float* panel) {
    for (int64_t k = 0; k < depth; k++, b += ldb, panel += kPanel)
        for (int64_t j = 0; j < kPanel; j += kLanes) {
            const int64_t count = columns - j;
            store(panel + j, count >= kLanes ? load(b + j) : count > 0 ? load_first(b + j, count) : Floats{});
        }
}

// b is stored by columns: squares of 4 x 4 are turned in registers.
void pack_columns(const float* b, int64_t ldb, int64_t depth, int64_t columns, float* panel) {
    typedef float Four __attribute__((vector_size(16)));
    const auto load_four = [](const float* p) {
        Four v;
        std::memcpy(&v, p, sizeof v);
        return v;
    };
    const auto store_four = [](float* p, Four v) { std::memcpy(p, &v, sizeof v); };
    for (int64_t j = 0; j < kPanel; j += 4) {
        const float* column[4];  // absent columns repeat the last one; their products are not stored
        for (int64_t i = 0; i < 4; i++) column[i] = b + smaller(j + i, columns - 1) * ldb;
        int64_t k = 0;
        for (; k + 4 <= depth; k += 4) {
            const Four v0 = load_four(column[0] + k), v1 = load_four(column[1] + k);
            const Four v2 = load_four(column[2] + k), v3 = load_four(column[3] + k);
            const Four low01 = __builtin_shufflevector(v0, v1, 0, 4, 1, 5),
                       high01 = __builtin_shufflevector(v0, v1, 2, 6, 3, 7);
            const Four low23 = __builtin_shufflevector(v2, v3, 0, 4, 1, 5),
                       high23 = __builtin_shufflevector(v2, v3, 2, 6, 3, 7);
            float* to = panel + k * kPanel + j;
            store_four(to, __builtin_shufflevector(low01, low23, 0, 1, 4, 5));
            store_four(to + kPanel, __builtin_shufflevector(low01, low23, 2, 3, 6, 7));
            store_four(to + 2 * kPanel, __builtin_shufflevector(high01, high23, 0, 1, 4, 5));
            store_four(to + 3 * kPanel, __builtin_shufflevector(high01, high23, 2, 3, 6, 7));
        }
        for (; k < depth; k++)
            for (int64_t i = 0; i < 4; i++) panel[k * kPanel + j + i] = column[i][k];
    }
}

// Tiles ---------------------------------------------------------------------------------------------------------------

// A tile of y as it is stored: its first rows and columns only.
struct Tile {
    float* y;
    int64_t ldy, rows, columns;
};

// y = start + a * panel, where start is what y holds, or the bias, or nothing (null: y).
enum class Start { nothing, bias, y };

template <int kUsed>  // vectors of the panel that hold columns
void multiply_tile(const Tile& tile, const Left& a, const float* panel, int64_t depth, Start start, const float* bias) {
    const auto load_columns = [&](const float* p, int v) {
        const int64_t count = tile.columns - v * kLanes;
        return count >= kLanes ? load(p + v * kLanes) : load_first(p + v * kLanes, count);
    };
    Floats sums[kRows][kUsed];
    const float* rows[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++) {
        const int64_t row = smaller(i, tile.rows - 1);  // absent rows repeat the last one
        rows[i] = a.data + row * a.row;
#pragma GCC unroll 3
        for (int v = 0; v < kUsed; v++)
            sums[i][v] = start == Start::y      ? load_columns(tile.y + row * tile.ldy, v)
                         : start == Start::bias ? load_columns(bias, v)
                                                : Floats{};
    }
    int64_t offset = 0;
    for (int64_t k = 0; k < depth; k++, offset += a.step, panel += kPanel) {
        Floats b[kUsed];
#pragma GCC unroll 3
        for (int v = 0; v < kUsed; v++) b[v] = load(panel + v * kLanes);
#pragma GCC unroll 8
        for (int i = 0; i < kRows; i++) {
            const Floats left = broadcast(rows[i][offset]);
#pragma GCC unroll 3
            for (int v = 0; v < kUsed; v++) sums[i][v] += left * b[v];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++) {
        if (i >= tile.rows) return;
#pragma GCC unroll 3
        for (int v = 0; v < kUsed; v++) {
            float* to = tile.y + i * tile.ldy + v * kLanes;
            const int64_t count = tile.columns - v * kLanes;
            if (count >= kLanes) {
                store(to, sums[i][v]);
            } else {
                store_first(to, sums[i][v], count);
            }
        }
    }
}

void multiply_tiles(Stream& stream, const MatmulShape& s, const float* a, const float* b, const float* bias, float* y,
                    float* scratch) {
    const int64_t row_blocks = pieces(s.m, kTaskRows), panels = pieces(s.n, kPanel),
                  depth_blocks = s.k > 0 ? pieces(s.k, kDepth) : 1;
    const int64_t panel_size = smaller(s.k, kDepth) * kPanel;
    // Neighbouring tasks share rows of a.
    stream.threads().run(s.batch * row_blocks * panels, [&](int64_t index, int worker) {
        const int64_t batch = index / (row_blocks * panels), j = index % panels * kPanel;
        const int64_t row_begin = index / panels % row_blocks * kTaskRows,
                      row_end = smaller(row_begin + kTaskRows, s.m);
        const int64_t columns = smaller(kPanel, s.n - j);
        const auto tile_kernel = columns > 2 * kLanes   ? multiply_tile<kVectors>
                                 : columns > 1 * kLanes ? multiply_tile<2>
                                                        : multiply_tile<1>;
        const Left left = left_of(s, a, batch);
        const float* right = b + batch * s.stride_b;
        float* panel = scratch + worker * panel_size;
        for (int64_t block = 0; block < depth_blocks; block++) {
            const int64_t k = block * kDepth, depth = smaller(kDepth, s.k - k);
            if (s.transpose_b) {
                pack_columns(right + j * s.ldb + k, s.ldb, depth, columns, panel);
            } else {
                pack_rows(right + k * s.ldb + j, s.ldb, depth, columns, panel);
            }
            const Start start = block > 0 ? Start::y : bias ? Start::bias : Start::nothing;
            for (int64_t i = row_begin; i < row_end; i += kRows) {
                const Tile tile{y + batch * s.stride_y + i * s.ldy + j, s.ldy, smaller(kRows, row_end - i), columns};
                const Left from{left.data + i * left.row + k * left.step, left.row, left.step};
                tile_kernel(tile, from, panel, depth, start, bias ? bias + j : nullptr);
            }
        }
    });
}

// A few rows ----------------------------------------------------------------------------------------------------------

// Columns [0, columns) of y, from b stored by rows: four rows of b at a time are added to sums that stay in the L1
// cache.
void few_rows(const MatmulShape& s, const Left& a, const float* b, const float* bias, float* y, int64_t columns) {
    alignas(64) float sums[kFewRows][kFewColumns] = {};
    for (int64_t i = 0; i < s.m; i++)
        for (int64_t j = 0; j < columns; j++) sums[i][j] = bias ? bias[j] : 0.0f;
    const int64_t whole = columns / kLanes * kLanes;
    int64_t k = 0;
    for (; k + 4 <= s.k; k += 4)
        for (int64_t i = 0; i < s.m; i++) {
            const float* from = b + k * s.ldb;
            float left[4];
            for (int r = 0; r < 4; r++) left[r] = a.data[i * a.row + (k + r) * a.step];
            const auto add = [&](Floats sum, auto&& row) {
                for (int r = 0; r < 4; r++) sum += left[r] * row(from + r * s.ldb);
                return sum;
            };
            for (int64_t j = 0; j < whole; j += kLanes)
                store(sums[i] + j, add(load(sums[i] + j), [&](const float* row) { return load(row + j); }));
            if (whole < columns)  // the sums have room for whole vectors
                store(sums[i] + whole, add(load(sums[i] + whole),
                                           [&](const float* row) { return load_first(row + whole, columns - whole); }));
        }
    for (; k < s.k; k++)
        for (int64_t i = 0; i < s.m; i++) {
            const float left = a.data[i * a.row + k * a.step];
            for (int64_t j = 0; j < columns; j++) sums[i][j] += left * b[k * s.ldb + j];
        }
    for (int64_t i = 0; i < s.m; i++) std::memcpy(y + i * s.ldy, sums[i], size_t(columns) * sizeof(float));
}

// Columns [0, columns) of y, from b stored by columns: dot products with the rows of a, dense at `a`.
void few_dots(const MatmulShape& s, const float* a, const float* b, const float* bias, float* y, int64_t columns) {
    constexpr int kChains = 4;
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < s.m; i++) {
            const float *left = a + i * s.k, *right = b + j * s.ldb;
            Floats chains[kChains] = {};
            int64_t k = 0;
            for (; k + kChains * kLanes <= s.k; k += kChains * kLanes)
                for (int r = 0; r < kChains; r++)
                    chains[r] += load(left + k + r * kLanes) * load(right + k + r * kLanes);
            for (; k + kLanes <= s.k; k += kLanes) chains[0] += load(left + k) * load(right + k);
            if (k < s.k) chains[1] += load_first(left + k, s.k - k) * load_first(right + k, s.k - k);
            float lanes[kLanes];
            store(lanes, (chains[0] + chains[1]) + (chains[2] + chains[3]));
            for (int half = kLanes / 2; half > 0; half /= 2)
                for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
            y[i * s.ldy + j] = bias ? lanes[0] + bias[j] : lanes[0];
        }
}

void multiply_few(Stream& stream, const MatmulShape& s, const float* a, const float* b, const float* bias, float* y,
                  float* scratch) {
    const int64_t strips = pieces(s.n, kFewColumns);
    stream.threads().run(s.batch * strips, [&](int64_t index, int worker) {
        const int64_t batch = index / strips, j = index % strips * kFewColumns, columns = smaller(kFewColumns, s.n - j);
        const Left left = left_of(s, a, batch);
        const float* strip_bias = bias ? bias + j : nullptr;
        float* to = y + batch * s.stride_y + j;
        if (!s.transpose_b) return few_rows(s, left, b + batch * s.stride_b + j, strip_bias, to, columns);
        float* rows = scratch + worker * kFewRows * s.k;
        for (int64_t i = 0; i < s.m; i++)
            for (int64_t k = 0; k < s.k; k++) rows[i * s.k + k] = left.data[i * left.row + k * left.step];
        few_dots(s, rows, b + batch * s.stride_b + j * s.ldb, strip_bias, to, columns);
    });
}

bool is_few(const MatmulShape& s) { return s.m <= kFewRows; }

size_t scratch_bytes(const MatmulShape& s, int threads) {
    const int64_t per_worker = is_few(s) ? (s.transpose_b ? kFewRows * s.k : 0) : smaller(s.k, kDepth) * kPanel;
    return size_t(threads * per_worker) * sizeof(float);
}

void multiply(Stream& stream, const MatmulShape& s, const float* a, const float* b, const float* bias, float* y,
              Scratch scratch) {
    (is_few(s) ? multiply_few : multiply_tiles)(stream, s, a, b, bias, y, reinterpret_cast<float*>(scratch.data));
}

}  // namespace

extern constinit const MatmulKernels matmul_kernels{.scratch = scratch_bytes, .multiply = multiply};

}  // namespace limpid::CPU_NS
