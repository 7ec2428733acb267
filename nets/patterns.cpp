// The table is nets/googlenet_table.h's.
#include "nets/patterns.h"

#include <algorithm>
#include <cmath>

#include "kernels/random/philox.h"
#include "nets/googlenet.h"
#include "nets/known_networks.h"
#include "weights/layer_names.h"

namespace limpid {

Weights initial_patterns(std::vector<std::string> labels, uint64_t seed) {
    constexpr uint32_t kInitial = 20;  // RandomKey::purpose
    Weights weights;
    weights.variant = kPatternsVariant.name;
    weights.source = "initial";
    weights.preprocessing.scale = 4;  // to [-2, 2], about unit variance
    weights.preprocessing.mean = {2, 2, 2};
    const Architecture architecture =
        parse_architecture(inception_text(kPatternsVariant, std::max<int64_t>(1, int64_t(labels.size())), false,
                                          preprocessing_line(weights.preprocessing)));
    uint32_t number = 0;
    for (const auto& [name, shape] : parameter_shapes(architecture)) {
        HostTensor& tensor = weights.tensors.emplace(name, HostTensor(shape)).first->second;
        number++;
        if (is_bias(name)) continue;
        const double deviation =
            std::sqrt(2.0 / double(shape.n * shape.h * shape.w)) * (name == "softmax2_w" ? 0.1 : 1);
        const RandomKey key{seed, number, 0, kInitial};
        for (size_t i = 0; i < tensor.values.size(); i++)
            tensor.values[i] = float(deviation) * random_normal(key, int64_t(i));
    }
    weights.labels = std::move(labels);
    weights.checksum = checksum_of(weights.tensors);
    return weights;
}

}  // namespace limpid
