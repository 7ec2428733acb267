// A = Q T Q': reflectors make T tridiagonal, rotations make T diagonal; the wanted rows of the rotations are reflected
// back.
#include "viz/factor/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/error.h"

namespace limpid {

namespace {

struct Tridiagonal {
    std::vector<double> diagonal, below;
    std::vector<std::vector<double>> reflectors;  // unit vectors over the last n-1-k rows: I - 2 v v'
};

Tridiagonal tridiagonalise(HostArray<double> a, const Stop& stop) {
    const int64_t n = a.shape.c;
    const auto at = [&](int64_t i, int64_t j) -> double& {
        return a.values[size_t(std::max(i, j) * n + std::min(i, j))];
    };
    Tridiagonal t;
    for (int64_t k = 0; k < n; k++) {
        stop.check();
        t.diagonal.push_back(at(k, k));
        const int64_t first = k + 1, m = n - first;
        if (m == 0) break;
        std::vector<double> v(static_cast<size_t>(m));
        double norm2 = 0;
        for (int64_t i = 0; i < m; i++) {
            v[size_t(i)] = at(first + i, k);
            norm2 += v[size_t(i)] * v[size_t(i)];
        }
        // Away from the first element, so that nothing cancels.
        const double alpha = -std::copysign(std::sqrt(norm2), v[0]);
        t.below.push_back(m == 1 ? v[0] : alpha);
        if (m == 1) continue;
        v[0] -= alpha;
        const double length = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
        for (double& x : v) x = length > 0 ? x / length : 0;
        // A -= v w' + w v', w = 2 (A v - (v'A v) v): the lower triangle of what is left.
        std::vector<double> w(static_cast<size_t>(m));
        for (int64_t i = 0; i < m; i++) {
            const double* row = &a.values[size_t((first + i) * n + first)];
            double sum = row[i] * v[size_t(i)];
            for (int64_t j = 0; j < i; j++) {
                sum += row[j] * v[size_t(j)];
                w[size_t(j)] += row[j] * v[size_t(i)];
            }
            w[size_t(i)] += sum;
        }
        const double projection = std::inner_product(v.begin(), v.end(), w.begin(), 0.0);
        for (size_t i = 0; i < w.size(); i++) w[i] = 2 * (w[i] - projection * v[i]);
        for (int64_t i = 0; i < m; i++) {
            double* row = &a.values[size_t((first + i) * n + first)];
            for (int64_t j = 0; j <= i; j++) row[j] -= v[size_t(i)] * w[size_t(j)] + w[size_t(i)] * v[size_t(j)];
        }
        t.reflectors.push_back(std::move(v));
    }
    return t;
}

// One QR step on the unreduced block [low, high]; the rows of z are rotated with it.
void qr_step(Tridiagonal& t, HostArray<double>& z, int64_t low, int64_t high) {
    std::vector<double>&d = t.diagonal, &e = t.below;
    const int64_t n = z.shape.c;
    const double last = e[size_t(high - 1)], half = (d[size_t(high - 1)] - d[size_t(high)]) / 2;
    const double shift = d[size_t(high)] - last * last / (half + std::copysign(std::hypot(half, last), half));
    double x = d[size_t(low)] - shift, bulge = e[size_t(low)];
    for (int64_t k = low; k < high; k++) {
        const double r = std::hypot(x, bulge), c = r > 0 ? x / r : 1, s = r > 0 ? bulge / r : 0;
        if (k > low) e[size_t(k - 1)] = r;
        const double p = d[size_t(k)], q = e[size_t(k)], u = d[size_t(k + 1)];
        d[size_t(k)] = c * c * p + 2 * c * s * q + s * s * u;
        d[size_t(k + 1)] = s * s * p - 2 * c * s * q + c * c * u;
        e[size_t(k)] = c * s * (u - p) + (c * c - s * s) * q;
        if (k + 1 < high) {
            x = e[size_t(k)];
            bulge = s * e[size_t(k + 1)];
            e[size_t(k + 1)] *= c;
        }
        double *upper = &z.values[size_t(k * n)], *lower = upper + n;
        for (int64_t j = 0; j < n; j++) {
            const double a = upper[j], b = lower[j];
            upper[j] = c * a + s * b;
            lower[j] = c * b - s * a;
        }
    }
}

// Makes t diagonal; row i of the result belongs to diagonal[i].
HostArray<double> diagonalise(Tridiagonal& t, const Stop& stop) {
    const auto n = int64_t(t.diagonal.size());
    HostArray<double> z({1, 1, n, n});
    for (int64_t i = 0; i < n; i++) z.values[size_t(i * n + i)] = 1;
    const auto negligible = [&](int64_t k) {
        const double around = std::fabs(t.diagonal[size_t(k)]) + std::fabs(t.diagonal[size_t(k + 1)]);
        return std::fabs(t.below[size_t(k)]) <= std::numeric_limits<double>::epsilon() * around;
    };
    int64_t steps = 0;
    for (int64_t high = n - 1; high > 0;) {
        if (negligible(high - 1)) {
            high--;
            continue;
        }
        int64_t low = high - 1;
        while (low > 0 && !negligible(low - 1)) low--;
        stop.check();
        qr_step(t, z, low, high);
        CHECK(++steps < 100 * n, "no convergence");  // two or three steps per value are usual
    }
    return z;
}

}  // namespace

Eigen largest_eigen(HostArray<double> matrix, int64_t count, const Stop& stop) {
    const int64_t n = matrix.shape.c;
    require(matrix.shape == (Shape{1, 1, n, n}) && count >= 0 && count <= n, count, " eigenvalues of ", matrix.shape,
            ", expected a square matrix and at most its size");
    for (const double value : matrix.values)
        require(std::isfinite(value), "a matrix with ", value, ", expected finite values");
    Tridiagonal t = tridiagonalise(std::move(matrix), stop);
    const HostArray<double> z = diagonalise(t, stop);
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order,
                             [&](int64_t i, int64_t j) { return t.diagonal[size_t(i)] > t.diagonal[size_t(j)]; });
    Eigen result{{}, HostArray<double>({1, 1, count, n})};
    for (int64_t i = 0; i < count; i++) {
        const int64_t from = order[size_t(i)];
        result.values.push_back(t.diagonal[size_t(from)]);
        double* x = &result.vectors.values[size_t(i * n)];
        std::copy_n(&z.values[size_t(from * n)], n, x);
        for (auto k = int64_t(t.reflectors.size()); k-- > 0;) {
            const std::vector<double>& v = t.reflectors[size_t(k)];
            const double twice = 2 * std::inner_product(v.begin(), v.end(), x + k + 1, 0.0);
            for (size_t j = 0; j < v.size(); j++) x[size_t(k + 1) + j] -= twice * v[j];
        }
    }
    return result;
}

}  // namespace limpid
