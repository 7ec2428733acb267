// What ptxas makes of our kernels: registers, occupancy and instructions, against the table in cubin/kernels.txt.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "kernels/device/tile_product.cuh"
#include "tests/simt/cubin/cubin.h"

namespace {

using simt::CompiledKernel;

// What the launches of convolutions and products add to static shared memory (their host functions; tile_product.cuh).
// Other kernels use none.
int dynamic_shared_bytes(const std::string& name) {
    using namespace limpid::DEVICE_NS;
    const auto number_after = [&](const std::string& mark, int which) {
        size_t at = name.find(mark) + mark.size();
        for (; which > 0; which--) at = name.find(',', at) + 1;
        return std::stoi(name.substr(at));
    };
    if (name.starts_with("matmul_") && name.find('<') != name.npos) {
        int most = 0;  // whichever way the matrices are stored
        for (const Along a : {Along::depth, Along::edge})
            for (const Along b : {Along::depth, Along::edge})
                most = std::max(most, tile_memory_floats(a, b, MiddleTile::kRows, MiddleTile::kColumns));
        return most * int(sizeof(float));
    }
    if (!name.starts_with("conv2d_") || name.find("<Tile<") == name.npos) return 0;
    const int rows = number_after("<Tile<", 0), columns = number_after("<Tile<", 1);
    if (name.starts_with("conv2d_grad_filter_"))
        return tile_memory_floats(Along::edge, Along::edge, rows, columns) * int(sizeof(float));
    // Forward, a block also keeps where its rows lie: RowPlace, of four ints.
    return tile_memory_floats(Along::depth, Along::edge, rows, columns) * int(sizeof(float)) + rows * int(sizeof(int4));
}

const std::vector<CompiledKernel>& all_kernels() {
    static const std::vector<CompiledKernel> all = [] {
        std::vector<CompiledKernel> kernels;
        std::error_code no_folder;
        for (const auto& entry : std::filesystem::directory_iterator(SIMT_CUBIN_DIR, no_folder)) {
            // matmul_cuda.sm_90.cubin
            const std::string name = entry.path().filename();
            const size_t architecture = name.find(".sm_");
            if (!name.ends_with(".cubin") || architecture == name.npos) continue;
            for (CompiledKernel& kernel : simt::read_cubin(entry.path(), std::stoi(name.substr(architecture + 4)))) {
                kernel.shared_bytes += dynamic_shared_bytes(kernel.name);
                kernels.push_back(std::move(kernel));
            }
        }
        std::sort(kernels.begin(), kernels.end(), [](const CompiledKernel& a, const CompiledKernel& b) {
            return std::tie(a.name, a.architecture) < std::tie(b.name, b.architecture);
        });
        return kernels;
    }();
    return all;
}

class SimtCubin : public testing::Test {
  protected:
    void SetUp() override {
        if (all_kernels().empty()) GTEST_SKIP() << "no cubins in " SIMT_CUBIN_DIR ": this build has no ptxas";
    }
};

TEST_F(SimtCubin, NoKernelUsesLocalMemory) {
    for (const CompiledKernel& kernel : all_kernels()) {
        EXPECT_EQ(kernel.stack_bytes, 0) << kernel.name << ", sm_" << kernel.architecture;
        EXPECT_EQ(kernel.count("LDL") + kernel.count("STL"), 0) << kernel.name << ", sm_" << kernel.architecture;
    }
}

// A name promises instructions: tensor cores, fused multiply-adds, asynchronous copies.
TEST_F(SimtCubin, KernelsUseTheInstructionsTheyAreNamedFor) {
    int tensor = 0, fused = 0;
    for (const CompiledKernel& kernel : all_kernels()) {
        const std::string name = kernel.name.substr(0, kernel.name.find('<'));
        SCOPED_TRACE(kernel.name + ", sm_" + std::to_string(kernel.architecture));
        if (name.find("_tf32") != name.npos) {
            EXPECT_GT(kernel.count("HMMA"), 0);
            tensor++;
        }
        const bool product = name.starts_with("conv2d") || name.starts_with("matmul");  // not transpose_tiled
        if (product && (name.ends_with("_tiled") || name.ends_with("_pipelined"))) {
            EXPECT_GE(kernel.count("FFMA"), 64);
            EXPECT_EQ(kernel.count("HMMA"), 0);
            fused++;
        }
        if (name.ends_with("_pipelined")) {
            EXPECT_GT(kernel.count("LDGSTS"), 0);
        }
    }
    EXPECT_GT(tensor, 0);
    EXPECT_GT(fused, 0);
}

std::string as_table() {
    std::ostringstream text;
    text << "# Made by simt_test from what ptxas (of the version in the next line) wrote; see cubin_test.cpp.\n"
            "# " SIMT_PTXAS_VERSION
            "\n"
            "# sm  registers  shared bytes  threads  resident warps of 64  FFMA  HMMA  LDGSTS  kernel\n";
    for (const CompiledKernel& k : all_kernels())
        text << k.architecture << std::setw(5) << k.registers << std::setw(7) << k.shared_bytes << std::setw(6)
             << k.most_threads << std::setw(4) << k.resident_warps() << std::setw(6) << k.count("FFMA") << std::setw(5)
             << k.count("HMMA") << std::setw(5) << k.count("LDGSTS") << "  " << k.name << "\n";
    return text.str();
}

// nvcc 13 does not make the same PTX of a file twice; of what it makes, registers differ by a few. They are given out
// in units of 8, so a row may be one unit away, and have the warps that go with it.
constexpr int kRegisterUnit = 8;

struct Row {
    int registers = 0, warps = 0;
    std::string rest;  // all other columns
};

std::vector<Row> rows_of(const std::string& table) {
    std::vector<Row> rows;
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#')) continue;
        Row row;
        std::string sm, shared, threads, others;
        std::istringstream words(line);
        words >> sm >> row.registers >> shared >> threads >> row.warps;
        std::getline(words, others);
        row.rest = sm + ' ' + shared + ' ' + threads + others;
        rows.push_back(row);
    }
    return rows;
}

bool same(const Row& a, const Row& b) {
    const int apart = std::abs(a.registers - b.registers);
    return a.rest == b.rest && apart <= kRegisterUnit && (apart > 0 || a.warps == b.warps);
}

TEST(CubinTable, ToleratesOneUnitOfRegistersAndNothingElse) {
    const auto row = [](const std::string& line) { return rows_of(line + "\n").at(0); };
    const Row good = row("80  140  22528    64  12   512    0    0  conv2d_tiled");
    EXPECT_TRUE(same(good, row("80  144  22528    64  12   512    0    0  conv2d_tiled")));
    EXPECT_TRUE(same(good, row("80  148  22528    64  10   512    0    0  conv2d_tiled")));
    EXPECT_FALSE(same(good, row("80  149  22528    64  12   512    0    0  conv2d_tiled")));
    EXPECT_FALSE(same(good, row("80  140  22528    64  10   512    0    0  conv2d_tiled")));
    EXPECT_FALSE(same(good, row("80  140  22529    64  12   512    0    0  conv2d_tiled")));
    EXPECT_FALSE(same(good, row("80  140  22528    64  12   511    0    0  conv2d_tiled")));
    EXPECT_FALSE(same(good, row("90  140  22528    64  12   512    0    0  conv2d_tiled")));
}

// Each row found is one of those wanted, and each kernel wanted is found. A kernel has several rows where nvcc makes different
// programs of one source: six runs in the same folder, with -frandom-seed or without, gave 124 and 139 registers.
bool agree(const std::vector<Row>& found, const std::vector<Row>& wanted) {
    const auto is_wanted = [&](const Row& row) {
        return std::ranges::any_of(wanted, [&](const Row& other) { return same(row, other); });
    };
    const auto is_found = [&](const Row& row) { return std::ranges::count(found, row.rest, &Row::rest) > 0; };
    return std::ranges::all_of(found, is_wanted) && std::ranges::all_of(wanted, is_found);
}

TEST(CubinTable, KnowsKernelsThatAreMadeInSeveralWays) {
    const std::string tiled = "90  139  59392   128  12   512    0    0  tiled\n",
                      other = "90  124  59392   128  12   512    0    0  tiled\n",
                      adam = "80   21      0   256  64    24    0    0  adam\n";
    const std::vector<Row> wanted = rows_of(tiled + "# In another run:\n" + other + adam);
    EXPECT_TRUE(agree(rows_of(tiled + adam), wanted));
    EXPECT_TRUE(agree(rows_of(other + adam), wanted));
    EXPECT_FALSE(agree(rows_of(tiled), wanted)) << "adam is gone";
    EXPECT_FALSE(agree(rows_of(adam), wanted)) << "tiled is gone";
    EXPECT_FALSE(agree(rows_of("90  110  59392   128  16   512    0    0  tiled\n" + adam), wanted));
    EXPECT_FALSE(agree(rows_of(tiled + adam + "80   21      0   256  64    24    0    0  new\n"), wanted));
}

// A change of a kernel that changes its registers is seen in the diff of the table.
TEST_F(SimtCubin, TableIsUpToDate) {
    const std::string actual = as_table(), path = LIMPID_SOURCE_DIR "/tests/simt/cubin/kernels.txt";
    std::ifstream file(path);
    const std::string expected((std::istreambuf_iterator<char>(file)), {});
    if (expected.find("# " SIMT_PTXAS_VERSION "\n") == expected.npos && !expected.empty())
        GTEST_SKIP() << "the table is of another ptxas than " SIMT_PTXAS_VERSION;
    const std::vector<Row> found = rows_of(actual), wanted = rows_of(expected);
    if (agree(found, wanted)) return;
    const std::string made = SIMT_CUBIN_DIR "/kernels.txt";
    std::ofstream(made) << actual;
    for (size_t i = 0, shown = 0; i < found.size() && shown < 10; i++)
        if (std::ranges::none_of(wanted, [&](const Row& row) { return same(row, found[i]); }) && ++shown)
            ADD_FAILURE() << "new: " << found[i].registers << " registers, " << found[i].rest;
    FAIL() << "cubin/kernels.txt differs; when that is meant: cp " << made << " " << path;
}

}  // namespace
