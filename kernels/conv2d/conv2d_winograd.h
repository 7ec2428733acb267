// Winograd's minimal filtering: a tile of M x M outputs from T x T taps takes (M+T-1)^2 multiplications instead of
// M^2 T^2.
//
//   Y = A^T [ sum_l (G f_l G^T) . (B^T x_l B) ] A
//
// For each point of the (M+T-1)^2 grid the sum is a product of matrices over l.
//
// The points of interpolation are 0, 1, -1, infinity (4 in all) or 0, 1, -1, 2, -2, infinity (6); B depends on them
// alone, so one input transform serves every 6-point algorithm. Rounding grows by a factor that conv2d_test.cpp derives
// from the norms of the matrices: 1.7 for F(2x2,3x3), 20 for F(2x2,5x5), 24 for F(3x3,4x4), 31 for F(4x4,3x3).
// Measured: errors below 1e-5 of the largest output.
//
// Order of work: the transformed input of a block of tiles stays in L2; for each group of output vectors all points are
// multiplied into a small buffer, and the output transform takes it from there. Filters pass once per block: the more
// tiles, the less they cost.
#pragma once

#include "kernels/conv2d/conv2d_epilogue.h"

namespace limpid::CPU_NS {

// 1-D transforms. B^T d:
static inline void transform_input(const Floats (&d)[4], Floats (&t)[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
}
static inline void transform_input(const Floats (&d)[6], Floats (&t)[6]) {
    const Floats even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
    const Floats even2 = d[4] - d[2], odd2 = 2.0f * (d[3] - d[1]);
    t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = even2 + odd2;
    t[4] = even2 - odd2;
    t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}
// A^T m:
static inline void transform_output(const Floats (&m)[4], Floats (&y)[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
}
template <int M>
static inline void transform_output(const Floats (&m)[6], Floats (&y)[M]) {
    const Floats sum = m[1] + m[2], difference = m[1] - m[2], sum2 = m[3] + m[4], difference2 = m[3] - m[4];
    y[0] = m[0] + sum + sum2;
    y[1] = difference + 2.0f * difference2;
    if constexpr (M > 2) y[2] = sum + 4.0f * sum2;
    if constexpr (M > 3) y[3] = difference + 8.0f * difference2;
    y[M - 1] += m[5];
}
// Row `point` of G for T taps on `points` points.
static inline void filter_row(int points, int point, int taps, double* row) {
    const double at[6] = {0, 1, -1, 2, -2, 0};
    const double divisor4[4] = {1, 2, 2, 1}, divisor6[6] = {4, -6, -6, 24, 24, 1};
    double power = 1 / (points == 4 ? divisor4[point] : divisor6[point]);
    for (int t = 0; t < taps; t++, power *= at[point])
        row[t] = point == points - 1 ? (t == taps - 1 ? 1.0 : 0.0) : power;
}

struct WinogradSize {
    int points, outputs, taps;  // in one dimension
    int64_t grid() const { return int64_t(points) * points; }
};
static inline WinogradSize winograd_size(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::winograd_2x2_3x3:
            return {4, 2, 3};
        case Algorithm::winograd_4x4_3x3:
            return {6, 4, 3};
        case Algorithm::winograd_3x3_4x4:
            return {6, 3, 4};
        default:
            return {6, 2, 5};
    }
}

// Packed filters: [vector of out channels][point][in channel][kLanes].
static inline int64_t winograd_packed_size(const Plan& plan) {
    return winograd_size(plan.algorithm).grid() * plan.core.vectors() * plan.core.in_c * kLanes;
}

// Filters are transformed in double and rounded once: the filter's error would be multiplied by the amplification too.
static inline void winograd_pack(ThreadPool& threads, const Plan& plan, const Conv2dShape& shape, const float* w,
                                 float* packed) {
    typedef double Doubles __attribute__((vector_size(kLanes * 8)));
    constexpr int64_t kChannels = 8;  // in channels at a time: 25 taps of them fill 12 KiB of stack
    const WinogradSize size = winograd_size(plan.algorithm);
    const Core& core = plan.core;
    const int64_t channels = core.in_c;
    double g[6][5] = {};
    for (int point = 0; point < size.points; point++) filter_row(size.points, point, size.taps, g[point]);
    threads.run(core.vectors(), [&](int64_t v, int) {
        float* to = packed + v * size.grid() * channels * kLanes;
        for (int64_t first = 0; first < channels; first += kChannels) {
            alignas(64) float taps[25][kChannels * kLanes];
            const int64_t count = smaller(kChannels, core.in_c - first);
            for (int64_t a = 0; a < size.taps; a++)
                for (int64_t b = 0; b < size.taps; b++)
                    copy_filters(plan, shape, w, v * kLanes, a, b, first, count, taps[a * size.taps + b]);
            for (int64_t l = 0; l < count; l++) {
                Doubles rows[6][5];
                for (int b = 0; b < size.taps; b++)
                    for (int i = 0; i < size.points; i++) {
                        Doubles sum = {};
                        for (int a = 0; a < size.taps; a++)
                            sum +=
                                g[i][a] * __builtin_convertvector(load(taps[a * size.taps + b] + l * kLanes), Doubles);
                        rows[i][b] = sum;
                    }
                for (int i = 0; i < size.points; i++)
                    for (int j = 0; j < size.points; j++) {
                        Doubles sum = {};
                        for (int b = 0; b < size.taps; b++) sum += g[j][b] * rows[i][b];
                        store(to + ((i * size.points + j) * channels + first + l) * kLanes,
                              __builtin_convertvector(sum, Floats));
                    }
            }
        }
    });
}

// Where the pieces of a block lie. Transformed input: [point][16 channels][tile][16].
// Products: [point][vector][tile][kLanes].
struct WinogradBlocks {
    int64_t tiles_y, tiles_x, tiles;  // tiles counts those of all images
    int64_t blocks;
    bool shared;        // threads work together on one block after the other, else each on its own
    int64_t tile_step;  // tiles of a block, made odd, lest the points meet in one cache set
    int64_t input_block, input_point, product_point;
    int64_t input_floats, product_floats, zero_floats;
};

// The transformed input of a block and the products of a group of kGroup vectors: half of a 1 MiB L2, as filters pass
// through it too.
constexpr int64_t kBlockBytes = 512 * 1024;
constexpr int64_t kGroup = 2;
// Below this many tiles per thread, filters cost more than hand-overs.
constexpr int64_t kTilesPerThread = 14;

static inline WinogradBlocks winograd_blocks(const Plan& plan, int threads) {
    const WinogradSize size = winograd_size(plan.algorithm);
    const Core& core = plan.core;
    WinogradBlocks b;
    b.tiles_y = divide_up(core.out_h, size.outputs);
    b.tiles_x = divide_up(core.out_w, size.outputs);
    b.tiles = core.n * b.tiles_y * b.tiles_x;
    const int64_t panels = divide_up(core.in_c, kPanel);
    const int64_t most = larger(kBlockBytes / (size.grid() * (panels * kPanel + kGroup * kLanes) * 4), 8);
    b.shared = threads > 1 && b.tiles < threads * kTilesPerThread;
    b.blocks = larger(divide_up(b.tiles, most), 1);
    if (!b.shared) b.blocks = divide_up(b.blocks, threads) * threads;
    b.tile_step = divide_up(b.tiles, b.blocks) | 1;
    b.input_block = b.tile_step * kPanel;
    b.input_point = panels * b.input_block;
    b.product_point = kMostVectors * b.tile_step * kLanes;
    b.input_floats = size.grid() * b.input_point;
    b.product_floats = padded_floats(size.grid() * b.product_point);
    b.zero_floats = panels * kPanel;
    return b;
}

static inline int64_t winograd_scratch_floats(const Plan& plan, int threads) {
    const WinogradBlocks b = winograd_blocks(plan, threads);
    return (b.shared ? 1 : threads) * b.input_floats + threads * b.product_floats + b.zero_floats;
}

// One block of tiles at work.
template <int Points, int Outputs>
struct WinogradWork {
    const Core& core;
    const WinogradBlocks& blocks;
    ConstView in;
    const float* packed;
    const Epilogue& epilogue;
    const float* zeros;  // a pixel outside the input

    static constexpr int64_t kGrid = Points * Points;

    struct Tile {
        int64_t n, y, x;  // image; first output row and column
    };
    Tile tile_at(int64_t tile) const {
        const int64_t per_image = blocks.tiles_y * blocks.tiles_x;
        return {tile / per_image, tile % per_image / blocks.tiles_x * Outputs, tile % blocks.tiles_x * Outputs};
    }

    // B^T x B of one vector of channels. Its pixels come as a table: where the compiler computes 36 addresses itself,
    // it runs out of registers and takes twice as long; and pixels outside the input need no other path.
    using Pixels = const float* [Points][Points];
    template <bool Full>
    [[gnu::noinline]] static void transform_vector(const Pixels& pixels, int64_t c, int64_t lanes, float* to,
                                                   int64_t point_step) {
        Floats columns[Points][Points];
#pragma GCC unroll 6
        for (int x = 0; x < Points; x++) {
            Floats d[Points], t[Points];
#pragma GCC unroll 6
            for (int y = 0; y < Points; y++) d[y] = Full ? load(pixels[y][x] + c) : load_first(pixels[y][x] + c, lanes);
            transform_input(d, t);
#pragma GCC unroll 6
            for (int y = 0; y < Points; y++) columns[y][x] = t[y];
        }
#pragma GCC unroll 6
        for (int y = 0; y < Points; y++) {
            Floats t[Points];
            transform_input(columns[y], t);
#pragma GCC unroll 6
            for (int x = 0; x < Points; x++) store(to + (y * Points + x) * point_step, t[x]);
        }
    }

    // Transforms channels [c_begin, c_end) of one tile; `to` is its place at point 0, channel 0.
    void input(int64_t tile, float* to, int64_t c_begin, int64_t c_end) const {
        const Tile at = tile_at(tile);
        const int64_t y_first = at.y - core.top, x_first = at.x - core.left;
        Pixels pixels;
        for (int64_t y = 0; y < Points; y++) {
            const bool row_inside = y_first + y >= 0 && y_first + y < core.in_h;
            const float* row = in.data + ((at.n * core.in_h + y_first + y) * core.in_w + x_first) * in.pitch;
            for (int64_t x = 0; x < Points; x++)
                pixels[y][x] = row_inside && x_first + x >= 0 && x_first + x < core.in_w ? row + x * in.pitch : zeros;
        }
        for (int64_t c = c_begin; c < c_end; c += kLanes) {
            float* place = to + c / kPanel * blocks.input_block + c % kPanel;
            const int64_t lanes = smaller(kLanes, core.in_c - c);
            if (lanes == kLanes)
                transform_vector<true>(pixels, c, lanes, place, blocks.input_point);
            else
                transform_vector<false>(pixels, c, lanes, place, blocks.input_point);
        }
    }

    // Multiplies `tiles` tiles with out vectors [v_begin, v_end) and writes their outputs.
    void multiply_and_finish(int64_t first_tile, int64_t tiles, const float* input, float* products, int64_t v_begin,
                             int64_t v_end) const {
        const int64_t depth = core.in_c, filters_point = depth * kLanes;
        const int64_t vector_step = blocks.tile_step * kLanes;
        const int wanted = best_vectors(tiles, v_end - v_begin);
        const int64_t chunks = divide_up(tiles, kMostPixels[wanted]);
        for (int64_t v = v_begin; v < v_end;) {
            const int vectors = kernel_vectors(smaller(wanted, v_end - v));
            const float* filters = packed + v * kGrid * filters_point;
            for (int64_t point = 0; point < kGrid; point++)
                for (int64_t chunk = 0; chunk < chunks; chunk++) {
                    const int64_t first = tiles * chunk / chunks, count = tiles * (chunk + 1) / chunks - first;
                    kMultiply[vectors].by_pixels[count](
                        input + point * blocks.input_point + first * kPanel, blocks.input_block,
                        filters + point * filters_point, kGrid * filters_point, depth,
                        products + point * blocks.product_point + first * kLanes, kLanes, vector_step);
                }
            for (int64_t tile = 0; tile < tiles; tile++)
                for (int64_t o = 0; o < vectors; o++)
                    output(tile_at(first_tile + tile), products + o * vector_step + tile * kLanes, (v + o) * kLanes);
            v += vectors;
        }
    }

    void output(const Tile& at, const float* products, int64_t channel) const {
        Floats rows[Outputs][Points];
#pragma GCC unroll 6
        for (int x = 0; x < Points; x++) {
            Floats m[Points], t[Outputs];
#pragma GCC unroll 6
            for (int y = 0; y < Points; y++) m[y] = load(products + (y * Points + x) * blocks.product_point);
            transform_output(m, t);
#pragma GCC unroll 6
            for (int y = 0; y < Outputs; y++) rows[y][x] = t[y];
        }
        const Floats bias = bias_of(epilogue, channel);
        const int64_t lanes = smaller(kLanes, epilogue.channels - channel);
        const int64_t height = smaller(Outputs, core.out_h - at.y), width = smaller(Outputs, core.out_w - at.x);
        for (int64_t y = 0; y < height; y++) {
            Floats t[Outputs];
            transform_output(rows[y], t);
            const int64_t pixel = (at.n * core.out_h + at.y + y) * core.out_w + at.x;
            for (int64_t x = 0; x < width; x++) {
                if (lanes == kLanes)
                    finish<true>(epilogue, t[x], bias, pixel + x, channel, lanes);
                else
                    finish<false>(epilogue, t[x], bias, pixel + x, channel, lanes);
            }
        }
    }
};

template <int Points, int Outputs>
static void winograd_run_size(ThreadPool& threads, const Plan& plan, ConstView in, const float* packed,
                              const Epilogue& epilogue, Scratch scratch) {
    const Core& core = plan.core;
    const WinogradBlocks b = winograd_blocks(plan, threads.size());
    if (b.tiles == 0) return;
    float* inputs = take_floats(scratch, (b.shared ? 1 : threads.size()) * b.input_floats);
    float* products = take_floats(scratch, threads.size() * b.product_floats);
    float* zeros = take_floats(scratch, b.zero_floats);
    for (int64_t i = 0; i < b.zero_floats; i++) zeros[i] = 0;
    const WinogradWork<Points, Outputs> work{core, b, in, packed, epilogue, zeros};
    const auto first_of = [&](int64_t block) { return b.tiles * block / b.blocks; };
    if (!b.shared) {
        threads.run(b.blocks, [&](int64_t block, int worker) {
            const int64_t first = first_of(block), count = first_of(block + 1) - first;
            float* input = inputs + worker * b.input_floats;
            for (int64_t tile = 0; tile < count; tile++) work.input(first + tile, input + tile * kPanel, 0, core.in_c);
            work.multiply_and_finish(first, count, input, products + worker * b.product_floats, 0, core.vectors());
        });
        return;
    }
    for (int64_t block = 0; block < b.blocks; block++) {
        const int64_t first = first_of(block), count = first_of(block + 1) - first;
        const int64_t parts = smaller(threads.size(), core.vectors());
        // Each task transforms some panels of 16 channels of all tiles, so that small maps split too.
        const int64_t panels = divide_up(core.in_c, kPanel), input_parts = smaller(threads.size(), panels);
        threads.run(input_parts, [&](int64_t part, int) {
            const int64_t begin = panels * part / input_parts * kPanel,
                          end = smaller(panels * (part + 1) / input_parts * kPanel, core.in_c);
            for (int64_t tile = 0; tile < count; tile++) work.input(first + tile, inputs + tile * kPanel, begin, end);
        });
        threads.run(parts, [&](int64_t part, int worker) {
            work.multiply_and_finish(first, count, inputs, products + worker * b.product_floats,
                                     core.vectors() * part / parts, core.vectors() * (part + 1) / parts);
        });
    }
}

static inline void winograd_run(ThreadPool& threads, const Plan& plan, ConstView in, const float* packed,
                                const Epilogue& epilogue, Scratch scratch) {
    switch (plan.algorithm) {
        case Algorithm::winograd_2x2_3x3:
            return winograd_run_size<4, 2>(threads, plan, in, packed, epilogue, scratch);
        case Algorithm::winograd_4x4_3x3:
            return winograd_run_size<6, 4>(threads, plan, in, packed, epilogue, scratch);
        case Algorithm::winograd_3x3_4x4:
            return winograd_run_size<6, 3>(threads, plan, in, packed, epilogue, scratch);
        default:
            return winograd_run_size<6, 2>(threads, plan, in, packed, epilogue, scratch);
    }
}

}  // namespace limpid::CPU_NS
