// Visits every element of a strided output and of the inputs that are read for it, in pieces where each array is
// contiguous or one number. Broadcast inputs, channel slices, boxes, mirrored and transposed arrays are all strides.
//
// Axes that follow each other in every array are merged first, so that dense arrays of one shape are one long row.
// The inner two axes that remain are "pixels" and "channels" below. Rows that are short or strided are packed: a piece
// is then several pixels, and an input that repeats for every pixel (a bias) is packed only once.
#pragma once

#include "kernels/cpu/simd.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/tensor.h"

namespace limpid::CPU_NS {

constexpr int kMostInputs = 3;
// Elements in a piece: packed copies of four arrays stay in the first-level cache, and the work hides the call.
constexpr int64_t kPiece = 1024;

// Computes y[0..count) from inputs[k][0..count); where repeats[k], from the single number inputs[k][0].
using Piece = void (*)(const float* scalars, const float* const* inputs, const bool* repeats, float* y, int64_t count);

// Element (i0, i1, i2, i3) lies at data[i0*stride[0] + ... + i3*stride[3]]. Strides may be 0 (inputs: broadcast) or
// negative.
template <class T>
struct Strided {
    T* data = nullptr;
    int64_t stride[4] = {};
};

// Axes of size 1 repeat: their stride is 0.
template <class T>
static inline Strided<T> strided(const View<T>& view) {
    const Shape& s = view.shape;
    const int64_t stride[4] = {s.h * s.w * view.pitch, s.w * view.pitch, view.pitch, 1};
    Strided<T> result;
    result.data = view.data;
    for (int axis = 0; axis < 4; axis++) result.stride[axis] = s[axis] == 1 ? 0 : stride[axis];
    return result;
}

struct WalkPlan {
    int inputs = 0;
    int64_t size[4] = {1, 1, 1, 1};  // outermost first; size[2] pixels of size[3] channels
    Strided<const float> input[kMostInputs];
    Strided<float> output;

    int64_t* stride(int array) { return array < inputs ? input[array].stride : output.stride; }
};

static WalkPlan merge_axes(const Shape& shape, const Strided<const float>* inputs, int count, const Strided<float>& y) {
    WalkPlan plan;
    plan.inputs = count;
    for (int k = 0; k < count; k++) plan.input[k].data = inputs[k].data;
    plan.output.data = y.data;
    int place = 4;
    for (int axis = 3; axis >= 0; axis--) {
        if (shape[axis] == 1) continue;
        bool mergeable = place < 4;
        for (int k = 0; k <= count && mergeable; k++) {
            const int64_t stride = k < count ? inputs[k].stride[axis] : y.stride[axis];
            mergeable = stride == plan.stride(k)[place] * plan.size[place];
        }
        if (mergeable) {
            plan.size[place] *= shape[axis];
            continue;
        }
        plan.size[--place] = shape[axis];
        for (int k = 0; k <= count; k++) plan.stride(k)[place] = k < count ? inputs[k].stride[axis] : y.stride[axis];
    }
    return plan;
}

static inline void pack(const float* from, int64_t pixel_stride, int64_t stride, int64_t pixels, int64_t channels,
                        float* to) {
    for (int64_t p = 0; p < pixels; p++, from += pixel_stride, to += channels) {
        if (stride == 1)
            for (int64_t c = 0; c < channels; c++) to[c] = from[c];
        else
            for (int64_t c = 0; c < channels; c++) to[c] = from[c * stride];
    }
}

static inline void unpack(const float* from, int64_t pixel_stride, int64_t stride, int64_t pixels, int64_t channels,
                          float* to) {
    for (int64_t p = 0; p < pixels; p++, from += channels, to += pixel_stride)
        for (int64_t c = 0; c < channels; c++) to[c * stride] = from[c];
}

static inline int64_t offset(const int64_t* stride, const int64_t* index) {
    return index[0] * stride[0] + index[1] * stride[1] + index[2] * stride[2] + index[3] * stride[3];
}

// Pieces [begin, end) of a plan.
static void walk_range(const WalkPlan& plan, Piece piece, const float* scalars, int64_t begin, int64_t end) {
    alignas(64) float packed[kMostInputs + 1][kPiece];
    const float* packed_from[kMostInputs] = {};  // what `packed` holds, for inputs that repeat for every pixel
    int64_t packed_count[kMostInputs] = {};
    const int64_t pixels = plan.size[2], channels = plan.size[3];
    const int64_t pixel_step = channels < kPiece ? kPiece / channels : 1,
                  channel_step = channels < kPiece ? channels : kPiece;
    const int64_t pixel_pieces = (pixels + pixel_step - 1) / pixel_step;
    const int64_t channel_pieces = (channels + channel_step - 1) / channel_step;
    for (int64_t i = begin; i < end; i++) {
        const int64_t c = i % channel_pieces * channel_step, row = i / channel_pieces;
        const int64_t p = row % pixel_pieces * pixel_step, outer = row / pixel_pieces;
        const int64_t index[4] = {outer / plan.size[1], outer % plan.size[1], p, c};
        const int64_t p_count = pixels - p < pixel_step ? pixels - p : pixel_step;
        const int64_t c_count = channels - c < channel_step ? channels - c : channel_step, count = p_count * c_count;
        const auto contiguous = [&](const int64_t* stride) {
            return stride[3] == 1 && (p_count == 1 || stride[2] == channels);
        };

        const float* sources[kMostInputs];
        bool repeats[kMostInputs];
        for (int k = 0; k < plan.inputs; k++) {
            const int64_t* stride = plan.input[k].stride;
            const float* from = plan.input[k].data + offset(stride, index);
            sources[k] = from;
            repeats[k] = stride[3] == 0 && (p_count == 1 || stride[2] == 0);
            if (repeats[k] || contiguous(stride)) continue;
            if (!(stride[2] == 0 && packed_from[k] == from && packed_count[k] >= count)) {
                pack(from, stride[2], stride[3], p_count, c_count, packed[k]);
                packed_from[k] = from;
                packed_count[k] = count;
            }
            sources[k] = packed[k];
        }
        float* y = plan.output.data + offset(plan.output.stride, index);
        if (count == 1 || contiguous(plan.output.stride)) {
            piece(scalars, sources, repeats, y, count);
        } else {
            piece(scalars, sources, repeats, packed[kMostInputs], count);
            unpack(packed[kMostInputs], plan.output.stride[2], plan.output.stride[3], p_count, c_count, y);
        }
    }
}

// y = piece(inputs) for every element of an array of `shape`. y may be the same memory as an input with the same
// strides.
static void walk(ThreadPool& threads, Piece piece, const float* scalars, const Shape& shape,
                 const Strided<const float>* inputs, int count, const Strided<float>& y) {
    if (shape.size() == 0) return;
    const WalkPlan plan = merge_axes(shape, inputs, count, y);
    const int64_t pixels = plan.size[2], channels = plan.size[3];
    const int64_t rows = channels < kPiece ? (pixels + kPiece / channels - 1) / (kPiece / channels) : pixels;
    const int64_t pieces = plan.size[0] * plan.size[1] * rows * ((channels + kPiece - 1) / kPiece);
    constexpr int64_t kGrain = 32;  // pieces: two microseconds of copying, twice what handing them over costs
    threads.for_ranges(pieces, kGrain,
                       [&](int64_t begin, int64_t end, int) { walk_range(plan, piece, scalars, begin, end); });
}

}  // namespace limpid::CPU_NS
