// Softmax over the channels of each pixel on the CPU.
#include <cmath>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/softmax/softmax.h"

namespace limpid::CPU_NS {

namespace {

// Elements worth a task: an exponential takes about a nanosecond.
constexpr int64_t kGrain = 2048;

// Calls body(channel, lanes) for each vector of channels; the last may have fewer lanes.
template <class Body>
void for_vectors(int64_t channels, Body&& body) {
    for (int64_t c = 0; c < channels; c += kLanes) body(c, channels - c < kLanes ? channels - c : int64_t(kLanes));
}

// The lanes at and beyond `count` become `filler`.
Floats fill_behind(Floats v, int64_t count, float filler) {
    if (count == kLanes) return v;
    float lanes[kLanes];
    store(lanes, v);
    for (int64_t lane = count; lane < kLanes; lane++) lanes[lane] = filler;
    return load(lanes);
}

float sum_of(Floats v) {
    float lanes[kLanes];
    store(lanes, v);
    for (int half = kLanes / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

// NaN when there is one.
float largest_of(const float* x, int64_t channels) {
    const float infinity = __builtin_inff();
    Floats best = broadcast(-infinity), sum = {};
    for_vectors(channels, [&](int64_t c, int64_t count) {
        const Floats v = load_first(x + c, count);
        best = max(best, fill_behind(v, count, -infinity));
        sum += v != v ? v : Floats{};
    });
    float lanes[kLanes], largest = -infinity;
    store(lanes, best);
    for (const float lane : lanes) largest = lane > largest ? lane : largest;
    return largest + sum_of(sum);
}

// sum_j exp(x[j] - largest); the terms go to y unless it is null.
float sum_exponentials(const float* x, int64_t channels, float largest, float* y) {
    Floats sum = {};
    for_vectors(channels, [&](int64_t c, int64_t count) {
        const Floats e = exp(load_first(x + c, count) - largest);
        if (y) store_first(y + c, e, count);
        sum += fill_behind(e, count, 0.0f);
    });
    return sum_of(sum);
}

template <class Body>
void for_pixels(Stream& stream, const Shape& s, Body&& body) {
    stream.threads().for_ranges(s.n * s.h * s.w, (kGrain + s.c - 1) / s.c, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) body(i);
    });
}

void forward(Stream& stream, ConstView x, MutView y) {
    for_pixels(stream, x.shape, [&](int64_t i) {
        const float* from = x.data + i * x.pitch;
        float* to = y.data + i * y.pitch;
        const float sum = sum_exponentials(from, x.shape.c, largest_of(from, x.shape.c), to);
        for_vectors(x.shape.c,
                    [&](int64_t c, int64_t count) { store_first(to + c, load_first(to + c, count) / sum, count); });
    });
}

void grad_input(Stream& stream, ConstView y, ConstView dy, MutView dx) {
    for_pixels(stream, y.shape, [&](int64_t i) {
        const float *p = y.data + i * y.pitch, *up = dy.data + i * dy.pitch;
        float* to = dx.data + i * dx.pitch;
        Floats products = {};
        for_vectors(y.shape.c, [&](int64_t c, int64_t count) {
            products += load_first(p + c, count) * load_first(up + c, count);
        });
        const float dot = sum_of(products);
        for_vectors(y.shape.c, [&](int64_t c, int64_t count) {
            store_first(to + c, load_first(p + c, count) * (load_first(up + c, count) - dot), count);
        });
    });
}

void log_sum_exp(Stream& stream, ConstView x, MutView y) {
    for_pixels(stream, x.shape, [&](int64_t i) {
        const float* from = x.data + i * x.pitch;
        const float largest = largest_of(from, x.shape.c);
        y.data[i * y.pitch] = largest + logf(sum_exponentials(from, x.shape.c, largest, nullptr));
    });
}

}  // namespace

extern constinit const SoftmaxKernels softmax_kernels{
    .forward = forward, .grad_input = grad_input, .log_sum_exp = log_sum_exp};

}  // namespace limpid::CPU_NS
