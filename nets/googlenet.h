// GoogLeNet (InceptionV1), in the variants of nets/googlenet_table.h.
#pragma once

#include "nets/googlenet_table.h"

namespace limpid {

// weights.variant names the table. Throws Error listing every parameter that is missing or misshapen.
Net googlenet(Weights weights);

// The rows of one variant's table, and a network of them with these weights; both also for the networks of
// nets/patterns.h. Throws Error like googlenet.
std::vector<LayerSpec> inception_layers(const GoogLeNetVariant& variant, int64_t classes, bool auxiliary_heads);
Net inception_net(const GoogLeNetVariant& variant, std::string name, Weights weights);

}  // namespace limpid
