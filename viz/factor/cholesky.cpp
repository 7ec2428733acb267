// Row by row, so that every inner product runs along memory.
#include "viz/factor/cholesky.h"

#include <cmath>
#include <numeric>

#include "kernels/error.h"

namespace limpid {

HostArray<double> cholesky(HostArray<double> a, const Stop& stop) {
    const int64_t n = a.shape.c;
    require(a.shape == (Shape{1, 1, n, n}), "Cholesky factor of ", a.shape, ", expected a square matrix");
    for (int64_t i = 0; i < n; i++) {
        stop.check();
        double* row = a.values.data() + i * n;
        for (int64_t j = 0; j <= i; j++) {
            const double* other = a.values.data() + j * n;
            const double rest = row[j] - std::inner_product(row, row + j, other, 0.0);
            if (i == j && !(rest > 0))
                throw Error(concat("matrix of ", n, " unknowns is not positive definite; regularise it"));
            row[j] = i == j ? std::sqrt(rest) : rest / other[j];
        }
        std::fill(row + i + 1, row + n, 0.0);
    }
    return a;
}

HostArray<double> solve_rows(const HostArray<double>& lower, HostArray<double> b, const Stop& stop) {
    const int64_t n = lower.shape.c;
    require(b.shape.c == n, "rows of ", b.shape, " for a matrix of ", n, ", expected equal lengths");
    for (int64_t m = 0; m < b.shape.w; m++) {
        stop.check();
        double* x = b.values.data() + m * n;
        for (int64_t i = 0; i < n; i++) {
            const double* row = lower.values.data() + i * n;
            x[i] = (x[i] - std::inner_product(row, row + i, x, 0.0)) / row[i];
        }
        for (int64_t i = n; i-- > 0;) {  // the transposed triangle, column by column
            const double* row = lower.values.data() + i * n;
            x[i] /= row[i];
            for (int64_t j = 0; j < i; j++) x[j] -= row[j] * x[i];
        }
    }
    return b;
}

}  // namespace limpid
