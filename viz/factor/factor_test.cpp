// The factorisation against its definition, exact cases, and the published factors of two photos.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "kernels/error.h"
#include "tests/harness/compare.h"
#include "tests/harness/golden.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "viz/factor/groups.h"
#include "viz/factor/symmetric_eigen.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::widen;
using Matrix = HostArray<double>;

constexpr double kRounding = 1e-12;  // of double sums of a few hundred terms

Matrix random_matrix(int64_t rows, int64_t columns, uint32_t salt = 0) {
    return widen(random_tensor({1, 1, rows, columns}, 0, 1, salt));
}

Matrix product_of(const Matrix& a, const Matrix& b) {
    Matrix result({1, 1, a.shape.w, b.shape.c});
    for (int64_t i = 0; i < a.shape.w; i++)
        for (int64_t k = 0; k < a.shape.c; k++)
            for (int64_t j = 0; j < b.shape.c; j++) result.at(0, 0, i, j) += a.at(0, 0, i, k) * b.at(0, 0, k, j);
    return result;
}

Matrix transpose_of(const Matrix& a) {
    Matrix result({1, 1, a.shape.c, a.shape.w});
    for (int64_t i = 0; i < a.shape.w; i++)
        for (int64_t j = 0; j < a.shape.c; j++) result.at(0, 0, j, i) = a.at(0, 0, i, j);
    return result;
}

double squared_error(const Matrix& x, const Factors& f) {
    const Matrix wh = product_of(f.w, f.h);
    double sum = 0;
    for (size_t i = 0; i < x.values.size(); i++) sum += std::pow(x.values[i] - wh.values[i], 2);
    return sum;
}

TEST(Eigen, VectorsAreOrthonormalAndScaled) {
    std::vector<Matrix> cases;
    for (const int64_t n : {1, 2, 3, 7, 40}) {
        const Matrix a = random_matrix(n, n + 3);
        cases.push_back(product_of(a, transpose_of(a)));  // full rank
        const Matrix b = random_matrix(n, 1);
        cases.push_back(product_of(b, transpose_of(b)));  // rank one
        Matrix identity({1, 1, n, n}), steps({1, 1, n, n});
        for (int64_t i = 0; i < n; i++) identity.at(0, 0, i, i) = 1, steps.at(0, 0, i, i) = double(i % 3) - 1;
        cases.push_back(identity);
        cases.push_back(steps);  // repeated and negative values
        cases.push_back(Matrix({1, 1, n, n}));
    }
    for (const Matrix& a : cases) {
        const int64_t n = a.shape.c;
        const Eigen e = largest_eigen(a, n);
        EXPECT_TRUE(std::is_sorted(e.values.rbegin(), e.values.rend()));
        double trace = 0;
        for (int64_t i = 0; i < n; i++) trace += a.at(0, 0, i, i);
        const double scale = std::max(1.0, std::fabs(e.values[0]));
        EXPECT_NEAR(std::accumulate(e.values.begin(), e.values.end(), 0.0), trace, kRounding * scale);
        const Matrix image = product_of(e.vectors, a), gram = product_of(e.vectors, transpose_of(e.vectors));
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                EXPECT_NEAR(image.at(0, 0, i, j), e.values[size_t(i)] * e.vectors.at(0, 0, i, j), kRounding * scale);
                EXPECT_NEAR(gram.at(0, 0, i, j), i == j, kRounding);
            }
    }
}

TEST(Nndsvd, OfARankOneMatrixIsThatMatrix) {
    for (const auto& [rows, columns] : {std::pair{5, 9}, {9, 5}}) {
        const Matrix x = product_of(random_matrix(rows, 1), random_matrix(1, columns, 1));
        const Factors start = nndsvd(x, 3);
        EXPECT_TRUE(matches(x, product_of(start.w, start.h), {1e-5})) << "the other two are noise below 1e-6";
        for (const double v : start.w.values) EXPECT_GE(v, 0);
    }
}

TEST(Nndsvd, TakesTheLargerPartOfASecondPair) {
    // Singular vectors of a block matrix are those of its blocks: e.g. 4 * ones(2,2)/2 and 3 * ones(2,3)/sqrt 6.
    Matrix x({1, 1, 4, 5});
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 2; j++) x.at(0, 0, i, j) = 2;
        for (int64_t j = 2; j < 5; j++) x.at(0, 0, i + 2, j) = 3 / std::sqrt(6.0);
    }
    const Factors start = nndsvd(x, 2);
    EXPECT_TRUE(matches(x, product_of(start.w, start.h), {1e-9}));
    EXPECT_NEAR(start.w.at(0, 0, 0, 0), 2 / std::sqrt(2.0), 1e-9);  // sqrt(4) * 1/sqrt(2)
    EXPECT_NEAR(start.w.at(0, 0, 2, 0), 0, 1e-9);
    EXPECT_NEAR(start.h.at(0, 0, 1, 4), std::sqrt(3.0) / std::sqrt(3.0), 1e-9);
}

TEST(Nmf, OneIterationIsTheFormula) {
    const Matrix x = random_matrix(6, 9);
    const int64_t k = 3;
    const Factors start = nndsvd(x, k), actual = nmf(x, k, {.most_iterations = 1});
    Matrix w = start.w, h = start.h;
    const auto update = [&](const Matrix& data, const Matrix& held,
                            Matrix& moving) {  // moving {rows,k}, held {k,columns}
        const Matrix gram = product_of(held, transpose_of(held)), target = product_of(data, transpose_of(held));
        for (int64_t t = 0; t < k; t++)
            for (int64_t i = 0; i < moving.shape.w; i++) {
                double g = -target.at(0, 0, i, t);
                for (int64_t r = 0; r < k; r++) g += gram.at(0, 0, t, r) * moving.at(0, 0, i, r);
                moving.at(0, 0, i, t) = std::max(moving.at(0, 0, i, t) - g / gram.at(0, 0, t, t), 0.0);
            }
    };
    update(x, h, w);
    Matrix ht = transpose_of(h);
    update(transpose_of(x), transpose_of(w), ht);
    EXPECT_TRUE(matches(w, actual.w, {kRounding}));
    EXPECT_TRUE(matches(transpose_of(ht), actual.h, {kRounding}));
}

TEST(Nmf, FindsPartsAndNeverGetsWorse) {
    // A sum of parts that do not overlap has one factorisation.
    Matrix w({1, 1, 12, 3}), h({1, 1, 3, 8});
    for (int64_t i = 0; i < 12; i++) w.at(0, 0, i, i / 4) = 1 + double(i % 4);
    for (int64_t j = 0; j < 8; j++) h.at(0, 0, j * 3 / 8, j) = 1 + double(j % 3);
    const Matrix parts = product_of(w, h);
    const Factors exact = nmf(parts, 3);
    EXPECT_TRUE(matches(parts, product_of(exact.w, exact.h), {1e-9}));

    const Matrix x = random_matrix(20, 15);
    double before = squared_error(x, nndsvd(x, 4));
    for (int64_t iterations = 1; iterations < 12; iterations++) {
        const Factors factors = nmf(x, 4, {.tolerance = 0, .most_iterations = iterations});
        EXPECT_EQ(factors.iterations, iterations);
        const double after = squared_error(x, factors);
        EXPECT_LE(after, before * (1 + kRounding)) << iterations;
        before = after;
        for (const Matrix* m : {&factors.w, &factors.h})
            for (const double v : m->values) ASSERT_GE(v, 0);
    }
}

TEST(Nmf, TransformFindsTheMapsAgain) {
    const Matrix w = random_matrix(10, 2), h = random_matrix(2, 14, 1);
    EXPECT_TRUE(matches(w, nmf_transform(product_of(w, h), h, {.tolerance = 1e-12, .most_iterations = 2000}), {1e-6}));
}

TEST(Nmf, RefusesWhatItCannotFactorise) {
    EXPECT_THROW(nmf(random_matrix(5, 6), 0), Error);
    EXPECT_THROW(nmf(random_matrix(5, 6), 6), Error);
    Matrix x = random_matrix(5, 6);
    x.values[3] = -1e-3;
    EXPECT_THROW(nmf(x, 2), Error);
    x.values[3] = std::nan("");
    EXPECT_THROW(nmf(x, 2), Error);
    const Factors nothing = nmf(Matrix({1, 1, 5, 6}), 2);  // a photo that a layer does not answer to
    for (const double v : nothing.w.values) EXPECT_EQ(v, 0);
}

TEST(Groups, AreThePublishedOnes) {
    SKIP_WITHOUT_SHARED();
    for (const std::string photo : {"pig", "chain"}) {
        const std::string stem = testing::shared_file("golden/nmf/" + photo);
        std::ifstream file(stem + "_info.json");
        const nlohmann::json info = nlohmann::json::parse(file);
        const HostTensor activations = testing::read_npy(stem + "_mixed4d_activations.npy");
        const HostTensor published = testing::read_npy(stem + "_mixed4d_nmf.npy");  // {align * A * B, 14, 14, most}
        ASSERT_EQ(info["num_4d"].size(), 5u);
        for (size_t b = 0; b < info["num_4d"].size(); b++) {
            const int64_t k = info["num_4d"][b];
            const Groups groups = find_groups(activations, k);
            ASSERT_EQ(groups.spatial.shape, (Shape{1, 14, 14, k}));
            // 2e-3 of values up to 34: what the stopping rule leaves open.
            double worst = 0;
            for (int64_t y = 0; y < 14; y++)
                for (int64_t x = 0; x < 14; x++)
                    for (int64_t i = 0; i < published.shape.c; i++) {
                        const double ours = i < k ? double(groups.spatial.at(0, y, x, i)) : 0;
                        worst = std::max(worst, std::fabs(ours - double(published.at(int64_t(b), y, x, i))));
                    }
            EXPECT_LE(worst, 2e-3) << photo << " " << k;
            const auto& expected = info["data"][b]["mixed4d"]["each_group"];
            const std::vector<double> sizes = magnitudes(groups);
            ASSERT_EQ(expected.size(), size_t(k));
            for (size_t i = 0; i < sizes.size(); i++)
                EXPECT_NEAR(sizes[i] / expected[i]["magnitude"].get<double>(), 1, 2e-3) << photo << " " << k;
        }
    }
}

TEST(Groups, AreNumberedFromLeftToRight) {
    // Three squares on a map, each with a channel of its own.
    HostTensor a({1, 6, 9, 3});
    const auto square = [&](int64_t left, int64_t channel, float value) {
        for (int64_t y = 2; y < 4; y++)
            for (int64_t x = left; x < left + 2; x++) a.at(0, y, x, channel) = value;
    };
    square(6, 0, 3), square(0, 1, 2), square(3, 2, 1);
    for (const GroupOrder order : {GroupOrder::centre, GroupOrder::peak}) {
        const Groups groups = find_groups(a, 3, order);
        for (int64_t i = 0; i < 3; i++) EXPECT_GT(groups.spatial.at(0, 2, 3 * i, i), 0);
        EXPECT_GT(groups.channel.at(0, 0, 0, 1), 0);
        EXPECT_GT(groups.channel.at(0, 0, 2, 0), 0);
        const std::vector<double> sizes = magnitudes(groups);
        EXPECT_NEAR(sizes[0], 2 * 2, 1e-5);  // four cells of 2
        EXPECT_NEAR(sizes[1], 1 * 2, 1e-5);
        EXPECT_NEAR(sizes[2], 3 * 2, 1e-5);
    }
    // Layers without a ReLU go below 0, which is no part of any group.
    HostTensor below = a;
    for (float& value : below.values)
        if (value == 0) value = -0.25f;
    EXPECT_EQ(find_groups(below, 3).spatial.values, find_groups(a, 3).spatial.values);
    const Groups strongest_first = find_groups(a, 3, GroupOrder::none);
    EXPECT_GT(strongest_first.channel.at(0, 0, 0, 0), 0);
    EXPECT_TRUE(matches(find_groups(a, 3).spatial, project(a, find_groups(a, 3)), {1e-5}));
}

struct OnRandomNet : ::testing::Test {
    Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    Stream stream{{DeviceKind::cpu, 0}};
    std::vector<HostTensor> a = activations(net, {"mixed4a", "mixed4d"}, random_tensor({1, 96, 96, 3}, 0, 1), stream);
};

TEST_F(OnRandomNet, GroupsShareTheAttributionOfWhatTheyExplain) {
    Section section(net, "mixed4d", a[1].shape, net.logits, stream);
    const Target target = parse_target(net, "class:7 - class:9");
    const Groups groups = find_groups(a[1], 6);
    const HostTensor g = gradient(section, a[1], target);
    HostTensor sum(a[1].shape);
    const HostTensor all = all_group_activations(groups);
    for (size_t i = 0; i < all.values.size(); i++) sum.values[i % sum.values.size()] += all.values[i];
    const HostTensor explained = product(sum, g);
    double expected = 0, actual = 0;
    for (const float v : explained.values) expected += double(v);
    const auto shares = group_shares(groups, g);
    for (const double v : shares[0]) actual += v;
    EXPECT_NEAR(actual, expected, 1e-4 * std::fabs(expected));
}

TEST_F(OnRandomNet, LaterGroupsAskEarlierOnes) {
    Section section(net, "mixed4a", a[0].shape, "mixed4d", stream);
    const Groups earlier = find_groups(a[0], 4), later = find_groups(a[1], 3);
    const auto shares = groups_to_groups(section, a[0], earlier, later);
    ASSERT_EQ(shares.size(), 3u);
    ASSERT_EQ(shares[0].size(), 4u);
    // One of them, by hand: gradient of <mixed4d, group 1> times group 2 of mixed4a.
    const HostTensor g = section.pull_back(a[0], group_activations(later, 1)), one = group_activations(earlier, 2);
    double expected = 0;
    for (size_t i = 0; i < g.values.size(); i++) expected += double(g.values[i]) * double(one.values[i]);
    EXPECT_NEAR(shares[1][2], expected, 1e-4 * std::fabs(expected));
}

TEST_F(OnRandomNet, AlignedGroupsExplainTheSameActivations) {
    Section section(net, "mixed4a", a[0].shape, "mixed4d", stream);
    const Groups later = find_groups(a[1], 3), free = find_groups(a[0], 4);
    const Groups aligned = aligned_groups(section, a[0], later, 4);
    ASSERT_EQ(aligned.spatial.shape, free.spatial.shape);
    ASSERT_EQ(aligned.channel.shape, free.channel.shape);
    const auto residual = [&](const Groups& groups) {
        HostTensor rest = a[0];
        const HostTensor all = all_group_activations(groups);
        for (size_t i = 0; i < all.values.size(); i++) rest.values[i % rest.values.size()] -= all.values[i];
        double sum = 0;
        for (const float v : rest.values) sum += double(v) * double(v);
        return sum;
    };
    double whole = 0;
    for (const float v : a[0].values) whole += double(v) * double(v);
    EXPECT_LT(residual(free), residual(aligned)) << "the split is a constraint";
    EXPECT_LT(residual(aligned), 0.6 * whole);
    // One later group is no split at all.
    Groups one = later;
    one.spatial = HostTensor({1, later.spatial.shape.h, later.spatial.shape.w, 1}, 1.0f);
    one.channel = HostTensor({1, 1, 1, a[1].shape.c}, 1.0f);
    EXPECT_TRUE(matches(free.spatial, aligned_groups(section, a[0], one, 4).spatial, {1e-6}));
}

// Asked so often that no part of the work is long; the answer is the same until then.
TEST(Nmf, StopsWithin) {
    const Matrix x = random_matrix(90, 40);
    int asked = 0;
    const auto run = [&](int most) {
        asked = 0;
        return nmf(x, 8, {.stop = Stop([&asked, most] { return ++asked > most; })});
    };
    EXPECT_EQ(nmf(x, 8).w.values, run(1 << 30).w.values);
    const int all = asked;
    EXPECT_GT(all, 100);
    for (const int most : {0, 10, all / 2, all - 1}) {
        EXPECT_THROW(run(most), Stopped);
        EXPECT_EQ(asked, most + 1);
    }
}

}  // namespace
}  // namespace limpid
