// Warps on every device: TensorFlow's examples by hand, the oracle by adjointness, the kernels against the oracle.
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "kernels/warp/warp_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// The reference device is the oracle in the coat of a kernel; the coat is tested here too.
std::vector<Device> devices_and_reference() {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    return devices;
}

const Interpolation kInterpolations[] = {Interpolation::nearest, Interpolation::bilinear};

double dot(const HostArray<double>& a, const HostArray<double>& b) {
    return std::inner_product(a.values.begin(), a.values.end(), b.values.begin(), 0.0);
}

struct ResizeCase {
    Shape x, y;
    bool empty() const { return x.size() == 0; }
    // Up to this many output pixels read one input pixel (two rows of taps each way).
    int64_t readers() const { return (2 * y.h / x.h + 2) * (2 * y.w / x.w + 2); }
};
ResizeCase read_case(const ShapeRow& row) {
    return {{row["n"], row["h"], row["w"], row["c"]}, {row["n"], row["p"], row["q"], row["c"]}};
}

HostTensor run_resize(Stream& stream, const HostTensor& x, Shape y, int64_t gap = 0) {
    const GuardedTensor in(stream, x, x.shape.c + gap), out(stream, y, y.c + gap);
    stream.backend().kernels.warp.resize(stream, in.view(), out.view());
    return out.read();
}
HostTensor run_resize_grad(Stream& stream, const HostTensor& dy, Shape x, int64_t gap = 0) {
    const GuardedTensor in(stream, dy, dy.shape.c + gap), out(stream, x, x.c + gap);
    stream.backend().kernels.warp.resize_grad(stream, in.view(), out.view());
    return out.read();
}
HostTensor run_affine(Stream& stream, Interpolation interpolation, const HostTensor& x, const HostTensor& matrix,
                      Shape y, int64_t gap = 0) {
    const GuardedTensor in(stream, x, x.shape.c + gap), map(stream, matrix), out(stream, y, y.c + gap);
    stream.backend().kernels.warp.affine(stream, interpolation, in.view(), map.view(), out.view());
    return out.read();
}
HostTensor run_affine_grad(Stream& stream, Interpolation interpolation, const HostTensor& dy, const HostTensor& matrix,
                           Shape x, int64_t gap = 0) {
    const GuardedTensor in(stream, dy, dy.shape.c + gap), map(stream, matrix), out(stream, x, x.c + gap);
    stream.backend().kernels.warp.affine_grad(stream, interpolation, in.view(), map.view(), out.view());
    return out.read();
}
HostTensor matrix_of(const std::vector<float>& values) {
    return HostTensor({int64_t(values.size()) / 6, 1, 1, 6}, values);
}

// Lucid's random_rotate: about the centre of the image.
std::vector<float> rotation(float degrees, const Shape& s) {
    const double radians = 3.14 * double(degrees) / 180, cosine = std::cos(radians), sine = std::sin(radians);
    const double w = double(s.w - 1), h = double(s.h - 1);
    return {float(cosine), float(-sine),  float((w - (cosine * w - sine * h)) / 2),
            float(sine),   float(cosine), float((h - (sine * w + cosine * h)) / 2)};
}

// 2 -> 6: Lucid's batch interpolation is constant in the last third; 3 -> 2 reads between pixels.
TEST(Warp, ResizeByHand) {
    const HostArray<double> two({1, 2, 1, 1}, std::vector<double>{0, 3});
    HostArray<double> six({1, 6, 1, 1});
    oracle::resize(two.view(), six.view());
    EXPECT_TRUE(matches(HostArray<double>({1, 6, 1, 1}, std::vector<double>{0, 1, 2, 3, 3, 3}), six, {1e-7}));
    const HostArray<double> three({1, 1, 3, 1}, std::vector<double>{1, 2, 5});
    HostArray<double> pair({1, 1, 2, 1});
    oracle::resize(three.view(), pair.view());
    EXPECT_TRUE(matches(HostArray<double>({1, 1, 2, 1}, std::vector<double>{1, 3.5}), pair, {1e-7}));
}

TEST(Warp, ResizeMatchesOracle) {
    for (const ShapeRow& row : read_shapes("warp.txt")) {
        const ResizeCase test = read_case(row);
        const HostTensor x = random_tensor(test.x, -1, 1, 1), dy = random_tensor(test.y, 0.25, 1, 2);
        HostArray<double> y(test.y), dx(test.x);
        oracle::resize(widen(x).view(), y.view());
        oracle::resize_grad(widen(dy).view(), dx.view());
        EXPECT_NEAR(dot(y, widen(dy)), dot(widen(x), dx), 1e-9) << row.name;
        for (const Device& device : devices_under_test())
            for (const int64_t gap : {0, 2}) {
                Stream stream(device);
                EXPECT_TRUE(matches(y, run_resize(stream, x, test.y, gap), {sum_tolerance(4).relative, test.empty()}))
                    << row.name << " gap " << gap << " " << to_string(device);
                EXPECT_TRUE(matches(dx, run_resize_grad(stream, dy, test.x, gap),
                                    {sum_tolerance(test.readers()).relative, test.empty()}))
                    << row.name << " gap " << gap << " " << to_string(device);
            }
    }
}

// All pairs of small sizes: the ends of the source range are where index arithmetic goes wrong.
TEST(Warp, ResizeEverySmallSize) {
    for (int64_t in = 1; in <= 9; in++)
        for (int64_t out = 1; out <= 20; out++) {
            const ResizeCase test{{1, in, 10 - in, 3}, {1, out, 21 - out, 3}};
            const HostTensor x = random_tensor(test.x, 0.25, 1, 1), dy = random_tensor(test.y, 0.25, 1, 2);
            HostArray<double> y(test.y), dx(test.x);
            oracle::resize(widen(x).view(), y.view());
            oracle::resize_grad(widen(dy).view(), dx.view());
            for (const Device& device : devices_and_reference()) {
                Stream stream(device, 1);
                ASSERT_TRUE(matches(y, run_resize(stream, x, test.y), sum_tolerance(4))) << in << "->" << out;
                ASSERT_TRUE(matches(dx, run_resize_grad(stream, dy, test.x), sum_tolerance(test.readers())))
                    << in << "->" << out;
            }
        }
}

TEST(Warp, AffineByHand) {
    // Half to the right and one row down; a tie is rounded away from zero, outside is zero.
    const HostTensor matrix = matrix_of({1, 0, 0.5f, 0, 1, 1});
    const HostArray<double> x({1, 2, 3, 1}, std::vector<double>{1, 2, 3, 4, 5, 7});
    HostArray<double> nearest({1, 2, 3, 1}), bilinear({1, 2, 3, 1});
    oracle::affine(Interpolation::nearest, x.view(), matrix.view(), nearest.view());
    oracle::affine(Interpolation::bilinear, x.view(), matrix.view(), bilinear.view());
    EXPECT_EQ(nearest.values, (std::vector<double>{5, 7, 0, 0, 0, 0}));
    EXPECT_EQ(bilinear.values, (std::vector<double>{4.5, 6, 3.5, 0, 0, 0}));
}

// Rotations, a mirror, a shear with scale (several outputs read one input), whole and half shifts (ties), a map to
// outside.
TEST(Warp, AffineMatchesOracle) {
    struct Case {
        Shape x, y;
    };
    for (const Case& test : {Case{{1, 152, 152, 3}, {1, 152, 152, 3}}, Case{{2, 31, 37, 4}, {2, 31, 37, 4}},
                             Case{{3, 13, 7, 5}, {3, 11, 300, 5}}, Case{{1, 1, 1, 1}, {1, 3, 3, 1}},
                             Case{{1, 9, 5, 508}, {1, 7, 6, 508}}}) {
        const float w = float(test.x.w), h = float(test.x.h);
        std::vector<std::vector<float>> maps = {
            {1, 0, 0, 0, 1, 0},        {-1, 0, w - 1, 0, 1, 0},
            {1, 0, 0.5f, 0, 1, -0.5f}, {0.3f, 0.1f, 0.2f, -0.05f, 0.4f, 1},
            {2.5f, 0, -3, 0, 1.7f, 2}, {0, 0, w / 2, 0.1f, 0, h / 3},
            {1, 0, -1, 0, 1, -1},      {0, 1, 0, 1, 0, 0},
        };
        for (const float degrees : {-10.0f, -1.0f, 0.0f, 5.0f, 45.0f, 90.0f, 170.0f})
            maps.push_back(rotation(degrees, test.x));
        const HostTensor x = random_tensor(test.x, -1, 1, 1), dy = random_tensor(test.y, 0.25, 1, 2);
        for (const std::vector<float>& map : maps)
            for (const Interpolation interpolation : kInterpolations) {
                const HostTensor matrix = matrix_of(map);
                HostArray<double> y(test.y), dx(test.x);
                oracle::affine(interpolation, widen(x).view(), matrix.view(), y.view());
                oracle::affine_grad(interpolation, widen(dy).view(), matrix.view(), dx.view());
                EXPECT_NEAR(dot(y, widen(dy)), dot(widen(x), dx), 1e-9);
                for (const Device& device : devices_under_test())
                    for (const int64_t gap : {0, 2}) {
                        Stream stream(device);
                        const auto where =
                            concat(name(interpolation), " ", test.x, " gap ", gap, " ", to_string(device), " map ",
                                   map[0], " ", map[1], " ", map[2], " ", map[3], " ", map[4], " ", map[5]);
                        // Nearest moves floats; its gradient and bilinear sum at most all outputs (many may read one
                        // input).
                        const double relative = interpolation == Interpolation::nearest ? 0 : sum_tolerance(4).relative;
                        EXPECT_TRUE(
                            matches(y, run_affine(stream, interpolation, x, matrix, test.y, gap), {relative, true}))
                            << where;
                        EXPECT_TRUE(matches(dx, run_affine_grad(stream, interpolation, dy, matrix, test.x, gap),
                                            {sum_tolerance(4 * test.y.h * test.y.w).relative, true}))
                            << where;
                    }
            }
    }
}

// y = A x of a sparse matrix, written out: rows with no term, one, and many, the same pixel twice.
TEST(Warp, MixturesAreSparseProducts) {
    const std::vector<float> first{0, 2, 2, 3, 8, 9, 9}, pixel{3, 0, 11, 1, 4, 4, 2, 9, 5},
        weight{0.5f, -1, 2, 0.25f, 0.5f, 3, -0.125f, 1, -2};
    for (const int64_t channels : {1, 2, 3, 4, 8, 13})
        for (const int64_t images : {1, 3}) {
            const HostTensor x = random_tensor({images, 3, 4, channels}, 0.25, 1);
            HostArray<double> y({images, 2, 3, channels});
            for (int64_t n = 0; n < images; n++)
                for (size_t i = 0; i < 6; i++)
                    for (int64_t c = 0; c < channels; c++)
                        for (size_t k = size_t(first[i]); k < size_t(first[i + 1]); k++)
                            y.at(n, int64_t(i) / 3, int64_t(i) % 3, c) +=
                                double(weight[k]) * double(x.at(n, int64_t(pixel[k]) / 4, int64_t(pixel[k]) % 4, c));
            for (const Device& device : devices_and_reference())
                for (const int64_t gap : {0, 4}) {
                    Stream stream(device);
                    const GuardedTensor in(stream, x, channels + gap), out(stream, y.shape, channels + gap);
                    const GuardedTensor starts(stream, HostTensor({1, 1, 1, 7}, first)),
                        pixels(stream, HostTensor({1, 1, 1, 9}, pixel)),
                        weights(stream, HostTensor({1, 1, 1, 9}, weight));
                    stream.backend().kernels.warp.mix(stream, in.view(), {starts.view(), pixels.view(), weights.view()},
                                                      out.view());
                    EXPECT_TRUE(matches(y, out.read(), sum_tolerance(5)))
                        << channels << " gap " << gap << " " << to_string(device);
                }
        }
}

// Coordinates that are no numbers, or beyond every integer, lie outside.
TEST(Warp, AffineSurvivesAnyMatrix) {
    const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
    const Shape shape{1, 5, 7, 3};
    const HostTensor x = random_tensor(shape, 0.5, 1);
    for (const std::vector<float>& map : {std::vector<float>{nan, 0, 0, 0, 1, 0},
                                          {1, 0, 0, infinity, 1, 0},
                                          {1, 0, 3e38f, 0, 1, -3e38f},
                                          {3e38f, 3e38f, 0, 0, 1, 0},
                                          {1, 0, 0, 1e-40f, 1, 0},
                                          {1, 0, 0, -1e-40f, 1, 0},
                                          {1, 0, 0, -0.0f, 1, 0}})
        for (const Interpolation interpolation : kInterpolations) {
            const HostTensor matrix = matrix_of(map);
            HostArray<double> y(shape), dx(shape);
            oracle::affine(interpolation, widen(x).view(), matrix.view(), y.view());
            oracle::affine_grad(interpolation, widen(x).view(), matrix.view(), dx.view());
            for (const Device& device : devices_and_reference()) {
                Stream stream(device);
                EXPECT_TRUE(
                    matches(y, run_affine(stream, interpolation, x, matrix, shape), {sum_tolerance(4).relative, true}))
                    << map[0];
                EXPECT_TRUE(matches(dx, run_affine_grad(stream, interpolation, x, matrix, shape),
                                    {sum_tolerance(16).relative, true}))
                    << map[0];
            }
        }
}

// A NaN reaches the pixels that read it (a bilinear tap of weight 0 reads it too), and no other.
TEST(Warp, NanStaysLocal) {
    const Shape shape{1, 9, 11, 3};
    HostTensor x = random_tensor(shape);
    x.at(0, 0, 0, 1) = x.at(0, 8, 10, 2) = std::numeric_limits<float>::quiet_NaN();
    const HostTensor matrix = matrix_of({1, 0, -0.25f, 0, 1, -0.25f});
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        HostArray<double> y(shape);
        oracle::affine(Interpolation::bilinear, widen(x).view(), matrix.view(), y.view());
        EXPECT_TRUE(matches(y, run_affine(stream, Interpolation::bilinear, x, matrix, shape), sum_tolerance(4)))
            << to_string(device);
        HostArray<double> wide({1, 13, 17, 3});
        oracle::resize(widen(x).view(), wide.view());
        EXPECT_TRUE(matches(wide, run_resize(stream, x, wide.shape), sum_tolerance(4))) << to_string(device);
    }
}

TEST(Warp, BitsDependNeitherOnThreadsNorOnBatch) {
    const Shape shape{3, 61, 67, 3}, one{1, 61, 67, 3}, small{3, 55, 59, 3};
    const HostTensor x = random_tensor(shape, -1, 1, 1), dy = random_tensor(small, -1, 1, 2);
    const auto last_image = [](const HostTensor& batch) {
        const Shape s{1, batch.shape.h, batch.shape.w, batch.shape.c};
        return HostTensor(s, std::vector<float>(batch.values.end() - s.size(), batch.values.end()));
    };
    std::vector<float> maps;
    for (const float degrees : {7.0f, -3.0f, 40.0f})
        for (const float value : rotation(degrees, shape)) maps.push_back(value);
    const HostTensor each = matrix_of(maps), last = matrix_of({maps.end() - 6, maps.end()});
    for (const Device& device : devices_under_test()) {
        Stream single(device, 1), pair(device, 2);
        const HostTensor y = run_resize(single, x, small), dx = run_resize_grad(single, dy, shape);
        EXPECT_TRUE(same_bits(y, run_resize(pair, x, small)));
        EXPECT_TRUE(same_bits(dx, run_resize_grad(pair, dy, shape)));
        EXPECT_TRUE(same_bits(last_image(y), run_resize(pair, last_image(x), last_image(y).shape)));
        EXPECT_TRUE(same_bits(last_image(dx), run_resize_grad(pair, last_image(dy), one)));
        for (const Interpolation interpolation : kInterpolations) {
            const HostTensor turned = run_affine(single, interpolation, x, each, shape);
            const HostTensor back = run_affine_grad(single, interpolation, x, each, shape);
            EXPECT_TRUE(same_bits(turned, run_affine(pair, interpolation, x, each, shape)));
            EXPECT_TRUE(same_bits(back, run_affine_grad(pair, interpolation, x, each, shape)));
            EXPECT_TRUE(same_bits(last_image(turned), run_affine(pair, interpolation, last_image(x), last, one)));
            EXPECT_TRUE(same_bits(last_image(back), run_affine_grad(pair, interpolation, last_image(x), last, one)));
        }
    }
}

}  // namespace
}  // namespace limpid::testing
