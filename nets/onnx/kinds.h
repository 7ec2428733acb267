// What each kind of layer is in ONNX: one row each, in the file of its family, as in nets/layers/.
#pragma once

#include <span>

#include "nets/layers/kind.h"
#include "nets/onnx/graph_writer.h"

namespace limpid::onnx {

struct WrittenKind {
    const LayerKind* kind;
    // Adds the nodes of the layer; the last of them makes a value of its name.
    Value (*write)(GraphWriter& writer, const Layer& layer);
};

std::span<const WrittenKind> image_kinds();       // image.cpp
std::span<const WrittenKind> linear_kinds();      // linear.cpp
std::span<const WrittenKind> pool_kinds();        // pool.cpp
std::span<const WrittenKind> channel_kinds();     // channels.cpp
std::span<const WrittenKind> activation_kinds();  // activation.cpp
std::span<const WrittenKind> arithmetic_kinds();  // arithmetic.cpp
std::span<const WrittenKind> movement_kinds();    // movement.cpp

// Null where there is none.
const WrittenKind* find_written(const LayerKind* kind);

}  // namespace limpid::onnx
