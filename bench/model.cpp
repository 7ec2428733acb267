// The model: operations of the direct algorithm, every byte once, partial sums written and read where blocks share the
// depth; the bound is that of the data sheet. What it leaves out: launches (about 3 microseconds each without a graph),
// tails of tiles, caches that are too small, and everything that makes a kernel slower than its bound.
#include "bench/model.h"

#include <cstdio>

#include "bench/case.h"
#include "bench/machine.h"

#if defined(LIMPID_MODEL_CUDA)
#include "kernels/conv2d/conv2d_cuda.h"
#include "kernels/matmul/matmul_cuda.h"
#endif

namespace limpid {
namespace {

#if defined(LIMPID_MODEL_CUDA)

void print_line(const Case& one, const KernelTable& table) {
    const size_t partial_bytes = one.partial_bytes ? one.partial_bytes(table) : 0;
    const double bytes = one.bytes + 2 * double(partial_bytes);
    std::printf("%-52s %4d %10.3f %10.3f", one.name.c_str(), one.launches + (partial_bytes > 0), one.operations / 1e9,
                bytes / 1e6);
    for (const Machine& gpu : known_gpus())
        for (const bool tf32 : {false, true})
            if (!tf32 || gpu.tf32_flops > 0)
                std::printf(" %9.2f", 1e6 * gpu.floor_seconds(one.operations, bytes, tf32));
    std::printf("\n");
}

#endif

}  // namespace

void print_model() {
#if defined(LIMPID_MODEL_CUDA)
    KernelTable table;
    table.conv2d = DEVICE_NS::conv2d_kernels(DEVICE_NS::best_method(Precision::fp32));
    table.matmul = DEVICE_NS::matmul_kernels(DEVICE_NS::best_method(Precision::fp32));
    std::printf("A model, not a measurement: the least time by data sheets.\n%-52s %4s %10s %10s", "kernel", "runs",
                "GFLOP", "MB");
    for (const Machine& gpu : known_gpus())
        for (const bool tf32 : {false, true})
            if (!tf32 || gpu.tf32_flops > 0) std::printf(" %9s", concat(gpu.name, tf32 ? " tf32" : "").c_str());
    std::printf("  (microseconds)\n");
    std::vector<Case> cases;
    add_products(cases, Precision::fp32);
    add_memory_bound(cases);
    for (const Case& one : cases) print_line(one, table);
#else
    std::printf("built without CUDA: there are no kernels to model; build with -DLIMPID_CUDA=ON\n");
#endif
}

}  // namespace limpid
