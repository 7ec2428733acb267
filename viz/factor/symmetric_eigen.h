// Eigenvalues and eigenvectors of a symmetric matrix.
#pragma once

#include <vector>

#include "kernels/stop.h"
#include "kernels/tensor.h"

namespace limpid {

struct Eigen {
    std::vector<double> values;  // descending
    HostArray<double> vectors;   // {1,1,count,n}: row i is the unit vector of value i; its sign is arbitrary
};

// The `count` largest eigenvalues of the symmetric matrix {1,1,n,n}, of which the lower triangle is read. Householder
// tridiagonalisation, then implicit QR steps with Wilkinson's shift (Golub and Van Loan, Matrix Computations, 8.3):
// about 4 n^3 operations, backward stable.
Eigen largest_eigen(HostArray<double> matrix, int64_t count, const Stop& stop = {});

}  // namespace limpid
