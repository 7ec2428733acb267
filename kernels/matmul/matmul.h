// Matrix products, batched: y[b] = op(a[b]) * op(b[b]).
//
//   y[i,j] = sum_k A[i,k] * B[k,j]      A = a or its transpose, B = b or its transpose
//
// a is stored [m,k] ([k,m] if transpose_a), b is [k,n] ([n,k] if transpose_b), y is [m,n]; rows are pitched by
// lda/ldb/ldy elements and consecutive matrices of the batch by stride_a/stride_b/stride_y elements (0 repeats one
// matrix for the whole batch, inputs only). The gradients are products too: da = dy * B^T, db = A^T * dy. The order of
// summation depends on the shape only, not on batch or threads.
#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

struct MatmulShape {
    int64_t batch = 1, m = 1, n = 1, k = 1;
    bool transpose_a = false, transpose_b = false;
    int64_t lda = 1, ldb = 1, ldy = 1;
    int64_t stride_a = 0, stride_b = 0, stride_y = 0;
    bool operator==(const MatmulShape&) const = default;
};

struct MatmulKernels {
    size_t (*scratch)(const MatmulShape&, int threads) = nullptr;  // bytes
    // bias [n] (dense) may be null.
    void (*multiply)(Stream&, const MatmulShape&, const float* a, const float* b, const float* bias, float* y,
                     Scratch) = nullptr;
};

}  // namespace limpid
