// Systems of equations with a positive definite matrix.
#pragma once

#include "kernels/stop.h"
#include "kernels/tensor.h"

namespace limpid {

// The lower triangle L with A = L L' of the symmetric {1,1,n,n}, of which the lower triangle is read. Throws Error when
// A is not positive definite.
HostArray<double> cholesky(HostArray<double> a, const Stop& stop = {});
// The rows of X with A X' = B', for L of cholesky(A) and B {1,1,m,n}: every row of B is one right-hand side.
HostArray<double> solve_rows(const HostArray<double>& lower, HostArray<double> b, const Stop& stop = {});

}  // namespace limpid
