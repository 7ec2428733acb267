// Moving elements on the CPU. Every operation is one or several copies between strided boxes: a mirrored edge is a box
// with a negative stride, a transposition a box with permuted strides. strided_walk.h makes long rows of them.
#include "kernels/cpu/simd.h"
#include "kernels/cpu/strided_walk.h"
#include "kernels/layout/layout.h"

namespace limpid::CPU_NS {

namespace {

void copy_piece(const float*, const float* const* in, const bool* repeats, float* y, int64_t count) {
    if (repeats[0]) {
        const Floats value = broadcast(in[0][0]);
        int64_t i = 0;
        for (; i + kLanes <= count; i += kLanes) store(y + i, value);
        if (i < count) store_first(y + i, value, count - i);
    } else {
        std::memcpy(y, in[0], size_t(count) * sizeof(float));
    }
}

void add_piece(const float*, const float* const* in, const bool* repeats, float* y, int64_t count) {
    const float *a = in[0], *b = in[1];
    if (repeats[0] || repeats[1]) {  // pieces of one element
        for (int64_t i = 0; i < count; i++) y[i] = a[repeats[0] ? 0 : i] + b[repeats[1] ? 0 : i];
        return;
    }
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(y + i, load(a + i) + load(b + i));
    if (i < count) store_first(y + i, load_first(a + i, count - i) + load_first(b + i, count - i), count - i);
}

void copy(Stream& stream, const Shape& extent, const Strided<const float>& x, const Strided<float>& y) {
    walk(stream.threads(), copy_piece, nullptr, extent, &x, 1, y);
}

// Unlike strided(), keeps the strides of axes of size 1: boxes start past 0.
template <class T>
Strided<T> box(const View<T>& view) {
    const Shape& s = view.shape;
    return {view.data, {s.h * s.w * view.pitch, s.w * view.pitch, view.pitch, 1}};
}

// The same array with `first` at the origin.
template <class T>
Strided<T> from(Strided<T> array, int64_t n, int64_t h, int64_t w, int64_t c) {
    array.data += n * array.stride[0] + h * array.stride[1] + w * array.stride[2] + c * array.stride[3];
    return array;
}

void copy_box(Stream& stream, Shape extent, std::array<int64_t, 4> x_first, std::array<int64_t, 4> y_first, ConstView x,
              MutView y) {
    copy(stream, extent, from(box(x), x_first[0], x_first[1], x_first[2], x_first[3]),
         from(box(y), y_first[0], y_first[1], y_first[2], y_first[3]));
}

void fill(Stream& stream, float value, MutView y) {
    copy(stream, y.shape, Strided<const float>{&value, {}}, strided(y));
}

// Indices [y_first, y_first + count) of one padded axis show x_first, x_first + step, ...
struct Segment {
    int64_t y_first, x_first, step, count;
};

// The axis of size `size`: its inside first, then the mirrored edges; returns how many there are.
int segments(PadMode mode, int64_t size, int64_t before, int64_t after, Segment (&result)[3]) {
    const int64_t padded = size + before + after;
    const int64_t front = before > 0 ? before : 0, cropped = before < 0 ? -before : 0;
    int count = 0;
    const int64_t inside = (after < 0 ? size + after : size) - cropped;
    if (inside > 0) result[count++] = {front, cropped, 1, inside};
    if (mode == PadMode::constant) return count;
    const int64_t edge = mode == PadMode::reflect ? 1 : 0;  // reflect leaves out the edge itself
    if (before > 0) result[count++] = {0, before - 1 + edge, -1, before < padded ? before : padded};
    if (after > 0) {
        const int64_t length = after < padded ? after : padded,
                      beyond = after - length;  // the crop may reach into the mirrored part
        result[count++] = {padded - length, size - 1 - edge - beyond, -1, length};
    }
    return count;
}

// body(extent, x_part, y_part) for every combination of segments of the four axes, in a fixed order.
template <class T, class U, class Body>
void for_each_part(PadMode mode, const Padding& padding, const View<T>& x, const View<U>& y, Body body) {
    Segment parts[4][3];
    int counts[4];
    for (int axis = 0; axis < 4; axis++)
        counts[axis] =
            segments(mode, x.shape[axis], padding.before[size_t(axis)], padding.after[size_t(axis)], parts[axis]);
    for (int n = 0; n < counts[0]; n++)
        for (int h = 0; h < counts[1]; h++)
            for (int w = 0; w < counts[2]; w++)
                for (int c = 0; c < counts[3]; c++) {
                    const Segment* part[4] = {&parts[0][n], &parts[1][h], &parts[2][w], &parts[3][c]};
                    Strided<T> x_part =
                        from(box(x), part[0]->x_first, part[1]->x_first, part[2]->x_first, part[3]->x_first);
                    const Strided<U> y_part =
                        from(box(y), part[0]->y_first, part[1]->y_first, part[2]->y_first, part[3]->y_first);
                    for (int axis = 0; axis < 4; axis++) x_part.stride[axis] *= part[axis]->step;
                    body(Shape{part[0]->count, part[1]->count, part[2]->count, part[3]->count}, x_part, y_part);
                }
}

void pad(Stream& stream, PadMode mode, const Padding& padding, float value, ConstView x, MutView y) {
    check_padding(mode, padding, x.shape);
    if (mode == PadMode::constant) fill(stream, value, y);
    for_each_part(mode, padding, x, y,
                  [&](const Shape& extent, const Strided<const float>& x_part, const Strided<float>& y_part) {
                      copy(stream, extent, x_part, y_part);
                  });
}

// The parts are added one after another, each with all threads: the order of the sum is fixed.
void pad_grad(Stream& stream, PadMode mode, const Padding& padding, ConstView dy, MutView dx) {
    check_padding(mode, padding, dx.shape);
    fill(stream, 0.0f, dx);
    for_each_part(mode, padding, dx, dy,
                  [&](const Shape& extent, const Strided<float>& dx_part, const Strided<const float>& dy_part) {
                      const int64_t* stride = dx_part.stride;
                      const Strided<const float> terms[] = {
                          {dx_part.data, {stride[0], stride[1], stride[2], stride[3]}}, dy_part};
                      walk(stream.threads(), add_piece, nullptr, extent, terms, 2, dx_part);
                  });
}

void shift_crop(Stream& stream, ConstView x, ConstView offsets, MutView y) {
    for (int64_t n = 0; n < y.shape.n; n++) {
        const auto [rows, columns] = window_offset(offsets, n, x.shape, y.shape);
        const MutView image = y.image(n);
        copy(stream, image.shape, from(box(x), n, rows, columns, 0), box(image));
    }
}

void shift_crop_grad(Stream& stream, ConstView dy, ConstView offsets, MutView dx) {
    fill(stream, 0.0f, dx);
    for (int64_t n = 0; n < dy.shape.n; n++) {
        const auto [rows, columns] = window_offset(offsets, n, dx.shape, dy.shape);
        const ConstView image = dy.image(n);
        copy(stream, image.shape, box(image), from(box(dx), n, rows, columns, 0));
    }
}

void transpose(Stream& stream, std::array<int, 4> order, ConstView x, MutView y) {
    const Strided<const float> straight = box(x);
    Strided<const float> permuted = straight;
    for (int axis = 0; axis < 4; axis++) permuted.stride[axis] = straight.stride[order[size_t(axis)]];
    copy(stream, y.shape, permuted, box(y));
}

}  // namespace

extern constinit const LayoutKernels layout_kernels{.copy_box = copy_box,
                                                    .fill = fill,
                                                    .pad = pad,
                                                    .pad_grad = pad_grad,
                                                    .shift_crop = shift_crop,
                                                    .shift_crop_grad = shift_crop_grad,
                                                    .transpose = transpose};

}  // namespace limpid::CPU_NS
