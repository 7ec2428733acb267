// Local response normalisation on the CPU. The squares of one pixel go to a small buffer between margins of zeros, so
// that a window sum is a few unaligned loads and the borders need no cases. Several pixels are in flight: a load that
// straddles two recent stores waits until they have left the store buffer, so something else must be done in between.
#include <cmath>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/elementary.h"
#include "kernels/lrn/lrn.h"

namespace limpid::CPU_NS {

namespace {

// Channels of a pixel done at a time, in buffers that stay in the L1 cache. GoogLeNet has at most 192.
constexpr int64_t kTile = 1024;
// Pixels in flight, where they fit.
constexpr int64_t kPixels = 8;
// Larger windows are summed by plain loops: nobody uses them.
constexpr int64_t kMaxRadius = 64;
// The gradient needs q up to one radius outside of a tile, and squares up to two.
constexpr int64_t kMargin = 2 * kMaxRadius;
static_assert(kMaxRadius % kLanes == 0 && kTile % kLanes == 0 && kTile >= kMargin);

// Values of the channels [tile - kMargin, tile + kTile + kMargin).
struct Buffer {
    alignas(64) float values[kMargin + kTile + kMargin];
    float* at(int64_t offset) { return values + kMargin + offset; }
};

// One tile of channels [begin, end) of a pixel, and what of it and its surroundings exists; small pixels share the
// buffers.
struct Tile {
    int64_t begin, end, channels;
    int64_t pixels, stride;  // pixels in the buffers at a time, and the distance between them

    // Offsets from begin.
    int64_t first(int64_t margin) const { return begin == 0 ? 0 : -margin; }
    int64_t last(int64_t margin) const { return end + margin < channels ? end + margin - begin : channels - begin; }
};

Floats load_at(const float* p, int64_t offset, int64_t end) {
    return offset + kLanes <= end ? load(p + offset) : load_first(p + offset, end - offset);
}
void store_at(float* p, int64_t offset, int64_t end, Floats v) {
    if (offset + kLanes <= end) {
        store(p + offset, v);
    } else {
        store_first(p + offset, v, end - offset);
    }
}

// Sum of the 2*radius + 1 values around each lane. kRadius 0: any radius.
template <int kRadius>
Floats window_sum(const float* p, int64_t radius) {
    if constexpr (kRadius > 0) radius = kRadius;
    Floats sum = load(p - radius);
#pragma GCC unroll 16
    for (int64_t j = 1 - radius; j <= radius; j++) sum += load(p + j);
    return sum;
}

// d^-beta and 1/d.
struct Powers {
    Floats power, reciprocal;
};
enum class Beta { half, three_quarters, any };
template <Beta kBeta>
Powers powers(Floats d, float beta) {
    if constexpr (kBeta == Beta::half) {
        const Floats r = 1.0f / sqrt(d);
        return {r, r * r};
    } else if constexpr (kBeta == Beta::three_quarters) {
        const Floats r = 1.0f / sqrt(sqrt(d)), square = r * r;
        return {square * r, square * square};
    } else {
        float lanes[kLanes];
        store(lanes, d);
        for (int i = 0; i < kLanes; i++) lanes[i] = elementary::pow(lanes[i], -beta);
        return {load(lanes), 1.0f / d};
    }
}

void fill_squares(const Tile& tile, int64_t margin, const float* x, float* squares) {
    const int64_t end = tile.last(margin);
    for (int64_t i = tile.first(margin); i < end; i += kLanes) {
        const Floats v = load_at(x, i, end);
        store(squares + i, v * v);
    }
}

template <int kRadius, Beta kBeta>
void forward_pixels(const LrnParameters& p, const Tile& tile, ConstView x, MutView y, int64_t pixel_begin,
                    int64_t pixel_end) {
    Buffer squares = {};
    const int64_t end = tile.last(0);
    for (int64_t first = pixel_begin; first < pixel_end; first += tile.pixels) {
        const int64_t pixels = first + tile.pixels < pixel_end ? tile.pixels : pixel_end - first;
        const float* from = x.data + first * x.pitch + tile.begin;
        float* to = y.data + first * y.pitch + tile.begin;
        for (int64_t j = 0; j < pixels; j++)
            fill_squares(tile, kMaxRadius, from + j * x.pitch, squares.at(j * tile.stride));
        for (int64_t j = 0; j < pixels; j++, from += x.pitch, to += y.pitch)
            for (int64_t i = 0; i < end; i += kLanes) {
                const Floats d = p.bias + p.alpha * window_sum<kRadius>(squares.at(j * tile.stride + i), p.radius);
                store_at(to, i, end, load_at(from, i, end) * powers<kBeta>(d, p.beta).power);
            }
    }
}

template <int kRadius, Beta kBeta>
void gradient_pixels(const LrnParameters& p, const Tile& tile, ConstView x, ConstView dy, ConstView mask, MutView dx,
                     int64_t pixel_begin, int64_t pixel_end) {
    Buffer squares = {}, q = {}, direct;  // q = dy*y/d, direct = dy*d^-beta
    const int64_t end = tile.last(0), end_q = tile.last(kMaxRadius);
    const float factor = 2.0f * p.alpha * p.beta;
    for (int64_t first = pixel_begin; first < pixel_end; first += tile.pixels) {
        const int64_t pixels = first + tile.pixels < pixel_end ? tile.pixels : pixel_end - first;
        const float *from = x.data + first * x.pitch + tile.begin, *up = dy.data + first * dy.pitch + tile.begin;
        for (int64_t j = 0; j < pixels; j++)
            fill_squares(tile, kMargin, from + j * x.pitch, squares.at(j * tile.stride));
        for (int64_t j = 0; j < pixels; j++)
            for (int64_t i = tile.first(kMaxRadius); i < end_q; i += kLanes) {
                const int64_t at = j * tile.stride + i;
                const Floats d = p.bias + p.alpha * window_sum<kRadius>(squares.at(at), p.radius);
                const Powers of_d = powers<kBeta>(d, p.beta);
                const Floats scaled = load_at(up + j * dy.pitch, i, end_q) * of_d.power;
                store(direct.at(at), scaled);
                store(q.at(at), scaled * load_at(from + j * x.pitch, i, end_q) * of_d.reciprocal);
            }
        for (int64_t j = 0; j < pixels; j++)
            for (int64_t i = 0; i < end; i += kLanes) {
                const int64_t at = j * tile.stride + i;
                const Floats sum = window_sum<kRadius>(q.at(at), p.radius);
                Floats v = load(direct.at(at)) - factor * load_at(from + j * x.pitch, i, end) * sum;
                if (mask) v = load_at(mask.data + (first + j) * mask.pitch + tile.begin, i, end) > 0.0f ? v : Floats{};
                store_at(dx.data + (first + j) * dx.pitch + tile.begin, i, end, v);
            }
    }
}

// Windows wider than the buffers: plain loops, in double because a sum may be long.
double denominator(const LrnParameters& p, const float* x, int64_t channels, int64_t c) {
    double sum = 0;
    for (int64_t j = c > p.radius ? c - p.radius : 0; j < channels && j <= c + p.radius; j++)
        sum += double(x[j]) * double(x[j]);
    return double(p.bias) + double(p.alpha) * sum;
}

void forward_wide(const LrnParameters& p, ConstView x, MutView y, int64_t pixel_begin, int64_t pixel_end) {
    for (int64_t pixel = pixel_begin; pixel < pixel_end; pixel++) {
        const float* from = x.data + pixel * x.pitch;
        for (int64_t c = 0; c < x.shape.c; c++)
            y.data[pixel * y.pitch + c] =
                float(double(from[c]) * elementary::pow(denominator(p, from, x.shape.c, c), -double(p.beta)));
    }
}

void gradient_wide(const LrnParameters& p, ConstView x, ConstView dy, ConstView mask, MutView dx, int64_t pixel_begin,
                   int64_t pixel_end) {
    const int64_t channels = x.shape.c;
    for (int64_t pixel = pixel_begin; pixel < pixel_end; pixel++) {
        const float *from = x.data + pixel * x.pitch, *up = dy.data + pixel * dy.pitch;
        for (int64_t k = 0; k < channels; k++) {
            double sum = 0;
            for (int64_t c = k > p.radius ? k - p.radius : 0; c < channels && c <= k + p.radius; c++)
                sum += double(up[c]) * double(from[c]) *
                       elementary::pow(denominator(p, from, channels, c), -double(p.beta) - 1.0);
            const double own = double(up[k]) * elementary::pow(denominator(p, from, channels, k), -double(p.beta));
            const double value = own - 2.0 * double(p.alpha) * double(p.beta) * double(from[k]) * sum;
            dx.data[pixel * dx.pitch + k] = mask && !(mask.data[pixel * mask.pitch + k] > 0.0f) ? 0.0f : float(value);
        }
    }
}

// Calls body(begin, end) for ranges of pixels worth a task.
template <class Body>
void for_pixels(Stream& stream, const Shape& shape, Body&& body) {
    const int64_t grain = shape.c < 4096 ? 4096 / shape.c : 1;
    stream.threads().for_ranges(shape.n * shape.h * shape.w, grain,
                                [&](int64_t begin, int64_t end, int) { body(begin, end); });
}

// Calls body(tile) for the tiles of a pixel.
template <class Body>
void for_tiles(int64_t channels, int64_t radius, Body&& body) {
    const auto whole_vectors = [](int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; };
    // The zeros between two pixels are margin to both.
    const int64_t stride = whole_vectors(channels) + whole_vectors(radius);
    const int64_t fit = kTile / stride, pixels = fit < 1 ? 1 : fit < kPixels ? fit : kPixels;
    for (int64_t c = 0; c < channels; c += kTile)
        body(Tile{c, c + kTile < channels ? c + kTile : channels, channels, pixels, stride});
}

// The variant of a template <int kRadius, Beta kBeta> for these parameters: Lucid's, Caffe's, others.
#define LIMPID_LRN_VARIANT(function, p)                                     \
    (p.radius == 5 && p.beta == 0.5f    ? function<5, Beta::half>           \
     : p.radius == 2 && p.beta == 0.75f ? function<2, Beta::three_quarters> \
     : p.beta == 0.5f                   ? function<0, Beta::half>           \
     : p.beta == 0.75f                  ? function<0, Beta::three_quarters> \
                                        : function<0, Beta::any>)

void forward(Stream& stream, const LrnParameters& p, ConstView x, MutView y) {
    const auto variant = LIMPID_LRN_VARIANT(forward_pixels, p);
    for_pixels(stream, x.shape, [&](int64_t begin, int64_t end) {
        if (p.radius > kMaxRadius) return forward_wide(p, x, y, begin, end);
        for_tiles(x.shape.c, p.radius, [&](const Tile& tile) { variant(p, tile, x, y, begin, end); });
    });
}

void grad_input(Stream& stream, const LrnParameters& p, ConstView x, ConstView dy, ConstView mask, MutView dx) {
    const auto variant = LIMPID_LRN_VARIANT(gradient_pixels, p);
    for_pixels(stream, x.shape, [&](int64_t begin, int64_t end) {
        if (p.radius > kMaxRadius) return gradient_wide(p, x, dy, mask, dx, begin, end);
        for_tiles(x.shape.c, p.radius, [&](const Tile& tile) { variant(p, tile, x, dy, mask, dx, begin, end); });
    });
}

}  // namespace

extern constinit const LrnKernels lrn_kernels{.forward = forward, .grad_input = grad_input};

}  // namespace limpid::CPU_NS
