// Non-negative matrix factorisation X ~ W H, in the arithmetic of scikit-learn before 1.1 (the published factors of the
// Building Blocks article come from it): NNDSVD start, coordinate descent on ||X - W H||_F^2 / 2, no regularisation.
//
//   X {1,1,rows,columns} >= 0     W {1,1,rows,k} >= 0     H {1,1,k,columns} >= 0
// Start (Boutsidis and Gallopoulos 2008): from the truncated singular value decomposition, of every pair of vectors the
// positive or the negative parts, whichever are larger together; entries below 1e-6 are 0, and stay free to grow.
// One iteration updates W, then H; component by component, all rows of a component in place:
//   g = sum_r (H H')[t,r] W[i,r] - (X H')[i,t]        W[i,t] = max(0, W[i,t] - g / (H H')[t,t])
// It stops when the sum of |projected g| is at most `tolerance` times that of the first iteration.
#pragma once

#include "kernels/stop.h"
#include "kernels/tensor.h"

namespace limpid {

struct NmfOptions {
    double tolerance = 1e-4;  // scikit-learn
    int64_t most_iterations = 200;
    Stop stop{};
};

struct Factors {
    HostArray<double> w, h;
    int64_t iterations = 0;
};

// Throws Error when X has negative or non-finite values, or k is not between 1 and the smaller side of X.
Factors nmf(const HostArray<double>& x, int64_t k, const NmfOptions& options = {});
// What nmf takes of memory, X included.
size_t nmf_bytes(int64_t rows, int64_t columns, int64_t k);
// W for other rows, H held: starts from 0, the same steps on W alone (scikit-learn's transform).
HostArray<double> nmf_transform(const HostArray<double>& x, const HostArray<double>& h, const NmfOptions& options = {});

// Exposed for tests: the start.
Factors nndsvd(const HostArray<double>& x, int64_t k, const Stop& stop = {});

}  // namespace limpid
