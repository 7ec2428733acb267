// Sources that are more than variables: networks, mixtures of shared parts, samples, textures; against their
// definitions in plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "graph/grad.h"
#include "kernels/error.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/param_by_definition.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::same_bits;
using testing::sum_tolerance;

TEST(Param, CppnByTheDefinition) {
    for (const char* activation : {"composite", "unbiased", "relu", "abs"}) {
        const ImageParam param = param_of(concat("cppn(hidden=3, layers=2, activation=", activation, "); rgb"), 3, 4);
        const bool doubles = std::string(activation) == "composite" || std::string(activation) == "unbiased";
        const size_t wide = doubles ? 6 : 3;
        const HostTensor theta = random_tensor(param.theta(1), -1, 1), image = decoded(param, theta);
        ASSERT_EQ(theta.shape.size(), int64_t(2 * 3 + 3 + wide * 3 + 3 + wide * 3 + 3));
        for (int64_t y = 0; y < 3; y++)
            for (int64_t x = 0; x < 4; x++) {
                std::vector<double> v{std::sqrt(3.0) * (2 * double(x) / 3 - 1), std::sqrt(3.0) * (double(y) - 1)};
                size_t at = 0;
                for (int layer = 0; layer < 3; layer++) {
                    std::vector<double> out(3);
                    for (size_t i = 0; i < v.size(); i++)
                        for (size_t o = 0; o < 3; o++) out[o] += v[i] * double(theta.values[at++]);
                    for (double& value : out) value += double(theta.values[at++]);
                    v = out;
                    if (layer == 2) break;
                    std::vector<double> even;
                    for (double& value : v) {
                        const double a = std::atan(value);
                        even.push_back(activation[0] == 'c' ? a * a / 0.6 : (a * a - 0.45) / 0.396);
                        value = doubles                ? a / 0.67
                                : activation[0] == 'r' ? (std::max(value, 0.0) - 0.40) / 0.58
                                                       : std::fabs(value);
                    }
                    if (doubles) v.insert(v.end(), even.begin(), even.end());
                }
                for (int64_t c = 0; c < 3; c++)
                    EXPECT_NEAR(image.at(0, y, x, c), sigmoid(v[size_t(c)]), 1e-5) << activation;
            }
    }
    // Lucid's initial weights: silent at the end, so that the picture starts plain.
    const ImageParam param = param_of("cppn; rgb", 4, 4);
    EXPECT_EQ(param.theta(1).size(), 2 * 24 + 24 + 7 * (48 * 24 + 24) + 48 * 3 + 3);
    const HostTensor image = decoded(param, param.initial(0, 0));
    for (int64_t i = 0; i < 16; i++) EXPECT_EQ(image.at(0, i / 4, i % 4, 1), image.at(0, 0, 0, 1));
}

// The layers of CppnByTheDefinition with composite units, of whole pictures, because normalisation looks at all pixels.
HostArray<double> normalised_cppn(const std::vector<double>& theta, int64_t h, int64_t w, size_t hidden, int layers) {
    using Pixels = std::vector<std::vector<double>>;
    Pixels x;
    for (int64_t i = 0; i < h * w; i++)
        x.push_back({std::sqrt(3.0) * (2 * double(i % w) / double(w - 1) - 1),
                     std::sqrt(3.0) * (2 * double(i / w) / double(h - 1) - 1)});
    size_t at = 0;
    for (int layer = 0; layer <= layers; layer++) {
        const size_t in = x[0].size(), out = layer < layers ? hidden : 3;
        Pixels y(x.size(), std::vector<double>(out));
        for (size_t p = 0; p < x.size(); p++)
            for (size_t o = 0; o < out; o++) {
                y[p][o] = theta[at + in * out + o];
                for (size_t i = 0; i < in; i++) y[p][o] += x[p][i] * theta[at + i * out + o];
            }
        at += in * out + out;
        x = y;
        if (layer == layers) break;
        for (size_t o = 0; o < out; o++) {
            double mean = 0, variance = 0;
            for (const auto& p : x) mean += p[o] / double(x.size());
            for (const auto& p : x) variance += (p[o] - mean) * (p[o] - mean) / double(x.size());
            for (auto& p : x) p[o] = (p[o] - mean) / std::sqrt(variance + 1e-6) * theta[at + o] + theta[at + out + o];
        }
        at += 2 * out;
        for (auto& p : x)
            for (size_t o = 0; o < out; o++) {
                const double a = std::atan(p[o]);
                p.push_back(a * a / 0.6);
                p[o] = a / 0.67;
            }
    }
    EXPECT_EQ(at, theta.size());
    HostArray<double> image({1, h, w, 3});
    for (int64_t i = 0; i < h * w; i++)
        for (int64_t c = 0; c < 3; c++) image.at(0, i / w, i % w, c) = sigmoid(x[size_t(i)][size_t(c)]);
    return image;
}

TEST(Param, CppnNormalisesEachChannelOfAPicture) {
    const ImageParam param = param_of("cppn(hidden=3, layers=2, normalize=yes); rgb", 5, 4);
    const HostTensor theta = random_tensor(param.theta(1), -1, 1);
    ASSERT_EQ(theta.shape.size(), 2 * 3 + 3 + 6 + 6 * 3 + 3 + 6 + 6 * 3 + 3);
    const HostArray<double> expected = normalised_cppn({theta.values.begin(), theta.values.end()}, 5, 4, 3, 2);
    EXPECT_TRUE(matches(expected, decoded(param, theta), {1e-5}));
    // Before the first update the scales are 1 and the shifts 0.
    const HostTensor start = param.initial(0, 0);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(start.values[9 + i], 1);
        EXPECT_EQ(start.values[12 + i], 0);
    }
}

// p = (p1 (1 - t) + p2 t)(1 + t(1 - t)), t = (1 - cos(pi s)) / 2: t = 0, 1/2, 1 for three pictures, 1/4 of the way
// 0.1464.
TEST(Param, CppnWeightsAreMixedAlongTheBatch) {
    const ImageParam two = param_of("cppn(hidden=3, layers=1, images=2); rgb", 4, 4),
                     one = param_of("cppn(hidden=3, layers=1); rgb", 4, 4);
    const int64_t size = one.theta(1).size();
    EXPECT_FALSE(two.per_image());
    ASSERT_EQ(two.theta(5).size(), 2 * size);
    const HostTensor theta = random_tensor(two.theta(5), -1, 1);
    const HostTensor images = decoded(two, theta, 5);
    const double quarter = (1 - std::sqrt(0.5)) / 2, places[] = {0, quarter, 0.5, 1 - quarter, 1};
    for (int64_t n = 0; n < 5; n++) {
        HostTensor mixed(one.theta(1));
        for (int64_t i = 0; i < size; i++) {
            const double t = places[n], a = theta.values[size_t(i)], b = theta.values[size_t(size + i)];
            mixed.values[size_t(i)] = float((a * (1 - t) + b * t) * (1 + t * (1 - t)));
        }
        EXPECT_TRUE(matches(testing::widen(decoded(one, mixed)), image_of(images, n), {1e-5})) << n;
    }
    // Of three networks, the one in the middle belongs to the picture in the middle.
    const ImageParam three = param_of("cppn(hidden=3, layers=1, images=3); rgb", 4, 4);
    const HostTensor each = random_tensor(three.theta(3), -1, 1);
    const HostTensor middle(one.theta(1),
                            std::vector<float>(each.values.begin() + size, each.values.begin() + 2 * size));
    EXPECT_TRUE(matches(testing::widen(decoded(one, middle)), image_of(decoded(three, each, 3), 1), {1e-6}));
}

// multi_interpolation_basis: const + E_i + reversed(E_j) + I_ij, by the definition.
TEST(Param, PairsAreWaysFromEachToEach) {
    const int64_t n = 3, steps = 3, size = 8;
    const ImageParam param = param_of("pairs(n=3, steps=3); channels(1); raw", size, size);
    const HostTensor theta = random_tensor(param.theta(27), -1, 1), images = decoded(param, theta, 27);
    size_t at = 0;
    // Pictures {count, size/part, size/part}, enlarged to {to, size, size}.
    const auto enlarged = [&](int64_t count, int64_t part, int64_t to) {
        const int64_t small = size / part;
        HostArray<double> result({to, size, size, 1});
        for (int64_t m = 0; m < to; m++)
            for (int64_t y = 0; y < size; y++)
                for (int64_t x = 0; x < size; x++) {
                    std::vector<double> along;
                    for (int64_t k = 0; k < count; k++) {
                        std::vector<double> column;
                        for (int64_t r = 0; r < small; r++) {
                            std::vector<double> row;
                            for (int64_t s = 0; s < small; s++)
                                row.push_back(double(theta.values[at + size_t((k * small + r) * small + s)]));
                            column.push_back(bilinear(row, size, x));
                        }
                        along.push_back(bilinear(column, size, y));
                    }
                    result.at(m, y, x, 0) = bilinear(along, to, m);
                }
        at += size_t(count * small * small);
        return result;
    };
    const auto sum = [&](const std::vector<int64_t>& parts, int64_t count, int64_t to) {
        HostArray<double> total({to, size, size, 1});
        for (const int64_t part : parts) {
            const HostArray<double> one = enlarged(count, part, to);
            for (size_t i = 0; i < one.values.size(); i++) total.values[i] += one.values[i];
        }
        return total;
    };
    const HostArray<double> shared = sum({1, 2, 4, 8}, 1, 1);
    std::vector<HostArray<double>> ends, between(size_t(n * n));
    for (int64_t i = 0; i < n; i++) ends.push_back(sum({1, 2, 4, 8}, 2, steps));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) between[size_t(i * n + j)] = sum({1, 2}, steps, steps);
    ASSERT_EQ(at, theta.values.size());
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t t = 0; t < steps; t++)
                for (int64_t p = 0; p < size * size; p++) {
                    const int64_t y = p / size, x = p % size, back = steps - 1 - t;
                    const double own = i == j  ? 0
                                       : i < j ? between[size_t(i * n + j)].at(t, y, x, 0)
                                               : between[size_t(j * n + i)].at(back, y, x, 0);
                    const double expected = shared.at(0, y, x, 0) + ends[size_t(i)].at(t, y, x, 0) +
                                            ends[size_t(j)].at(back, y, x, 0) + own;
                    ASSERT_NEAR(images.at((n * i + j) * steps + t, y, x, 0), expected, 1e-5) << i << j << t;
                }
    EXPECT_THROW(decoded(param, theta, 26), Error);
}

// A spectrum by the definition; another at each update and for each picture, the same when asked again; held still.
TEST(Param, ImageSamplesAreDrawnAnew) {
    const ImageParam param = param_of("image_sample(sd=0.2, decay=1.5)", 4, 6);
    HostTensor theta(param.theta(2));
    const std::vector<ImageParam::Redrawn> parts = param.redrawn(2);
    ASSERT_EQ(parts.size(), 2u);
    ASSERT_EQ(parts[1].first, theta.shape.size() / 2);
    const auto drawn = [&](uint64_t seed, uint32_t job, uint32_t update) {
        for (const ImageParam::Redrawn& part : parts)
            param.redraw(part, seed, job, update, theta.values.data() + part.first);
        return theta;
    };
    const HostTensor first = drawn(7, 3, 5);
    EXPECT_TRUE(same_bits(first, drawn(7, 3, 5)));
    EXPECT_FALSE(same_bits(first, drawn(7, 3, 6)));
    EXPECT_FALSE(same_bits(first, drawn(8, 3, 5)));
    EXPECT_TRUE(same_bits(image_of(first, 1), image_of(drawn(7, 4, 5), 0)));
    EXPECT_FALSE(same_bits(image_of(first, 0), image_of(first, 1)));
    HostArray<double> expected = coloured(spectral_by_definition(image_of(first, 0), 6, 1.5));
    for (double& value : expected.values) value = sigmoid(value);
    EXPECT_TRUE(matches(expected, image_of(decoded(param, first, 2), 0), sum_tolerance(72)));
    double squares = 0;
    const ImageParam large = param_of("image_sample(sd=0.2)", 64, 64);
    HostTensor many(large.theta(1));
    large.redraw(large.redrawn(1)[0], 0, 0, 0, many.values.data());
    for (const float value : many.values) squares += double(value) * double(value);
    EXPECT_NEAR(std::sqrt(squares / double(many.values.size())), 0.2, 0.005);
    // In a sum only the sample is drawn anew, and only the pixels have a gradient.
    const ImageParam sum = param_of("pixel + image_sample; rgb; raw", 2, 2);
    const std::vector<ImageParam::Redrawn> of_sum = sum.redrawn(2);
    ASSERT_EQ(of_sum.size(), 2u);
    EXPECT_EQ(of_sum[0].first, 12);
    EXPECT_EQ(of_sum[0].count, 2 * 2 * 6);
    EXPECT_EQ(of_sum[1].first, 12 + 36);
    Graph graph;
    const NodeId variables = graph.input("theta", sum.theta(1));
    const NodeId slope = grad(graph, decode(graph, sum, variables, nullptr), {variables})[0];
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor found = evaluate(graph, {slope}, stream, {sum.initial(0, 0)})[0];
    for (size_t i = 0; i < found.values.size(); i++) EXPECT_EQ(found.values[i], i < 12 ? 1 : 0) << i;
}

// By hand on 2x2: rows top down a b / c d; u = 1/4, v = 3/4 is the centre of a.
TEST(Param, TexturesAreSampledAsOpenGlDoes) {
    const HostTensor uv({1, 2, 3, 2}, {0.25f, 0.75f,     //  a
                                       0.5f, 0.75f,      //  (a + b)/2
                                       0.25f, 0.5f,      //  (a + c)/2
                                       1, 1,             //  the corner where all repeat: (a + b + c + d)/4
                                       -0.75f, 1.75f,    // a again, one period away
                                       0.375f, 0.25f});  // 3/4 c + 1/4 d
    ImageParam param = param_of("pixel; channels(1); raw; texture(uv=FILE, size=2)", 2, 3);
    param.texture->uv = coordinates_file(uv);
    EXPECT_EQ(param.theta(1), (Shape{1, 2, 2, 1}));
    const HostTensor theta({1, 2, 2, 1}, {1, 10, 100, 1000});
    for (const DeviceKind kind : {DeviceKind::reference, DeviceKind::cpu}) {
        const HostTensor image = decoded(param, theta, 1, kind);
        ASSERT_EQ(image.shape, (Shape{1, 2, 3, 1}));
        const double expected[] = {1, 5.5, 50.5, 277.75, 1, 325};
        for (size_t i = 0; i < 6; i++) EXPECT_NEAR(image.values[i], expected[i], 1e-4) << i;
    }
    EXPECT_EQ(decoded(param.flat(), theta).values, theta.values);
}

// Against Lucid's formula in plain loops, over colours and a sigmoid: one view of two textures, three of one.
TEST(Param, TexturesMeetTheirViews) {
    const int64_t size = 5;
    const HostTensor views = random_tensor({3, 4, 6, 2}, -2, 2);
    const auto sampled = [&](const HostTensor& texture, int64_t view, int64_t y, int64_t x, int64_t c) {
        const double u = double(views.at(view, y, x, 0)) * size - 0.5,
                     v = (1 - double(views.at(view, y, x, 1))) * size - 0.5;
        const auto at = [&](double row, double column) {
            const auto wrap = [&](double i) { return int64_t(i - std::floor(i / size) * size); };
            return double(texture.at(0, wrap(row), wrap(column), c));
        };
        const double u0 = std::floor(u), v0 = std::floor(v), fu = u - u0, fv = v - v0;
        return (1 - fv) * ((1 - fu) * at(v0, u0) + fu * at(v0, u0 + 1)) +
               fv * ((1 - fu) * at(v0 + 1, u0) + fu * at(v0 + 1, u0 + 1));
    };
    const auto check = [&](const std::string& source, const HostTensor& uv, int64_t batch) {
        ImageParam param = param_of(source + "; alpha; texture(uv=FILE, size=5)", 4, 6);
        param.texture->uv = coordinates_file(uv);
        const HostTensor theta = param.initial(1, 2, batch);
        const HostTensor images = decoded(param, theta, batch), textures = decoded(param.flat(), theta, batch);
        ASSERT_EQ(images.shape, (Shape{batch, 4, 6, 4}));
        ASSERT_EQ(textures.shape, (Shape{batch, size, size, 4}));
        for (int64_t n = 0; n < batch; n++)
            for (int64_t i = 0; i < 4 * 6 * 4; i++)
                EXPECT_NEAR(images.at(n, i / 24, i / 4 % 6, i % 4),
                            sampled(image_of(textures, n), uv.shape.n == 1 ? 0 : n, i / 24, i / 4 % 6, i % 4), 1e-5)
                    << source << n;
    };
    check("fft(sd=0.5, images=1)", views, 3);
    check("fft(sd=0.5)", image_of(views, 0), 2);
    ImageParam own = param_of("fft; texture(uv=FILE, size=5)", 4, 6);
    own.texture->uv = coordinates_file(views);
    EXPECT_THROW(decoded(own, own.initial(0, 0, 3), 3), Error) << "three views, three textures";
    own.height = 5;
    EXPECT_THROW(own.constants(), Error) << "coordinates of another size";
    own.height = 4;
    own.texture->uv = coordinates_file(HostTensor({1, 4, 6, 1}));
    EXPECT_THROW(own.constants(), Error) << "one channel";
}

TEST(Param, GridMixes) {
    // Variables of zeros but one show where it goes. n = 2, 4x4: spectra 0, 1 pure; 2..5 blends; 6 shared; a 1x1.
    const ImageParam param = param_of("grid(n=2); channels(1); raw", 4, 4);
    const int64_t spectrum = 4 * 3 * 2;
    ASSERT_EQ(param.theta(4).size(), 7 * spectrum + 1);
    const auto weights = [&](int64_t which) {
        HostTensor theta(param.theta(4));
        theta.values[size_t(which * spectrum)] = 1;
        const HostTensor image = decoded(param, theta, 4);
        std::vector<double> result;
        const double unit = double(spectral_scale(4, 4, 1).at(0, 0, 0, 0)) / 16 / 4;
        for (int64_t n = 0; n < 4; n++) result.push_back(double(image.at(n, 0, 0, 0)) / (which < 7 ? unit : 1));
        return result;
    };
    const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
        for (size_t i = 0; i < b.size(); i++) EXPECT_NEAR(a[i], b[i], 1e-6);
    };
    near(weights(0), {1, 0.25, 0.25, 0});
    near(weights(1), {0, 0.25, 0.25, 1});
    near(weights(2 + 1), {0, 0.5, 0.5, 0});  // blend of 0 and 1, used for both orders
    near(weights(2 + 2), {0, 0, 0, 0});
    near(weights(6), {1, 1, 1, 1});
    near(weights(7), {1, 1, 1, 1});
}

}  // namespace
}  // namespace limpid
