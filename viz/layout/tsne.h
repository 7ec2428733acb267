// Points of a plane, near each other where what they stand for is alike: t-SNE (van der Maaten and Hinton 2008), exact.
//
//   p(j|i) ~ exp(-d_ij / s_i), s_i such that the entropy of p(.|i) is log(perplexity);  p_ij = (p(j|i) + p(i|j)) / 2n
//   q_ij ~ 1 / (1 + |y_i - y_j|^2);  y follows the gradient of KL(p || q) by momentum with gains
// d: distances that act as squared ones, e.g. 1 - cosine, half of the squared distance of unit vectors.
#pragma once

#include <array>
#include <vector>

#include "kernels/stop.h"
#include "kernels/tensor.h"

namespace limpid {

struct TsneOptions {
    double perplexity = 30;  // about how many neighbours count; at most a third of the others
    int64_t steps = 1000;
    uint64_t seed = 0;  // of the start, N(0, 1e-4)
    Stop stop{};
};

// distances {1,1,n,n}, symmetric and not negative. Its time grows with n^2: for some thousands at most.
std::vector<std::array<double, 2>> tsne(const HostArray<double>& distances, const TsneOptions& options = {});

}  // namespace limpid
