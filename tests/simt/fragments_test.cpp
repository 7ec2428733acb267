// Which thread and register holds which element of a matrix, pinned against the figures of the PTX ISA, "Matrix
// Fragments for mma.m16n8k8" (.tf32): emulation and kernels could otherwise share one misunderstanding.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

#include "tests/simt/planted/device_array.h"
#include "tests/simt/planted/small_kernels.h"

namespace {

// The figures, row by row: element (row, column) of A is register a0 of thread T0, and so on.
// clang-format off
constexpr const char* kA[] = {
    "T0:a0 T1:a0 T2:a0 T3:a0 T0:a2 T1:a2 T2:a2 T3:a2",
    "T4:a0 T5:a0 T6:a0 T7:a0 T4:a2 T5:a2 T6:a2 T7:a2",
    "T8:a0 T9:a0 T10:a0 T11:a0 T8:a2 T9:a2 T10:a2 T11:a2",
    "T12:a0 T13:a0 T14:a0 T15:a0 T12:a2 T13:a2 T14:a2 T15:a2",
    "T16:a0 T17:a0 T18:a0 T19:a0 T16:a2 T17:a2 T18:a2 T19:a2",
    "T20:a0 T21:a0 T22:a0 T23:a0 T20:a2 T21:a2 T22:a2 T23:a2",
    "T24:a0 T25:a0 T26:a0 T27:a0 T24:a2 T25:a2 T26:a2 T27:a2",
    "T28:a0 T29:a0 T30:a0 T31:a0 T28:a2 T29:a2 T30:a2 T31:a2",
    "T0:a1 T1:a1 T2:a1 T3:a1 T0:a3 T1:a3 T2:a3 T3:a3",
    "T4:a1 T5:a1 T6:a1 T7:a1 T4:a3 T5:a3 T6:a3 T7:a3",
    "T8:a1 T9:a1 T10:a1 T11:a1 T8:a3 T9:a3 T10:a3 T11:a3",
    "T12:a1 T13:a1 T14:a1 T15:a1 T12:a3 T13:a3 T14:a3 T15:a3",
    "T16:a1 T17:a1 T18:a1 T19:a1 T16:a3 T17:a3 T18:a3 T19:a3",
    "T20:a1 T21:a1 T22:a1 T23:a1 T20:a3 T21:a3 T22:a3 T23:a3",
    "T24:a1 T25:a1 T26:a1 T27:a1 T24:a3 T25:a3 T26:a3 T27:a3",
    "T28:a1 T29:a1 T30:a1 T31:a1 T28:a3 T29:a3 T30:a3 T31:a3",
};
constexpr const char* kB[] = {
    "T0:b0 T4:b0 T8:b0 T12:b0 T16:b0 T20:b0 T24:b0 T28:b0",
    "T1:b0 T5:b0 T9:b0 T13:b0 T17:b0 T21:b0 T25:b0 T29:b0",
    "T2:b0 T6:b0 T10:b0 T14:b0 T18:b0 T22:b0 T26:b0 T30:b0",
    "T3:b0 T7:b0 T11:b0 T15:b0 T19:b0 T23:b0 T27:b0 T31:b0",
    "T0:b1 T4:b1 T8:b1 T12:b1 T16:b1 T20:b1 T24:b1 T28:b1",
    "T1:b1 T5:b1 T9:b1 T13:b1 T17:b1 T21:b1 T25:b1 T29:b1",
    "T2:b1 T6:b1 T10:b1 T14:b1 T18:b1 T22:b1 T26:b1 T30:b1",
    "T3:b1 T7:b1 T11:b1 T15:b1 T19:b1 T23:b1 T27:b1 T31:b1",
};
constexpr const char* kC[] = {
    "T0:c0 T0:c1 T1:c0 T1:c1 T2:c0 T2:c1 T3:c0 T3:c1",
    "T4:c0 T4:c1 T5:c0 T5:c1 T6:c0 T6:c1 T7:c0 T7:c1",
    "T8:c0 T8:c1 T9:c0 T9:c1 T10:c0 T10:c1 T11:c0 T11:c1",
    "T12:c0 T12:c1 T13:c0 T13:c1 T14:c0 T14:c1 T15:c0 T15:c1",
    "T16:c0 T16:c1 T17:c0 T17:c1 T18:c0 T18:c1 T19:c0 T19:c1",
    "T20:c0 T20:c1 T21:c0 T21:c1 T22:c0 T22:c1 T23:c0 T23:c1",
    "T24:c0 T24:c1 T25:c0 T25:c1 T26:c0 T26:c1 T27:c0 T27:c1",
    "T28:c0 T28:c1 T29:c0 T29:c1 T30:c0 T30:c1 T31:c0 T31:c1",
    "T0:c2 T0:c3 T1:c2 T1:c3 T2:c2 T2:c3 T3:c2 T3:c3",
    "T4:c2 T4:c3 T5:c2 T5:c3 T6:c2 T6:c3 T7:c2 T7:c3",
    "T8:c2 T8:c3 T9:c2 T9:c3 T10:c2 T10:c3 T11:c2 T11:c3",
    "T12:c2 T12:c3 T13:c2 T13:c3 T14:c2 T14:c3 T15:c2 T15:c3",
    "T16:c2 T16:c3 T17:c2 T17:c3 T18:c2 T18:c3 T19:c2 T19:c3",
    "T20:c2 T20:c3 T21:c2 T21:c3 T22:c2 T22:c3 T23:c2 T23:c3",
    "T24:c2 T24:c3 T25:c2 T25:c3 T26:c2 T26:c3 T27:c2 T27:c3",
    "T28:c2 T28:c3 T29:c2 T29:c3 T30:c2 T30:c3 T31:c2 T31:c3",
};
// clang-format on

struct Slot {
    int lane, index;
};
// figure[row] -> slots by column.
std::vector<Slot> parse_row(const char* row) {
    std::vector<Slot> slots;
    std::istringstream words(row);
    for (std::string word; words >> word;) {
        Slot slot{};
        char thread, letter, colon;
        std::istringstream(word) >> thread >> slot.lane >> colon >> letter >> slot.index;
        slots.push_back(slot);
    }
    return slots;
}

unsigned bits(float value) { return std::bit_cast<unsigned>(value); }

// Every product of one element of A and one of B arrives at the place the figures say.
TEST(SimtFragments, EveryElementIsWhereThePtxIsaSays) {
    const int rows = 16, columns = 8, depth = 8;
    int found = 0;
    for (int k = 0; k < depth; k++) {
        // A has column k, B has row k: different numbers everywhere, so that each sum is one product and unmistakable.
        std::vector<unsigned> a(32 * 4, bits(0)), b(32 * 2, bits(0));
        std::vector<float> c(32 * 4, 0.0f);
        for (int row = 0; row < rows; row++) {
            const Slot slot = parse_row(kA[row])[size_t(k)];
            a[size_t(slot.lane * 4 + slot.index)] = bits(float(row + 1));
        }
        for (int column = 0; column < columns; column++) {
            const Slot slot = parse_row(kB[k])[size_t(column)];
            b[size_t(slot.lane * 2 + slot.index)] = bits(float(32 + column));
        }
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                const Slot slot = parse_row(kC[row])[size_t(column)];
                c[size_t(slot.lane * 4 + slot.index)] = float(1000 * (row + 1) + column) / 8192;
            }
        const planted::DeviceArray<unsigned> device_a(a), device_b(b);
        const planted::DeviceArray<float> device_c(c), device_d(128);
        ASSERT_EQ(small::mma(device_a.data(), device_b.data(), device_c.data(), device_d.data()), cudaSuccess);
        const std::vector<float> d = device_d.read();
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                const Slot slot = parse_row(kC[row])[size_t(column)];
                const float expected = float(row + 1) * float(32 + column) + float(1000 * (row + 1) + column) / 8192;
                EXPECT_EQ(d[size_t(slot.lane * 4 + slot.index)], expected) << row << "," << column << " depth " << k;
                found++;
            }
    }
    EXPECT_EQ(found, rows * columns * depth);
}

// A wrong register must not go unnoticed: the figures themselves name each slot once.
TEST(SimtFragments, TheFiguresNameEverySlotOnce) {
    const auto count = [](const char* const* figure, int rows, int per_lane) {
        std::vector<int> seen(size_t(32 * per_lane));
        for (int row = 0; row < rows; row++)
            for (const Slot& slot : parse_row(figure[row])) seen[size_t(slot.lane * per_lane + slot.index)]++;
        return std::count(seen.begin(), seen.end(), 1);
    };
    EXPECT_EQ(count(kA, 16, 4), 128);
    EXPECT_EQ(count(kB, 8, 2), 64);
    EXPECT_EQ(count(kC, 16, 4), 128);
}

// The unit ignores the lower 13 bits of its operands.
TEST(SimtFragments, OperandsAreTf32) {
    std::vector<unsigned> a(32 * 4, bits(0)), b(32 * 2, bits(0));
    a[0] = bits(1) | 0x1fff;
    b[0] = bits(3) | 0x1fff;
    const planted::DeviceArray<unsigned> device_a(a), device_b(b);
    const planted::DeviceArray<float> device_c(std::vector<float>(128, 0.0f)), device_d(128);
    ASSERT_EQ(small::mma(device_a.data(), device_b.data(), device_c.data(), device_d.data()), cudaSuccess);
    EXPECT_EQ(device_d.read()[0], 3.0f);
}

// cvt.rna.tf32.f32: to nearest, ties away from zero (PTX ISA, "cvt", .rna).
TEST(SimtFragments, RoundingIsToNearestTiesAway) {
    const float ulp = std::ldexp(1.0f, -10);
    std::vector<float> x(32, 1.0f), expected(32, 1.0f);
    const float pairs[][2] = {
        {1 + ulp / 2, 1 + ulp},         {1 + ulp / 4, 1}, {1 + ulp * 3 / 4, 1 + ulp}, {-1 - ulp / 2, -1 - ulp},
        {1 + ulp * 3 / 2, 1 + 2 * ulp}, {0, 0},           {2 - ulp / 4, 2},           {3, 3}};
    for (size_t i = 0; i < std::size(pairs); i++) x[i] = pairs[i][0], expected[i] = pairs[i][1];
    x[20] = expected[20] = std::numeric_limits<float>::infinity();
    const planted::DeviceArray<float> device_x(x);
    const planted::DeviceArray<unsigned> device_y(32);
    ASSERT_EQ(small::round_tf32(device_x.data(), device_y.data()), cudaSuccess);
    const std::vector<unsigned> y = device_y.read();
    for (size_t i = 0; i < 32; i++) EXPECT_EQ(std::bit_cast<float>(y[i]), expected[i]) << x[i];
}

}  // namespace
