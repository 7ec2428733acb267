// Likeness on a plane: clusters stay together; assignments are the cheapest of all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tests/harness/kernel_case.h"
#include "viz/layout/raster.h"
#include "viz/layout/tsne.h"

namespace limpid {
namespace {

double between(const std::array<double, 2>& a, const std::array<double, 2>& b) {
    return std::hypot(a[0] - b[0], a[1] - b[1]);
}

// Three kinds of points: alike within a kind, unlike otherwise.
HostArray<double> three_kinds(int64_t n) {
    const HostTensor noise = testing::random_tensor({1, 1, n, n}, 0, 0.1f);
    HostArray<double> d({1, 1, n, n});
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            d.at(0, 0, i, j) = d.at(0, 0, j, i) = (i % 3 == j % 3 ? 0.05 : 0.9) + double(noise.at(0, 0, i, j));
    return d;
}

TEST(Tsne, KeepsWhatIsAlikeTogether) {
    const int64_t n = 60;
    const auto points = tsne(three_kinds(n), {.perplexity = 8});
    int64_t strangers = 0;
    for (size_t i = 0; i < size_t(n); i++) {
        std::vector<size_t> order(static_cast<size_t>(n));
        std::iota(order.begin(), order.end(), size_t(0));
        std::ranges::sort(order, {}, [&](size_t j) { return between(points[i], points[j]); });
        for (size_t k = 1; k <= 10; k++) strangers += order[k] % 3 != i % 3;
    }
    EXPECT_LE(strangers, n * 10 / 50);
    EXPECT_EQ(tsne(three_kinds(n), {.perplexity = 8}), points);
    EXPECT_NE(tsne(three_kinds(n), {.perplexity = 8, .seed = 1}), points);
}

// The first step is that of the formula: y = -rate * 4 sum_j (12 p - q) q' (y_i - y_j).
TEST(Tsne, FollowsTheGradient) {
    const HostArray<double> d({1, 1, 3, 3}, {0, 1, 1, 1, 0, 1, 1, 1, 0});
    const auto start = tsne(d, {.steps = 0}), next = tsne(d, {.steps = 1});
    double q[3][3], sum = 0;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            q[i][j] = i == j ? 0 : 1 / (1 + std::pow(between(start[i], start[j]), 2));
            sum += q[i][j];
        }
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 2; k++) {
            double g = 0;
            for (size_t j = 0; j < 3; j++)
                if (i != j) g += 4 * (12.0 / 6 - q[i][j] / sum) * q[i][j] * (start[i][k] - start[j][k]);
            const double gain = g > 0 ? 1.2 : 0.8;  // the velocity is 0, which counts as not positive
            EXPECT_NEAR(next[i][k], start[i][k] - 50 * gain * g, 1e-9);
        }
}

TEST(Tsne, FewPointsAreNoProblem) {
    EXPECT_EQ(tsne(HostArray<double>({1, 1, 1, 1})).size(), 1u);
    for (const auto& point : tsne(HostArray<double>({1, 1, 4, 4}))) EXPECT_TRUE(std::isfinite(point[0] + point[1]));
}

TEST(Raster, AssignmentsAreTheCheapest) {
    for (int round = 0; round < 20; round++) {
        const HostTensor random = testing::random_tensor({1, 1, 4, 6}, -1, 1, uint32_t(round));
        HostArray<double> costs({1, 1, 4, 6}, {random.values.begin(), random.values.end()});
        double best = HUGE_VAL;
        std::vector<int64_t> columns{0, 1, 2, 3, 4, 5};
        do {
            double cost = 0;
            for (int64_t i = 0; i < 4; i++) cost += costs.at(0, 0, i, columns[size_t(i)]);
            best = std::min(best, cost);
        } while (std::ranges::next_permutation(columns).found);
        const std::vector<int64_t> taken = cheapest_assignment(costs);
        double cost = 0;
        for (int64_t i = 0; i < 4; i++) cost += costs.at(0, 0, i, taken[size_t(i)]);
        EXPECT_NEAR(cost, best, 1e-9);
        EXPECT_EQ(std::set<int64_t>(taken.begin(), taken.end()).size(), 4u);
    }
}

TEST(Raster, EveryPointHasACellNearIt) {
    std::vector<std::array<double, 2>> points;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 6; x++) points.push_back({10.0 * x, -3.0 * y});
    const Raster raster = to_raster(points, {.room = 1, .aspect = 1.5});
    EXPECT_EQ(raster.columns, 6);
    EXPECT_EQ(raster.rows, 4);
    for (size_t i = 0; i < points.size(); i++) EXPECT_EQ(raster.cells[i], int64_t((3 - i / 6) * 6 + i % 6));
    points.assign(30, {1, 1});  // all at one place
    const Raster spread = to_raster(points);
    EXPECT_EQ(std::set<int64_t>(spread.cells.begin(), spread.cells.end()).size(), 30u);
}

}  // namespace
}  // namespace limpid
