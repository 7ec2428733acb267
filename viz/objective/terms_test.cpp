// Every term against its formula, written again in plain loops over small arrays; its gradient against finite
// differences.
#include "viz/objective/terms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"
#include "nets/googlenet_table.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "viz/param/param.h"
#include "weights/npy.h"

namespace limpid {
namespace {

using testing::random_tensor;

constexpr int64_t kImages = 3;
constexpr double kStep = 3;

// Values i * 0.02 in mixed order, all positive: any two differ by more than the finite differences move them, so that
// no kink lies between.
HostTensor spread(Shape shape, int64_t stride) {
    HostTensor result(shape);
    for (int64_t i = 0; i < shape.size(); i++)
        result.values[size_t(i)] = 0.01f + 0.02f * float(i * stride % shape.size());
    return result;
}

// Layers that no network made: terms see names and arrays only.
struct Scene {
    Net net;
    std::vector<std::string> names{"input", "A", "B", "logits"};
    std::vector<HostTensor> values{spread({kImages, 6, 5, 4}, 77), spread({kImages, 4, 5, 6}, 101),
                                   spread({kImages, 2, 3, 6}, 31), spread({kImages, 1, 1, 6}, 5)};
    Scene() {
        Weights weights;
        weights.labels = {"ant", "bee", "cat, house cat", "dog", "elk", "fox"};
        net.weights = std::make_shared<const Weights>(std::move(weights));
        net.name = "scene";
        net.logits = "logits";
    }
    // Score, and its gradient to each layer.
    std::vector<HostTensor> evaluate(const Objective& objective, const std::vector<HostTensor>& at) const {
        Graph graph;
        Layers layers;
        std::vector<NodeId> inputs;
        for (size_t i = 0; i < names.size(); i++)
            inputs.push_back(layers[names[i]] = graph.input(names[i], at[i].shape));
        const NodeId step = graph.scalar(float(kStep));
        std::vector<NodeId> outputs{score(graph, objective, net, layers, step)};
        for (const NodeId g : grad(graph, outputs[0], inputs)) outputs.push_back(g);
        Stream stream({DeviceKind::reference, 0});
        return limpid::evaluate(graph, outputs, stream, at);
    }
};

HostTensor image_of(const HostTensor& batch, int64_t n) {
    const ConstView view = batch.view().image(n);
    return {view.shape, std::vector<float>(view.data, view.data + view.shape.size())};
}

struct Values {
    HostTensor x, a, b, logits;
};

using Expected = std::function<std::vector<double>(const Values&)>;
struct TermCase {
    std::string text;
    Expected expected;
};

// Calls body(n, h, w, c) for all elements.
template <class Body>
void each(const Shape& s, Body body) {
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t h = 0; h < s.h; h++)
            for (int64_t w = 0; w < s.w; w++)
                for (int64_t c = 0; c < s.c; c++) body(n, h, w, c);
}

std::vector<double> per_image_sum(const HostTensor& t, const std::function<double(double)>& f, double scale = 1) {
    std::vector<double> result(size_t(t.shape.n), 0);
    each(t.shape, [&](auto n, auto h, auto w, auto c) { result[size_t(n)] += scale * f(t.at(n, h, w, c)); });
    return result;
}

std::vector<double> mean_channel(const HostTensor& t, int64_t channel) {
    std::vector<double> result(size_t(t.shape.n), 0);
    each(t.shape, [&](auto n, auto h, auto w, auto c) {
        if (c == channel) result[size_t(n)] += double(t.at(n, h, w, c)) / double(t.shape.h * t.shape.w);
    });
    return result;
}

double total(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }
double mean(const std::vector<double>& values) { return total(values) / double(values.size()); }

// a.v * max(0.1, cos)^power at one position.
double along(const HostTensor& a, int64_t n, int64_t h, int64_t w, const std::function<double(int64_t)>& v,
             double power) {
    double dot = 0, aa = 0, vv = 0;
    for (int64_t c = 0; c < a.shape.c; c++) {
        const double value = a.at(n, h, w, c);
        dot += value * v(c), aa += value * value, vv += v(c) * v(c);
    }
    if (power == 0) return dot;
    return dot * std::pow(std::max(0.1, dot / ((1e-4 + std::sqrt(aa)) * (1e-4 + std::sqrt(vv)))), power);
}

std::function<double(int64_t)> random_direction(int64_t seed) {
    return [=](int64_t c) {
        return double(random_normal(RandomKey{uint64_t(seed), 0, 0, uint32_t(Purpose::direction)}, c));
    };
}

std::vector<double> mean_along(const HostTensor& a, const std::function<double(int64_t)>& v, double power) {
    std::vector<double> result(size_t(a.shape.n), 0);
    each({a.shape.n, a.shape.h, a.shape.w, 1}, [&](auto n, auto h, auto w, auto) {
        result[size_t(n)] += along(a, n, h, w, v, power) / double(a.shape.h * a.shape.w);
    });
    return result;
}

double blurred(const HostTensor& t, int64_t n, int64_t h, int64_t w, int64_t c, int64_t window) {
    double sum = 0, weights = 0;
    const int64_t r = window / 2;
    for (int64_t dy = -r; dy <= r; dy++)
        for (int64_t dx = -r; dx <= r; dx++) {
            if (h + dy < 0 || h + dy >= t.shape.h || w + dx < 0 || w + dx >= t.shape.w) continue;
            const double weight = std::abs(dy) == r || std::abs(dx) == r ? 0.5 : 1;
            sum += weight * double(t.at(n, h + dy, w + dx, c)), weights += weight;
        }
    return sum / weights;
}

std::vector<double> blur_difference(const HostTensor& x, int64_t first_channel) {
    std::vector<double> result(size_t(x.shape.n), 0);
    each(x.shape, [&](auto n, auto h, auto w, auto c) {
        if (c >= first_channel)
            result[size_t(n)] += 0.5 * std::pow(double(x.at(n, h, w, c)) - blurred(x, n, h, w, c, 3), 2);
    });
    return result;
}

// G[i][j] of one image, and its L2 norm.
std::vector<double> gram(const HostTensor& a, int64_t n, double scale) {
    std::vector<double> g(size_t(a.shape.c * a.shape.c), 0);
    for (int64_t i = 0; i < a.shape.c; i++)
        for (int64_t j = 0; j < a.shape.c; j++)
            for (int64_t h = 0; h < a.shape.h; h++)
                for (int64_t w = 0; w < a.shape.w; w++)
                    g[size_t(i * a.shape.c + j)] += scale * double(a.at(n, h, w, i)) * double(a.at(n, h, w, j));
    return g;
}

double inner(const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double image_product(const HostTensor& a, int64_t i, int64_t j) {
    double sum = 0;
    each({1, a.shape.h, a.shape.w, a.shape.c},
         [&](auto, auto h, auto w, auto c) { sum += double(a.at(i, h, w, c)) * double(a.at(j, h, w, c)); });
    return sum;
}

double image_distance(const HostTensor& a, int64_t i, int64_t j, double power) {
    double sum = 0;
    each({1, a.shape.h, a.shape.w, a.shape.c}, [&](auto, auto h, auto w, auto c) {
        sum += std::pow(std::fabs(double(a.at(i, h, w, c)) - double(a.at(j, h, w, c))), power);
    });
    return sum / double(a.shape.h * a.shape.w * a.shape.c);
}

std::string temporary(const std::string& name) { return ::testing::TempDir() + "limpid_terms_" + name + ".npy"; }

std::vector<TermCase> cases() {
    std::vector<TermCase> all;
    const auto add = [&](const std::string& text, Expected expected) { all.push_back({text, std::move(expected)}); };

    add("A:4", [](const Values& v) { return mean_channel(v.a, 4); });
    add("channel(A, 4, batch=1)", [](const Values& v) { return std::vector{mean_channel(v.a, 4)[1]}; });
    add("neuron(A, 2)", [](const Values& v) {  // sizes 4x5: the middle is (2, 2)
        return std::vector<double>{v.a.at(0, 2, 2, 2), v.a.at(1, 2, 2, 2), v.a.at(2, 2, 2, 2)};
    });
    add("neuron(A, 2, row=3, column=1)", [](const Values& v) {
        return std::vector<double>{v.a.at(0, 3, 1, 2), v.a.at(1, 3, 1, 2), v.a.at(2, 3, 1, 2)};
    });
    add("neuron(A, 5, column=4, batch=2)", [](const Values& v) { return std::vector<double>{v.a.at(2, 2, 4, 5)}; });
    add("class:house cat", [](const Values& v) {
        return std::vector<double>{v.logits.at(0, 0, 0, 2), v.logits.at(1, 0, 0, 2), v.logits.at(2, 0, 0, 2)};
    });
    add("class_logit(3, batch=0)", [](const Values& v) { return std::vector<double>{v.logits.at(0, 0, 0, 3)}; });
    add("direction(A, seed=7)", [](const Values& v) { return mean_along(v.a, random_direction(7), 0); });
    const auto positive = [](int64_t c) { return 0.25 + 0.5 * double(c); };
    HostTensor vector({1, 1, 1, 6}), negative(vector.shape);
    for (int64_t c = 0; c < 6; c++) {
        vector.values[size_t(c)] = float(positive(c));
        negative.values[size_t(c)] = -float(positive(c));
    }
    write_npy(temporary("vector"), vector);
    write_npy(temporary("negative"), negative);
    const auto file = [](const std::string& name) { return "file=" + temporary(name); };
    add("direction(A, " + file("vector") + ", cossim_pow=2)",
        [=](const Values& v) { return mean_along(v.a, positive, 2); });
    add("direction(A, " + file("negative") + ", cossim_pow=1.5)",  // the floor of the cosine
        [=](const Values& v) {
            return mean_along(
                v.a, [=](int64_t c) { return -positive(c); }, 1.5);
        });
    add("direction_neuron(A, " + file("vector") + ", row=1, column=4, cossim_pow=1)", [=](const Values& v) {
        return std::vector<double>{along(v.a, 0, 1, 4, positive, 1), along(v.a, 1, 1, 4, positive, 1),
                                   along(v.a, 2, 1, 4, positive, 1)};
    });
    // 2 x 2 in the middle of 4 x 5: rows 1..2, columns 1..2.
    HostTensor tile = spread({1, 2, 2, 6}, 7);
    write_npy(temporary("tile"), tile);
    for (const double power : {0.0, 2.0})
        add(concat("tensor_direction(A, ", file("tile"), ", cossim_pow=", power, ")"), [=](const Values& v) {
            std::vector<double> result(kImages, 0);
            each({kImages, 2, 2, 1}, [&](auto n, auto h, auto w, auto) {
                result[size_t(n)] +=
                    along(
                        v.a, n, 1 + h, 1 + w, [&](int64_t c) { return double(tile.at(0, h, w, c)); }, power) /
                    4;
            });
            return result;
        });
    add("deepdream(A)", [](const Values& v) {
        return per_image_sum(
            v.a, [](double a) { return a * a; }, 1.0 / 120);
    });
    add("total_variation()", [](const Values& v) {
        std::vector<double> result(kImages, 0);
        each(v.x.shape, [&](auto n, auto h, auto w, auto c) {
            const double here = v.x.at(n, h, w, c);
            if (h > 0) result[size_t(n)] += std::fabs(here - double(v.x.at(n, h - 1, w, c)));
            if (w > 0) result[size_t(n)] += std::fabs(here - double(v.x.at(n, h, w - 1, c)));
        });
        return result;
    });
    add("L1(constant=2)",
        [](const Values& v) { return per_image_sum(v.x, [](double x) { return std::fabs(x - 2); }); });
    add("L1(A)", [](const Values& v) { return per_image_sum(v.a, [](double x) { return std::fabs(x); }); });
    add("L2(constant=0.5, epsilon=3)", [](const Values& v) {
        std::vector<double> result = per_image_sum(v.x, [](double x) { return (x - 0.5) * (x - 0.5); });
        for (double& value : result) value = std::sqrt(3 + value);
        return result;
    });
    add("L2(B) + 0*diversity(B)", [](const Values& v) {  // joint: one length for the whole batch
        return std::vector{std::sqrt(1e-6 + total(per_image_sum(v.b, [](double x) { return x * x; })))};
    });
    add("blur_input_each_step()", [](const Values& v) { return blur_difference(v.x, 0); });
    add("blur_alpha_each_step()", [](const Values& v) { return blur_difference(v.x, 3); });
    add("penalize_alpha()", [](const Values& v) { return mean_channel(v.x, 3); });
    add("penalize_boundary_complexity(w=1, C=0.25)", [](const Values& v) {
        std::vector<double> result(kImages, 0);
        each(v.x.shape, [&](auto n, auto h, auto w, auto c) {
            if (h > 0 && h < 5 && w > 0 && w < 4) return;
            const double x = v.x.at(n, h, w, c);
            result[size_t(n)] -= std::pow(blurred(v.x, n, h, w, c, 5) - x, 2) + 0.8 * std::pow(x - 0.25, 2);
        });
        return result;
    });
    HostTensor mask({1, 6, 5, 1});
    mask.at(0, 2, 3, 0) = 0.5f;
    write_npy(temporary("mask"), mask);
    add("penalize_boundary_complexity(mask=" + temporary("mask") + ")", [](const Values& v) {
        std::vector<double> result(kImages, 0);
        each({kImages, 1, 1, 4}, [&](auto n, auto, auto, auto c) {
            const double x = v.x.at(n, 2, 3, c);
            result[size_t(n)] -= 0.5 * (std::pow(blurred(v.x, n, 2, 3, c, 5) - x, 2) + 0.8 * std::pow(x - 0.5, 2));
        });
        return result;
    });
    const HostTensor original = spread({1, 6, 5, 4}, 17);
    write_npy(temporary("original"), original);
    add("input_diff(" + temporary("original") + ")", [=](const Values& v) {
        std::vector<double> result(kImages, 0);
        each(v.x.shape, [&](auto n, auto h, auto w, auto c) {
            result[size_t(n)] += std::pow(double(v.x.at(n, h, w, c)) - double(original.at(0, h, w, c)), 2) / 120;
        });
        for (double& value : result) value = std::sqrt(value);
        return result;
    });
    add("channel_interpolate(A, 1, B, 4)", [](const Values& v) {
        const std::vector<double> a = mean_channel(v.a, 1), b = mean_channel(v.b, 4);
        return std::vector{a[0] + 0.5 * a[1] + 0.5 * b[1] + b[2]};
    });
    add("alignment(A)", [](const Values& v) {
        return std::vector{-(image_distance(v.a, 0, 1, 2) + image_distance(v.a, 1, 2, 2)) / 2 -
                           image_distance(v.a, 0, 2, 2) / 4};
    });
    add("alignment(A, decay_ratio=5)", [](const Values& v) {
        return std::vector{-(image_distance(v.a, 0, 1, 2) + image_distance(v.a, 1, 2, 2)) / 5 -
                           image_distance(v.a, 0, 2, 2) / 25};
    });
    add("diversity(A)", [](const Values& v) {
        double sum = 0;
        for (int64_t i = 0; i < kImages; i++)
            for (int64_t j = 0; j < kImages; j++) {
                const std::vector<double> a = gram(v.a, i, 1), b = gram(v.a, j, 1);
                if (i != j) sum += inner(a, b) / std::sqrt(inner(a, a) * inner(b, b));
            }
        return std::vector{sum / kImages};
    });
    add("dot_compare(A, batch=2)", [](const Values& v) { return std::vector{image_product(v.a, 0, 2)}; });
    add("dot_compare(A, cossim_pow=2, reference=2)", [](const Values& v) {
        const double dot = image_product(v.a, 2, 1);
        return std::vector{dot * std::pow(std::max(0.1, dot / (1e-6 + std::sqrt(image_product(v.a, 1, 1)))), 2)};
    });
    add("activation_difference(A, batch=2)", [](const Values& v) { return std::vector{image_distance(v.a, 0, 2, 1)}; });
    add("style_difference(A, batch=2, reference=1)", [](const Values& v) {
        const std::vector<double> a = gram(v.a, 1, 1.0 / 20), b = gram(v.a, 2, 1.0 / 20);
        double sum = 0;
        for (size_t i = 0; i < a.size(); i++) sum += std::fabs(a[i] - b[i]) / 36;
        return std::vector{sum};
    });
    // Alone, the first update is the average.
    add("style_difference(A, batch=2, reference=1, ema=0.9)", [](const Values& v) {
        const std::vector<double> a = gram(v.a, 1, 1.0 / 20), b = gram(v.a, 2, 1.0 / 20);
        double sum = 0;
        for (size_t i = 0; i < a.size(); i++) sum += std::fabs(a[i] - b[i]) / 36;
        return std::vector{sum};
    });
    add("decay(4)*A:1", [](const Values& v) {
        std::vector<double> result = mean_channel(v.a, 1);
        for (double& value : result) value *= 0.25;
        return result;
    });
    add("only_after(3)*A:1", [](const Values& v) { return mean_channel(v.a, 1); });
    add("only_after(4)*A:1 + B:0", [](const Values& v) { return mean_channel(v.b, 0); });
    // The algebra, and how terms of one image meet terms of the batch.
    add("-(A:1 - 2)*B:3 + sum(A:0, 0.5*B:1, 3)", [](const Values& v) {
        std::vector<double> result(kImages);
        for (size_t n = 0; n < kImages; n++)
            result[n] = -(mean_channel(v.a, 1)[n] - 2) * mean_channel(v.b, 3)[n] + mean_channel(v.a, 0)[n] +
                        0.5 * mean_channel(v.b, 1)[n] + 3;
        return result;
    });
    add("A:1*B:2 - channel(B, 0, batch=1) + L1(B)", [](const Values& v) {
        return std::vector{mean(mean_channel(v.a, 1)) * mean(mean_channel(v.b, 2)) - mean_channel(v.b, 0)[1] +
                           total(per_image_sum(v.b, [](double x) { return std::fabs(x); }))};
    });
    return all;
}

TEST(Terms, ValuesAreThoseOfTheFormulas) {
    const Scene scene;
    const Values values{scene.values[0], scene.values[1], scene.values[2], scene.values[3]};
    for (const TermCase& c : cases()) {
        const Objective objective = parse_objective(c.text);
        const std::vector<double> expected = c.expected(values);
        const HostTensor actual = scene.evaluate(objective, scene.values)[0];
        ASSERT_EQ(actual.shape.size(), int64_t(expected.size())) << c.text;
        EXPECT_EQ(actual.shape.n, per_image(objective) ? kImages : 1) << c.text;
        for (size_t n = 0; n < expected.size(); n++) {
            ASSERT_NE(expected[n], 0) << c.text;
            // A few roundings of sums of 360 terms: 4 * 2^-24 * sqrt(360), thrice.
            EXPECT_NEAR(double(actual.values[n]) / expected[n], 1, 3 * testing::sum_tolerance(360).relative) << c.text;
        }
    }
}

TEST(Terms, GradientsAreThoseOfTheValues) {
    const Scene scene;
    for (const TermCase& c : cases()) {
        // The blur stands still while the gradient is taken: tested below.
        if (c.text.starts_with("blur_")) continue;
        const Objective objective = parse_objective(c.text);
        const std::vector<HostTensor> found = scene.evaluate(objective, scene.values);
        std::vector<HostTensor> directions;
        double expected = 0, lengths = 0;
        for (size_t i = 0; i < scene.values.size(); i++) {
            directions.push_back(random_tensor(scene.values[i].shape, -1, 1, 50 + uint32_t(i)));
            for (size_t k = 0; k < directions[i].values.size(); k++) {
                const double g = found[i + 1].values[k], v = directions[i].values[k];
                expected += g * v, lengths += g * g;
            }
        }
        ASSERT_GT(lengths, 0) << c.text;
        double size = 0;
        const auto along = [&](double h) {
            std::vector<HostTensor> moved = scene.values;
            for (size_t i = 0; i < moved.size(); i++)
                for (size_t k = 0; k < moved[i].values.size(); k++)
                    moved[i].values[k] += float(h) * directions[i].values[k];
            const HostTensor scores = scene.evaluate(objective, moved)[0];
            double sum = 0;
            for (const float value : scores.values) sum += double(value);
            size = std::max(size, std::fabs(sum));
            return sum;
        };
        const double h = 1.0 / 128;
        const double coarse = (along(h) - along(-h)) / (2 * h), fine = (along(h / 2) - along(-h / 2)) / h;
        const double measured = (4 * fine - coarse) / 3;
        // Each of four values is rounded a few times; the rest is h^4.
        EXPECT_NEAR(measured, expected, 8 * 0x1p-24 * size / h + 1e-3 * std::sqrt(lengths)) << c.text;
    }
}

TEST(Terms, BlurEachStepIsOneStepTowardsTheBlur) {
    const Scene scene;
    const HostTensor &x = scene.values[0],
                     all = scene.evaluate(parse_objective("-0.25*blur_input_each_step()"), scene.values)[1];
    const HostTensor alpha = scene.evaluate(parse_objective("blur_alpha_each_step()"), scene.values)[1];
    each(x.shape, [&](auto n, auto h, auto w, auto c) {
        const double apart = double(x.at(n, h, w, c)) - blurred(x, n, h, w, c, 3);
        EXPECT_NEAR(all.at(n, h, w, c), -0.25 * apart, 1e-5);
        EXPECT_NEAR(alpha.at(n, h, w, c), c == 3 ? apart : 0, 1e-5);
    });
}

TEST(Terms, ThreeStepsOfAscentRaiseAnyObjective) {
    const Scene scene;
    for (const TermCase& c : cases()) {
        const Objective objective = parse_objective(c.text);
        std::vector<HostTensor> values = scene.values;
        std::vector<HostTensor> found = scene.evaluate(objective, values);
        const auto total_score = [&] {
            double sum = 0;
            for (const float value : found[0].values) sum += double(value);
            return sum;
        };
        const double before = total_score();
        for (int step = 0; step < 3; step++) {
            double lengths = 0;
            for (size_t i = 0; i < values.size(); i++)
                for (const float g : found[i + 1].values) lengths += double(g) * double(g);
            for (size_t i = 0; i < values.size(); i++)
                for (size_t k = 0; k < values[i].values.size(); k++)
                    values[i].values[k] += float(0.01 / std::sqrt(lengths)) * found[i + 1].values[k];
            found = scene.evaluate(objective, values);
        }
        EXPECT_GT(total_score(), before) << c.text;
    }
}

// Three updates with different layers: the value is that of the average of the Gram matrices, each update counting 0.75
// times as much as the next, over the sum of the weights; the gradient that of this update's, at that value.
TEST(Terms, StyleRemembersFromUpdateToUpdate) {
    const Scene scene;
    const Objective objective = parse_objective("style_difference(A, batch=2, reference=1, ema=0.75)");
    std::vector<HostTensor> kept;
    std::vector<double> average(36, 0);
    double weights = 0;
    for (int update = 0; update < 3; update++) {
        std::vector<HostTensor> at = scene.values;
        for (float& value : at[1].values) value *= float(1 + update * update);
        Graph graph;
        Layers layers;
        std::vector<NodeId> inputs;
        for (size_t i = 0; i < scene.names.size(); i++)
            inputs.push_back(layers[scene.names[i]] = graph.input(scene.names[i], at[i].shape));
        ObjectiveMemory memory;
        const NodeId value = score(graph, objective, scene.net, layers, {}, &memory);
        std::vector<NodeId> outputs{value, grad(graph, value, {inputs[1]})[0]};
        outputs.insert(outputs.end(), memory.after.begin(), memory.after.end());
        if (update == 0)
            for (const NodeId before : memory.before) kept.emplace_back(graph.shape(before));
        at.insert(at.end(), kept.begin(), kept.end());
        Stream stream({DeviceKind::reference, 0});
        const std::vector<HostTensor> found = limpid::evaluate(graph, outputs, stream, at);
        kept.assign(found.begin() + 2, found.end());

        const std::vector<double> now = gram(at[1], 2, 1.0 / 20), target = gram(at[1], 1, 1.0 / 20);
        for (size_t i = 0; i < 36; i++) average[i] = 0.75 * average[i] + 0.25 * now[i];
        weights = 0.75 * weights + 0.25;
        double expected = 0;
        std::vector<double> sign(36);
        for (size_t i = 0; i < 36; i++) {
            const double apart = average[i] / weights - target[i];
            expected += std::fabs(apart) / 36;
            sign[i] = apart > 0 ? 1 : -1;
        }
        EXPECT_NEAR(found[0].values[0] / expected, 1, 1e-5) << update;
        // d/da_k of sum sign_ij a_i a_j / 20 / 36 at the first position.
        for (int64_t k = 0; k < 6; k++) {
            double slope = 0;
            for (int64_t j = 0; j < 6; j++)
                slope += (sign[size_t(k * 6 + j)] + sign[size_t(j * 6 + k)]) * double(at[1].at(2, 0, 0, j)) / 20 / 36;
            EXPECT_NEAR(found[1].at(2, 0, 0, k), slope, 1e-4 * (1 + std::fabs(slope))) << update << " " << k;
        }
    }
}

TEST(Terms, EveryRowIsTested) {
    std::set<std::string> tested;
    const std::function<void(const Objective&)> collect = [&](const Objective& o) {
        if (o.kind() == Objective::Kind::term) tested.insert(o.term().name);
        for (const Objective& part : o.parts()) collect(part);
    };
    for (const TermCase& c : cases()) collect(parse_objective(c.text));
    for (const auto& term : known_terms()) EXPECT_TRUE(tested.contains(term->name)) << term->name;
}

TEST(Terms, WhatDoesNotFitIsRefusedWithTheObjective) {
    const Scene scene;
    const auto message = [&](const std::string& text) -> std::string {
        try {
            scene.evaluate(parse_objective(text), scene.values);
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    const auto says = [&](const std::string& text, const std::string& words) {
        EXPECT_NE(message(text).find(words), std::string::npos) << text << ": " << message(text);
        EXPECT_NE(message(text).find(text), std::string::npos) << message(text);
    };
    says("A:6", "channels 0..5, asked for channel 6");
    says("logit:1", "did you mean logits");
    says("neuron(A, 1, row=4)", "rows 0..3");
    says("channel(A, 1, batch=3)", "images 0..2");
    says("class:dgo", "dog");
    says("direction(A)", "file=");
    says("direction(A, file=no/such.npy)", "no/such.npy");
    says("direction(B, " + ("file=" + temporary("tile")) + ")", "direction is 1x2x2x6");
    says("decay(0)*A:1", "more than 0");
    says("blur_alpha_each_step(1)", "");
}

// One pass over a batch of different units: the bits of each alone.
TEST(Scores, AreThoseOfEachImageAlone) {
    const Scene scene;
    const std::vector<std::vector<std::string>> batches{
        {"A:1", "A:4", "A:0"},
        {"A:2", "A:2", "A:2"},
        {"neuron(A, 1, row=0, column=4)", "neuron(A, 1, row=3, column=2)", "neuron(A, 5, row=2, column=2)"},
        {"2*A:1 - class:dog", "-0.5*A:3 - class:ant", "0*A:5 - class:fox"},
        {"direction(A, seed=1, cossim_pow=2)", "direction(A, seed=2, cossim_pow=2)",
         "direction(A, seed=1, cossim_pow=2)"},
        {"A:1*B:2 + 0.1*total_variation()", "A:2*B:0 + 0.1*total_variation()", "A:3*B:5 + 7*total_variation()"},
    };
    for (const std::vector<std::string>& texts : batches) {
        std::vector<Objective> objectives;
        for (const std::string& text : texts) objectives.push_back(parse_objective(text));
        const auto run = [&](const std::vector<HostTensor>& at, std::span<const Objective> which) {
            Graph graph;
            Layers layers;
            std::vector<NodeId> inputs;
            for (size_t i = 0; i < at.size(); i++)
                inputs.push_back(layers[scene.names[i]] = graph.input(scene.names[i], at[i].shape));
            const NodeId value =
                which.size() == 1 ? score(graph, which[0], scene.net, layers) : scores(graph, which, scene.net, layers);
            std::vector<NodeId> outputs{value};
            for (const NodeId g : grad(graph, value, inputs)) outputs.push_back(g);
            Stream stream({DeviceKind::cpu, 0});
            return evaluate(graph, outputs, stream, at);
        };
        const std::vector<HostTensor> together = run(scene.values, objectives);
        ASSERT_EQ(together[0].shape, (Shape{kImages, 1, 1, 1}));
        for (int64_t n = 0; n < kImages; n++) {
            std::vector<HostTensor> one;
            for (const HostTensor& value : scene.values) one.push_back(image_of(value, n));
            const std::vector<HostTensor> alone = run(one, std::span(objectives).subspan(size_t(n), 1));
            for (size_t k = 0; k < alone.size(); k++)
                EXPECT_EQ(image_of(together[k], n).values, alone[k].values) << texts[size_t(n)] << ", output " << k;
        }
    }
}

// Channels of one branch of an inception block, and of all branches, which alone need only their own.
TEST(Scores, OfGoogLeNetAreThoseOfEachImageAlone) {
    const Net net = make_net(testing::random_weights(kGoogLeNetVariants[1]));
    const std::vector<std::vector<const char*>> batches{{"mixed4a:10", "mixed4a:300", "mixed4a:420", "mixed4a:500"},
                                                        {"mixed5b:0", "mixed5b:1023", "mixed5b:700"},
                                                        {"mixed4d_pre_relu:100", "mixed4d_pre_relu:101"},
                                                        {"class:3", "class:999"}};
    for (const bool redirected : {false, true})
        for (const std::vector<const char*>& texts : batches) {
            std::vector<Objective> objectives;
            for (const char* text : texts) objectives.push_back(parse_objective(text));
            const HostTensor images = random_tensor({int64_t(objectives.size()), 64, 64, 3}, 0, 1);
            const auto run = [&](const HostTensor& at, std::span<const Objective> which) {
                Graph graph;
                const NodeId image = graph.input("image", at.shape);
                const Layers layers = apply(net, graph, image);
                const NodeId value =
                    which.size() == 1 ? score(graph, which[0], net, layers) : scores(graph, which, net, layers);
                const NodeId gradient = grad(graph, value, {image}, redirected ? redirected_relu() : VjpOverrides{})[0];
                Stream stream({DeviceKind::cpu, 0});
                return evaluate(graph, {value, gradient}, stream, {at});
            };
            const std::vector<HostTensor> together = run(images, objectives);
            for (size_t n = 0; n < objectives.size(); n++) {
                const std::vector<HostTensor> alone =
                    run(image_of(images, int64_t(n)), std::span(objectives).subspan(n, 1));
                EXPECT_EQ(together[0].values[n], alone[0].values[0]) << texts[n];
                EXPECT_EQ(image_of(together[1], int64_t(n)).values, alone[1].values) << texts[n];
            }
        }
}

TEST(Scores, FormsThatDifferAreToldApart) {
    const auto same = [](const char* a, const char* b) { return same_form(parse_objective(a), parse_objective(b)); };
    EXPECT_TRUE(same("A:1", "A:2"));
    EXPECT_TRUE(same("2*A:1 + class:cat", "3*A:1 + class:dog"));
    EXPECT_FALSE(same("A:1", "B:1"));
    EXPECT_FALSE(same("A:1", "A:1 + 0"));
    EXPECT_FALSE(same("A:1", "2*A:1"));
    EXPECT_FALSE(same("neuron(A, 1)", "neuron(A, 1, row=2)"));
    EXPECT_FALSE(same("L1(constant=1)", "L1(constant=2)"));
}

}  // namespace
}  // namespace limpid
