// The model: operations of the direct algorithm, every byte once, partial sums written and read where blocks share the
// depth; the bound is that of the data sheet. What it leaves out: launches (about 3 microseconds each without a graph),
// tails of tiles, caches that are too small, and everything that makes a kernel slower than its bound.
#include "bench/model.h"

#include <cstdio>

#include <utility>

#if defined(LIMPID_MODEL_CUDA)
namespace limpid::DEVICE_NS {
#define LIMPID_INSTALL(Kernels, member) void install(Kernels& table);
LIMPID_KERNEL_FAMILIES(LIMPID_INSTALL)
#undef LIMPID_INSTALL
}  // namespace limpid::DEVICE_NS
#endif

namespace limpid {
namespace {

double partial_bytes(const Case& one, const KernelTable& kernels) {
    return one.partial_bytes ? double(one.partial_bytes(kernels)) : 0;
}
double all_bytes(const Case& one, const KernelTable& kernels) { return one.bytes + 2 * partial_bytes(one, kernels); }

#if defined(LIMPID_MODEL_CUDA)

// The columns of the table.
constexpr std::pair<const char*, const char*> kGpus[] = {
    {"H100", "NVIDIA H100 80GB HBM3"}, {"H200", "NVIDIA H200"}, {"A100", "NVIDIA A100-SXM4-80GB"}, {"T4", "Tesla T4"}};

template <class Use>
void each_column(const Use& use) {
    for (const auto& [heading, name] : kGpus)
        for (const Precision precision : {Precision::fp32, Precision::tf32x3, Precision::tf32})
            if (const Machine& gpu = *known_gpu(name); precision == Precision::fp32 || gpu.tf32_flops > 0)
                use(heading, gpu, precision);
}

void print_line(const Case& one, const KernelTable& kernels) {
    std::printf("%-52s %4d %10.3f %10.3f", one.name.c_str(), one.launches + (partial_bytes(one, kernels) > 0),
                one.operations / 1e9, all_bytes(one, kernels) / 1e6);
    each_column([&](const char*, const Machine& gpu, Precision precision) {
        std::printf(" %11.2f", 1e6 * model_seconds(one, kernels, gpu, precision));
    });
    std::printf("\n");
}

#endif

}  // namespace

double model_seconds(const Case& one, const KernelTable& kernels, const Machine& machine, Precision precision) {
    return machine.floor_seconds(one.operations, all_bytes(one, kernels), precision);
}

void print_model() {
#if defined(LIMPID_MODEL_CUDA)
    KernelTable table;
#define LIMPID_INSTALL(Kernels, member) DEVICE_NS::install(table.member);
    LIMPID_KERNEL_FAMILIES(LIMPID_INSTALL)
#undef LIMPID_INSTALL
    std::printf("A model, not a measurement: the least time by data sheets.\n%-52s %4s %10s %10s", "kernel", "runs",
                "GFLOP", "MB");
    each_column([](const char* heading, const Machine&, Precision precision) {
        std::printf(" %11s",
                    precision == Precision::fp32 ? heading : concat(heading, " ", to_string(precision)).c_str());
    });
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
