// Every elementwise function on every device: against the oracle, broadcast, pitched, in place, and at the ends of the
// number line.
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "kernels/elementwise/elementwise_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// The reference device is the oracle in the coat of a kernel; the coat is tested here too.
std::vector<Device> devices_and_reference() {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    return devices;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max(), kDenormal = std::numeric_limits<float>::denorm_min();

// Scalars for functions that take them; any others would do.
constexpr float kP = 1.25f, kQ = 2.5f;
// Each function rounds at most three times, or is accurate to 3 units in the last place: within 4 epsilon.
const Tolerance kTolerance = sum_tolerance(1);

template <class F>
std::vector<F> all(int count) {
    std::vector<F> functions;
    for (int i = 0; i < count; i++) functions.push_back(F(i));
    return functions;
}
const std::vector<Unary> kUnaries = all<Unary>(kUnaryCount);
const std::vector<Binary> kBinaries = all<Binary>(kBinaryCount);
const std::vector<Ternary> kTernaries = all<Ternary>(kTernaryCount);

bool needs_positive(Unary f) { return f == Unary::sqrt || f == Unary::rsqrt || f == Unary::log || f == Unary::power; }
bool divides(Unary f) { return f == Unary::reciprocal; }

struct Case {
    Shape shape;
    int64_t pitch;
    bool empty() const { return shape.size() == 0; }
    Tolerance tolerance() const { return {kTolerance.relative, empty() || shape.size() == 1}; }
};
Case read_case(const ShapeRow& row) { return {{row["n"], row["h"], row["w"], row["c"]}, row["pitch"]}; }

// Distance in units in the last place of the nearest float (denormals included), infinite when only one is NaN or
// infinite.
double ulps(double expected, float actual) {
    if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual) ? 0 : HUGE_VAL;
    if (std::isinf(float(expected)) || std::isinf(actual)) {
        // Half a unit beyond the largest float both answers are right.
        const bool boundary =
            std::fabs(expected) > double(kLargest) * (1 - 2e-7) && std::signbit(expected) == std::signbit(actual);
        return float(expected) == actual || boundary ? 0 : HUGE_VAL;
    }
    int exponent = 0;
    std::frexp(expected, &exponent);
    return std::fabs(expected - double(actual)) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

HostTensor run_unary(Stream& stream, Unary f, float p, float q, const HostTensor& x, int64_t pitch = 0) {
    const GuardedTensor in(stream, x, pitch), out(stream, x.shape, pitch);
    stream.backend().kernels.elementwise.unary(stream, f, p, q, in.view(), out.view());
    return out.read();
}
HostTensor run_binary(Stream& stream, Binary f, const HostTensor& a, const HostTensor& b, Shape shape,
                      int64_t pitch = 0) {
    const GuardedTensor in_a(stream, a, a.shape.c == shape.c ? pitch : 0), in_b(stream, b), out(stream, shape, pitch);
    stream.backend().kernels.elementwise.binary(stream, f, in_a.view(), in_b.view(), out.view());
    return out.read();
}

TEST(Elementwise, NamesAreDistinct) {
    std::set<std::string> names;
    for (const Unary f : kUnaries) names.insert(name(f));
    for (const Binary f : kBinaries) names.insert(name(f));
    for (const Ternary f : kTernaries) names.insert(name(f));
    EXPECT_EQ(int(names.size()), kUnaryCount + kBinaryCount + kTernaryCount);
}

TEST(Elementwise, UnaryMatchesOracle) {
    for (const ShapeRow& row : read_shapes("elementwise.txt")) {
        const Case test = read_case(row);
        for (const Unary f : kUnaries) {
            const HostTensor x = needs_positive(f) ? random_tensor(test.shape, 0.01f, 8)
                                 : divides(f)      ? random_tensor(test.shape, 0.25f, 8)
                                                   : random_tensor(test.shape, -8, 8);
            HostArray<double> expected(test.shape);
            oracle::unary(f, double(kP), double(kQ), x.view(), expected.view());
            for (const Device& device : devices_under_test()) {
                Stream stream(device);
                EXPECT_TRUE(matches(expected, run_unary(stream, f, kP, kQ, x, test.pitch), test.tolerance()))
                    << name(f) << " " << row.name << " " << to_string(device);
            }
        }
    }
}

TEST(Elementwise, BinaryAndTernaryMatchOracle) {
    for (const ShapeRow& row : read_shapes("elementwise.txt")) {
        const Case test = read_case(row);
        const Shape channels{1, 1, 1, test.shape.c}, images{test.shape.n, 1, 1, 1};
        const HostTensor a = random_tensor(test.shape, -8, 8, 1), b = random_tensor(channels, 0.5f, 8, 2);
        const HostTensor c = random_tensor(images, -1, 1, 3);
        for (const Device& device : devices_under_test()) {
            Stream stream(device);
            for (const Binary f : kBinaries) {
                HostArray<double> expected(test.shape);
                oracle::binary(f, a.view(), b.view(), expected.view());
                EXPECT_TRUE(matches(expected, run_binary(stream, f, a, b, test.shape, test.pitch), test.tolerance()))
                    << name(f) << " " << row.name << " " << to_string(device);
            }
            const GuardedTensor in_a(stream, a, test.pitch), in_b(stream, b), in_c(stream, c);
            for (const Ternary f : kTernaries) {
                HostArray<double> expected(test.shape);
                oracle::ternary(f, a.view(), b.view(), c.view(), expected.view());
                const GuardedTensor out(stream, test.shape, test.pitch);
                stream.backend().kernels.elementwise.ternary(stream, f, in_a.view(), in_b.view(), in_c.view(),
                                                             out.view());
                EXPECT_TRUE(matches(expected, out.read(), test.tolerance()))
                    << name(f) << " " << row.name << " " << to_string(device);
            }
        }
    }
}

// All 16 x 16 ways in which two inputs can repeat along the axes, dense and pitched.
TEST(Elementwise, BroadcastsAlongEveryAxis) {
    const Shape full{2, 3, 37, 5};
    const auto narrowed = [&](int mask) {
        Shape shape = full;
        for (int axis = 0; axis < 4; axis++)
            if (mask >> axis & 1) shape[axis] = 1;
        return shape;
    };
    for (const Device& device : devices_and_reference()) {
        Stream stream(device);
        for (int mask_a = 0; mask_a < 16; mask_a++)
            for (int mask_b = 0; mask_b < 16; mask_b++)
                for (const int64_t gap : {0, 2}) {
                    const HostTensor a = random_tensor(narrowed(mask_a), -1, 1, 1),
                                     b = random_tensor(narrowed(mask_b), -1, 1, 2);
                    HostArray<double> expected(full);
                    oracle::binary(Binary::sub, a.view(), b.view(), expected.view());
                    const GuardedTensor in_a(stream, a, a.shape.c + gap), in_b(stream, b, b.shape.c + gap),
                        out(stream, full, full.c + gap);
                    stream.backend().kernels.elementwise.binary(stream, Binary::sub, in_a.view(), in_b.view(),
                                                                out.view());
                    ASSERT_TRUE(matches(expected, out.read(), {0}))
                        << a.shape << " - " << b.shape << " gap " << gap << " " << to_string(device);
                }
    }
}

TEST(Elementwise, OutputMayBeAnInput) {
    for (const int64_t pitch : {5, 9}) {
        const Shape shape{2, 7, 13, 5};
        const HostTensor a = random_tensor(shape, -1, 1, 1), b = random_tensor({1, 1, 1, 5}, -1, 1, 2),
                         c = random_tensor(shape, -1, 1, 3);
        HostArray<double> expected(shape);
        oracle::ternary(Ternary::multiply_add, a.view(), b.view(), c.view(), expected.view());
        for (const Device& device : devices_and_reference()) {
            Stream stream(device);
            for (const bool first : {true, false}) {
                const GuardedTensor in_a(stream, a, pitch), in_b(stream, b), in_c(stream, c, pitch);
                const MutView out = first ? in_a.view() : in_c.view();
                stream.backend().kernels.elementwise.ternary(stream, Ternary::multiply_add, in_a.view(), in_b.view(),
                                                             in_c.view(), out);
                EXPECT_TRUE(matches(expected, first ? in_a.read() : in_c.read(), kTolerance)) << to_string(device);
            }
        }
    }
}

TEST(Elementwise, BitsDependNeitherOnThreadsNorOnBatch) {
    const Shape shape{3, 61, 67, 3}, one{1, 61, 67, 3};
    const HostTensor x = random_tensor(shape, -8, 8, 1), bias = random_tensor({1, 1, 1, 3}, -1, 1, 2);
    const HostTensor last(one, std::vector<float>(x.values.end() - one.size(), x.values.end()));
    for (const Device& device : devices_under_test()) {
        Stream single(device, 1), pair(device, 2);
        for (const Unary f : kUnaries) {
            const HostTensor all_images = run_unary(single, f, kP, kQ, x);
            EXPECT_TRUE(same_bits(all_images, run_unary(pair, f, kP, kQ, x))) << name(f) << " " << to_string(device);
            const HostTensor alone = run_unary(pair, f, kP, kQ, last);
            EXPECT_EQ(
                std::memcmp(alone.values.data(), &all_images.values[size_t(2 * one.size())], size_t(one.size()) * 4), 0)
                << name(f) << " " << to_string(device);
        }
        EXPECT_TRUE(
            same_bits(run_binary(single, Binary::mul, x, bias, shape), run_binary(pair, Binary::mul, x, bias, shape)));
    }
}

// A task may begin with the short last piece of an image; the packed bias it makes there is too short for the next one.
TEST(Elementwise, PiecesOfUnevenLength) {
    const Shape shape{66, 10, 35, 3};
    const HostTensor a = random_tensor(shape, -1, 1, 1), b = random_tensor({1, 1, 1, 3}, -1, 1, 2),
                     c = random_tensor({66, 1, 1, 1}, -1, 1, 3);
    HostArray<double> expected(shape);
    oracle::ternary(Ternary::multiply_add, a.view(), b.view(), c.view(), expected.view());
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 2);
        const GuardedTensor in_a(stream, a), in_b(stream, b), in_c(stream, c), out(stream, shape);
        stream.backend().kernels.elementwise.ternary(stream, Ternary::multiply_add, in_a.view(), in_b.view(),
                                                     in_c.view(), out.view());
        EXPECT_TRUE(matches(expected, out.read(), kTolerance)) << to_string(device);
    }
}

TEST(Elementwise, EndsOfTheNumberLine) {
    const std::vector<float> values = {
        0,      -0.0f,   kInfinity, -kInfinity, kNan, kDenormal, -kDenormal, 1e-39f, kLargest, -kLargest,
        1.0f,   -1.0f,   6.0f,      5.5f,       7.0f, 88.72f,    88.73f,     -87.5f, -103.9f,  -104.5f,
        1e-30f, -1e-30f, 0.625f,    1.25f,      2.5f, 100.0f,    -100.0f,    3e38f,  -3e38f};
    const int64_t count = int64_t(values.size());
    const HostTensor x({1, 1, 1, count}, values);
    HostTensor a({1, 1, count, count}), b({1, 1, count, count});
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) a.at(0, 0, i, j) = values[size_t(i)], b.at(0, 0, i, j) = values[size_t(j)];
    for (const Device& device : devices_and_reference()) {
        Stream stream(device);
        for (const Unary f : kUnaries) {
            const HostTensor y = run_unary(stream, f, kP, kQ, x);
            for (size_t i = 0; i < values.size(); i++) {
                const double expected = oracle::apply(f, double(kP), double(kQ), double(values[i]));
                EXPECT_LE(ulps(expected, y.values[i]), 4) << name(f) << "(" << values[i] << ") = " << y.values[i]
                                                          << ", expected " << expected << " " << to_string(device);
            }
        }
        for (const Binary f : kBinaries) {
            // Products of three overflow between; their ends are those of float arithmetic, not of the oracle.
            if (f == Binary::sigmoid_grad || f == Binary::tanh_grad) continue;
            const HostTensor y = run_binary(stream, f, a, b, a.shape);
            for (size_t i = 0; i < y.values.size(); i++) {
                const double expected = oracle::apply(f, double(a.values[i]), double(b.values[i]));
                EXPECT_LE(ulps(expected, y.values[i]), 4)
                    << name(f) << "(" << a.values[i] << ", " << b.values[i] << ") = " << y.values[i] << ", expected "
                    << expected << " " << to_string(device);
            }
        }
    }
}

// One float in 4093 (a prime), from every exponent, both signs; the bounds leave a little room above what simd_math.h
// states.
TEST(Elementwise, ElementaryFunctionsAreAccurate) {
    constexpr uint32_t kStride = 4093;
    std::vector<float> values;
    for (uint64_t word = 0; word < (uint64_t(1) << 32); word += kStride) {
        float value;
        const uint32_t bits = uint32_t(word);
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isnan(value)) values.push_back(value);
    }
    // Most floats are far from where the functions bend.
    for (int i = -1200000; i <= 1200000; i += 7) values.push_back(float(i) * 0x1p-13f);
    const HostTensor x({1, 1, 1, int64_t(values.size())}, values);
    const std::vector<std::pair<Unary, double>> bounds = {{Unary::exp, 1.25}, {Unary::log, 1},       {Unary::tanh, 1.5},
                                                          {Unary::atan, 1.5}, {Unary::sigmoid, 2.5}, {Unary::sin, 1},
                                                          {Unary::cos, 1}};
    for (const auto& [f, bound] : bounds) {
        std::vector<double> expected(values.size());
        for (size_t i = 0; i < values.size(); i++) expected[i] = oracle::apply(f, 0, 0, double(values[i]));
        for (const Device& device : devices_under_test()) {
            Stream stream(device);
            const HostTensor y = run_unary(stream, f, 0, 0, x);
            double worst = 0;
            float at = 0;
            for (size_t i = 0; i < values.size(); i++) {
                const double error = ulps(expected[i], y.values[i]);
                if (!(error <= worst)) worst = error, at = values[i];
            }
            // CUDA promises 2 units for what is 1 here (CUDA C++ Programming Guide, mathematical functions).
            EXPECT_LE(worst, device.kind == DeviceKind::cuda ? bound + 1 : bound)
                << name(f) << "(" << at << ") " << to_string(device);
            RecordProperty(concat(name(f), "_", to_string(device)), concat(worst));
        }
    }
}

// Where x modulo a quarter turn needs many more bits of pi than a double has: every exponent, small and large
// mantissas.
TEST(Elementwise, SineAndCosineOfLargeNumbers) {
    std::vector<float> values;
    for (int exponent = 20; exponent < 128; exponent++)
        for (const double mantissa : {1.0, 1.0000001, 1.1, 1.2345, 1.3, 1.57, 1.618, 1.75, 1.9999, 1.9999999})
            for (const double sign : {1.0, -1.0}) values.push_back(float(std::ldexp(sign * mantissa, exponent)));
    // The float nearest to a multiple of a quarter turn (Muller, Elementary Functions, 2006, table of worst cases).
    values.push_back(float(std::ldexp(16367173.0, 72)));
    const HostTensor x({1, 1, 1, int64_t(values.size())}, values);
    for (const Unary f : {Unary::sin, Unary::cos})
        for (const Device& device : devices_under_test()) {
            Stream stream(device);
            const HostTensor y = run_unary(stream, f, 0, 0, x);
            for (size_t i = 0; i < values.size(); i++)
                EXPECT_LE(ulps(oracle::apply(f, 0, 0, double(values[i])), y.values[i]),
                          device.kind == DeviceKind::cuda ? 2 : 1)
                    << name(f) << "(" << values[i] << ") " << to_string(device);
        }
}

// The gradient functions are the derivatives of the functions that they are named after (central differences in
// double).
TEST(Elementwise, GradientsAgreeWithFiniteDifferences) {
    const double step = 1e-6;
    const auto slope = [&](Unary f, double x) {
        return (oracle::apply(f, 0, 0, x + step) - oracle::apply(f, 0, 0, x - step)) / (2 * step);
    };
    for (const double x : {-3.0, -0.7, 0.3, 1.1, 4.0, 7.0}) {
        const auto gradient = [&](Binary f, Unary of) { return oracle::apply(f, oracle::apply(of, 0, 0, x), 1.5); };
        EXPECT_NEAR(gradient(Binary::relu_grad, Unary::relu), 1.5 * slope(Unary::relu, x), 1e-8);
        EXPECT_NEAR(gradient(Binary::relu6_grad, Unary::relu6), 1.5 * slope(Unary::relu6, x), 1e-8);
        EXPECT_NEAR(gradient(Binary::sigmoid_grad, Unary::sigmoid), 1.5 * slope(Unary::sigmoid, x), 1e-8);
        EXPECT_NEAR(gradient(Binary::tanh_grad, Unary::tanh), 1.5 * slope(Unary::tanh, x), 1e-8);
    }
    // At the bend Lucid's override passes what TensorFlow's own gradient blocks.
    EXPECT_EQ(oracle::apply(Binary::relu_grad, 0, 1.5), 0);
    EXPECT_EQ(oracle::apply(Binary::pass_positive, 0, 1.5), 1.5);
    EXPECT_EQ(oracle::apply(Binary::pass_redirect, -1, 1.5), 1.5);
    EXPECT_EQ(oracle::apply(Binary::pass_redirect, -1, -1.5), 0);
}

}  // namespace
}  // namespace limpid::testing
