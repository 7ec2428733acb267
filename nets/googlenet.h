// GoogLeNet (InceptionV1), in the variants of nets/googlenet_table.h.
#pragma once

#include "nets/net.h"

namespace limpid {

// weights.variant names the table. Throws Error listing every parameter that is missing or misshapen.
Net googlenet(Weights weights);

}  // namespace limpid
