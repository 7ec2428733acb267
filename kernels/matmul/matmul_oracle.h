// Matrix products as plain loops over any number type: what every other version is compared with.
#pragma once

#include "kernels/matmul/matmul.h"

namespace limpid::oracle {

// y[b] = op(a[b]) * op(b[b]) + bias, written into y with the pitches of the shape. bias may be null.
template <class T>
void matmul(const MatmulShape& s, const T* a, const T* b, const T* bias, T* y) {
    for (int64_t batch = 0; batch < s.batch; batch++)
        for (int64_t i = 0; i < s.m; i++)
            for (int64_t j = 0; j < s.n; j++) {
                T sum = bias ? bias[j] : T(0);
                for (int64_t k = 0; k < s.k; k++) {
                    const T left = a[batch * s.stride_a + (s.transpose_a ? k * s.lda + i : i * s.lda + k)];
                    const T right = b[batch * s.stride_b + (s.transpose_b ? j * s.ldb + k : k * s.ldb + j)];
                    sum += left * right;
                }
                y[batch * s.stride_y + i * s.ldy + j] = sum;
            }
}

}  // namespace limpid::oracle
