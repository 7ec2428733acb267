// H is held transposed while iterating, so that both halves of an iteration are one function.
#include "viz/factor/nmf.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"
#include "viz/factor/symmetric_eigen.h"

namespace limpid {

namespace {

using Matrix = HostArray<double>;  // {1,1,rows,columns}

constexpr double kSmallestStart = 1e-6;  // scikit-learn

Matrix matrix(int64_t rows, int64_t columns) { return Matrix({1, 1, rows, columns}); }
double* row(Matrix& m, int64_t i) { return m.values.data() + i * m.shape.c; }
const double* row(const Matrix& m, int64_t i) { return m.values.data() + i * m.shape.c; }

Matrix transposed(const Matrix& m) {
    Matrix result = matrix(m.shape.c, m.shape.w);
    for (int64_t i = 0; i < m.shape.w; i++)
        for (int64_t j = 0; j < m.shape.c; j++) row(result, j)[i] = row(m, i)[j];
    return result;
}

// a' b for a {m,p}, b {m,q}: {p,q}. Four rows at a time, so that the result is read and written a quarter as often.
Matrix product_of_transposed(const Matrix& a, const Matrix& b, const Stop& stop) {
    const int64_t m = a.shape.w, p = a.shape.c, q = b.shape.c;
    CHECK(b.shape.w == m);
    Matrix result = matrix(p, q);
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) {
        if (i % 64 == 0) stop.check();
        const double *b0 = row(b, i), *b1 = row(b, i + 1), *b2 = row(b, i + 2), *b3 = row(b, i + 3);
        for (int64_t t = 0; t < p; t++) {
            const double a0 = row(a, i)[t], a1 = row(a, i + 1)[t], a2 = row(a, i + 2)[t], a3 = row(a, i + 3)[t];
            double* to = row(result, t);
            for (int64_t j = 0; j < q; j++) to[j] += (a0 * b0[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j]);
        }
    }
    for (; i < m; i++)
        for (int64_t t = 0; t < p; t++)
            for (int64_t j = 0; j < q; j++) row(result, t)[j] += row(a, i)[t] * row(b, i)[j];
    return result;
}

void check_nonnegative(const Matrix& x) {
    const auto bad = std::ranges::find_if(x.values, [](double v) { return !(v >= 0) || std::isinf(v); });
    if (bad != x.values.end())
        throw Error(concat("factorisation: a value is ", *bad,
                           ", expected numbers of at least 0; factorise a layer after its ReLU"));
}

// One pass over `w` {rows,k} with the other factor {columns,k} held; x_transposed {columns,rows}. Returns the
// violation.
double descend(const Matrix& x_transposed, const Matrix& held, Matrix& w, const Stop& stop) {
    const int64_t k = w.shape.c, rows = w.shape.w;
    const Matrix gram = product_of_transposed(held, held, stop);            // {k,k}
    const Matrix target = product_of_transposed(held, x_transposed, stop);  // {k,rows}
    double violation = 0;
    for (int64_t t = 0; t < k; t++) {
        stop.check();
        const double *weights = row(gram, t), curvature = weights[t];
        for (int64_t i = 0; i < rows; i++) {
            double* values = row(w, i);
            double gradient = -row(target, t)[i];
            for (int64_t r = 0; r < k; r++) gradient += weights[r] * values[r];
            violation += std::fabs(values[t] == 0 ? std::min(0.0, gradient) : gradient);
            if (curvature != 0) values[t] = std::max(values[t] - gradient / curvature, 0.0);
        }
    }
    return violation;
}

// Whether the violation has fallen far enough below that of the first iteration.
struct StoppingRule {
    double tolerance = 0, first = -1;
    bool operator()(double violation) {
        if (first < 0) first = violation;
        return first == 0 || violation / first <= tolerance;
    }
};

// The larger of the pairs (u+, v+) and (u-, v-), as sqrt(singular * |u||v|) times unit vectors.
void split_pair(double singular, const double* u, int64_t rows, const double* v, int64_t columns, bool first, double* w,
                double* h) {
    const auto part_norm = [](const double* x, int64_t n, double sign) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += std::pow(std::max(sign * x[i], 0.0), 2);
        return std::sqrt(sum);
    };
    if (first) {  // of one sign (Perron and Frobenius)
        for (int64_t i = 0; i < rows; i++) w[i] = std::sqrt(singular) * std::fabs(u[i]);
        for (int64_t i = 0; i < columns; i++) h[i] = std::sqrt(singular) * std::fabs(v[i]);
        return;
    }
    double best = 0;
    for (const double sign : {1.0, -1.0}) {
        const double a = part_norm(u, rows, sign), b = part_norm(v, columns, sign);
        if (!(a * b > best)) continue;
        best = a * b;
        const double scale = std::sqrt(singular * best);
        for (int64_t i = 0; i < rows; i++) w[i] = scale * std::max(sign * u[i], 0.0) / a;
        for (int64_t i = 0; i < columns; i++) h[i] = scale * std::max(sign * v[i], 0.0) / b;
    }
}

}  // namespace

Factors nndsvd(const Matrix& x, int64_t k, const Stop& stop) {
    const int64_t rows = x.shape.w, columns = x.shape.c;
    require(k >= 1 && k <= std::min(rows, columns), k, " factors of ", rows, " x ", columns, ", expected 1 to ",
            std::min(rows, columns));
    // Singular vectors of the short side are eigenvectors of its products; those of the long side follow.
    const bool wide = rows <= columns;
    const Matrix tall = wide ? transposed(x) : x;  // {long, short}
    const Eigen eigen = largest_eigen(product_of_transposed(tall, tall, stop), k, stop);
    const Matrix images = product_of_transposed(transposed(eigen.vectors), transposed(tall), stop);  // {k, long}
    Matrix wt = matrix(k, rows), h = matrix(k, columns);
    for (int64_t t = 0; t < k; t++) {
        const double singular = std::sqrt(std::max(eigen.values[size_t(t)], 0.0));
        if (singular == 0) continue;
        std::vector<double> other(row(images, t), row(images, t) + images.shape.c);
        for (double& value : other) value /= singular;
        const double *near = row(eigen.vectors, t), *far = other.data();
        split_pair(singular, wide ? near : far, rows, wide ? far : near, columns, t == 0, row(wt, t), row(h, t));
    }
    for (Matrix* m : {&wt, &h})
        for (double& value : m->values)
            if (value < kSmallestStart) value = 0;
    return {transposed(wt), h, 0};
}

Factors nmf(const Matrix& x, int64_t k, const NmfOptions& options) {
    check_nonnegative(x);
    const int64_t most = std::min(x.shape.w, x.shape.c);
    if (k < 1 || k > most)
        throw Error(concat("factorisation into ", k, " groups of ", x.shape.w, " positions of ", x.shape.c,
                           " channels; expected 1 to ", most, " groups"));
    Factors factors = nndsvd(x, k, options.stop);
    const Matrix xt = transposed(x);
    Matrix ht = transposed(factors.h);
    StoppingRule done{options.tolerance};
    bool finished = false;
    while (!finished && factors.iterations < options.most_iterations) {
        factors.iterations++;
        const double violation = descend(xt, ht, factors.w, options.stop);
        finished = done(violation + descend(x, factors.w, ht, options.stop));
    }
    factors.h = transposed(ht);
    return factors;
}

size_t nmf_bytes(int64_t rows, int64_t columns, int64_t k) {
    // X, X transposed, and for the start a third form of it; products of its short side and their eigenvectors.
    const double size = double(rows) * double(columns), side = double(std::min(rows, columns));
    return size_t((3 * size + 3 * side * side + 6 * double(k) * double(rows + columns)) * sizeof(double));
}

Matrix nmf_transform(const Matrix& x, const Matrix& h, const NmfOptions& options) {
    check_nonnegative(x);
    require(x.shape.c == h.shape.c, "rows of ", x.shape, " and factors of ", h.shape, ", expected equal lengths");
    const Matrix xt = transposed(x), ht = transposed(h);
    Matrix w = matrix(x.shape.w, h.shape.w);
    StoppingRule done{options.tolerance};
    for (int64_t i = 0; i < options.most_iterations; i++)
        if (done(descend(xt, ht, w, options.stop))) break;
    return w;
}

}  // namespace limpid
