// Plain loops over all pairs. Constants are those of the paper and of its reference implementation.
#include "viz/layout/tsne.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/random/philox.h"

namespace limpid {

namespace {

constexpr double kExaggeration = 12;  // of p, in the first steps: groups form before they settle
constexpr int64_t kExaggeratedSteps = 250;
constexpr double kFirstMomentum = 0.5, kMomentum = 0.8;
constexpr double kLeastGain = 0.01;

using Points = std::vector<std::array<double, 2>>;

// p(j|i) of one row of distances, by bisection of 1/s.
std::vector<double> neighbours(const double* distances, size_t n, size_t self, double perplexity) {
    const double nearest = [&] {
        double least = HUGE_VAL;
        for (size_t j = 0; j < n; j++)
            if (j != self) least = std::min(least, distances[j]);
        return least;
    }();
    std::vector<double> p(n);
    double low = 0, high = HUGE_VAL, beta = 1;
    for (int i = 0; i < 100; i++) {
        double sum = 0, mean = 0;
        for (size_t j = 0; j < n; j++) {
            p[j] = j == self ? 0 : elementary::exp(-beta * (distances[j] - nearest));
            sum += p[j];
            mean += p[j] * (distances[j] - nearest);
        }
        const double entropy = elementary::log(sum) + beta * mean / sum;
        for (double& v : p) v /= sum;
        const double excess = entropy - elementary::log(perplexity);
        if (std::fabs(excess) < 1e-5) break;
        (excess > 0 ? low : high) = beta;
        beta = std::isinf(high) ? 2 * beta : (low + high) / 2;
    }
    return p;
}

std::vector<double> joint(const HostArray<double>& distances, double perplexity, const Stop& stop) {
    const auto n = size_t(distances.shape.c);
    std::vector<double> p(n * n);
    for (size_t i = 0; i < n; i++) {
        stop.check();
        const std::vector<double> row = neighbours(distances.values.data() + i * n, n, i, perplexity);
        for (size_t j = 0; j < n; j++) {
            p[i * n + j] += row[j] / double(2 * n);
            p[j * n + i] += row[j] / double(2 * n);
        }
    }
    return p;
}

// d KL / d y, where p counts `exaggeration` times.
Points gradient(const std::vector<double>& p, const Points& y, double exaggeration, std::vector<double>& near) {
    const size_t n = y.size();
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const double dx = y[i][0] - y[j][0], dy = y[i][1] - y[j][1];
            near[i * n + j] = 1 / (1 + dx * dx + dy * dy);
            sum += 2 * near[i * n + j];
        }
    const double share = 1 / sum;
    Points g(n, {0, 0});
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const double q = near[i * n + j];
            const double pull = 4 * (exaggeration * p[i * n + j] - q * share) * q;
            for (size_t k = 0; k < 2; k++) {
                const double force = pull * (y[i][k] - y[j][k]);
                g[i][k] += force;
                g[j][k] -= force;
            }
        }
    return g;
}

}  // namespace

std::vector<std::array<double, 2>> tsne(const HostArray<double>& distances, const TsneOptions& options) {
    const auto n = size_t(distances.shape.c);
    require(distances.shape == Shape({1, 1, int64_t(n), int64_t(n)}), "t-SNE of ", distances.shape,
            ", expected a square matrix of distances");
    Points y(n), move(n, {0, 0}), gain(n, {1, 1});
    const RandomKey key{.seed = options.seed};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 2; k++) y[i][k] = 1e-4 * double(random_normal(key, int64_t(2 * i + k)));
    if (n < 3) return y;
    const std::vector<double> p =
        joint(distances, std::min(options.perplexity, std::max(1.5, double(n - 1) / 3)), options.stop);
    const double rate = std::max(double(n) / kExaggeration / 4, 50.0);  // Belkina et al. 2019
    std::vector<double> near(n * n);
    for (int64_t step = 0; step < options.steps; step++) {
        options.stop.check();
        const bool early = step < kExaggeratedSteps;
        const Points g = gradient(p, y, early ? kExaggeration : 1, near);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 2; k++) {
                const bool turned = (g[i][k] > 0) == (move[i][k] > 0);
                gain[i][k] = std::max(kLeastGain, turned ? gain[i][k] * 0.8 : gain[i][k] + 0.2);
                move[i][k] = (early ? kFirstMomentum : kMomentum) * move[i][k] - rate * gain[i][k] * g[i][k];
            }
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 2; k++) y[i][k] += move[i][k];
    }
    return y;
}

}  // namespace limpid
