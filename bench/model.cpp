// The model: operations of the direct algorithm, every byte once, partial sums written and read where blocks share the
// depth; the bound is that of the data sheet. What it leaves out: launches (about 3 microseconds each without a graph),
// tails of tiles, caches that are too small, and everything that makes a kernel slower than its bound.
#include "bench/model.h"

#include <cstdio>

#include "bench/machine.h"
#include "kernels/backend.h"
#include "tests/harness/kernel_case.h"

#if defined(LIMPID_MODEL_CUDA)
#include "kernels/conv2d/conv2d_cuda.h"
#include "kernels/matmul/matmul_cuda.h"
#endif

namespace limpid {
namespace {

struct Line {
    std::string name;
    int launches;
    double operations, bytes;
};

#if defined(LIMPID_MODEL_CUDA)

void print_line(const Line& line) {
    std::printf("%-52s %4d %10.3f %10.3f", line.name.c_str(), line.launches, line.operations / 1e9, line.bytes / 1e6);
    for (const Machine& gpu : known_gpus())
        for (const bool tf32 : {false, true})
            if (!tf32 || gpu.tf32_flops > 0)
                std::printf(" %9.2f", 1e6 * gpu.floor_seconds(line.operations, line.bytes, tf32));
    std::printf("\n");
}

// Partial sums go out once and come back once.
Line with_partial_sums(Line line, size_t scratch_bytes) {
    if (scratch_bytes > 0) line.launches++, line.bytes += 2 * double(scratch_bytes);
    return line;
}

#endif

}  // namespace

void print_model() {
#if defined(LIMPID_MODEL_CUDA)
    const Conv2dKernels conv = cuda::conv2d_kernels(cuda::best_method(Precision::fp32));
    const MatmulKernels matmul = cuda::matmul_kernels(cuda::best_method(Precision::fp32));
    std::printf("A model, not a measurement: the least time by data sheets.\n%-52s %4s %10s %10s", "kernel", "runs",
                "GFLOP", "MB");
    for (const Machine& gpu : known_gpus())
        for (const bool tf32 : {false, true})
            if (!tf32 || gpu.tf32_flops > 0) std::printf(" %9s", concat(gpu.name, tf32 ? " tf32" : "").c_str());
    std::printf("  (microseconds)\n");
    for (const testing::ShapeRow& row : testing::read_shapes("conv2d.txt")) {
        const Conv2dShape s{row["n"],          row["h"],        row["w"],        row["c"],        row["r"],
                            row["s"],          row["k"],        row["stride_y"], row["stride_x"], row["pad_top"],
                            row["pad_bottom"], row["pad_left"], row["pad_right"]};
        if (s.n == 0) continue;
        const double operations = 2.0 * double(s.multiply_adds()), x = 4.0 * double(s.input().size()),
                     y = 4.0 * double(s.output().size()), w = 4.0 * double(s.filter().size());
        print_line(with_partial_sums({row.name + "/forward", 1, operations, x + y + w},
                                     conv.scratch(s, Conv2dPass::forward, 1)));
        print_line(with_partial_sums({row.name + "/grad_input", 1, operations, 2 * x + y + w},
                                     conv.scratch(s, Conv2dPass::grad_input, 1)));
        print_line(
            with_partial_sums({row.name + "/grad_filter", 1, operations, x + y + w}, conv.grad_filter_scratch(s, 1)));
    }
    for (const testing::ShapeRow& row : testing::read_shapes("matmul.txt")) {
        MatmulShape s;
        s.batch = row["batch"], s.m = row["m"], s.n = row["n"], s.k = row["k"];
        const double a = double(s.batch * s.m * s.k), b = double(s.batch * s.k * s.n), y = double(s.batch * s.m * s.n);
        if (a * b * y == 0) continue;
        print_line(
            with_partial_sums({"matmul/" + row.name, 1, 2 * double(s.k) * y, 4 * (a + b + y)}, matmul.scratch(s, 1)));
    }
#else
    std::printf("built without CUDA: there are no kernels to model; build with -DLIMPID_CUDA=ON\n");
#endif
}

}  // namespace limpid
