// Matrix products against their oracle on every device: four ways to transpose, pitches, batches, shared matrices,
// bias.
#include <gtest/gtest.h>

#include <limits>

#include "kernels/matmul/matmul_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// How the matrices lie: extra elements after each row, and whether the batch shares a or b.
struct Placement {
    int64_t gap = 0;
    bool shared_a = false, shared_b = false, bias = false;
};

// A batch of matrices is a tensor {1, batch, rows, columns}, whose pitch is the leading dimension.
struct MatmulCase {
    MatmulShape s;
    HostTensor a, b, bias;

    MatmulCase(MatmulShape shape, const Placement& place) : s(shape) {
        const int64_t rows_a = s.transpose_a ? s.k : s.m, columns_a = s.transpose_a ? s.m : s.k;
        const int64_t rows_b = s.transpose_b ? s.n : s.k, columns_b = s.transpose_b ? s.k : s.n;
        a = random_tensor({1, place.shared_a ? 1 : s.batch, rows_a, columns_a}, -1, 1, 1);
        b = random_tensor({1, place.shared_b ? 1 : s.batch, rows_b, columns_b}, -1, 1, 2);
        if (place.bias) bias = random_tensor({1, 1, 1, s.n}, -1, 1, 3);
        s.lda = columns_a + place.gap, s.ldb = columns_b + 2 * place.gap, s.ldy = s.n + 3 * place.gap;
        s.stride_a = place.shared_a ? 0 : rows_a * s.lda;
        s.stride_b = place.shared_b ? 0 : rows_b * s.ldb;
        s.stride_y = s.m * s.ldy;
    }
    Shape result() const { return {1, s.batch, s.m, s.n}; }

    HostArray<double> expected() const {
        MatmulShape dense = s;
        dense.lda = a.shape.c, dense.ldb = b.shape.c, dense.ldy = s.n, dense.stride_y = s.m * s.n;
        dense.stride_a = s.stride_a ? a.shape.w * a.shape.c : 0,
        dense.stride_b = s.stride_b ? b.shape.w * b.shape.c : 0;
        const HostArray<double> wide_a = widen(a), wide_b = widen(b), wide_bias = widen(bias);
        HostArray<double> y(result());
        oracle::matmul(dense, wide_a.values.data(), wide_b.values.data(),
                       bias.values.empty() ? nullptr : wide_bias.values.data(), y.values.data());
        return y;
    }

    HostTensor run(const Device& device, int threads) const {
        return run(device, backend(device).kernels.matmul, threads);
    }
    HostTensor run(const Device& device, const MatmulKernels& kernels, int threads) const {
        Stream stream(device, threads);
        GuardedTensor left(stream, a, s.lda), right(stream, b, s.ldb), offset(stream, bias, bias.shape.c + 1),
            y(stream, result(), s.ldy);
        GuardedScratch scratch(stream, kernels.scratch(s, stream.thread_count()));
        kernels.multiply(stream, s, left.view().data, right.view().data,
                         bias.values.empty() ? nullptr : offset.view().data, y.view().data, scratch.scratch());
        scratch.check();
        return y.read();
    }
};

MatmulShape matmul_shape(const ShapeRow& row) {
    MatmulShape s;
    s.batch = row["batch"], s.m = row["m"], s.n = row["n"], s.k = row["k"];
    s.transpose_a = row["transpose_a"] != 0, s.transpose_b = row["transpose_b"] != 0;
    return s;
}

class MatmulRow : public ::testing::TestWithParam<ShapeRow> {};

TEST_P(MatmulRow, MatchesOracle) {
    const MatmulShape shape = matmul_shape(GetParam());
    const bool large = shape.batch * shape.m * shape.n * shape.k > 1 << 22;  // the oracle takes a while
    for (const Placement& place :
         {Placement{0, false, false, false}, Placement{3, false, true, true}, Placement{1, true, false, true}}) {
        if (large && place.gap == 0) continue;
        const MatmulCase test(shape, place);
        const HostArray<double> expected = test.expected();
        Tolerance tolerance = sum_tolerance(shape.k + 1);
        tolerance.zeros_expected = expected.values.empty() || (shape.k == 0 && !place.bias);
        for (const Device& device : devices_under_test())
            EXPECT_TRUE(matches(expected, test.run(device, 2), tolerance))
                << to_string(device) << ", gap " << place.gap;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, MatmulRow, ::testing::ValuesIn(read_shapes("matmul.txt")),
                         [](const auto& info) { return test_name(info.param.name); });

// Written by hand: all four ways to store the same two matrices.
TEST(Matmul, FollowsTheDefinition) {
    const std::vector<float> a[2] = {{1, 2, 3, 4, 5, 6}, {1, 4, 2, 5, 3, 6}},
                             b[2] = {{1, 0, 2, 1, 0, 3}, {1, 2, 0, 0, 1, 3}};
    const HostTensor expected({1, 1, 2, 2}, {5, 11, 14, 23}), bias({1, 1, 1, 2}, {100, 200});
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    for (const Device& device : devices)
        for (int ways = 0; ways < 4; ways++) {
            MatmulShape shape;
            shape.m = 2, shape.n = 2, shape.k = 3, shape.transpose_a = ways % 2 == 1, shape.transpose_b = ways / 2 == 1;
            MatmulCase test(shape, {});
            test.a.values = a[ways % 2], test.b.values = b[ways / 2];
            EXPECT_TRUE(matches(expected, test.run(device, 1), {})) << to_string(device) << " way " << ways;
            test.bias = bias;
            EXPECT_TRUE(matches(HostTensor({1, 1, 2, 2}, {105, 211, 114, 223}), test.run(device, 1), {}))
                << to_string(device);
        }
}

// Every step of a GPU's staircase, in all four ways to store the matrices, with loads of one float and of four.
TEST(Matmul, EveryStepOfTheStaircaseMatchesTheOracle) {
    for (int ways = 0; ways < 4; ways++)
        for (const int64_t m : {int64_t(68), int64_t(5)})
            for (const Placement& place : {Placement{0, false, false, true}, Placement{1, true, false, false}}) {
                MatmulShape shape;
                shape.batch = 2, shape.m = m, shape.n = 40, shape.k = 516, shape.transpose_a = ways % 2 == 1,
                shape.transpose_b = ways / 2 == 1;
                const MatmulCase test(shape, place);
                const HostArray<double> expected = test.expected();
                for (const Device& device : devices_under_test())
                    for (const auto& [name, table] : backend(device).staircase) {
                        Tolerance tolerance = sum_tolerance(shape.k + 1);
                        // As for convolutions: operands of 11 bits; the lost product of lower halves.
                        tolerance.relative *= name == "tf32" ? 0x1p13 : name == "tf32x3" ? 4 : 1;
                        EXPECT_TRUE(matches(expected, test.run(device, table.matmul, 1), tolerance))
                            << to_string(device) << " " << name << " way " << ways << " m " << m;
                    }
            }
}

// <A x, y> = <x, A^T y>: the product with the transpose is the adjoint, which is what gradients are made of.
TEST(MatmulOracle, TransposeIsTheAdjoint) {
    MatmulShape forward;
    forward.m = 7, forward.n = 5, forward.k = 11;
    const MatmulCase test(forward, {});
    const HostArray<double> dy = widen(random_tensor({1, 1, 7, 5}, -1, 1, 9)), b = widen(test.b), a = widen(test.a),
                            y = test.expected();
    MatmulShape backward = forward;
    backward.n = 11, backward.k = 5, backward.transpose_b = true;
    backward.lda = 5, backward.ldb = 5, backward.ldy = 11;
    HostArray<double> da({1, 1, 7, 11});
    oracle::matmul<double>(backward, dy.values.data(), b.values.data(), nullptr, da.values.data());
    double one = 0, other = 0;
    for (size_t i = 0; i < y.values.size(); i++) one += y.values[i] * dy.values[i];
    for (size_t i = 0; i < a.values.size(); i++) other += a.values[i] * da.values[i];
    EXPECT_NEAR(one, other, 1e-13);
    EXPECT_NE(one, 0);
}

// A NaN of a reaches its row, one of b its column, and nothing else: tails must not multiply what comes after them.
TEST(Matmul, NanReachesItsRowAndColumn) {
    for (const int64_t m : {int64_t(3), int64_t(13)})
        for (int ways = 0; ways < 4; ways++) {
            MatmulShape shape;
            shape.m = m, shape.n = 37, shape.k = 21, shape.transpose_a = ways % 2 == 1,
            shape.transpose_b = ways / 2 == 1;
            MatmulCase test(shape, {2, false, false, false});
            const int64_t row = m - 1, column = 36, depth = 20;
            test.a.at(0, 0, shape.transpose_a ? depth : row, shape.transpose_a ? row : depth) =
                std::numeric_limits<float>::quiet_NaN();
            test.b.at(0, 0, shape.transpose_b ? column : 0, shape.transpose_b ? 0 : column) =
                std::numeric_limits<float>::infinity();
            const HostArray<double> expected = test.expected();
            for (const Device& device : devices_under_test())
                EXPECT_TRUE(matches(expected, test.run(device, 1), sum_tolerance(21)))
                    << to_string(device) << " way " << ways;
        }
}

TEST(Matmul, SameBitsForAnyThreadsAndBatch) {
    for (const int64_t m : {int64_t(1), int64_t(3), int64_t(300)})
        for (int ways = 0; ways < 4; ways++) {
            MatmulShape shape;
            shape.batch = 3, shape.m = m, shape.n = 270, shape.k = 261, shape.transpose_a = ways % 2 == 1,
            shape.transpose_b = ways / 2 == 1;
            const MatmulCase test(shape, {1, false, true, true});
            for (const Device& device : devices_under_test()) {
                const HostTensor one = test.run(device, 1);
                for (const int threads : {2, 5})
                    EXPECT_TRUE(same_bits(one, test.run(device, threads))) << to_string(device);
                MatmulCase last = test;
                last.s.batch = 1;
                last.a = HostTensor({1, 1, test.a.shape.w, test.a.shape.c},
                                    {test.a.values.end() - m * shape.k, test.a.values.end()});
                const HostTensor expected({1, 1, m, 270}, {one.values.end() - m * 270, one.values.end()});
                EXPECT_TRUE(same_bits(expected, last.run(device, 2))) << to_string(device) << " way " << ways;
            }
        }
}

}  // namespace
}  // namespace limpid::testing
