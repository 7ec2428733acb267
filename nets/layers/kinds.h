// The rows of the table of kinds: each is defined in its file.
#pragma once

#include "nets/layers/kind.h"

namespace limpid::kinds {

extern const LayerKind image, normalise;                    // image.cpp
extern const LayerKind conv, dense;                         // linear.cpp
extern const LayerKind max_pool, average_pool;              // pool.cpp
extern const LayerKind lrn, softmax, concatenation, alias;  // channels.cpp

}  // namespace limpid::kinds
