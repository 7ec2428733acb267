// The oracle of matrix products as the kernel of the reference device.
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

namespace {

size_t scratch(const MatmulShape&, int) { return 0; }

// Elements from the first of a batch of matrices to the last, gaps included.
std::vector<double> widen_matrices(const float* data, int64_t batch, int64_t stride, int64_t rows, int64_t columns,
                                   int64_t pitch) {
    if (batch == 0 || rows == 0 || columns == 0) return {};
    return {data, data + (batch - 1) * stride + (rows - 1) * pitch + columns};
}

void multiply(Stream&, const MatmulShape& s, const float* a, const float* b, const float* bias, float* y, Scratch) {
    const std::vector<double> wide_a =
        widen_matrices(a, s.batch, s.stride_a, s.transpose_a ? s.k : s.m, s.transpose_a ? s.m : s.k, s.lda);
    const std::vector<double> wide_b =
        widen_matrices(b, s.batch, s.stride_b, s.transpose_b ? s.n : s.k, s.transpose_b ? s.k : s.n, s.ldb);
    const std::vector<double> wide_bias = bias ? std::vector<double>(bias, bias + s.n) : std::vector<double>();
    MatmulShape dense = s;
    dense.ldy = s.n, dense.stride_y = s.m * s.n;
    std::vector<double> wide_y(size_t(s.batch * dense.stride_y));
    oracle::matmul(dense, wide_a.data(), wide_b.data(), bias ? wide_bias.data() : nullptr, wide_y.data());
    for (int64_t batch = 0; batch < s.batch; batch++)
        for (int64_t i = 0; i < s.m; i++)
            for (int64_t j = 0; j < s.n; j++)
                y[batch * s.stride_y + i * s.ldy + j] = float(wide_y[size_t((batch * s.m + i) * s.n + j)]);
}

}  // namespace

void install(MatmulKernels& kernels);
void install(MatmulKernels& kernels) {
    kernels.scratch = scratch;
    kernels.multiply = multiply;
}

}  // namespace limpid::reference
