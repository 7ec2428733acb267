// Parameters by the variant's table.
#include "tests/harness/random_net.h"

#include "tests/harness/golden.h"

namespace limpid::testing {

Weights random_weights(const GoogLeNetVariant& variant) {
    Weights weights;
    weights.variant = variant.name;
    weights.source = "random";
    uint32_t salt = 1;
    const auto conv = [&](const std::string& name, int64_t window, int64_t in, int64_t out) {
        weights.tensors[name + "_w"] = he_uniform({window, window, in, out}, window * window * in, salt++);
        weights.tensors[name + "_b"] = he_uniform({1, 1, 1, out}, 100, salt++);
    };
    conv("conv2d0", 7, 3, 64);
    conv("conv2d1", 1, 64, 64);
    conv("conv2d2", 3, 64, 192);
    int64_t in = 192;
    for (const InceptionRow& row : variant.blocks) {
        const std::string m(row.name);
        conv(m + "_1x1", 1, in, row.c1x1);
        conv(m + "_3x3_bottleneck", 1, in, row.c3x3_bottleneck);
        conv(m + "_3x3", 3, row.c3x3_bottleneck, row.c3x3);
        conv(m + "_5x5_bottleneck", 1, in, row.c5x5_bottleneck);
        conv(m + "_5x5", 5, row.c5x5_bottleneck, row.c5x5);
        conv(m + "_pool_reduce", 1, in, row.pool_reduce);
        in = row.c1x1 + row.c3x3 + row.c5x5 + row.pool_reduce;
    }
    weights.tensors["softmax2_w"] = he_uniform({1, 1, in, variant.classes}, in, salt++);
    weights.tensors["softmax2_b"] = he_uniform({1, 1, 1, variant.classes}, 100, salt++);
    return weights;
}

}  // namespace limpid::testing
