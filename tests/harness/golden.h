// Reference material outside the repository: found through LIMPID_SHARED, a folder with models/, golden/ and photos/.
#pragma once

#include <string>

#include "kernels/tensor.h"

namespace limpid::testing {

// The path of a file below LIMPID_SHARED, or "" when the variable is not set: then the test skips itself.
std::string shared_file(const std::string& relative);

// A .npy file of float32, or of float64 (rounded), in C order. Missing axes are 1 in front: (1000,) is {1,1,1,1000};
// more than four are joined in front: (2,5,14,14,7) is {10,14,14,7}.
HostTensor read_npy(const std::string& path);

// Values uniform in [-1,1) from Philox, scaled so that a convolution or matrix of these weights keeps the size of its
// input (He: sqrt(6 / fan-in)): for networks with random weights.
HostTensor he_uniform(Shape shape, int64_t fan_in, uint32_t salt);

}  // namespace limpid::testing

#define SKIP_WITHOUT_SHARED() \
    if (::limpid::testing::shared_file("").empty()) GTEST_SKIP() << "LIMPID_SHARED is not set: no reference material"
