// Shapes and views of arrays: the one memory layout of the whole engine.
//
// Activations are NHWC: element (n, h, w, c) of a view lies at data[((n*H + h)*W + w)*pitch + c], where pitch >= C is
// the distance between pixels in elements. pitch > C makes a view of a channel slice (one branch of a concatenation) or
// a padded buffer; the elements between C and pitch belong to somebody else and are neither read nor written.
//
//   filters               RSCK (Lucid's HWIO): Shape{n = R, h = S, w = C, c = K}
//   matrices              [rows, columns] = Shape{1, 1, rows, columns}
//   vectors of channels   Shape{1, 1, 1, C}
//   a number per image    Shape{N, 1, 1, 1}; a scalar is Shape{1, 1, 1, 1}
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/error.h"
#include "kernels/rounding.h"

namespace limpid {

struct Shape {
    int64_t n = 1, h = 1, w = 1, c = 1;

    int64_t pixels() const { return n * h * w; }
    int64_t size() const { return pixels() * c; }
    bool operator==(const Shape&) const = default;
    int64_t operator[](int axis) const { return axis == 0 ? n : axis == 1 ? h : axis == 2 ? w : c; }
    int64_t& operator[](int axis) { return axis == 0 ? n : axis == 1 ? h : axis == 2 ? w : c; }
};

// "1x224x224x3"
std::string to_string(const Shape& shape);
std::ostream& operator<<(std::ostream& out, const Shape& shape);

// Borrowed memory of a device; never stored beyond a call. T is float or double, const for inputs.
template <class T>
struct View {
    T* data = nullptr;
    Shape shape;
    int64_t pitch = 1;  // elements from one pixel to the next, >= shape.c

    View() = default;
    View(T* data_, Shape shape_) : data(data_), shape(shape_), pitch(shape_.c) {}
    View(T* data_, Shape shape_, int64_t pitch_) : data(data_), shape(shape_), pitch(pitch_) {}
    // View<T> reads as View<const T>.
    template <class U, class = std::enable_if_t<std::is_same_v<const U, T> && !std::is_same_v<U, T>>>
    View(const View<U>& other) : data(other.data), shape(other.shape), pitch(other.pitch) {}

    bool dense() const { return pitch == shape.c; }
    explicit operator bool() const { return data != nullptr; }  // optional views are empty when absent
    T* pixel(int64_t n, int64_t h, int64_t w) const { return data + ((n * shape.h + h) * shape.w + w) * pitch; }
    T& at(int64_t n, int64_t h, int64_t w, int64_t c) const { return pixel(n, h, w)[c]; }
    // Channels [first, first + count) of every pixel.
    View channels(int64_t first, int64_t count) const {
        return {data + first, {shape.n, shape.h, shape.w, count}, pitch};
    }
    View image(int64_t n) const {
        return {data + n * shape.h * shape.w * pitch, {1, shape.h, shape.w, shape.c}, pitch};
    }
};
using ConstView = View<const float>;
using MutView = View<float>;

// An owned dense array in host memory.
template <class T>
struct HostArray {
    Shape shape;
    std::vector<T> values;

    HostArray() : shape{0, 0, 0, 0} {}
    explicit HostArray(Shape s, T fill = T(0)) : shape(s), values(static_cast<size_t>(s.size()), fill) {}
    HostArray(Shape s, std::vector<T> v) : shape(s), values(std::move(v)) {
        CHECK(int64_t(values.size()) == shape.size());
    }

    View<T> view() { return {values.data(), shape}; }
    View<const T> view() const { return {values.data(), shape}; }
    T& at(int64_t n, int64_t h, int64_t w, int64_t c) { return view().at(n, h, w, c); }
    const T& at(int64_t n, int64_t h, int64_t w, int64_t c) const { return view().at(n, h, w, c); }
};
using HostTensor = HostArray<float>;

// Working memory handed to a kernel: 64-byte aligned, contents undefined, at least as large as the family's *_scratch()
// asked for.
struct Scratch {
    std::byte* data = nullptr;
    size_t size_bytes = 0;

    // Carves `count` elements of T off the front, 64-byte aligned.
    template <class T>
    T* take(int64_t count) {
        const size_t bytes = scratch_bytes<T>(count);
        CHECK(bytes <= size_bytes, "scratch has ", size_bytes, " bytes left, kernel takes ", bytes);
        T* result = reinterpret_cast<T*>(data);
        data += bytes;
        size_bytes -= bytes;
        return result;
    }
    // What take<T>(count) uses up: sum these to answer *_scratch().
    template <class T>
    static size_t scratch_bytes(int64_t count) {
        return size_t(round_up(count * int64_t(sizeof(T)), kAlignmentBytes));
    }
};

}  // namespace limpid
