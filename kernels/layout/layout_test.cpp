// Layout kernels on every device. They move floats without arithmetic, so they are compared with the oracle exactly;
// the gradients also by adjointness.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/layout/layout_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// The reference device is the oracle in the coat of a kernel; the coat is tested here too.
std::vector<Device> devices_and_reference() {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    return devices;
}

using oracle::Index;
constexpr Tolerance kExact{0, false};
const PadMode kModes[] = {PadMode::constant, PadMode::reflect, PadMode::symmetric};

double dot(const HostArray<double>& a, const HostArray<double>& b) {
    return std::inner_product(a.values.begin(), a.values.end(), b.values.begin(), 0.0);
}

struct PadCase {
    Shape x;
    Padding padding;
};
PadCase read_case(const ShapeRow& row) {
    PadCase result{{row["n"], row["h"], row["w"], row["c"]}, {}};
    result.padding.before = {0, row["top"], row["left"], 0};
    result.padding.after = {0, row["bottom"], row["right"], 0};
    return result;
}
bool defined(PadMode mode, const PadCase& test) {
    const int64_t edge = mode == PadMode::reflect ? 1 : 0;
    for (size_t axis = 0; axis < 4; axis++)
        for (const int64_t reach : {test.padding.before[axis], test.padding.after[axis]})
            if (mode != PadMode::constant && reach > 0 && reach > test.x[int(axis)] - edge) return false;
    return true;
}

HostTensor run_pad(Stream& stream, PadMode mode, const Padding& padding, const HostTensor& x, int64_t gap = 0) {
    const GuardedTensor in(stream, x, x.shape.c + gap),
        out(stream, padding.padded(x.shape), padding.padded(x.shape).c + gap);
    stream.backend().kernels.layout.pad(stream, mode, padding, 0.5f, in.view(), out.view());
    return out.read();
}
HostTensor run_pad_grad(Stream& stream, PadMode mode, const Padding& padding, const HostTensor& dy, Shape x,
                        int64_t gap = 0) {
    const GuardedTensor in(stream, dy, dy.shape.c + gap), out(stream, x, x.c + gap);
    stream.backend().kernels.layout.pad_grad(stream, mode, padding, in.view(), out.view());
    return out.read();
}

// The oracle's reading of TensorFlow's names: [1 2 3] padded by 2.
TEST(Layout, PadModesByHand) {
    const HostArray<double> x({1, 1, 3, 1}, std::vector<double>{1, 2, 3});
    Padding padding;
    padding.before[2] = padding.after[2] = 2;
    const std::vector<double> expected[] = {{9, 9, 1, 2, 3, 9, 9}, {3, 2, 1, 2, 3, 2, 1}, {2, 1, 1, 2, 3, 3, 2}};
    for (int mode = 0; mode < 3; mode++) {
        HostArray<double> y({1, 1, 7, 1});
        oracle::pad(kModes[mode], padding, 9, x.view(), y.view());
        EXPECT_EQ(y.values, expected[mode]) << name(kModes[mode]);
    }
}

TEST(Layout, PadMatchesOracle) {
    for (const ShapeRow& row : read_shapes("layout.txt"))
        for (const PadMode mode : kModes) {
            const PadCase test = read_case(row);
            if (!defined(mode, test)) continue;
            const Shape padded = test.padding.padded(test.x);
            const HostTensor x = random_tensor(test.x, -1, 1, 1), dy = random_tensor(padded, -1, 1, 2);
            HostArray<double> y(padded), dx(test.x);
            oracle::pad(mode, test.padding, 0.5, widen(x).view(), y.view());
            oracle::pad_grad(mode, test.padding, widen(dy).view(), dx.view());
            // Adjoint of the linear part: without the constant.
            HostArray<double> linear(padded);
            oracle::pad(mode, test.padding, 0, widen(x).view(), linear.view());
            EXPECT_NEAR(dot(linear, widen(dy)), dot(widen(x), dx), 1e-9) << row.name << " " << name(mode);
            for (const Device& device : devices_under_test()) {
                Stream stream(device);
                // Sums of up to nine numbers that are multiples of 2^-12: exact in float.
                const Tolerance exact{0, test.x.size() == 0};
                for (const int64_t gap : {0, 3}) {
                    EXPECT_TRUE(matches(y, run_pad(stream, mode, test.padding, x, gap), exact))
                        << row.name << " " << name(mode);
                    EXPECT_TRUE(matches(dx, run_pad_grad(stream, mode, test.padding, dy, test.x, gap), exact))
                        << row.name << " " << name(mode) << " " << to_string(device);
                }
            }
        }
}

// Every amount that is defined at both ends of one axis (a crop may swallow the inside and part of what is mirrored),
// with some padding of the others.
TEST(Layout, PadEveryAxis) {
    const Shape shape{2, 3, 4, 3};
    for (const Device& device : devices_and_reference()) {
        Stream stream(device, 1);
        for (const PadMode mode : kModes)
            for (size_t axis = 0; axis < 4; axis++)
                for (int64_t before = -5; before <= 4; before++)
                    for (int64_t after = -5; after <= 4; after++) {
                        PadCase test{shape, {{1, 1, 1, 1}, {0, 1, 0, -1}}};
                        test.padding.before[axis] = before;
                        test.padding.after[axis] = after;
                        const Shape padded = test.padding.padded(shape);
                        if (!defined(mode, test) || padded[int(axis)] <= 0) continue;
                        const HostTensor x = random_tensor(shape, 0.5, 1, 1), dy = random_tensor(padded, 0.5, 1, 2);
                        HostArray<double> y(padded), dx(shape);
                        oracle::pad(mode, test.padding, 0.5, widen(x).view(), y.view());
                        oracle::pad_grad(mode, test.padding, widen(dy).view(), dx.view());
                        ASSERT_TRUE(matches(y, run_pad(stream, mode, test.padding, x), kExact))
                            << name(mode) << " axis " << axis << ": " << before << ", " << after << " "
                            << to_string(device);
                        // All zeros where the crop left nothing of x.
                        ASSERT_TRUE(matches(dx, run_pad_grad(stream, mode, test.padding, dy, shape), {0, true}))
                            << name(mode) << " axis " << axis << ": " << before << ", " << after << " "
                            << to_string(device);
                    }
    }
}

TEST(LayoutDeathTest, RefusesWhatIsNotDefined) {
    Padding padding;
    padding.before[1] = 3;
    EXPECT_DEATH(check_padding(PadMode::reflect, padding, {1, 3, 9, 1}), "at most 2 can be mirrored");
    check_padding(PadMode::symmetric, padding, {1, 3, 9, 1});
    padding.before[1] = -4;
    EXPECT_DEATH(check_padding(PadMode::constant, padding, {1, 3, 9, 1}), "crops axis 1");
    const HostTensor offsets({1, 1, 1, 2}, std::vector<float>{0, 3.6f});
    EXPECT_DEATH(window_offset(offsets.view(), 0, {1, 9, 9, 3}, {1, 6, 6, 3}), "leaves the image");
}

// Slicing and concatenating along every axis; what is outside the box keeps its old value.
TEST(Layout, CopyBox) {
    struct Box {
        Shape x, y, extent;
        Index x_first, y_first;
    };
    const Box boxes[] = {
        {{2, 28, 28, 96}, {2, 28, 28, 480}, {2, 28, 28, 96}, {}, {0, 0, 0, 192}},
        {{3, 64, 64, 3}, {1, 64, 64, 3}, {1, 64, 64, 3}, {1, 0, 0, 0}, {}},
        {{1, 31, 37, 3}, {1, 20, 17, 5}, {1, 13, 11, 2}, {0, 5, 7, 1}, {0, 2, 3, 3}},
        {{4, 1, 1, 1}, {7, 1, 1, 1}, {3, 1, 1, 1}, {1, 0, 0, 0}, {4, 0, 0, 0}},
        {{1, 3, 3, 3}, {1, 3, 3, 3}, {0, 3, 3, 3}, {}, {}},
    };
    for (const Box& box : boxes)
        for (const int64_t gap : {0, 2})
            for (const Device& device : devices_and_reference()) {
                Stream stream(device);
                const HostTensor x = random_tensor(box.x, -1, 1, 1), before = random_tensor(box.y, -1, 1, 2);
                HostArray<double> y = widen(before);
                oracle::copy_box(box.extent, box.x_first, box.y_first, widen(x).view(), y.view());
                const GuardedTensor in(stream, x, box.x.c + gap), out(stream, before, box.y.c + gap);
                stream.backend().kernels.layout.copy_box(stream, box.extent, box.x_first, box.y_first, in.view(),
                                                         out.view());
                EXPECT_TRUE(matches(y, out.read(), kExact)) << box.extent << " " << to_string(device);
            }
}

TEST(Layout, Fill) {
    for (const Shape shape : {Shape{1, 1, 1, 1}, Shape{2, 7, 13, 5}, Shape{1, 128, 128, 3}, Shape{0, 3, 3, 3}})
        for (const int64_t gap : {0, 4})
            for (const Device& device : devices_and_reference()) {
                Stream stream(device);
                const GuardedTensor out(stream, shape, shape.c + gap);
                stream.backend().kernels.layout.fill(stream, 1.75f, out.view());
                EXPECT_TRUE(matches(HostTensor(shape, 1.75f), out.read(), {0, shape.n == 0}))
                    << shape << " " << to_string(device);
            }
}

TEST(Layout, ShiftCrop) {
    for (const int64_t channels : {3, 4}) {
        const Shape image{3, 31, 37, channels}, window{3, 23, 29, channels};
        const HostTensor x = random_tensor(image, -1, 1, 1), dy = random_tensor(window, -1, 1, 2);
        // Whole numbers up to rounding; both corners are reached.
        for (const HostTensor& offsets : {HostTensor({3, 1, 1, 2}, std::vector<float>{0, 0, 8, 8, 2.9999f, 5.0001f}),
                                          HostTensor({1, 1, 1, 2}, std::vector<float>{3, 7})}) {
            HostArray<double> y(window), dx(image);
            oracle::shift_crop(widen(x).view(), offsets.view(), y.view());
            oracle::shift_crop_grad(widen(dy).view(), offsets.view(), dx.view());
            EXPECT_NEAR(dot(y, widen(dy)), dot(widen(x), dx), 1e-9);
            EXPECT_EQ(y.at(0, 4, 5, 1), offsets.shape.n == 3 ? double(x.at(0, 4, 5, 1)) : double(x.at(0, 7, 12, 1)));
            for (const Device& device : devices_and_reference())
                for (const int64_t gap : {0, 1, 4}) {
                    Stream stream(device);
                    const GuardedTensor in(stream, x, channels + gap), shift(stream, offsets),
                        out(stream, window, channels + gap);
                    stream.backend().kernels.layout.shift_crop(stream, in.view(), shift.view(), out.view());
                    EXPECT_TRUE(matches(y, out.read(), kExact)) << to_string(device);
                    const GuardedTensor gradient(stream, dy, channels + gap), back(stream, image, channels + gap);
                    stream.backend().kernels.layout.shift_crop_grad(stream, gradient.view(), shift.view(), back.view());
                    EXPECT_TRUE(matches(dx, back.read(), kExact)) << to_string(device);
                }
        }
    }
}

TEST(Layout, TransposeInEveryOrder) {
    for (const Shape shape : {Shape{2, 3, 5, 7}, Shape{1, 1, 67, 131}, Shape{1, 3, 3, 508}, Shape{2, 17, 1, 3}}) {
        const HostTensor x = random_tensor(shape);
        std::array<int, 4> order{0, 1, 2, 3};
        do {
            Shape turned;
            for (int axis = 0; axis < 4; axis++) turned[axis] = shape[order[size_t(axis)]];
            HostArray<double> y(turned);
            oracle::transpose(order, widen(x).view(), y.view());
            for (const Device& device : devices_and_reference())
                for (const int64_t gap : {0, 2}) {
                    Stream stream(device);
                    const GuardedTensor in(stream, x, shape.c + gap), out(stream, turned, turned.c + gap);
                    stream.backend().kernels.layout.transpose(stream, order, in.view(), out.view());
                    ASSERT_TRUE(matches(y, out.read(), kExact))
                        << shape << " to " << turned << " " << to_string(device);
                }
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST(Layout, NanAndThreads) {
    HostTensor x = random_tensor({2, 50, 50, 3});
    x.values[777] = std::numeric_limits<float>::quiet_NaN();
    Padding padding;
    padding.before[1] = padding.after[2] = 6;
    for (const Device& device : devices_under_test()) {
        Stream single(device, 1), pair(device, 2);
        const HostTensor y = run_pad(single, PadMode::reflect, padding, x);
        EXPECT_TRUE(same_bits(y, run_pad(pair, PadMode::reflect, padding, x)));
        EXPECT_TRUE(same_bits(run_pad_grad(single, PadMode::reflect, padding, y, x.shape),
                              run_pad_grad(pair, PadMode::reflect, padding, y, x.shape)));
        EXPECT_TRUE(std::any_of(y.values.begin(), y.values.end(), [](float value) { return std::isnan(value); }));
    }
}

}  // namespace
}  // namespace limpid::testing
