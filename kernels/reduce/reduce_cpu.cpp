// Reductions on the CPU, in two steps: parts of fixed size to scratch, then the parts of each result pairwise. Which
// elements make a part depends on the reduced extents alone, so the order of summation knows neither the threads nor
// the other images.
#include "kernels/cpu/simd.h"
#include "kernels/cpu/simd_math.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/reduce/reduce.h"

namespace limpid::CPU_NS {

namespace {

// A part is this many pixels (channels kept) or elements (channels reduced). Its sum is made of a few dozen chains of
// additions, which keeps the error small and the adders busy.
constexpr int64_t kPartPixels = 256, kPartElements = 1024;
// Independent chains of vector additions.
constexpr int kChains = 4;
// Elements that are worth a task.
constexpr int64_t kGrain = 8192;

Floats larger(Floats a, Floats b) { return ((a > b) | (a != a)) ? a : b; }
float larger(float a, float b) { return a > b || a != a ? a : b; }

// What a reduction does with an element, and with two results. T: Floats or float.
struct Sum {
    static constexpr float kNothing = 0;
    static Floats take(Floats sum, Floats v) { return sum + v; }
    template <class T>
    static T join(T a, T b) {
        return a + b;
    }
};
struct SumSquares : Sum {
    static Floats take(Floats sum, Floats v) { return sum + v * v; }
};
struct Max {
    static constexpr float kNothing = -__builtin_inff();
    static Floats take(Floats best, Floats v) { return larger(best, v); }
    template <class T>
    static T join(T a, T b) {
        return larger(a, b);
    }
};
struct MaxAbs : Max {
    static constexpr float kNothing = 0;
    static Floats take(Floats best, Floats v) { return larger(best, abs(v)); }
};

// Positions of a set of pixels: outer * inner of them, in order.
struct Positions {
    int64_t outer = 1, outer_stride = 0, inner = 1, inner_stride = 0;

    int64_t count() const { return outer * inner; }
    int64_t at(int64_t i) const { return i / inner * outer_stride + i % inner * inner_stride; }
    // Appends an axis inside of those so far. Three axes n, h, w never need more than two strides: of the kept ones, or
    // of the reduced ones, at least two lie next to each other or there are only two.
    void append(int64_t size, int64_t stride) {
        if (inner_stride == size * stride || count() == 1) {
            inner *= size, inner_stride = stride;
        } else {
            outer = inner, outer_stride = inner_stride, inner = size, inner_stride = stride;
        }
    }
};

// How a reduction is cut: for each kept pixel, `steps` (reduced pixels, or runs of elements that follow each
// other), in parts.
struct Work {
    Positions kept, steps;
    int64_t run_pixels = 1, run = 1;  // channels reduced: pixels and elements of one step
    int64_t parts_per_run = 1;
    int64_t parts = 0;  // of one kept pixel
};

Work work_of(Axes axes, const Shape& s, int64_t pitch) {
    Work work;
    // Reduced axes at the end, after the last kept one, are one run of elements.
    int first_of_run = 4;
    if (axes.c)
        for (first_of_run = 3; first_of_run > 0 && axes[first_of_run - 1];) first_of_run--;
    const int64_t sizes[3] = {s.n, s.h, s.w}, strides[3] = {s.h * s.w * pitch, s.w * pitch, pitch};
    for (int axis = 0; axis < 3; axis++) {
        if (axis >= first_of_run) {
            work.run_pixels *= sizes[axis];
        } else {
            (axes[axis] ? work.steps : work.kept).append(sizes[axis], strides[axis]);
        }
    }
    if (axes.c) {
        work.run = work.run_pixels * s.c;
        work.parts_per_run = (work.run + kPartElements - 1) / kPartElements;
        work.parts = work.steps.count() * work.parts_per_run;
    } else {
        work.parts = (work.steps.count() + kPartPixels - 1) / kPartPixels;
    }
    return work;
}

// Calls body(channel, lanes) for each vector of channels; the last may have fewer lanes.
template <class Body>
void for_vectors(int64_t channels, Body&& body) {
    for (int64_t c = 0; c < channels; c += kLanes) body(c, channels - c < kLanes ? channels - c : int64_t(kLanes));
}

Floats load_some(const float* p, int64_t count) { return count == kLanes ? load(p) : load_first(p, count); }
void store_some(float* p, Floats v, int64_t count) {
    if (count == kLanes) {
        store(p, v);
    } else {
        store_first(p, v, count);
    }
}

template <class Kind>
Floats join_chains(const Floats chains[kChains]) {
    return Kind::join(Kind::join(chains[0], chains[1]), Kind::join(chains[2], chains[3]));
}

// One part with channels kept: pixels [begin, end) of the steps, all channels, to `to`.
template <class Kind>
void reduce_pixels(const Positions& steps, int64_t begin, int64_t end, const float* x, int64_t channels, float* to) {
    for_vectors(channels, [&](int64_t c, int64_t count) {
        Floats chains[kChains];
        for (Floats& chain : chains) chain = broadcast(Kind::kNothing);
        for (int64_t i = begin; i < end;) {
            const int64_t inner = i % steps.inner;
            const int64_t together = steps.inner - inner < end - i ? steps.inner - inner : end - i;
            const float* from = x + steps.at(i) + c;
            int64_t j = 0;
            for (; j + kChains <= together; j += kChains)
                for (int k = 0; k < kChains; k++)
                    chains[k] = Kind::take(chains[k], load_some(from + (j + k) * steps.inner_stride, count));
            for (; j < together; j++)
                chains[0] = Kind::take(chains[0], load_some(from + j * steps.inner_stride, count));
            i += together;
        }
        store_some(to + c, join_chains<Kind>(chains), count);
    });
}

// One part with channels reduced: count <= kPartElements elements that lie together.
template <class Kind>
float reduce_elements(const float* x, int64_t count) {
    Floats chains[kChains];
    for (Floats& chain : chains) chain = broadcast(Kind::kNothing);
    int64_t i = 0;
    for (; i + kChains * kLanes <= count; i += kChains * kLanes)
        for (int k = 0; k < kChains; k++) chains[k] = Kind::take(chains[k], load(x + i + k * kLanes));
    for (; i + kLanes <= count; i += kLanes) chains[0] = Kind::take(chains[0], load(x + i));
    if (i < count) {
        // Lanes that are absent must not count as zeros: the maximum may be negative.
        const Floats taken = Kind::take(chains[1], load_first(x + i, count - i));
        float present[kLanes], absent[kLanes];
        store(present, taken), store(absent, chains[1]);
        for (int lane = 0; lane < kLanes; lane++) present[lane] = lane < count - i ? present[lane] : absent[lane];
        chains[1] = load(present);
    }
    float lanes[kLanes];
    store(lanes, join_chains<Kind>(chains));
    for (int half = kLanes / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) lanes[lane] = Kind::join(lanes[lane], lanes[lane + half]);
    return lanes[0];
}

// The part's elements in one piece: where they lie, or copied out of pitched pixels.
const float* gather(const float* run, int64_t begin, int64_t count, int64_t channels, int64_t pitch,
                    float buffer[kPartElements]) {
    int64_t pixel = begin / channels, c = begin % channels;
    if (pitch == channels || c + count <= channels) return run + pixel * pitch + c;
    for (int64_t i = 0; i < count; pixel++, c = 0) {
        const int64_t together = channels - c < count - i ? channels - c : count - i;
        for (int64_t j = 0; j < together; j++) buffer[i + j] = run[pixel * pitch + c + j];
        i += together;
    }
    return buffer;
}

// Joins `parts` rows of `width` numbers into the first, pairwise: neighbours, then pairs of neighbours, ...
template <class Kind>
void join_parts(float* rows, int64_t parts, int64_t width) {
    for (int64_t distance = 1; distance < parts; distance *= 2)
        for (int64_t i = 0; i + distance < parts; i += 2 * distance) {
            float *a = rows + i * width, *b = rows + (i + distance) * width;
            for_vectors(width, [&](int64_t c, int64_t count) {
                store_some(a + c, Kind::join(load_some(a + c, count), load_some(b + c, count)), count);
            });
        }
}

template <class Kind>
void reduce_as(Stream& stream, Axes axes, ConstView x, MutView y, float divisor, Scratch scratch) {
    const Work work = work_of(axes, x.shape, x.pitch);
    const int64_t width = y.shape.c, kept = work.kept.count(), parts = work.parts;
    // One part per result goes straight to y.
    float* rows = parts > 1 ? reinterpret_cast<float*>(scratch.data) : y.data;
    const int64_t row_pitch = parts > 1 ? width : y.pitch;
    const int64_t part_size = axes.c ? (work.run < kPartElements ? work.run : kPartElements)
                                     : (work.steps.count() < kPartPixels ? work.steps.count() : kPartPixels) * width;
    const int64_t grain = part_size > 0 && part_size < kGrain ? kGrain / part_size : 1;
    stream.threads().for_ranges(kept * parts, grain, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) {
            const float* from = x.data + work.kept.at(i / parts);
            const int64_t part = i % parts;
            if (axes.c) {
                const int64_t first = part % work.parts_per_run * kPartElements;
                const int64_t count = work.run - first < kPartElements ? work.run - first : kPartElements;
                float buffer[kPartElements];
                const float* run = from + work.steps.at(part / work.parts_per_run);
                rows[i * row_pitch] =
                    reduce_elements<Kind>(gather(run, first, count, x.shape.c, x.pitch, buffer), count);
            } else {
                const int64_t first = part * kPartPixels, steps = work.steps.count();
                reduce_pixels<Kind>(work.steps, first, first + kPartPixels < steps ? first + kPartPixels : steps, from,
                                    width, rows + i * row_pitch);
            }
        }
    });
    if (parts == 1 && divisor == 1.0f) return;
    stream.threads().for_ranges(kept, kGrain / (width * (parts + 1)) + 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) {
            float* from = parts > 1 ? rows + i * parts * width : y.data + i * y.pitch;
            if (parts > 1) join_parts<Kind>(from, parts, width);
            for_vectors(width, [&](int64_t c, int64_t count) {
                const Floats total = parts == 0 ? broadcast(Kind::kNothing) : load_some(from + c, count);
                store_some(y.data + i * y.pitch + c, total / divisor, count);
            });
        }
    });
}

// One result after the other: nobody waits for it. A NaN counts as the largest number.
void argmax(Stream& stream, Axes axes, ConstView x, MutView y) {
    const Shape &s = x.shape, &kept = y.shape;
    const Shape sizes = {axes.n ? s.n : 1, axes.h ? s.h : 1, axes.w ? s.w : 1, axes.c ? s.c : 1};
    const int64_t reduced = sizes.n * sizes.h * sizes.w * sizes.c;
    stream.threads().for_ranges(
        kept.n * kept.h * kept.w * kept.c, kGrain / (reduced + 1) + 1, [&](int64_t begin, int64_t end, int) {
            for (int64_t i = begin; i < end; i++) {
                const int64_t c = i % kept.c, w = i / kept.c % kept.w, h = i / (kept.c * kept.w) % kept.h,
                              n = i / (kept.c * kept.w * kept.h);
                const float* from = x.data + ((n * s.h + h) * s.w + w) * x.pitch + c;
                float best = *from;
                int64_t index = 0, best_index = 0;
                for (int64_t a = 0; a < sizes.n; a++)
                    for (int64_t b = 0; b < sizes.h; b++)
                        for (int64_t d = 0; d < sizes.w; d++)
                            for (int64_t e = 0; e < sizes.c; e++, index++) {
                                const float value = from[((a * s.h + b) * s.w + d) * x.pitch + e];
                                if (best == best && (value > best || value != value)) best = value, best_index = index;
                            }
                y.data[((n * kept.h + h) * kept.w + w) * y.pitch + c] = float(best_index);
            }
        });
}

size_t scratch_bytes(Reduce kind, Axes axes, Shape s, int) {
    const Work work = work_of(axes, s, s.c);
    if (kind == Reduce::argmax || work.parts <= 1) return 0;
    return size_t(work.kept.count() * work.parts * (axes.c ? 1 : s.c)) * sizeof(float);
}

void reduce(Stream& stream, Reduce kind, Axes axes, ConstView x, MutView y, Scratch scratch) {
    switch (kind) {
        case Reduce::sum:
            return reduce_as<Sum>(stream, axes, x, y, 1.0f, scratch);
        case Reduce::mean: {
            const int64_t results = y.shape.n * y.shape.h * y.shape.w * y.shape.c;
            const int64_t elements = x.shape.n * x.shape.h * x.shape.w * x.shape.c;
            return reduce_as<Sum>(stream, axes, x, y, results > 0 ? float(elements / results) : 1.0f, scratch);
        }
        case Reduce::max:
            return reduce_as<Max>(stream, axes, x, y, 1.0f, scratch);
        case Reduce::argmax:
            return argmax(stream, axes, x, y);
        case Reduce::sum_squares:
            return reduce_as<SumSquares>(stream, axes, x, y, 1.0f, scratch);
        case Reduce::max_abs:
            return reduce_as<MaxAbs>(stream, axes, x, y, 1.0f, scratch);
    }
}

}  // namespace

extern constinit const ReduceKernels reduce_kernels{.scratch = scratch_bytes, .reduce = reduce};

}  // namespace limpid::CPU_NS
