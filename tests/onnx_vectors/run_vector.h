// One test vector, computed as a network of Limpid.
//
// What becomes of a model's inputs: integers and booleans are constants, as shapes and indices are. So are the reals
// that are parameters wherever convolutional networks have them (parameters_of): filters, matrices, scales, bounds. All
// others are images of the network. They lie in {n,h,w,c} in two ways: with the first axis as the images of a batch,
// and with all axes in one image. Of several, each is also computed alone, the others being constants. A vector passes
// when at least one of the first two can be read, and everything that can be read is right.
#pragma once

#include <string>

#include "kernels/stream.h"
#include "tests/onnx_vectors/vectors.h"

namespace limpid::testing {

struct VectorResult {
    bool passed = false;
    std::string why;            // it did not pass
    double worst_error = 0;     // of the largest value of the output
    double tolerance = 0;       // what was allowed; 0: equality
    bool as_constants = false;  // nothing of it was left to compute: it is folded
};

VectorResult run_vector(const Vector& vector, Stream& stream);

}  // namespace limpid::testing
