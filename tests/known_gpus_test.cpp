// The roofline that a GPU is judged by is its own: names of boards contain each other, and their peaks differ.
#include <gtest/gtest.h>

#include "bench/machine.h"

namespace limpid {
namespace {

TEST(KnownGpus, AreFoundByTheirWholeName) {
    for (const Machine& gpu : known_gpus()) EXPECT_EQ(known_gpu(gpu.name), &gpu) << gpu.name;
    EXPECT_LT(known_gpu("NVIDIA H100 PCIe")->flops, known_gpu("NVIDIA H100 80GB HBM3")->flops);
    EXPECT_LT(known_gpu("NVIDIA GH200 480GB")->bandwidth, known_gpu("NVIDIA H200")->bandwidth);
    EXPECT_LT(known_gpu("NVIDIA A100-SXM4-40GB")->bandwidth, known_gpu("NVIDIA A100-SXM4-80GB")->bandwidth);
    // Part of one, and nobody's.
    for (const char* name : {"H200", "NVIDIA H200 141GB", "NVIDIA H100 80GB HBM3 MIG 1g.10gb", ""})
        EXPECT_EQ(known_gpu(name), nullptr) << name;
}

TEST(KnownGpus, ThreeProductsOfTf32AreOneOfTf32x3) {
    const Machine gpu{"", 10, 60, 1};
    EXPECT_DOUBLE_EQ(gpu.floor_seconds(120, 0, Precision::fp32), 12);
    EXPECT_DOUBLE_EQ(gpu.floor_seconds(120, 0, Precision::tf32), 2);
    EXPECT_DOUBLE_EQ(gpu.floor_seconds(120, 0, Precision::tf32x3), 6);
    EXPECT_DOUBLE_EQ(gpu.floor_seconds(120, 100, Precision::tf32), 100);  // memory decides
    const Machine none{"", 10, 0, 1};                                     // without tensor cores
    EXPECT_DOUBLE_EQ(none.floor_seconds(120, 0, Precision::tf32), 12);
}

}  // namespace
}  // namespace limpid
