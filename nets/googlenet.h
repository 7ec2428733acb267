// GoogLeNet (InceptionV1) as text, in the variants of nets/googlenet_table.h.
#pragma once

#include "nets/googlenet_table.h"

namespace limpid {

// The text of one variant, also of nets/patterns.h's: properties and layers, for parse_architecture. `preprocessed` is
// the line that makes that layer of the input.
std::string inception_text(const GoogLeNetVariant& variant, int64_t classes, bool auxiliary_heads,
                           const std::string& preprocessed);

}  // namespace limpid
